"""The ticket's widget: what it draws of a sheet, and which field takes a key."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from msgspec.structs import replace
from textual.app import App

from engine.model import Outcome, Verdict
from engine.model.effects import Reply
from engine.model.verdicts import PASSED
from tests.widgets.harness import Harness, lines_of, text_of
from widgets.cells import Cell
from widgets.ticket import Sheet, Ticket
from widgets.ticket_fields import ButtonField, ChoiceField, Field, Option, TextField

D = Decimal
WIDTHS = (71, 76)
"""What is inside the frame at 80 and at 120 columns."""
PASSES = Reply("p-1", True, "passes", PASSED, D(100), D("18753.00"), D("33657.11"), D(200), -0.0001)


def limit_order() -> tuple[Field, ...]:
    quantity, limit = TextField("quantity", "Quantity", "0123456789"), TextField("limit", "Limit", "0123456789.")
    quantity.put("100")
    limit.put("187.53")
    limit.whole, limit.takes = {"b": "187.51"}, (Cell("b", "key"), Cell(" bid", "muted"))
    side = ChoiceField("side", "Side", (Option("BUY", "buy", "buy"), Option("SELL", "sell", "sell")), "BUY")
    kind = ChoiceField("type", "Type", (Option("m", "market"), Option("s", "stop"), Option("sl", "stop limit")), "m")
    return side, quantity, kind, limit, ButtonField("send", "Review and send")


def sheet() -> Sheet:
    head = (Cell("AAPL", "title"), Cell("  187.52 "), Cell("▲ +0.84%", "up"))
    return Sheet(head, limit_order(), "BUY 100 AAPL limit 187.53 DAY", reply=PASSES)


STATES = {
    "editing": sheet(),
    "asking": replace(sheet(), question="Send this order?"),
    "wrong": replace(sheet(), order="", reply=None, wrong="limit", mistake="off the tick of AAPL, 0.01. Right: 187.53  187.54"),
}


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("state", STATES)
async def test_the_ticket_looks_as_it_was_drawn(state: str, width: int, theme: str, looks_like: Callable[[App[None], str], None]) -> None:
    ticket = Ticket(6, "limit")
    app = Harness(ticket, theme=theme)
    async with app.run_test(size=(width, 16)) as pilot:
        ticket.show(STATES[state])
        await pilot.pause()
        looks_like(app, f"ticket-{state}-{width}-{theme}")


async def test_its_height_is_the_same_whatever_it_shows() -> None:
    ticket = Ticket(6, "limit")
    app = Harness(ticket)
    async with app.run_test(size=(71, 20)) as pilot:
        heights = set()
        for shown in (*STATES.values(), replace(sheet(), fields=limit_order()[:2]), replace(sheet(), changes="quantity 50 -> 100")):
            ticket.show(shown)
            await pilot.pause()
            heights.add(ticket.size.height)
        assert len(heights) == 1


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "order", ["BUY 7 AAPL market DAY tp +4% sl -2%", "BUY 1000 BRK.B stop 187.00 limit 187.53 GTC tp 195.00 sl 184.00"]
)
async def test_what_the_exits_make_and_lose_is_whole_beside_or_below_the_order(order: str, width: int) -> None:
    ticket = Ticket(6, "limit")
    app = Harness(ticket)
    async with app.run_test(size=(width, 20)) as pilot:
        ticket.show(replace(sheet(), order=order, exits="tp +7,470.00 sl -3,750.60"))
        await pilot.pause()
        shown = text_of(ticket)
        for text in ("tp +7,470.00 sl -3,750.60", "18,753.00", "33,657.11", "Position after", "Distance", "passes"):
            assert text in shown, shown


async def test_a_long_no_is_shown_whole_before_the_figures() -> None:
    verdict = Verdict(Outcome.DENY, "order size", "", "", " ".join(["The order would be far too large for this account."] * 3))
    ticket = Ticket(5, "limit")
    app = Harness(ticket)
    async with app.run_test(size=(71, 14)) as pilot:
        ticket.show(replace(sheet(), reply=replace(PASSES, ok=False, verdict=verdict)))
        await pilot.pause()
        assert " ".join(text_of(ticket).split()).count("too large for this account.") == 3
        assert lines_of(ticket)[-1].strip() == ""


async def test_a_yes_says_what_is_to_be_known_beside_it() -> None:
    verdict = Verdict(Outcome.PASS, "hours", text="The market is closed: it waits for the open.")
    ticket = Ticket(5, "limit")
    app = Harness(ticket)
    async with app.run_test(size=(71, 14)) as pilot:
        ticket.show(replace(sheet(), reply=replace(PASSES, verdict=verdict)))
        await pilot.pause()
        assert "passes. The market is closed: it waits for the open." in text_of(ticket)


async def test_a_very_large_amount_is_whole_and_stands_clear_of_what_is_beside_it() -> None:
    ticket = Ticket(5, "limit")
    app = Harness(ticket)
    async with app.run_test(size=(71, 14)) as pilot:
        ticket.show(replace(sheet(), reply=replace(PASSES, cost=Decimal("187179999812.82"))))
        await pilot.pause()
        assert "187,179,999,812.82  Position after" in text_of(ticket)


async def test_hostile_text_is_drawn_as_text() -> None:
    ticket = Ticket(5, "limit")
    app = Harness(ticket)
    async with app.run_test(size=(71, 14)) as pilot:
        for shown in (replace(sheet(), order="A\x1b]0;x\x07[bold]B"), replace(sheet(), reply=None, mistake="A\x1b[2J[/]B", wrong="limit")):
            ticket.show(shown)
            await pilot.pause()
            assert "\x1b" not in text_of(ticket)
            assert "[bold]B" in text_of(ticket) or "[/]B" in text_of(ticket)


# ---- fields


def typed(field: Field, keys: str) -> str:
    for key in keys:
        field.key({" ": "space"}.get(key, key), key)
    return field.text


def test_a_text_field_takes_its_own_characters_alone_and_a_letter_writes_the_market() -> None:
    limit = limit_order()[3]
    assert typed(limit, "9x y\tz") == "187.539"
    assert typed(limit, "b") == "187.51"


def test_a_letter_goes_to_the_next_option_that_begins_with_it() -> None:
    kind = limit_order()[2]
    assert [typed(kind, key) for key in "ss s"] == ["s", "sl", "m", "s"]
    assert typed(kind, "z7") == "s"


def test_an_option_that_is_gone_gives_way_to_the_first_and_is_not_forgotten() -> None:
    kind = limit_order()[2]
    assert isinstance(kind, ChoiceField)
    everything = kind.options
    kind.choose("sl")
    kind.options = everything[:2]
    assert kind.text == "m"
    kind.options = everything
    assert kind.text == "sl"


def test_t_says_that_a_stop_loss_trails_and_backspace_takes_it_back() -> None:
    loss = TextField("loss", "Stop loss", "0123456789%", trails=True)
    assert (typed(loss, "t2%"), loss.trails) == ("2%", True)
    for _ in range(3):
        loss.key("backspace", None)
    assert (loss.text, loss.trails) == ("", False)
