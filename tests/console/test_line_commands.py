"""What the order line's commands ask of the engine, and what the line shows before they are sent."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from console.app import ConsoleApp
from engine.model import Intent, OrderType, Side
from engine.model.inputs import GroupKind
from engine.model.orders import Bracket, Exit, Terms
from engine.model.verdicts import Outcome, Verdict
from tests.console.driving import SMALL, running
from tests.console.fake_engine import FakeEngine

PAIR = (
    Intent("AAPL", Side.SELL, Decimal(100), OrderType.LIMIT, limit=Decimal("190.00"), reduce_only=True),
    Intent("AAPL", Side.SELL, Decimal(100), OrderType.STOP, stop=Decimal("180.00"), reduce_only=True),
)


@pytest.mark.parametrize(
    ("line", "call"),
    [
        ("replace #12 50 @ 188", ("replace", "t1-12", Terms(Decimal(50), limit=Decimal("188.00")))),
        ("oco close AAPL @ 190 stop 180", ("submit_group", GroupKind.OCO, *PAIR)),
        ("sync", ("sync",)),
        (
            "buy $5k AAPL @ 187 tp +4% sl -2%",
            (
                "submit",
                Intent(
                    "AAPL",
                    Side.BUY,
                    Decimal(0),
                    OrderType.LIMIT,
                    limit=Decimal("187.00"),
                    notional=Decimal(5000),
                    bracket=Bracket(Exit(pct=Decimal(4)), Exit(pct=Decimal(2))),
                ),
            ),
        ),
    ],
)
async def test_a_line_asks_the_engine_for_what_it_means(line: str, call: tuple[object, ...]) -> None:
    engine = FakeEngine()
    async with running(engine) as console:
        await console.type(f":{line}")
        await console.press("enter")
        assert engine.sent() == [call]


async def test_a_typed_stop_tells_of_the_key() -> None:
    engine = FakeEngine()
    async with running(engine, SMALL) as console:
        await console.type(":kill")
        await console.press("enter")
        await console.shows("^^^^ the stop is a key, and works at once")
        await console.shows("Right: F12 or ^G  cancel *  flatten")
        assert engine.sent() == []


async def test_a_pair_that_looks_like_a_repetition_goes_once_it_is_entered_again() -> None:
    engine = FakeEngine()
    async with running(engine) as console:
        engine.refuses, engine.refused_by = "again", Verdict(Outcome.DENY, "repetition", "2 s", "1 s")
        await console.type(":oco close AAPL @ 190 stop 180")
        await console.press("enter")
        await console.shows("Again? Up in the order line recalls it, and Enter sends it.")
        engine.refuses, engine.refused_by = "", None
        await console.press("up", "enter")
        assert [call[-1] for call in engine.sent()] == [PAIR[1], "confirmed"]


async def test_of_a_pair_the_order_that_is_refused_is_told_of() -> None:
    engine = FakeEngine()
    async with running(engine) as console:
        await console.type(":oco close AAPL @ 190 stop 180")
        await console.until(lambda: set(engine.previews) == set(PAIR))
        await console.shows("gate: passes")


async def test_a_replace_shows_what_was_and_what_will_be() -> None:
    async with running(FakeEngine(), SMALL) as console:
        await console.type(":replace #12 @ 188.20")
        await console.shows("REPLACE #12 100 limit 188.20")
        await console.shows("#12 SELL AAPL: 100 limit 190.00 -> 100 limit 188.20   cost 18,820.00")


async def test_a_replace_is_judged_before_it_is_sent() -> None:
    engine = FakeEngine()
    engine.verdict = Verdict(Outcome.DENY, "price collar", "5 %", "9 %")
    async with running(engine, SMALL) as console:
        await console.type(":replace #12 @ 200")
        await console.shows("gate: denies price collar: limit 5 %, actual 9 %")
    assert engine.replaces[-1] == ("t1-12", Terms(Decimal(100), limit=Decimal("200.00")))
    assert engine.sent() == []


async def test_a_risk_shows_how_it_came_to_its_quantity() -> None:
    async with running(FakeEngine(), SMALL) as console:
        await console.type(":buy AAPL risk 0.5% sl 184")
        await console.shows("BUY 143 AAPL market DAY sl 184.00   gate: passes")
        await console.shows("143 is 0.5% of 101,284.50 / 3.53 a share  cost")


async def test_tab_offers_working_orders_with_what_they_are() -> None:
    async with running(FakeEngine(), SMALL) as console:
        await console.type(":cancel #")
        await console.press("tab", "tab")
        await console.shows("#12 SELL 100 AAPL limit 190.00   #11 SELL 100 AAPL stop 184.00")


async def test_entered_lines_are_there_after_a_restart(tmp_path: Path) -> None:
    for keys in ((*"buy 1 AAPL", "enter"), ("up",)):
        app = ConsoleApp(FakeEngine(), kept=tmp_path)
        async with app.run_test() as pilot:
            await pilot.press("colon", *["space" if key == " " else key for key in keys])
            text = app.trading.order_line.text
        app.kept.close()
    assert text == "buy 1 AAPL"
    assert json.loads((tmp_path / "order_line.json").read_text()) == ["buy 1 AAPL"]


async def test_the_brokers_figure_is_accepted_by_a_word_and_a_reason() -> None:
    engine = FakeEngine()
    engine.change(mismatches=("The broker holds 7 AAPL, our books say 10",))
    async with running(engine) as console:
        await console.shows("`accept` in the order line takes the broker's figure")
        await console.type(":accept AAPL")
        await console.press("enter")
        await console.shows("The broker holds 7 AAPL, our books say 10.")
        await console.let_pass(1)
        await console.type("ACCEPT")
        await console.press("tab")
        await console.type("sold by telephone")
        await console.press("enter")
        assert engine.sent() == [("accept_position", "AAPL", "sold by telephone")]


async def test_where_books_and_broker_agree_there_is_nothing_to_accept() -> None:
    engine = FakeEngine()
    async with running(engine) as console:
        await console.type(":accept AAPL")
        await console.press("enter")
        await console.shows("Of AAPL the broker holds what our books say: there is nothing to accept.")
        assert engine.sent() == []
