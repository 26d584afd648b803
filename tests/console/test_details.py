"""Everything about one row: what the View and the history tell of it, live, and the keys that act on it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.screen import Screen

from console.build import create_engine
from console.screens.details.detail import Detail
from console.screens.details.position import PAGE, PositionDossier
from console.screens.details.story import order_terms, told
from console.screens.details.writing import price
from console.screens.ticket import TicketDialog
from console.screens.trading import TradingScreen
from engine.live import Engine
from engine.model import Intent, OrderState, OrderType, Settings, Side, TradingState
from engine.model.orders import Bracket, Exit, Source, Terms
from engine.model.signals import SignalState
from tests.console.driving import SMALL, WIDE, Console, running
from tests.console.fake_engine import FakeEngine
from tests.console.histories import placed, trades, write
from tests.views import order, sample_view
from widgets.document import Document
from widgets.text import clean

HUGE = (200, 60)
SIZES = pytest.mark.parametrize("size", [SMALL, WIDE, HUGE], ids=["80x24", "120x36", "200x60"])
D = Decimal


@asynccontextmanager
async def trading(folder: Path, size: tuple[int, int] = WIDE) -> AsyncIterator[tuple[Console, Engine]]:
    """A console over a real engine, with the history of its database."""
    database = folder / "paper.db"
    engine = create_engine(Settings(database=database, symbols=("AAPL", "MSFT")))
    try:
        async with running(engine, size, database=database) as console:
            await console.until(lambda: engine.view().health.ready and all(row.ask for row in engine.view().watch))
            await console.until(lambda: re.search(r"\d × \d", console.picture))
            yield console, engine
    finally:
        engine.shutdown()


async def filled(console: Console, engine: Engine, intent: Intent) -> None:
    count = len(console.screen.view.orders) + 1
    engine.submit(intent)
    await console.until(lambda: [row.state for row in console.screen.view.orders] == [OrderState.FILLED] * count)


def text_of(console: Console) -> str:
    """All of the page, what has to be scrolled to as well."""
    document = console.app.screen.query_one(Document)
    return "\n".join("".join(clean(cell.text) for cell in line) for line in document._lines)


async def reads(console: Console, *texts: str) -> None:
    """Every one of these comes to stand on the page, in some seconds."""
    for text in texts:
        for _ in range(100):
            if text in text_of(console):
                break
            await console.let_pass(0.2)
            await console.pilot.pause(0.02)
        else:
            raise AssertionError(f"{text!r} is not on\n{text_of(console)}")


def top(console: Console) -> Screen[object]:
    return console.app.screen


@SIZES
async def test_an_orders_life_is_told_from_the_intent_to_its_last_fill(tmp_path: Path, size: tuple[int, int]) -> None:
    async with trading(tmp_path, size) as (console, engine):
        engine.submit(Intent("AAPL", Side.BUY, D(20)))
        await console.until(lambda: [row.state for row in console.screen.view.orders] == [OrderState.FILLED])
        await console.press("3", "enter")
        assert isinstance(top(console), Detail)
        await reads(console, "your own order", "passes every rule", "on disk before anything", "acknowledged by the", "filled whole")
        await reads(console, "BUY 20 at", "commission", "it only opened", "slippage")
        await console.press("q")
        assert isinstance(top(console), TradingScreen)


async def test_an_open_order_is_followed_live_and_c_cancels_it_from_its_detail(tmp_path: Path) -> None:
    async with trading(tmp_path) as (console, engine):
        engine.submit(Intent("AAPL", Side.BUY, D(10), OrderType.LIMIT, D(100)))
        await console.until(lambda: [row.state for row in console.screen.view.orders] == [OrderState.WORKING])
        await console.press("3", "enter")
        await reads(console, "it works at the broker")
        await console.press("c")
        await console.until(lambda: engine.view().orders[0].state is OrderState.CANCELED)
        await console.shows("now       cancelled")
        await reads(console, "the cancel is on disk", "it works no more")
        assert "it only opened" not in text_of(console), "of an order that filled nothing"
        while "now       cancelled" in console.picture:
            await console.let_pass(1)


@pytest.mark.parametrize("quantity", [4, 15])
async def test_an_order_that_a_person_made_larger_or_smaller_is_not_said_to_be_cut_down(tmp_path: Path, quantity: int) -> None:
    async with trading(tmp_path) as (console, engine):
        engine.submit(Intent("AAPL", Side.BUY, D(10), OrderType.LIMIT, D(100)))
        await console.until(lambda: [row.state for row in console.screen.view.orders] == [OrderState.WORKING])
        engine.replace(engine.view().orders[0].id, Terms(D(quantity), D(100)))
        await console.until(lambda: [row.quantity for row in console.screen.view.orders] == [D(quantity)])
        await console.press("3", "enter")
        await reads(console, "first asked      10 limit 100.00", "works under its new terms")
        assert "requested" not in text_of(console)


async def test_the_legs_of_a_bracket_are_listed_with_their_entry(tmp_path: Path) -> None:
    async with trading(tmp_path) as (console, engine):
        exits = Bracket(take_profit=Exit(pct=D(5)), stop_loss=Exit(pct=D(5)))
        engine.submit(Intent("AAPL", Side.BUY, D(10), bracket=exits))
        await console.until(lambda: sum(row.state is OrderState.WORKING for row in console.screen.view.orders) == 2)
        await console.press("3", "G", "enter")
        await reads(console, "#1 BUY 10 AAPL", "Hangs together with", "#2", "#3", "exit")
        await console.press("escape", "g", "enter")
        await reads(console, "an exit of #1", "comes with its entry", "released", "entry", "group")


@SIZES
async def test_a_position_shows_its_lots_fills_and_what_protects_it(tmp_path: Path, size: tuple[int, int]) -> None:
    async with trading(tmp_path, size) as (console, engine):
        for quantity, side in ((6, Side.BUY), (5, Side.BUY), (8, Side.SELL)):
            await filled(console, engine, Intent("AAPL", side, D(quantity)))
        await console.until(lambda: [row.quantity for row in console.screen.view.positions] == [3])
        await console.press("2", "enter")
        await reads(console, "No protection: no stop works", "average cost", "Lots", "Fills, newest first", "SELL")
        await reads(console, "this session", "3 fills")
        engine.submit(Intent("AAPL", Side.SELL, D(3), OrderType.STOP, stop=D(50)))
        await reads(console, "#4 stop 50.00, 3", "Works in it")
        await console.until(lambda: "No protection" not in text_of(console))
        position = console.app.screen
        lots = position.dossier._books.answer[1]  # type: ignore[attr-defined]
        assert [lot.quantity for lot in lots] == [3], "the first bought went out first"
        assert lots[0].order_id.endswith("-2")


@SIZES
async def test_a_signal_is_decided_in_its_detail(size: tuple[int, int]) -> None:
    engine = FakeEngine()
    waiting = next(row for row in engine.current.signals if row.state is SignalState.WAITING)
    async with running(engine, size) as console:
        await console.press("4", "enter")
        await reads(console, "sma_cross BUY 72%, fast 402.3, slow 401.9", "fast average crossed", "402.14", "0:42")
        await console.press("a")
        assert engine.sent() == [("approve", waiting.id)]
        await console.shows("approve BUY MSFT: done")
        await console.press("x")
        await console.let_pass(1)
        await console.type("too late")
        await console.press("enter")
        assert engine.sent()[1:] == [("reject", waiting.id, "too late")]
        assert isinstance(top(console), Detail)
        await console.press("escape")
        assert isinstance(top(console), TradingScreen)


async def test_a_rejected_signal_tells_who_and_why_and_its_shadow() -> None:
    async with running(FakeEngine()) as console:
        await console.press("4", "j", "enter")
        await reads(console, "rejected", "earnings tonight", "you", "shadow P&L", "-12.00", "No history is kept here.")


async def test_without_a_history_the_view_tells_what_it_knows() -> None:
    async with running(FakeEngine()) as console:
        await console.press("3", "enter")
        await reads(console, "#12 SELL 100 AAPL", "limit 190.00", "working", "you", "No history is kept here.")


async def test_a_buy_from_a_detail_opens_the_ticket_on_its_symbol_and_escape_leads_back() -> None:
    async with running(FakeEngine()) as console:
        await console.press("2", "j", "enter")
        await console.shows("Position IBM")
        await console.press("b")
        ticket = top(console)
        assert isinstance(ticket, TicketDialog)
        await console.shows("IBM")
        await console.press("escape")
        await console.until(lambda: isinstance(top(console), Detail))


async def test_x_closes_the_position_of_the_detail_after_a_yes() -> None:
    engine = FakeEngine()
    async with running(engine) as console:
        await console.press("2", "j", "enter")
        await console.shows("X close")
        await console.press("X")
        await console.shows("IBM")
        await console.let_pass(1)
        await console.press("y", "enter")
        await console.until(lambda: [call[:2] for call in engine.sent()] == [("close_position", "IBM")])


async def test_e_edits_the_working_order_of_the_detail() -> None:
    async with running(FakeEngine()) as console:
        await console.press("3", "enter", "e")
        assert isinstance(top(console), TicketDialog)
        await console.shows("#12")


async def test_the_stop_works_in_a_detail_and_is_shown_there() -> None:
    engine = FakeEngine()
    async with running(engine) as console:
        await console.press("3", "enter", "f12")
        assert engine.sent() == [("emergency_stop", "stop key")]
        engine.change(account=replace(engine.current.account, state=TradingState.HALTED, reason="stop key"))
        await console.shows("HALTED: stop key")


async def test_a_key_of_another_panel_does_nothing_in_a_detail() -> None:
    engine = FakeEngine()
    async with running(engine) as console:
        await console.press("2", "enter", "a", "x", "c", "m", "z", "5", "f9")
        assert engine.sent() == []
        assert isinstance(top(console), Detail)


async def test_a_detail_acts_on_its_own_row_wherever_the_tables_cursor_is() -> None:
    engine = FakeEngine(sample_view(orders=(order(12), order(11))))
    async with running(engine) as console:
        await console.press("3", "j", "enter")
        engine.change(orders=(order(14), order(13), order(12), order(11)))
        await console.shows("Order #11")
        await console.press("c")
        assert engine.sent() == [("cancel", "t1-11", "")]


EVIL = "[bold]A[/] [/] \x1b]0;owned\x07\x9b2J"


@pytest.mark.parametrize("size", [SMALL, HUGE])
async def test_hostile_text_is_data_in_every_detail(size: tuple[int, int]) -> None:
    view = sample_view()
    votes = tuple(replace(vote, strategy=EVIL, indicators=((EVIL, 1.0),)) for vote in view.signals[0].votes)
    signal = replace(view.signals[0], symbol=EVIL, strategy=EVIL, reason=EVIL, verdict=EVIL, votes=votes, decided_reason=EVIL)
    engine = FakeEngine(
        sample_view(
            orders=(order(12, symbol=EVIL, reason=EVIL, strategy=EVIL), order(11, parent="t1-12", symbol=EVIL)),
            positions=(replace(view.positions[0], symbol=EVIL),),
            signals=(signal,),
        )
    )
    async with running(engine, size) as console:
        for panel in ("2", "3", "4"):
            await console.press(panel, "enter")
            assert isinstance(top(console), Detail)
            for _ in range(3):
                assert not set(console.picture) & {"\x1b", "\x07", "\x9b"}
                await console.press("pagedown")
            await console.press("escape")


def test_an_exit_in_per_cent_says_how_far_away_it_will_be_until_it_has_a_price() -> None:
    held = order(12, limit=None, exit_pct=D(4), released=False)
    assert order_terms(held, str) == "limit 4% away"
    assert order_terms(replace(held, limit=D("190.00"), released=True), str) == "limit 190.00"


def test_the_story_of_an_order_placed_elsewhere_by_its_value_begins_with_that() -> None:
    record = placed("r-1", "AAPL", Side.BUY, 1, "placed elsewhere by its value, 2,500.00")
    found = told(replace(record, source=Source.EXTERNAL), str)[0]
    assert (found.word, found.text) == ("found", "placed elsewhere by its value, 2,500.00, and found at the broker")


async def test_older_fills_of_a_position_are_read_once_the_end_of_those_known_comes_into_view(tmp_path: Path) -> None:
    database = write(tmp_path / "paper.db", list(trades(200)))
    async with running(FakeEngine(sample_view()), SMALL, database=database) as console:
        await console.press("2", "enter")
        await reads(console, "more as you scroll")
        page = top(console)
        assert isinstance(page, Detail)
        dossier = page.dossier
        assert isinstance(dossier, PositionDossier)
        for _ in range(5):
            await console.let_pass(0.2)
        assert len(dossier._fills) == PAGE
        await console.press("G")
        await console.until(lambda: len(dossier._fills) == 2 * PAGE)


async def test_what_is_held_and_not_in_the_history_yet_is_neither_for_nothing_nor_none(tmp_path: Path) -> None:
    database = write(tmp_path / "paper.db", list(trades(20)))
    async with running(FakeEngine(sample_view()), SMALL, database=database) as console:
        (held,) = (row for row in console.screen.view.positions if row.symbol == "AAPL")
        await console.press("2", "enter")
        await reads(console, "None is in the history yet.", f"{held.average * held.quantity:,.2f}")
        assert "nothing is held" not in text_of(console)


def test_a_page_that_is_not_laid_out_yet_has_no_end_in_view() -> None:
    assert not Document("a page").near_end


@pytest.mark.parametrize(
    ("value", "tick", "said"),
    [
        (Decimal("187.5"), Decimal("0.01"), "187.50"),
        (Decimal("187.5234"), Decimal("0.01"), "187.5234"),
        (Decimal("187.5234"), None, "187.5234"),
        (Decimal("1250"), Decimal(1), "1,250"),
        (Decimal(1250), None, "1,250.00"),
        (187.5234, Decimal("0.01"), "187.52"),
        (None, Decimal("0.01"), "-"),
    ],
)
def test_a_price_has_its_own_decimals_and_its_ticks_at_least(value: Decimal | float | None, tick: Decimal | None, said: str) -> None:
    assert price(value, tick) == said
