"""The preferences on the screen: what a key changes, what reaches the engine, what is written, and what is asked before."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from console.accounts.config import load_accounts
from console.config import load, text_of
from console.config_file import ConfigFile
from console.screens.beside import Beside
from console.screens.preferences import PreferencesPage
from engine.model.settings import ConfirmSettings, Limits, ScreenSettings, Settings, SymbolLimits
from tests.console.driving import SMALL, WIDE, Console, running
from tests.console.fake_engine import FakeEngine, orders
from tests.views import sample_view
from widgets import numbers

D = Decimal
MINE = """\
# mine
theme: dark   # for the night
limits:
  max_order_pct: 10   # of all I have
  symbols: {BRK.B: {max_position_pct: 3}}
"""
SIZES = pytest.mark.parametrize("size", [SMALL, WIDE, (200, 60)], ids=["80x24", "120x36", "200x60"])


class LimitsEngine(FakeEngine):
    """Takes limits as the engine does, without its questions."""

    def set_limits(self, limits: Limits, reason: str = "", seen: Limits | None = None) -> str:
        assert seen == self.current.limits
        if not self.refuses:
            self.change(limits=limits)
        return super().set_limits(limits, reason, seen)


def engine_with(limits: Limits) -> LimitsEngine:
    return LimitsEngine(replace(sample_view(), limits=limits))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "mine.yaml"
    put(file, MINE)
    return file


def put(file: Path, text: str) -> None:
    """By hand, in an editor."""
    file.write_text(text)


def config_of(file: Path) -> ConfigFile:
    return ConfigFile(file, load(file))


async def go_to(console: Console, key: str) -> None:
    """To a row by its setting, in a page that has just been opened."""
    if not isinstance(console.app.screen, PreferencesPage):
        await console.press("comma")
    page = console.app.screen
    assert isinstance(page, PreferencesPage)
    await console.press("home", *["down"] * [item.key if item else "" for item in page._items()].index(key))


async def write(console: Console, text: str) -> None:
    """A value into the row."""
    await console.press("enter", "ctrl+u")
    await console.type(text)
    await console.press("enter")


async def kept(console: Console) -> None:
    await console.shows("is written.")


@SIZES
async def test_the_page_shows_groups_values_and_where_they_are_kept(file: Path, size: tuple[int, int]) -> None:
    async with running(engine_with(load(file).limits), size, config=config_of(file)) as console:
        await go_to(console, "theme")
        assert all(
            text in console.picture for text in (" Preferences", "kept in /", "1 of 35", "Screen", "theme", "the colours of the whole")
        )
        await console.press("end")
        assert "BRK.B position" in console.picture
        assert "add a limit" in console.picture
        await console.press("q")
        assert console.app.screen is console.screen


async def test_a_wide_screen_explains_the_marked_setting_beside_the_list(file: Path) -> None:
    async with running(engine_with(load(file).limits), (200, 60), config=config_of(file)) as console:
        await go_to(console, "limits.max_position_pct")
        equity = console.screen.view.account.equity
        for text in (
            "limits.max_position_pct",
            "a number above 0, at most 100",
            f"{numbers.money(equity / 10)}, 10 % of equity",
            "BRK.B position",
            "asks for a word and a reason",
        ):
            assert text in beside(console), text
        await go_to(console, "on_exit")
        assert "▸ cancel_entries" in beside(console)
        assert "from the next start on" in beside(console)
        await console.pilot.resize_terminal(*WIDE)
        await console.until(lambda: not console.app.screen.query_one(Beside).display)
        assert "Cancel_entries, keep or cancel_all." in console.picture


def beside(console: Console) -> str:
    """What is told beside the list, in one line."""
    lines = console.app.screen.query_one(Beside).document._lines
    return " ".join(" ".join("".join(cell.text for cell in line).split()) for line in lines)


SEVERAL = """\
accounts:
  calm: {mode: manual}
  alpaca: {broker: alpaca, feed: {source: alpaca}}
