"""A limit that is changed on the screen is written into its account's own section, and no other account has it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from console.accounts.config import load_accounts
from console.config_edit import EditError, change
from console.config_file import ConfigFile
from engine.model.settings import Settings

KEY = "limits.max_order_pct"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "limits: {max_order_pct: 8}\naccounts:\n  # mine\n  a:\n    mode: manual\n  b: {}\n",
            "limits: {max_order_pct: 8}\naccounts:\n  # mine\n  a:\n    mode: manual\n    limits:\n      max_order_pct: 5\n  b: {}\n",
        ),
        ("accounts:\n  a: {limits: {max_order_pct: 9}}\n  b: {}\n", "accounts:\n  a: {limits: {max_order_pct: 5}}\n  b: {}\n"),
        ("accounts: {a: {}, b: {}}\n", "accounts: {a: {limits: {max_order_pct: 5}}, b: {}}\n"),
    ],
)
def test_only_the_accounts_own_section_is_written(tmp_path: Path, before: str, after: str) -> None:
    file = tmp_path / "my.yaml"
    file.write_text(before)
    others = load_accounts(file)
    assert change(file, {KEY: Decimal(5)}, account="a").limits.max_order_pct == 5
    assert file.read_text() == after
    accounts = load_accounts(file)
    assert others is not None
    assert accounts is not None
    assert accounts.settings["b"] == others.settings["b"]


def test_an_account_that_is_gone_from_the_file_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text("accounts: {b: {}}\n")
    with pytest.raises(EditError, match="has no account a any more"):
        change(file, {KEY: Decimal(5)}, account="a")
    assert file.read_text() == "accounts: {b: {}}\n"


def test_a_limit_goes_to_the_account_that_is_shown_and_a_colour_to_all(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text("accounts: {a: {}, b: {}}\n")
    told: list[str] = []
    config = ConfigFile(file, Settings(), "a")
    config.write(KEY, Decimal(5), told.append)
    config.turn_to("b")
    config.write("theme", "light", told.append)
    config.close()
    accounts = load_accounts(file)
    assert accounts is not None
    assert (told, [str(accounts.settings[name].limits.max_order_pct) for name in "ab"]) == (["", ""], ["5", "10"])
    assert {its.theme for its in accounts.settings.values()} == {"light"}
