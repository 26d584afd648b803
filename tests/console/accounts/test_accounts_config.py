"""Several accounts in one config: each says its own over what they share, and every mistake is named with its key."""

from __future__ import annotations

import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import NoReturn

import pytest

from console.accounts import build
from console.accounts.config import Accounts, read_accounts
from console.cli import run
from console.config import ConfigError, Folders, load, read
from engine.combined import Combined
from engine.model.modes import Mode
from engine.model.settings import CombinedLimits

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        file = tmp_path / "my.yaml"
        file.write_text(text, encoding="utf-8")
        return file

    return write


def accounts_of(file: Path, environment: dict[str, str] | None = None) -> Accounts:
    accounts = read_accounts(file, Folders(file.parent, file.parent / "data"), environment or {})
    assert accounts is not None
    return accounts


def mistakes(file: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        accounts_of(file)
    return str(caught.value).replace(f"{file}:", "").splitlines()


def test_what_an_account_says_goes_over_what_all_share_key_by_key(write: Write) -> None:
    accounts = accounts_of(
        write("""
symbols: [AAPL, MSFT]
limits: {max_position_pct: 12, max_order_pct: 8}
combined: {max_exposure_pct: 60}
accounts:
  calm:
  bold:
    mode: semi-auto
    limits: {max_order_pct: 20}
    feed: {seed: 9}
    symbols: [IBM]
preferred: bold
preferred_for: {aapl: calm}
""")
    )
    calm, bold = accounts.settings["calm"], accounts.settings["bold"]
    assert [its.mode for its in (calm, bold)] == [Mode.MANUAL, Mode.SEMI_AUTO]
    assert [its.symbols for its in (calm, bold)] == [("AAPL", "MSFT"), ("IBM",)]
    assert [its.limits.max_order_pct for its in (calm, bold)] == [8, 20]
    assert calm.limits.max_position_pct == bold.limits.max_position_pct == 12
    assert (calm.feed.seed, bold.feed.seed) == (7, 9)
    assert calm.combined == bold.combined == CombinedLimits(max_exposure_pct=Decimal(60))
    assert (accounts.preferred, accounts.preferred_for) == ("bold", {"AAPL": "calm"})


def test_each_has_a_file_named_by_broker_and_account(write: Write) -> None:
    accounts = accounts_of(write("accounts: {one: {}, two: {}, far: {broker: alpaca}, own: {database: books/mine.sqlite}}"))
    names = {name: settings.database.name for name, settings in accounts.settings.items() if settings.database}
    assert names == {"one": "paper-one.sqlite", "two": "paper-two.sqlite", "far": "alpaca-paper-far.sqlite", "own": "mine.sqlite"}


def test_the_first_is_shown_first_where_none_is_preferred(write: Write) -> None:
    assert accounts_of(write("accounts: {one: {}, two: {}}")).preferred == "one"


def test_what_all_share_is_read_as_if_there_were_one(write: Write) -> None:
    file = write("mode: research\naccounts: {one: {mode: manual}}\npreferred: one\npreferred_for: {AAPL: one}\n")
    assert read(file, {}).mode is Mode.RESEARCH
    assert load(file, {"TRADECONSOLE_HOME": str(file.parent)}).mode is Mode.RESEARCH


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "accounts: {a: {limits: {max_order_pct: -1}}}",
            "1: accounts.a.limits.max_order_pct is '-1'; allowed: a number above 0, at most 100",
        ),
        ("accounts:\n  a: {limts: {}}", "2: accounts.a.limts: no such key; did you mean accounts.a.limits?"),
        ("accounts: {A: {}}", "1: accounts.A: a name begins with a letter and has at most 16 of a-z, 0-9, _ and -; `all` is none"),
        ("accounts: {all: {}}", "1: accounts.all: a name begins with a letter and has at most 16 of a-z, 0-9, _ and -; `all` is none"),
        ("accounts: {../x: {}}", "1: accounts.../x: a name begins with a letter and has at most 16 of a-z, 0-9, _ and -; `all` is none"),
        (
            "accounts: {a: {theme: dark}}",
            "1: accounts.a.theme: it is the console's, and the same for all accounts: put it outside of `accounts`",
        ),
        ("accounts: {a: {}, b: {}}\npreferred: c", "2: preferred is 'c'; allowed: a or b"),
        ("accounts: {a: {}}\npreferred_for: {AAPL: c}", "2: preferred_for.AAPL is 'c'; allowed: a"),
        (
            "accounts: {a: {}}\npreferred_for: {A B: a}",
            "2: preferred_for.A B: the name must be a symbol: 1 to 12 of A-Z, 0-9 and, between them, '.', '-' and '/'",
        ),
        ("accounts: {a: {strategies: [{params: {x: 1}}]}}", "1: accounts.a.strategies[0].file: missing, and it has no default"),
        (
            "accounts:",
            "1: accounts: name each account, with what is its own: `accounts: {one: {}, two: {broker: alpaca}}`",
        ),
        (
            "preferred: a",
            "1: accounts: name each account, with what is its own: `accounts: {one: {}, two: {broker: alpaca}}`",
        ),
    ],
)
def test_a_mistake_names_its_line_and_its_key(write: Write, text: str, line: str) -> None:
    assert mistakes(write(text)) == [line]