preferred: alpaca
preferred_for: {AAPL: calm}
"""


@SIZES
async def test_several_accounts_are_told_of_and_changed_by_hand(tmp_path: Path, size: tuple[int, int]) -> None:
    file = tmp_path / "mine.yaml"
    put(file, SEVERAL)
    accounts = load_accounts(file)
    assert accounts is not None
    config = ConfigFile(file, accounts.settings["alpaca"], "alpaca", accounts.settings)
    async with running(FakeEngine(), size, config=config, accounts=accounts) as console:
        for key, texts in (
            ("accounts", ("calm: broker paper, paper money, MANUAL", "alpaca: broker alpaca, paper money, MANUAL")),
            ("preferred", ("the account that is shown first",)),
            ("preferred_for", ("1 symbol", "AAPL calm")),
        ):
            await go_to(console, key)
            told = console.picture + (beside(console) if size[0] == 200 else "")
            assert all(text in told for text in (*texts, "By hand"))
            await console.press("enter")
            await console.shows("By hand, in")
    assert text_of(file) == SEVERAL


async def test_one_account_alone_is_told_where_others_are_named(file: Path) -> None:
    async with running(FakeEngine(), config=config_of(file)) as console:
        await go_to(console, "accounts")
        assert "the section `accounts` of the file names them" in console.picture
        page = console.app.screen
        assert isinstance(page, PreferencesPage)
        assert not {"preferred", "preferred_for"} & {item.key for item in page._items() if item}


async def test_a_choice_holds_at_once_and_is_written_with_the_comments_kept(file: Path) -> None:
    async with running(FakeEngine(), config=config_of(file)) as console:
        await go_to(console, "theme")
        await console.until(lambda: console.app.looks.usable("ember"))
        await console.press("right")
        chosen = console.app.looks.chosen
        assert chosen != "dark"
        assert console.app.theme == chosen
        await kept(console)
        assert text_of(file) == MINE.replace("theme: dark ", f"theme: {chosen} ")


async def test_a_theme_of_the_preferences_and_a_later_one_of_the_screen_are_both_kept(file: Path, tmp_path: Path) -> None:
    async with running(FakeEngine(), config=config_of(file), kept=tmp_path / "screen") as console:
        await go_to(console, "theme")
        await console.until(lambda: console.app.looks.usable("ember"))
        await console.press("right")
        await kept(console)
        configured = load(file).theme
        console.app.looks.keep("paper")
        console.app.kept.close()
    async with running(FakeEngine(), theme=configured, kept=tmp_path / "screen") as console:
        assert console.app.looks.chosen == "paper"


async def test_layout_and_refresh_hold_at_once(file: Path) -> None:
    async with running(FakeEngine(), config=config_of(file)) as console:
        await go_to(console, "screen.layout")
        await console.press("left")
        await kept(console)
        await go_to(console, "screen.frames_per_second")
        await write(console, "20")
        await console.shows("refresh 12 a second → 20 a second: holds now, and is written.")
        assert console.screen.drawn == ScreenSettings(20, "small")
        assert console.screen.layout_name == "small"
        assert load(file).screen == ScreenSettings(20, "small")


async def test_the_bell_rings_from_the_moment_it_is_chosen(file: Path) -> None:
    async with running(FakeEngine(), config=config_of(file)) as console:
        await go_to(console, "notify.bell")
        await console.press("space")
        await kept(console)
        assert load(file).notify.bell
        assert console.screen.preferences.value("notify.bell") is True


async def test_what_only_the_next_start_takes_says_so(file: Path) -> None:
    async with running(FakeEngine(), config=config_of(file)) as console:
        await go_to(console, "on_exit")
        assert "from the next start on" in console.picture
        await console.press("right")
        await console.shows("on exit cancel_entries → keep: holds from the next start on, and is written.")
        assert load(file).on_exit == "keep"


@SIZES
async def test_a_mistake_is_said_under_the_row_and_nothing_is_changed(file: Path, size: tuple[int, int]) -> None:
    engine = FakeEngine()
    async with running(engine, size, config=config_of(file)) as console:
        await go_to(console, "limits.max_order_pct")
        await write(console, "500")
        assert "Allowed is a number above 0, at most 100." in console.picture
        await console.press("escape")
        assert "Allowed is" not in console.picture
        assert isinstance(console.app.screen, PreferencesPage)
    assert engine.sent() == []
    assert text_of(file) == MINE


async def test_keys_that_are_typed_into_a_value_do_nothing_else(file: Path) -> None:
    engine = FakeEngine()
    async with running(engine, config=config_of(file)) as console:
        await go_to(console, "limits.max_order_pct")
        await console.press("enter")
        await console.type("qjkR,")
        assert "> 10qjkR," in console.picture
        await console.press("f12")
        assert engine.sent() == [("emergency_stop", "stop key")]


async def test_a_tighter_limit_goes_to_the_engine_at_once_and_asks_nothing(file: Path) -> None:
    engine = engine_with(load(file).limits)
    async with running(engine, config=config_of(file)) as console:
        await go_to(console, "limits.max_order_pct")
        await write(console, "4")
        await console.shows("order size 10 % → 4 %: holds now, and is written.")
    assert engine.sent() == [("set_limits", replace(load(file).limits, max_order_pct=D(4)), "")]
    assert text_of(file) == MINE.replace("max_order_pct: 10 ", "max_order_pct: 4 ")


async def test_a_looser_limit_asks_for_the_word_and_a_reason(file: Path) -> None:
    engine = engine_with(load(file).limits)
    async with running(engine, config=config_of(file)) as console:
        await go_to(console, "limits.max_order_pct")
        await write(console, "20")
        assert "max_order_pct 10 → 20" in console.picture
        assert engine.sent() == []
        await console.let_pass(1)
        await console.type("LOOSEN")
        await console.press("enter")
        await console.type("a larger account")
        await console.press("enter")
        await kept(console)
    assert engine.sent() == [
        ("set_limits", replace(engine_with(load(file).limits).current.limits, max_order_pct=D(20)), "a larger account")
    ]
    assert load(file).limits.max_order_pct == 20


@pytest.mark.parametrize("words", [(), ("loosen", "enter", "because"), ("LOOSEN", "enter")], ids=["escape", "another word", "no reason"])
async def test_without_the_word_and_a_reason_no_limit_is_loosened(file: Path, words: tuple[str, ...]) -> None:
    engine = engine_with(load(file).limits)
    async with running(engine, config=config_of(file)) as console:
        await go_to(console, "limits.max_order_pct")
        await write(console, "20")
        await console.let_pass(1)
        await console.burst(*words, *["enter"] * bool(words))
        await console.press("escape")
        await console.shows("No limit was loosened.")
    assert engine.sent() == []
    assert text_of(file) == MINE


async def test_a_word_typed_for_one_loosening_is_not_taken_for_another(file: Path) -> None:
    engine = engine_with(load(file).limits)
    async with running(engine, config=config_of(file)) as console:
        await go_to(console, "limits.max_order_pct")
        await write(console, "8")
        await console.shows("is written.")
        await write(console, "9")
        assert "max_order_pct 8 → 9" in console.picture
        engine.change(limits=replace(engine.current.limits, max_order_pct=D(2)))  # by a script, meanwhile
        await console.let_pass(1)
        await console.burst("LOOSEN", "enter", "because", "enter")
        await console.shows("The limits changed meanwhile.")
    assert [call[1].max_order_pct for call in engine.sent()] == [8]


async def test_while_the_engine_owes_an_answer_no_further_limit_is_changed(file: Path) -> None:
    engine = engine_with(load(file).limits)
    engine.silent = True
    async with running(engine, config=config_of(file)) as console:
        await go_to(console, "limits.max_order_pct")
        await write(console, "4")
        await write(console, "3")
        assert "The engine has not answered" in console.picture
    assert [call[1].max_order_pct for call in engine.sent()] == [4]
    assert text_of(file) == MINE


async def test_what_the_engine_refuses_is_told_and_not_written(file: Path) -> None:
    engine = engine_with(load(file).limits)
    engine.refuses = "no limit was changed: [bold]\x1b[2J not today"
    async with running(engine, config=config_of(file)) as console:
        await go_to(console, "limits.max_order_pct")
        await write(console, "4")
        await console.shows("Not changed: no limit was changed: [bold]�[2J not today")
    assert text_of(file) == MINE


async def test_what_cannot_be_written_holds_until_the_end_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where a folder should be")
    engine = FakeEngine()
    async with running(engine, config=ConfigFile(tmp_path / "taken" / "mine.yaml", Settings())) as console:
        await go_to(console, "confirm.order_line")
        await console.press("right")
        await console.shows("order line off → on: holds until you quit, and is not kept.")
        assert console.screen.desk.confirm.order_line


async def test_a_file_that_is_wrong_already_is_left_alone(file: Path) -> None:
    async with running(FakeEngine(), config=config_of(file)) as console:
        wrong = MINE.replace("10", "1000")
        put(file, wrong)
        await go_to(console, "confirm.quit")
        await console.press("right")
        await console.shows("holds until you quit, and is not kept.")
        assert text_of(file) == wrong


# ---- confirmations


async def test_the_order_line_asks_first_where_that_is_wanted() -> None:
    engine = FakeEngine()
    async with running(engine, confirm=ConfirmSettings(order_line=True)) as console:
        await console.type(":buy 10 AAPL mkt")
        await console.press("enter")
        assert "BUY 10 AAPL market DAY" in console.picture
        await console.let_pass(1)
        await console.press("enter")
        await console.shows("Not sent.")
        assert orders(engine.sent()) == []
        await console.press("up", "enter")
        await console.let_pass(1)
        await console.press("y", "enter")
        await console.until(lambda: len(orders(engine.sent())) == 1)


async def test_a_held_enter_sends_nothing_where_the_order_line_asks() -> None:
    engine = FakeEngine()
    async with running(engine, confirm=ConfirmSettings(order_line=True)) as console:
        await console.type(":buy 10 AAPL mkt")
        await console.press(*["enter"] * 10)
        await console.let_pass(1)
        await console.press(*["enter"] * 10)
    assert orders(engine.sent()) == []


async def test_quitting_asks_nothing_where_that_is_wanted_and_nothing_works() -> None:
    engine = FakeEngine(replace(sample_view(), orders=(), signals=()))
    async with running(engine, confirm=ConfirmSettings(quit=False)) as console:
        await console.press("q")
        await console.until(lambda: console.app.return_code == 0 and not console.app.is_running)


@pytest.mark.parametrize("left_out", ["orders", "signals"])
async def test_quitting_asks_in_any_case_while_an_order_works_or_a_signal_waits(left_out: str) -> None:
    engine = FakeEngine()
    engine.change(**{left_out: ()})
    async with running(engine, confirm=ConfirmSettings(quit=False)) as console:
        await console.press("q")
        assert "Quit?" in console.picture


# ---- the file, edited by hand


async def test_an_edited_file_is_taken_after_a_look_tighter_at_once_looser_by_the_word(file: Path) -> None:
    engine = engine_with(load(file).limits)
    async with running(engine, config=config_of(file)) as console:
        put(file, MINE.replace("dark", "ember").replace("10 ", "30 ") + "  collar_pct: 2\nmode: semi-auto\n")
        await console.until(lambda: console.app.looks.usable("ember"))
        await console.press("comma", "R")
        await console.shows("Take what the file says?")
        for text in (
            "theme dark → ember",
            "collar_pct 5 → 2",
            "max_order_pct 10 → 30",
            "mode MANUAL → SEMI_AUTO",
            "From the next start on",
        ):
            assert text in console.picture
        assert engine.sent() == []
        await console.let_pass(1)
        await console.press("y", "enter")
        assert console.app.theme == "ember"
        assert "Type LOOSEN" in console.picture
        assert engine.sent() == [("set_limits", replace(load(file).limits, max_order_pct=D(10)), "")]
        await console.let_pass(1)
        await console.burst("LOOSEN", "enter", "as written", "enter")
        await console.shows("The limits are those of the file.")
        assert engine.sent()[1:] == [("set_limits", load(file).limits, "as written")]
        await console.press("R")
        await console.shows("The file says what holds already.")


async def test_the_word_is_not_taken_while_the_engine_owes_an_answer_about_what_was_tightened(file: Path) -> None:
    engine = engine_with(load(file).limits)
    engine.silent = True
    async with running(engine, config=config_of(file)) as console:
        put(file, MINE.replace("10 ", "30 ") + "  collar_pct: 2\n")
        await console.press("comma", "R")
        await console.shows("Take what the file says?")
        await console.let_pass(1)
        await console.press("y", "enter")
        await console.shows("Type LOOSEN")
        await console.let_pass(1)
        await console.burst("LOOSEN", "enter", "as written", "enter")
        await console.shows("The engine has not answered")
    assert [(call[1].max_order_pct, call[1].collar_pct) for call in engine.sent()] == [(10, 2)]


async def test_a_files_limits_are_not_taken_while_the_engine_owes_an_answer(file: Path) -> None:
    engine = engine_with(load(file).limits)
    engine.silent = True
    async with running(engine, config=config_of(file)) as console:
        await go_to(console, "limits.max_order_pct")
        await write(console, "4")
        put(file, MINE.replace("10 ", "3 "))
        await console.press("R")
        await console.shows("Take what the file says?")
        await console.let_pass(1)
        await console.press("y", "enter")
        await console.shows("The engine has not answered")
    assert [call[1].max_order_pct for call in engine.sent()] == [4]


async def test_whoever_leaves_the_word_keeps_the_limits_that_held(file: Path) -> None:
    engine = engine_with(load(file).limits)
    async with running(engine, config=config_of(file)) as console:
        put(file, MINE.replace("10 ", "30 ").replace("{max_position_pct: 3}", "{}"))
        await console.press("comma", "R")
        await console.shows("Take what the file says?")
        assert "symbols.BRK.B.max_position_pct 3 → none" in console.picture
        await console.let_pass(1)
        await console.press("y", "enter", "escape")
        await console.shows("No limit was loosened.")
    assert engine.sent() == []
    assert engine.current.limits.symbols == {"BRK.B": SymbolLimits(max_position_pct=D(3))}


async def test_a_wrong_file_is_refused_in_words_and_the_old_holds(file: Path) -> None:
    engine = engine_with(load(file).limits)
    async with running(engine, config=config_of(file)) as console:
        put(file, MINE.replace("10 ", "1000 ") + "thme: ember\n")
        await console.press("comma", "R")
        await console.shows("The config is not taken")
        assert "limits.max_order_pct is '1000';" in console.picture
        assert "did you mean theme?" in console.picture
        assert "what held before holds" in console.picture
        await console.press("escape")
    assert engine.sent() == []
    assert engine.current.limits.max_order_pct == 10


async def test_staying_takes_nothing_of_an_edited_file(file: Path) -> None:
    engine = engine_with(load(file).limits)
    async with running(engine, config=config_of(file)) as console:
        put(file, MINE.replace("dark", "ember"))
        await console.until(lambda: console.app.looks.usable("ember"))
        await console.press("comma", "R")
        await console.shows("Take what the file says?")
        await console.let_pass(1)
        await console.press("enter")
        assert console.app.theme == "dark"
        await console.press("R")
        await console.shows("theme dark → ember")


# ---- limits of single strategies and symbols


async def to_own(console: Console) -> None:
    """To the last row before the one that adds."""
    await console.press("comma", "end", "up")


async def test_a_limit_of_one_symbol_is_tightened_at_once_and_loosened_by_the_word(file: Path) -> None:
    engine = engine_with(load(file).limits)
    async with running(engine, config=config_of(file)) as console:
        await to_own(console)
        assert "▸  BRK.B position" in console.picture
        await write(console, "2")
        await kept(console)
        assert (load(file).limits, engine.current.limits) == (engine.current.limits, load(file).limits)
        assert text_of(file) == MINE.replace("max_position_pct: 3", "max_position_pct: 2")
        await write(console, "5")
        await console.shows("symbols.BRK.B.max_position_pct 2 → 5")
        await console.let_pass(1)
        await console.type("LOOSEN")
        await console.press("enter")
        await console.type("earnings are out")
        await console.press("enter")
        await console.until(lambda: engine.current.limits.symbols["BRK.B"].max_position_pct == 5)
        await console.until(lambda: load(file).limits == engine.current.limits)
        assert text_of(file) == MINE.replace("max_position_pct: 3", "max_position_pct: 5")


async def test_a_limit_is_given_to_one_symbol_and_taken_away_again_by_the_word(file: Path) -> None:
    engine = engine_with(load(file).limits)
    async with running(engine, config=config_of(file)) as console:
        await console.press("comma", "end", "enter")
        await console.shows("Limit one strategy or symbol")
        await console.type("msft order quan")
        await console.press("enter")
        await console.shows("MSFT order quantity")
        await console.type("50")
        await console.press("enter")
        await kept(console)
        assert load(file).limits.symbols["MSFT"] == SymbolLimits(max_order_quantity=D(50))
        assert engine.current.limits == load(file).limits
        assert "# of all I have" in text_of(file)
        await console.press("d")
        await console.shows("symbols.MSFT.max_order_quantity 50 → none")
        await console.let_pass(1)
        await console.press("escape")
        assert load(file).limits.symbols["MSFT"] == SymbolLimits(max_order_quantity=D(50))
        await console.press("d")
        await console.let_pass(1)
        await console.type("LOOSEN")
        await console.press("enter")
        await console.type("not needed any more")
        await console.press("enter")
        await console.until(lambda: load(file).limits.symbols["MSFT"] == SymbolLimits())
        assert engine.current.limits.symbols["MSFT"] == SymbolLimits()
        await console.until(lambda: "MSFT order quantity    " not in console.picture)


async def test_a_strategy_may_be_forbidden_more_than_others_and_what_is_left_without_a_value_is_no_row(file: Path) -> None:
    put(file, f"{MINE}strategies: [{{file: sma_cross}}]\n")
    engine = engine_with(load(file).limits)
    async with running(engine, config=config_of(file)) as console:
        await console.press("comma", "end", "enter")
        await console.type("sma_cross orders a day")
        await console.press("enter")
        await console.shows("sma_cross orders a day")
        await console.press("escape")
        assert "sma_cross orders a day" not in console.picture
        await console.press("end", "enter")
        await console.type("sma_cross orders a day")
        await console.press("enter")
        await console.type("3")
        await console.press("enter")
        await kept(console)
        assert load(file).limits.strategies["sma_cross"].max_orders_day == 3
        assert "▸  sma_cross orders a day" in console.picture


# ---- a file that others write, too


async def test_a_limit_that_was_tightened_in_the_file_meanwhile_is_not_loosened_there(file: Path) -> None:
    engine = engine_with(load(file).limits)
    async with running(engine, config=config_of(file)) as console:
        put(file, MINE.replace("max_order_pct: 10", "max_order_pct: 1"))
        await go_to(console, "limits.max_order_pct")
        await write(console, "5")
        await console.shows("is not kept. The file says 1 there by now")
        assert (engine.current.limits.max_order_pct, load(file).limits.max_order_pct) == (D(5), D(1))


async def test_the_word_for_one_loosening_is_none_for_what_the_file_says_by_now(file: Path) -> None:
    engine = engine_with(load(file).limits)
    async with running(engine, config=config_of(file)) as console:
        await go_to(console, "limits.max_order_pct")
        await write(console, "20")
        await console.shows("LOOSEN")
        put(file, MINE.replace("max_order_pct: 10", "max_order_pct: 1"))
        await console.let_pass(1)
        await console.type("LOOSEN")
        await console.press("enter")
        await console.type("more room")
        await console.press("enter")
        await console.shows("is not kept. The file says 1 there by now")
        assert (engine.current.limits.max_order_pct, load(file).limits.max_order_pct) == (D(20), D(1))
