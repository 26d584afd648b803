"""The config file: what it may say, and that every mistake is named with its file, line, key, value and range."""

from __future__ import annotations

import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from subprocess import run

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console import yaml_nodes
from console.config import ConfigError, folders, leaves, load, read
from engine.model.modes import Mode
from engine.model.ranges import problems
from engine.model.settings import Settings, StrategySettings, is_symbol

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        file = tmp_path / "my.yaml"
        file.write_text(text, encoding="utf-8")
        return file

    return write


def mistakes(file: Path, environment: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(file, environment or {})
    return str(caught.value).replace(f"{file}:", "").splitlines()


def test_a_full_file_becomes_settings(write: Write, tmp_path: Path) -> None:
    file = write("""
# mine
mode: semi-auto
symbols: [aapl, MSFT, BRK.B]
database: books/paper.sqlite
feed: {source: sample, pace: 2.5, start: 2005-02-01}
strategies:
  - file: sma_cross
    params: {fast: 10, slow: 30.5, eager: true, note: "7", word: off}
    symbols: [IBM]
  - file: mine/breakout.py
limits:
  max_order_pct: 187.1e-1
  short_selling: yes
approvals: {auto: {max_notional: 2500.10}}
on_exit: keep
""")
    settings = read(file, {})
    assert settings.mode is Mode.SEMI_AUTO
    assert settings.symbols == ("AAPL", "MSFT", "BRK.B")
    assert settings.database == tmp_path / "books/paper.sqlite"
    assert (settings.feed.source, settings.feed.pace, settings.feed.start) == ("sample", 2.5, "2005-02-01")
    assert settings.strategies == (
        StrategySettings("sma_cross", {"fast": 10, "slow": 30.5, "eager": True, "note": "7", "word": "off"}, ("IBM",)),
        StrategySettings(str(tmp_path / "mine/breakout.py")),
    )
    assert settings.limits.max_order_pct == Decimal("18.71")
    assert settings.limits.short_selling is True
    assert settings.approvals.auto.max_notional == Decimal("2500.10")
    assert settings.approvals.expire_s == Settings().approvals.expire_s
    assert settings.on_exit == "keep"


@pytest.mark.parametrize(
    "text", ["", "# nothing yet\n", "---\n", "~", "\ufeffmode: MANUAL", "limits:\nfeed:\nsymbols:\nstrategies:\n", "database: ~"]
)
def test_what_a_file_leaves_out_keeps_its_default(write: Write, text: str) -> None:
    assert read(write(text), {}) == Settings()


@pytest.mark.parametrize("written", ["semi-auto", "SEMI_AUTO", "semi_auto", "Semi-Auto"])
def test_a_mode_is_known_however_it_is_written(write: Write, written: str) -> None:
    assert read(write(f"mode: {written}"), {}).mode is Mode.SEMI_AUTO


def test_words_that_yaml_takes_for_booleans_are_tickers_where_tickers_belong(write: Write) -> None:
    assert read(write("symbols: [ON, NO, Y, TRUE, 1E2]"), {}).symbols == ("ON", "NO", "Y", "TRUE", "1E2")


@given(st.decimals("0.01", "100000", places=9))
def test_a_decimal_comes_exact(number: Decimal) -> None:
    tree = yaml_nodes.read(f"cash: {number}")
    assert isinstance(tree, yaml_nodes.Mapping)
    node = tree.items["cash"]
    assert isinstance(node, yaml_nodes.Scalar)
    assert Decimal(node.text) == number


def test_every_mistake_of_a_file_is_told_at_once_in_its_order(write: Write) -> None:
    file = write("mode: turbo\nlimit:\n  max_order_pct: 5\nlimits:\n  max_order_pct: -1\n  max_exposur_pct: 5\nmax_daily_loss_pct: 2\n")
    with pytest.raises(ConfigError) as caught:
        read(file, {})
    assert str(caught.value).splitlines() == [
        f"{file}:1: mode is 'turbo'; allowed: MANUAL, SEMI_AUTO, FULL_AUTO or RESEARCH",
        f"{file}:2: limit: no such key; did you mean limits?",
        f"{file}:5: limits.max_order_pct is '-1'; allowed: a number above 0, at most 100",
        f"{file}:6: limits.max_exposur_pct: no such key; did you mean limits.max_exposure_pct?",
        f"{file}:7: max_daily_loss_pct: no such key here;"
        " did you mean limits.max_daily_loss_pct or limits.strategies.NAME.max_daily_loss_pct"
        " or limits.symbols.NAME.max_daily_loss_pct?",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mode: off", "1: mode is 'off'; allowed: MANUAL, SEMI_AUTO, FULL_AUTO or RESEARCH"),
        ("mode: emergency", "1: mode is 'emergency'; allowed: MANUAL, SEMI_AUTO, FULL_AUTO or RESEARCH"),
        ("feed: {pace: yes}", "1: feed.pace is 'yes'; allowed: a number at least 0, at most 10,000"),
        ("feed: {pace: .nan}", "1: feed.pace is '.nan'; allowed: a number at least 0, at most 10,000"),
        ("feed: {pace: nan}", "1: feed.pace is 'nan'; allowed: a number at least 0, at most 10,000"),
        ("feed: {pace: 1:30}", "1: feed.pace is '1:30'; allowed: a number at least 0, at most 10,000"),
        ("feed: {seed: 7.5}", "1: feed.seed is '7.5'; allowed: a whole number at least 0"),
        ("feed: {start: 2005-02-30}", "1: feed.start is '2005-02-30'; allowed: a day as YYYY-MM-DD"),
        ("feed: {source: ''}", "1: feed.source is ''; allowed: text not empty"),
        ("paper: {cash: inf}", "1: paper.cash is 'inf'; allowed: a number above 0, at most 1,000,000,000,000"),
        ("paper: {cash: 1e99}", "1: paper.cash is '1e99'; allowed: a number above 0, at most 1,000,000,000,000"),
        ("paper:\n  cash:\n", "2: paper.cash has no value: give one, or take the key out for its default"),
        ("limits: {short_selling: maybe}", "1: limits.short_selling is 'maybe'; allowed: true or false"),
        ("limits: {max_order_pct: [1]}", "1: limits.max_order_pct is a list; a single value belongs here"),
        ("feed: sim", "1: feed is 'sim'; a mapping belongs here, with keys out of source, pace"),
        ("feed: [sim]", "1: feed is a list; a mapping belongs here"),
        ("- mode", "1: the file is a list; a mapping belongs here"),
        ("symbols: AAPL", "1: symbols is 'AAPL'; a list belongs here, even for one: [a, b]"),
        ("symbols: [AAPL, 'A PL']", "1: symbols[1] is 'A PL'; allowed: a symbol: 1 to 12 of"),
        ("strategies: [{}]", "1: strategies[0].file: missing, and it has no default"),
        ("strategies: [{file: x, params: {a: [1]}}]", "1: strategies[0].params.a is a list; a single value belongs here"),
        ("strategies: [{file: x, params: 3}]", "1: strategies[0].params is '3'; a mapping of names to values belongs here"),
        ("on_exit: leave", "1: on_exit is 'leave'; allowed: cancel_entries, keep or cancel_all"),
        ("zzz: 1", "1: zzz: no such key; allowed: database, account, mode"),
        ("mode: 'x\ty'", r"1: mode is 'x\ty'"),
        ('mode: "\\e[2J"', r"1: mode is '\x1b[2J'"),
    ],
)
def test_a_mistake_says_what_is_given_and_what_is_allowed(write: Write, text: str, said: str) -> None:
    (mistake,) = mistakes(write(text))
    assert mistake.startswith(said)
    assert mistake.isprintable()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mode: MANUAL\nfeed: {}\nmode: FULL_AUTO\n", "3: 'mode' is given twice, first in line 1: keep one"),
        ("feed:\n\tpace: 1\n", "2: a tab: YAML is indented with spaces"),
        ("feed: {pace: 1\n", "2: this is not YAML"),
        ("mode: MANUAL: x", "1: this is not YAML"),
        ("feed: {pace: ${PACE}}", "1: this is not YAML: expected ',' or '}', but got '{' (within {} or [], put quotes around ${...})"),
        ("a: &x [1]\nb: *x", "1: anchors (&) and aliases (*) are not for settings"),
        ("mode: !!python/object:os.system x", "1: tags are not for settings"),
        ("mode: MANUAL\n---\nmode: MANUAL\n", "2: a second document"),
        ("? [a]\n: 1", "1: a key that is a list or a mapping"),
        ("feed: " + "[" * 100_000, "1: nested deeper than any setting is"),
        ("mode: MANUAL\nfeed: \x07", r"2: a character that no text file holds: '\x07'"),
    ],
)
def test_what_is_not_for_a_settings_file_is_refused_with_its_line(write: Write, text: str, said: str) -> None:
    (mistake,) = mistakes(write(text))
    assert mistake.startswith(said)


