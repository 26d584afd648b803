"""What a network and a broker do to an order: after every fault there is exactly one for each intent, and the books are the server's."""

from __future__ import annotations

import asyncio
import random
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine import waits
from engine.brokers.alpaca.broker import AlpacaBroker
from engine.brokers.base import AmbiguousError
from engine.model.modes import LinkState
from engine.model.orders import Bracket, Exit, Intent, OrderState, OrderType, Side, Terms, TimeInForce
from tests.engine.brokers.alpaca_engine import SOON, agree, ended, link, of_ours, posts, trading
from tests.engine.brokers.alpaca_rig import PATIENT, patience
from tests.engine.core.floor import facts
from tests.engine.engines import SETTINGS, limit, market, order_of, running, said, until
from tests.servers.alpaca.server import AlpacaServer
from tests.servers.alpaca.streams import KEY, SECRET
from tests.thorough import tries

D = Decimal
LOST = ("drop", "hang", "500", "503", "504", "html")


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has the patience of the real thing."""
    monkeypatch.setattr(waits, "ASK_AGAIN_S", SOON)
    monkeypatch.setattr(waits, "CANCEL_AGAIN_S", SOON)


# ---- replies that are lost


@pytest.mark.parametrize("what", LOST)
def test_a_reply_lost_after_acceptance_is_one_order_and_its_fill_is_booked(tmp_path: Path, what: str) -> None:
    with AlpacaServer() as server, trading(tmp_path, server, patience(what)) as engine:
        server.faults.arm("POST /v2/orders", f"after_{what}")
        engine.submit(market())
        view = until(engine, ended(1, OrderState.FILLED))
        assert len(of_ours(server, order_of(view, 1))) == 1
        assert (posts(server), server.book.duplicates, len(server.book.orders)) == (1, 0, 1)
        agree(engine, server)


@pytest.mark.parametrize("what", LOST)
def test_a_request_lost_before_acceptance_is_no_order_once_nothing_can_turn_up_any_more(tmp_path: Path, what: str) -> None:
    with AlpacaServer() as server, trading(tmp_path, server, patience(what)) as engine:
        server.faults.arm("POST /v2/orders", what)
        engine.submit(market())
        view = until(engine, ended(1, OrderState.REJECTED))
        assert order_of(view, 1).reason == "the broker has never seen it"
        assert (posts(server), len(server.book.orders)) == (1, 0)
        agree(engine, server)


def test_an_order_whose_reply_is_lost_counts_in_full_until_it_is_found(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        server.faults.arm("POST /v2/orders", "after_drop")
        server.faults.arm("GET /v2/orders:by_client_order_id", "503", times=10_000)
        server.faults.arm("update", "drop", times=10_000)
        engine.submit(limit())
        view = until(engine, ended(1, OrderState.UNKNOWN))
        assert view.account.exposure == 900
        refused = engine.answer(engine.submit(limit(price=91)))
        assert "UNKNOWN" in refused.text
        server.do(server.faults.armed.clear)
        until(engine, ended(1, OrderState.WORKING))
        assert posts(server) == 1


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (Intent("IBM", Side.SELL, D(5), OrderType.LIMIT, D(110), extended_hours=True), ""),
        (Intent("AAPL", Side.BUY, D(900), OrderType.LIMIT, D(100)), ""),
    ],
)
def test_what_alpaca_takes_is_taken(tmp_path: Path, wish: Intent, words: str) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        engine.submit(wish)
        until(engine, ended(1, OrderState.WORKING, OrderState.FILLED))
        agree(engine, server)


def test_a_rejection_reaches_the_person_word_for_word(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        server.do(lambda: server.book.prices.pop("IBM"))
        engine.submit(market(symbol="IBM"))
        view = until(engine, ended(1, OrderState.REJECTED))
        assert order_of(view, 1).reason == 'asset "IBM" not found'


@pytest.mark.timeout(1800)
def test_of_many_ambiguous_submits_none_is_sent_again_and_none_is_closed_wrongly(tmp_path: Path) -> None:
    """1,000 of them in a thorough run."""
    chance, count = random.Random(20261128), tries(50, 1000)
    faults = [*LOST[:1], *LOST[2:], *(f"after_{what}" for what in (*LOST[:1], *LOST[2:]))]

    timings = replace(PATIENT, settle_s=0.1)
    with AlpacaServer() as server, trading(tmp_path, server, timings) as engine:
        taken: list[bool] = []
        kept = 0
        for number in range(1, count + 1):
            what = chance.choice(faults)
            server.faults.arm("POST /v2/orders", what)
            wish = market(1, side=Side.BUY if number % 2 else Side.SELL)
            while not engine.answer(engine.submit(wish, confirmed=True)).ok:
                # Two lost answers in a row, and the link counts as down until the next question is answered.
                until(engine, lambda view: view.health.ready and link(view) is LinkState.UP)
            view = until(engine, ended(number, OrderState.FILLED, OrderState.REJECTED, OrderState.CANCELED))
            known = of_ours(server, order_of(view, number))
            if order_of(view, number).state is OrderState.CANCELED:
                # The link went down between the write and the send: no byte of it went out.
                assert order_of(view, number).reason == "cancelled before it was sent"
                assert known == []
                server.do(server.faults.armed.clear)
                kept += 1
                continue
            taken.append(what.startswith("after_"))
            assert len(known) == taken[-1]
            assert order_of(view, number).state is (OrderState.FILLED if taken[-1] else OrderState.REJECTED)
            until(engine, lambda view: view.health.ready)
        again = posts(server) - (count - kept) + server.book.duplicates
        wrongly = sum(taken) - len(server.book.orders)
        agree(engine, server)
        # With -s or -rP it can be read: each order's own outcome was asserted above.
        sys.stdout.write(f"{count - kept:,} ambiguous submits ({sum(taken):,} taken): {again} sent again, {abs(wrongly)} wrongly closed\n")
        assert (again, wrongly) == (0, 0)


async def test_an_order_in_a_status_that_nobody_knows_is_not_one_that_was_never_seen() -> None:
    with AlpacaServer() as server:
        broker = AlpacaBroker(KEY, SECRET, url=server.url, timings=PATIENT)
        await broker.connect(lambda event: None)
        wish = {"symbol": "AAPL", "qty": "5", "side": "buy", "type": "limit", "limit_price": "90", "time_in_force": "day"}
        order = await asyncio.to_thread(server.do, lambda: server.book.submit({**wish, "client_order_id": "ours"}))
        await asyncio.to_thread(server.do, lambda: server.book._touch(order, "pondering"))
        with pytest.raises(AmbiguousError, match="not known here"):
            await broker.find("ours")
        await broker.close()


# ---- news


@pytest.mark.parametrize("what", ["drop", "twice", "late", "strange"])
@pytest.mark.parametrize("nth", [1, 2, 3, 4])
def test_news_that_is_dropped_doubled_late_or_strange_books_each_share_once(tmp_path: Path, what: str, nth: int) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        server.faults.arm("update", what, nth)
        engine.submit(limit(7, 100))
        engine.submit(limit(3, 100, "MSFT"))
        until(engine, lambda view: len(server.book.orders) == 2)
        server.trade("AAPL", "99.987654", 3)
        server.trade("MSFT", "99.5", 1)
        server.trade("AAPL", "99.333333", 4)
        server.trade("MSFT", "99.111111", 2)
        until(engine, lambda view: ended(1, OrderState.FILLED)(view) and ended(2, OrderState.FILLED)(view))
        agree(engine, server)


def test_a_stale_update_takes_nothing_back(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        old: list[bytes] = []
        tell = server.trades._send

        def kept(data: bytes) -> None:
            old.append(data)
            tell(data)

        server.trades._send = kept  # type: ignore[method-assign]
        engine.submit(limit(10, 100))
        until(engine, ended(1, OrderState.WORKING))
        server.trade("AAPL", 99, 4)
        server.trade("AAPL", 98, 6)
        until(engine, ended(1, OrderState.FILLED))
        for data in old:
            server.do(lambda data=data: tell(data))  # type: ignore[misc]
        view = agree(engine, server)
        assert order_of(view, 1).state is OrderState.FILLED
        assert facts(order_of(view, 1).filled, view.account.cash) == (10, D(100_000) - 4 * 99 - 6 * 98)


def test_a_disconnect_during_a_partial_fill_loses_no_share(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        engine.submit(limit(10, 100))
        until(engine, ended(1, OrderState.WORKING))
        server.trade("AAPL", "99.123456", 3)
        server.cut()
        server.trade("AAPL", "98.765432", 3)
        until(engine, lambda view: order_of(view, 1).filled == 6)
        agree(engine, server)
        server.trade("AAPL", "97.5", 4)
        until(engine, ended(1, OrderState.FILLED))
        agree(engine, server)


@pytest.mark.parametrize(("price", "quantity"), [("99.25", None), (None, 4), (None, 0)])
def test_a_correction_counts_as_if_it_had_been_told_right_at_first(tmp_path: Path, price: str | None, quantity: int | None) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        engine.submit(limit(10, 100))
        until(engine, ended(1, OrderState.WORKING))
        server.trade("AAPL", 99, 6)
        until(engine, lambda view: order_of(view, 1).filled == 6)
        order = server.order(order_of(engine.status(), 1).id)
        new_price, new_quantity = None if price is None else D(price), None if quantity is None else D(quantity)
        server.do(lambda: server.book.correct(order, order.executions[0], new_price, new_quantity))
        until(engine, lambda view: order_of(view, 1).filled == (6 if quantity is None else quantity))
        agree(engine, server)


# ---- races


def test_a_fill_that_wins_against_its_cancel_is_booked(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        engine.submit(limit(10, 100))
        view = until(engine, ended(1, OrderState.WORKING))
        server.faults.arm("update", "drop", times=5)
        server.trade("AAPL", 100)
        engine.cancel(order_of(view, 1).id)
        until(engine, ended(1, OrderState.FILLED))
        agree(engine, server)


def test_a_cancel_whose_news_is_dropped_ends_all_the_same(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        engine.submit(limit(10, 90))
        view = until(engine, ended(1, OrderState.WORKING))
        server.faults.arm("update", "drop", times=5)
        engine.cancel(order_of(view, 1).id)
        until(engine, ended(1, OrderState.CANCELED))


@pytest.mark.parametrize("what", ["drop", "after_drop", "503", "429"])
def test_a_cancel_that_is_lost_is_asked_again_until_it_is_done(tmp_path: Path, what: str) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        engine.submit(limit(10, 90))
        view = until(engine, ended(1, OrderState.WORKING))
        server.faults.arm("DELETE /v2/orders", what, times=2)
        engine.cancel(order_of(view, 1).id)
        until(engine, ended(1, OrderState.CANCELED))


def test_an_order_that_fills_while_it_is_replaced_keeps_every_share_and_gets_none_too_many(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        engine.submit(limit(10, 100))
        view = until(engine, ended(1, OrderState.WORKING))
        server.do(lambda: setattr(server.book, "slow_replace", True))
        engine.replace(order_of(view, 1).id, Terms(D(10), D(101)))
        until(engine, ended(1, OrderState.PENDING_REPLACE))
        until(engine, lambda view: len(server.book.orders) == 2)
        server.trade("AAPL", 100, 4)
        until(engine, lambda view: order_of(view, 1).filled == 4)
        server.do(server.book.finish_replaces)
        view = until(engine, ended(1, OrderState.CANCELED))
        assert order_of(view, 1).filled == 4
        agree(engine, server)


def test_a_replace_that_comes_too_late_leaves_the_fill(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        engine.submit(limit(10, 100))
        view = until(engine, ended(1, OrderState.WORKING))
        server.do(lambda: setattr(server.book, "slow_replace", True))
        engine.replace(order_of(view, 1).id, Terms(D(10), D(101)))
        until(engine, lambda view: len(server.book.orders) == 2)
        server.trade("AAPL", 100)
        server.do(server.book.finish_replaces)
        view = until(engine, ended(1, OrderState.FILLED))
        assert order_of(view, 1).filled == 10
        agree(engine, server)


@pytest.mark.parametrize("what", ["after_drop", "drop", "504", "after_504"])
def test_a_replace_whose_answer_is_lost_is_found_out(tmp_path: Path, what: str) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        engine.submit(limit(10, 90))
        view = until(engine, ended(1, OrderState.WORKING))
        server.faults.arm("PATCH /v2/orders", what)
        engine.replace(order_of(view, 1).id, Terms(D(10), D(91)))
        taken = what.startswith("after_")
        view = until(
            engine, lambda view: order_of(view, 1).state is OrderState.WORKING and order_of(view, 1).limit == (91 if taken else 90)
        )
        server.trade("AAPL", 85)
        until(engine, ended(1, OrderState.FILLED))
        assert len(server.book.orders) == 1 + taken
        agree(engine, server)


# ---- groups


def bracket(quantity: int = 10) -> Intent:
    return Intent("AAPL", Side.BUY, D(quantity), OrderType.LIMIT, D(100), bracket=Bracket(Exit(D(110)), Exit(D(90))))


def test_the_exits_of_an_entry_are_one_group_there_and_either_ends_the_other(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        engine.submit(bracket())
        until(engine, ended(1, OrderState.WORKING, OrderState.FILLED))
        server.trade("AAPL", 100)
        until(engine, lambda view: {order_of(view, n).state for n in (2, 3)} == {OrderState.WORKING, OrderState.HELD})
        (group,) = server.do(lambda: [order for order in server.book.orders.values() if order.legs])
        assert [leg.type for leg in group.legs] == ["stop"]
        server.trade("AAPL", 89)
        until(engine, lambda view: [order_of(view, n).state for n in (2, 3)] == [OrderState.CANCELED, OrderState.FILLED])
        assert agree(engine, server).positions == ()


def test_an_entry_that_fills_in_parts_has_a_group_for_all_of_it_in_the_end(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        engine.submit(bracket())
        until(engine, ended(1, OrderState.WORKING))
        server.trade("AAPL", 100, 4)
        until(engine, lambda view: {order_of(view, n).state for n in (2, 3)} == {OrderState.WORKING, OrderState.HELD})
        server.trade("AAPL", 100, 6)

        def covered(view: object) -> bool:
            works = server.do(lambda: [order for order in server.book.orders.values() if order.legs and order.works])
            return [order.quantity for order in works] == [10]

        until(engine, covered)
        server.trade("AAPL", 111)
        until(engine, lambda view: not view.positions)
        agree(engine, server)


def test_a_sibling_whose_cancel_is_never_announced_ends_all_the_same(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        server.do(lambda: setattr(server.book, "silent_siblings", True))
        engine.submit(bracket())
        until(engine, ended(1, OrderState.WORKING, OrderState.FILLED))
        server.trade("AAPL", 100)
        until(engine, lambda view: {order_of(view, n).state for n in (2, 3)} == {OrderState.WORKING, OrderState.HELD})
        server.trade("AAPL", 110)
        until(engine, lambda view: [order_of(view, n).state for n in (2, 3)] == [OrderState.FILLED, OrderState.CANCELED])
        agree(engine, server)


@pytest.mark.parametrize("what", ["after_drop", "after_504", "drop"])
def test_a_group_whose_answer_is_lost_is_one_group(tmp_path: Path, what: str) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        engine.submit(bracket())
        until(engine, ended(1, OrderState.WORKING, OrderState.FILLED))
        server.faults.arm("POST /v2/orders", what)
        server.trade("AAPL", 100)
        until(
            engine,
            lambda view: (
                {o.state for o in view.orders if o.number > 1 and not o.state.is_final} == {OrderState.WORKING, OrderState.HELD}
                and len([o for o in view.orders if o.number > 1 and not o.state.is_final]) == 2
            ),
        )
        works = server.do(lambda: [order for order in server.book.orders.values() if order.legs and order.works])
        assert len(works) == 1
        server.trade("AAPL", 110)
        until(engine, lambda view: not view.positions)
        agree(engine, server)


# ---- the market


def test_an_order_while_the_market_is_closed_is_accepted_and_fills_at_the_open(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        server.do(lambda: setattr(server.book, "open", False))
        engine.submit(market())
        until(engine, ended(1, OrderState.ACCEPTED))
        server.do(server.book.open_market)
        until(engine, ended(1, OrderState.FILLED))
        agree(engine, server)


def test_an_order_placed_elsewhere_is_taken_over_and_counted(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        wish = {"symbol": "MSFT", "qty": "5", "side": "buy", "type": "limit", "time_in_force": "day", "limit_price": "95"}
        server.do(lambda: server.book.submit(wish))
        view = until(engine, lambda view: view.orders)
        assert said(view, "was placed elsewhere and is taken over")
        server.trade("MSFT", 95)
        until(engine, ended(1, OrderState.FILLED))
        agree(engine, server)


def test_one_of_ours_that_somebody_replaces_at_alpaca_is_followed(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        engine.submit(Intent("AAPL", Side.BUY, D(10), OrderType.LIMIT, D(90), tif=TimeInForce.GTC))
        view = until(engine, ended(1, OrderState.WORKING))
        theirs = server.order(order_of(view, 1).id)
        server.do(lambda: server.book.replace(theirs.id, {"limit_price": "92", "client_order_id": "theirs"}))
        until(engine, lambda view: order_of(view, 1).limit == 92)
        server.trade("AAPL", 91)
        until(engine, ended(1, OrderState.FILLED))
        agree(engine, server)


def test_what_filled_before_a_replace_is_booked_after_a_restart_too(tmp_path: Path) -> None:
    settings = replace(SETTINGS, on_exit="keep")
    with AlpacaServer() as server:
        with running(tmp_path, AlpacaBroker(KEY, SECRET, url=server.url, timings=PATIENT), settings=settings) as engine:
            engine.submit(Intent("AAPL", Side.BUY, D(10), OrderType.LIMIT, D(99), tif=TimeInForce.GTC))
            until(engine, ended(1, OrderState.WORKING))
            server.trade("AAPL", 99, 4)
            view = until(engine, ended(1, OrderState.PARTIAL))
            for price in (98, 97):
                engine.replace(order_of(view, 1).id, Terms(D(10), D(price)))
                until(engine, lambda view, price=price: order_of(view, 1).limit == price)  # type: ignore[misc]
                until(engine, lambda view: order_of(view, 1).state is not OrderState.PENDING_REPLACE)
        with running(tmp_path, AlpacaBroker(KEY, SECRET, url=server.url, timings=PATIENT), settings=settings) as engine:
            view = agree(engine, server)
            assert facts(order_of(view, 1).quantity, order_of(view, 1).filled) == (10, 4)
            server.trade("AAPL", 97, 50)
            view = until(engine, ended(1, OrderState.FILLED))
            assert order_of(view, 1).filled == 10
            agree(engine, server)
