"""The limits on all accounts together, in the preferences: tighter ones hold at once, looser ones after the word and a reason."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from console.accounts.config import load_accounts
from console.accounts.engines import AccountEngines
from console.config import text_of
from console.config_file import ConfigFile
from console.screens.preferences import PreferencesPage
from engine.combined import Combined
from engine.model.settings import ALONE, CombinedLimits, Settings
from engine.model.standing import Standing
from tests.console.driving import SMALL, WIDE, Console, running
from tests.console.fake_engine import FakeEngine
from tests.console.preferences.page import beside, go_to, put, write
from tests.views import sample_view

SAID = """\
# all that I have
accounts:
  calm: {}
  bold: {mode: manual}   # the other one
combined: {max_exposure_pct: 60}  # of both
"""
SIXTY = CombinedLimits(max_exposure_pct=Decimal(60))
EXPOSURE, POSITION = "combined.max_exposure_pct", "combined.max_position_pct"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "mine.yaml"
    put(file, SAID)
    return file


@asynccontextmanager
async def both(file: Path, size: tuple[int, int] = WIDE) -> AsyncIterator[tuple[Console, Combined, dict[str, FakeEngine]]]:
    accounts = load_accounts(file)
    assert accounts is not None
    engines = {name: FakeEngine(sample_view(log=()), account=name) for name in accounts.settings}
    combined = Combined(accounts.settings, SIXTY)
    config = ConfigFile(file, accounts.settings["calm"], "calm", accounts.settings)
    async with running(AccountEngines(engines), size, config=config, accounts=accounts, combined=combined) as console:
        yield console, combined, engines


async def loosen(console: Console, reason: str) -> None:
    await console.let_pass(1)
    await console.burst("LOOSEN", "enter", reason, "enter")


@pytest.mark.parametrize("size", [SMALL, WIDE, (200, 60)], ids=["80x24", "120x36", "200x60"])
async def test_they_stand_in_a_group_of_their_own_with_what_holds(file: Path, size: tuple[int, int]) -> None:
    async with both(file, size) as (console, combined, _):
        await go_to(console, EXPOSURE)
        await console.shows("Limits on all accounts together")
        row = next(line for line in console.picture.splitlines() if "▸  exposure of all" in line)
        assert "60 %" in row
        if size[0] == 200:
            assert "not known: an account has not told yet" in beside(console)
            for name in ("calm", "bold"):
                combined.tell(name, Standing(Decimal(100_000), Decimal(30_000), {"AAPL": (Decimal(20_000), Decimal(10_000))}))
            await console.until(lambda: "120,000.00, 60 % of the equity of all 200,000.00" in beside(console))
            assert "60,000.00, 30.00% of it" in beside(console)
            await go_to(console, POSITION)
            await console.until(lambda: "40,000.00 in AAPL, 20.00% of it" in beside(console))


async def test_a_tighter_one_holds_at_once_is_written_beside_its_comment_and_noted_in_every_account(file: Path) -> None:
    async with both(file) as (console, combined, engines):
        await go_to(console, EXPOSURE)
        await write(console, "40")
        await console.shows("exposure of all 60 % → 40 %: holds now, and is written.")
        assert combined.limits == CombinedLimits(max_exposure_pct=Decimal(40))
        for engine in engines.values():
            assert engine.current.log[-1].text == "the limits on all accounts were changed: combined.max_exposure_pct 60 → 40"
    assert text_of(file) == SAID.replace("60}", "40}")


async def test_a_first_one_is_written_behind_the_other(file: Path) -> None:
    async with both(file) as (console, combined, _):
        await go_to(console, POSITION)
        await write(console, "15")
        await console.shows("is written.")
        assert combined.limits == CombinedLimits(Decimal(60), Decimal(15))
    assert "combined: {max_exposure_pct: 60, max_position_pct: 15}  # of both" in text_of(file)


async def test_a_looser_one_asks_for_the_word_and_a_reason_whichever_account_is_shown(file: Path) -> None:
    async with both(file) as (console, combined, engines):
        await go_to(console, EXPOSURE)
        await write(console, "50")
        await console.shows("is written.")
        await console.press("escape", "f3")
        await console.until(lambda: "bold" in console.picture.splitlines()[0].split("engine")[0])
        await go_to(console, EXPOSURE)
        await write(console, "55")
        assert "combined.max_exposure_pct 50 → 55" in console.picture
        assert combined.limits.max_exposure_pct == 50
        await loosen(console, "a calmer week")
        await console.shows("exposure of all 50 % → 55 %: holds now, and is written.")
        assert combined.limits.max_exposure_pct == 55
        assert engines["calm"].current.log[-1].text.endswith("50 → 55, because a calmer week")
    assert text_of(file) == SAID.replace("60}", "55}")


@pytest.mark.parametrize("words", [(), ("loosen", "enter", "because", "enter"), ("LOOSEN", "enter", "enter")])
async def test_without_the_word_and_a_reason_it_stays(file: Path, words: tuple[str, ...]) -> None:
    async with both(file) as (console, combined, _):
        await go_to(console, EXPOSURE)
        await write(console, "none")
        await console.let_pass(1)
        await console.burst(*words)
        await console.press("escape")
        await console.shows("No limit was loosened.")
        assert combined.limits == SIXTY
    assert text_of(file) == SAID


async def test_of_the_file_read_again_a_tighter_one_holds_and_a_looser_one_asks(file: Path) -> None:
    async with both(file) as (console, combined, _):
        put(file, SAID.replace("max_exposure_pct: 60", "max_exposure_pct: 70, max_position_pct: 20"))
        await go_to(console, EXPOSURE)
        await console.press("R")
        await console.shows("combined.max_position_pct none → 20")
        assert "combined.max_exposure_pct 60 → 70" in console.picture
        await console.let_pass(1)
        await console.press("y", "enter")
        await console.shows("LOOSEN")
        assert combined.limits == CombinedLimits(Decimal(60), Decimal(20))
        await loosen(console, "as I wrote it")
        await console.shows("The limits on all accounts are those of the file.")
        assert combined.limits == CombinedLimits(Decimal(70), Decimal(20))


async def test_what_was_tightened_in_the_file_meanwhile_is_not_loosened_unseen(file: Path) -> None:
    async with both(file) as (console, combined, _):
        put(file, SAID.replace("60}", "10}"))
        await go_to(console, EXPOSURE)
        await write(console, "40")
        await console.shows("holds until you quit, and is not kept.")
        assert combined.limits.max_exposure_pct == 40
    assert "max_exposure_pct: 10}" in text_of(file)


async def test_one_account_without_such_limits_has_no_row_for_them(tmp_path: Path) -> None:
    async with running(FakeEngine(), config=ConfigFile(tmp_path / "mine.yaml", Settings())) as console:
        await go_to(console, "limits.max_order_pct")
        page = console.app.screen
        assert isinstance(page, PreferencesPage)
        assert EXPOSURE not in {item.key for item in page._items() if item}
        assert console.app.trading.preferences.combined.limits == ALONE


@pytest.mark.parametrize("size", [SMALL, WIDE, (200, 60)], ids=["80x24", "120x36", "200x60"])
async def test_one_of_which_nobody_knows_what_it_holds_is_left_out_by_name_after_the_word_and_nobody_else(
    file: Path, size: tuple[int, int]
) -> None:
    async with both(file, size) as (console, combined, engines):
        combined.tell("calm", Standing(Decimal(100_000)))
        await go_to(console, "unknown.bold")
        assert "not known" in next(line for line in console.picture.splitlines() if "▸  bold" in line)
        await console.press("enter")
        await console.shows("Loosen: bold holds nothing")
        await loosen(console, "I looked at the broker")
        await console.shows("bold counts as nothing until it has started.")
        assert (combined.unknown, combined.left_out, combined.limits) == ((), ("bold",), SIXTY)
        for engine in engines.values():
            assert engine.current.log[-1].text.endswith("until it has started, because I looked at the broker")
        assert "nothing" in next(line for line in console.picture.splitlines() if "▸  bold" in line)
        combined.tell("bold", Standing())
        await console.until(lambda: "▸  bold" not in console.picture)
    assert text_of(file) == SAID, "it is no setting"


async def test_one_that_has_told_while_the_word_was_typed_counts_with_what_it_holds(file: Path) -> None:
    async with both(file) as (console, combined, _):
        combined.tell("calm", Standing(Decimal(100_000)))
        await go_to(console, "unknown.bold")
        await console.press("enter")
        await console.shows("Type LOOSEN")
        combined.tell("bold", Standing(Decimal(5)))
        await loosen(console, "I looked at the broker")
        await console.shows("bold has told meanwhile where it stands")
        assert combined.left_out == ()


async def test_the_word_for_a_limit_of_one_account_says_whose_it_is(file: Path) -> None:
    async with both(file) as (console, _, _):
        await go_to(console, "limits.max_position_pct")
        await write(console, "99")
        await console.shows("Loosen a limit of calm")