def test_a_file_that_is_not_utf8_or_not_there_or_endless_is_said_in_words(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"mode: MANUAL\n# caf\xe9\n")
    with pytest.raises(ConfigError, match=r"latin.yaml:2: not UTF-8 text \(byte 0xe9\)"):
        read(latin)
    with pytest.raises(ConfigError, match=r"none.yaml: cannot be read: No such file"):
        read(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        read(tmp_path)
    with pytest.raises(ConfigError, match="larger than 1,000,000 bytes"):
        read(Path("/dev/zero"))


@given(st.text(alphabet="mode: \n\r\t-[]{}#&*!|>'\"%@`,?~a1.\u2028\x85\x07$", max_size=40))
def test_any_text_is_settings_or_a_sentence(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_text(text, encoding="utf-8", newline="")
    try:
        said = "" if isinstance(read(file, {}), Settings) else "nothing"
    except ConfigError as error:
        said = str(error)
    assert all(line.startswith(f"{file}:") and line.isprintable() for line in said.splitlines())


def test_the_environment_fills_in_values_and_only_values(write: Write) -> None:
    file = write("mode: ${MODE}\nfeed:\n  source: ${DIR:-sample}\n  pace: ${PACE:-3}\nsymbols: ['${ONE}', '${EMPTY:-IBM}']\n")
    settings = read(file, {"MODE": "research", "ONE": "MSFT", "EMPTY": ""})
    assert (settings.mode, settings.feed.source, settings.feed.pace, settings.symbols) == (Mode.RESEARCH, "sample", 3.0, ("MSFT", "IBM"))
    assert mistakes(write("symbols: ${LIST}"), {"LIST": "[A, B]"}) == ["1: symbols is '${LIST}'; a list belongs here, even for one: [a, b]"]


def test_a_variable_that_is_not_set_is_named(write: Write) -> None:
    assert mistakes(write("mode: ${MODE}")) == [
        "1: mode: the environment variable MODE is not set, and no default is given as ${MODE:-...}"
    ]


def test_a_value_from_the_environment_is_never_shown(write: Write) -> None:
    said = mistakes(write("mode: ${TOKEN}\nfeed: {pace: '${TOKEN}', source: '${TOKEN}'}"), {"TOKEN": "hunter2"})
    assert len(said) == 2
    assert all("${TOKEN}" in line and "hunter2" not in line for line in said)


def test_the_users_own_file_and_folder_are_used_where_nothing_is_said(tmp_path: Path) -> None:
    environment = {"TRADECONSOLE_HOME": str(tmp_path)}
    assert load(None, environment) == Settings(database=tmp_path / "paper.sqlite")
    folders(environment).config_file.write_text("mode: research\n")
    assert load(None, environment) == Settings(database=tmp_path / "paper.sqlite", mode=Mode.RESEARCH)


def test_every_default_is_within_its_own_range() -> None:
    assert list(problems(Settings(strategies=(StrategySettings("x"),)))) == []


def test_every_key_can_be_written_in_a_file(write: Write) -> None:
    places = [place for place, _ in leaves(Settings)]
    assert {"mode", "limits.max_order_pct", "approvals.auto.symbols", "strategies[].params"} <= set(places)
    assert len(places) == len(set(places))


def test_a_start_without_a_config_file_imports_no_yaml() -> None:
    code = "import sys, console.config; console.config.load(None, {'TRADECONSOLE_HOME': '/nowhere'}); print('yaml' in sys.modules)"
    assert run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_a_strategy_and_a_symbol_have_limits_of_their_own(write: Write) -> None:
    text = "symbols: [AAPL]\nstrategies: [{file: sma_cross}]\nlimits:\n  strategies: {sma_cross: {max_order_notional: 500}}\n"
    limits = read(write(text + "  symbols: {aapl: {max_position_pct: 2, short_selling: no}}\n"), {}).limits
    assert limits.strategies["sma_cross"].max_order_notional == 500
    assert limits.symbols["AAPL"].max_position_pct == 2
    assert limits.symbols["AAPL"].short_selling is False


@pytest.mark.parametrize(
    ("limits", "mistake"),
    [
        ("strategies: {sma_cros: {max_order_pct: 5}}", "4: limits.strategies.sma_cros: no strategy has this name; there is sma_cross"),
        ("symbols:\n    MSFT: {collar_pct: 1}", "5: limits.symbols.MSFT: is not among the symbols: AAPL"),
        ("symbols: {APPLE INC: {collar_pct: 1}}", f"4: limits.symbols.APPLE INC: the name must be {is_symbol.__doc__}"),
        ("symbols: {AAPL: {collar: 1}}", "4: limits.symbols.AAPL.collar: no such key; did you mean limits.symbols.AAPL.collar_pct?"),
        ("symbols: {AAPL: {collar_pct: 101}}", "4: limits.symbols.AAPL.collar_pct is '101'; allowed: a number above 0, at most 100"),
        ("symbols: [AAPL]", "4: limits.symbols is a list; a mapping of names to their keys belongs here"),
    ],
)
def test_a_limit_of_what_is_not_there_is_a_mistake(write: Write, limits: str, mistake: str) -> None:
    assert mistakes(write(f"symbols: [AAPL]\nstrategies: [{{file: sma_cross}}]\nlimits:\n  {limits}\n")) == [mistake]