def test_no_two_accounts_share_a_file(write: Write, tmp_path: Path) -> None:
    (tmp_path / "link.sqlite").symlink_to(tmp_path / "paper.sqlite")
    [mistake] = mistakes(write("database: paper.sqlite\naccounts: {a: {}, b: {}}"))
    assert mistake.startswith("2: accounts.b.database: ")
    assert "is the file of the account a too" in mistake
    assert len(mistakes(write("accounts: {a: {database: paper.sqlite}, b: {database: link.sqlite}}"))) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "{a: {broker: alpaca}, b: {broker: alpaca}}",
            ["1: accounts.b: a is at alpaca with the same alpaca.keys: no two trade one account there"],
        ),
        ("{a: {broker: alpaca}, b: {broker: alpaca, alpaca: {keys: second}}}", []),
        ("{a: {broker: alpaca}, b: {broker: alpaca, account: live}}", []),
        ("{a: {broker: ib}, b: {broker: ib, ib: {account: DU2}}}", ["ib.host, ib.port and ib.client_id", "names no ib.account"]),
        ("{a: {broker: ib}, b: {broker: ib, ib: {client_id: 18, account: DU2}}}", ["names no ib.account: name it in both"]),
        ("{a: {broker: ib, ib: {client_id: 18, account: DU2}}, b: {broker: ib}}", ["names no ib.account: name it in both"]),
        ("{a: {broker: ib}, b: {broker: ib, ib: {client_id: 18, host: localhost, port: 7497}}}", ["ib.host, ib.port and ib.account"]),
        ("{a: {broker: ib, ib: {account: DU1}}, b: {broker: ib, ib: {port: 4002, account: DU1}}}", ["the same ib.account"]),
        ("{a: {broker: ib, ib: {account: DU1}}, b: {broker: ib, ib: {client_id: 17, account: DU2}}}", ["ib.port and ib.client_id"]),
        (
            "{a: {broker: alpaca, alpaca: {account: PA1}}, b: {broker: alpaca, alpaca: {keys: second, account: PA1}}}",
            ["the same alpaca.account"],
        ),
        ("{a: {broker: ib}, b: {broker: ib, ib: {client_id: 18}}}", ["ib.host, ib.port and ib.account"]),
        ("{a: {broker: ib, ib: {account: DU1}}, b: {broker: ib, ib: {client_id: 18, account: DU2}}}", []),
        ("{a: {}, b: {}}", []),
    ],
)
def test_no_two_accounts_trade_one_account_at_a_broker(write: Write, text: str, told: list[str]) -> None:
    file = write(f"accounts: {text}")
    if not told:
        assert accounts_of(file)
    else:
        assert [part in line for part, line in zip(told, mistakes(file), strict=True)] == [True] * len(told)


def test_files_whose_logs_would_be_the_same_are_refused_as_well(write: Write) -> None:
    assert len(mistakes(write("accounts: {a: {database: one.sqlite}, b: {database: one.db}}"))) == 1


def test_combined_limits_of_one_account_are_refused_for_they_would_hold_nothing(write: Write) -> None:
    with pytest.raises(ConfigError, match="combined: these limits hold over several accounts, and there is one"):
        read(write("combined: {max_exposure_pct: 50}"), {})


def test_a_variable_that_is_not_set_is_told_once(write: Write) -> None:
    assert len(mistakes(write("symbols: ['${NOT_SET}']\naccounts: {a: {}, b: {}}"))) == 1


def test_a_start_reads_the_file_once_and_so_takes_it_from_a_pipe_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reached: list[Accounts] = []

    def create(accounts: Accounts, combined: Combined) -> NoReturn:
        reached.append(accounts)
        raise TimeoutError

    monkeypatch.setattr(build, "create_engines", create)
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path))
    for settings, names in (("accounts: {calm: {}, bold: {}}\n", ["calm", "bold"]), ("accounts: {calm: {}}\n", ["calm"])):
        reading, writing = os.pipe()
        os.write(writing, settings.encode())
        os.close(writing)
        assert run(["--headless", "--config", f"/dev/fd/{reading}"]) == 1
        os.close(reading)
        assert list(reached[-1].settings) == names
