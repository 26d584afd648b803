"""The preferences on the screen: what they show, what a key changes, what holds at once and what is written."""

from __future__ import annotations

from pathlib import Path

from console.accounts.config import load_accounts
from console.config import load, text_of
from console.config_file import ConfigFile
from console.preferences import GROUPS
from console.screens.beside import Beside
from console.screens.preferences import PreferencesPage
from engine.model.settings import ScreenSettings, Settings
from tests.console.driving import WIDE, running
from tests.console.fake_engine import FakeEngine
from tests.console.preferences.page import MINE, SIZES, beside, config_of, engine_with, go_to, kept, put, write
from widgets import numbers


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


@SIZES
async def test_no_meaning_ends_in_the_middle_of_a_phrase_and_the_marked_one_is_whole(file: Path, size: tuple[int, int]) -> None:
    async with running(engine_with(load(file).limits), size, config=config_of(file)) as console:
        for _, group in GROUPS:
            for item in group:
                await go_to(console, item.key)
                whole = " ".join(console.picture.split())
                assert item.means.split()[-1] in whole
                assert all(word in whole for word in item.means.split())
                rows = [row for row in console.picture.split("\n") if not any(own in row for own in ("BRK.B", "sma_cross"))]
                assert "…" not in "\n".join(rows[3:]), console.picture


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
        assert "May be cancel_entries, keep or cancel_all." in console.picture
        assert "keep leaves all" in console.picture


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


@SIZES
async def test_of_several_accounts_it_is_said_whose_limits_stand_there_and_where_they_are_written(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    file = tmp_path / "mine.yaml"
    put(file, SEVERAL.replace("mode: manual", "mode: manual, limits: {symbols: {AAPL: {max_position_pct: 5}}}"))
    accounts = load_accounts(file)
    assert accounts is not None
    config = ConfigFile(file, accounts.settings["calm"], "calm", accounts.settings)
    async with running(engine_with(accounts.settings["calm"].limits), size, config=config, accounts=accounts) as console:
        await go_to(console, "limits.max_order_pct")
        assert "Limits of calm" in console.picture
        assert "d take limit away" not in console.picture
        await go_to(console, "limits.symbols.AAPL.max_position_pct")
        await console.shows("d take")
        assert "Limits of single strategies and symbols of calm" in console.picture
        if size[0] == 200:
            assert "accounts.calm.limits.symbols.AAPL.max_position_pct" in beside(console)
        await console.press("enter")
        await console.press("ctrl+u")
        await console.type("4")
        await console.press("enter")
        await console.shows("AAPL position of calm 5 % → 4 %: holds now, and is written.")
        assert "max_position_pct: 4" in text_of(file)


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
