"""What goes wrong with an order at TWS: afterwards there is exactly one order for each intent, and the books are TWS's to the cent."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from engine.model.orders import Bracket, Exit, Intent, OrderState, OrderType, Side, Terms, TimeInForce
from tests.engine.brokers.ib_engine import agree, is_in, once, soon, there, trading
from tests.engine.engines import limit, market, order_of, said, until
from tests.servers.tws.driver import TwsProcess

D = Decimal
__all__ = ["soon"]
NEVER = (OrderState.FILLED, OrderState.WORKING, OrderState.REJECTED)


# ---- replies that are lost


@pytest.mark.parametrize("what", ["unanswered", "cut"])
def test_a_submit_that_was_taken_and_not_answered_is_found_and_never_sent_again(tmp_path: Path, what: str) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        tws.do(f"arm submit {what}")
        engine.submit(market())
        view = until(engine, is_in(1, OrderState.FILLED))
        assert Decimal(there(tws, view)["filled"]) == 10
        once(tws, agree(engine, tws))


@pytest.mark.parametrize("what", ["unseen", "unseen_cut"])
def test_a_submit_that_never_arrived_ends_as_never_seen_and_leaves_nothing_there(tmp_path: Path, what: str) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        tws.do(f"arm submit {what}")
        engine.submit(market())
        view = until(engine, is_in(1, OrderState.REJECTED))
        assert "never" in order_of(view, 1).reason
        assert tws.orders() == []
        agree(engine, tws)


def test_fifty_submits_of_which_each_third_is_lost_are_each_there_once_or_not_at_all(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        tws.do("fills off")
        for nth in range(5, 50, 6):
            tws.do(f"arm submit unanswered {nth}")
        tws.do("arm submit unseen 20")
        for price in range(40, 90):
            engine.submit(limit(1, price), confirmed=True)
        settled = lambda view: len(view.orders) == 50 and all(row.state in NEVER for row in view.orders)  # noqa: E731
        view = until(engine, settled, 60)
        once(tws, view)
        working = {row.id for row in view.orders if row.state is OrderState.WORKING}
        assert working == {row["ref"] for row in tws.orders()}


@pytest.mark.parametrize("on", ["status", "execution", "commission", "open"])
@pytest.mark.parametrize("what", ["drop", "twice", "late"])
def test_news_that_is_dropped_doubled_or_out_of_order_books_each_share_once(tmp_path: Path, on: str, what: str) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        tws.do("price AAPL 100 6")
        tws.do(f"arm {on} {what} 2")
        engine.submit(market())
        until(engine, lambda view: tws.positions.get("AAPL") == 6)
        tws.do("price AAPL 101 4")
        engine.submit(market(3, "MSFT"))
        until(engine, lambda view: tws.positions == {"AAPL": D(10), "MSFT": D(3)})
        tws.do("cut")
        view = agree(engine, tws)
        assert {row.state for row in view.orders} == {OrderState.FILLED}
        once(tws, view)


# ---- what the library would have Cancelled


def test_an_error_that_is_none_leaves_the_order_at_work(tmp_path: Path) -> None:
    """10349: the time in force was taken from a preset. The library invents a Cancelled from it."""
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        tws.do("arm submit 10349 1 1 works : Order TIF was set to DAY based on order preset.")
        engine.submit(limit())
        view = until(engine, lambda view: is_in(1, OrderState.WORKING)(view) and said(view, "based on order preset"))
        assert there(tws, view)["status"] == "Submitted"


def test_an_error_nobody_knows_is_checked_before_it_is_believed(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        tws.do("arm submit 9999 1 1 works : Something or other.")
        engine.submit(limit())
        view = until(engine, lambda view: is_in(1, OrderState.WORKING)(view) and said(view, "Something or other"))
        assert there(tws, view)["status"] == "Submitted"


def test_an_error_nobody_knows_about_an_order_that_is_nowhere_ends_it_in_tws_own_words(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        tws.do("arm submit 9999 : Something or other.")
        engine.submit(limit())
        view = until(engine, is_in(1, OrderState.REJECTED))
        assert order_of(view, 1).reason == "Something or other."
        assert tws.orders() == []


def test_a_modification_that_is_refused_leaves_the_old_terms_and_says_why(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        engine.submit(limit())
        order = order_of(until(engine, is_in(1, OrderState.WORKING)), 1)
        tws.do("arm modify 201 : Order rejected - reason:no such price today")
        engine.replace(order.id, Terms(D(20), D(91)))
        view = until(engine, lambda view: "no such price today" in order_of(view, 1).reason)
        assert order_of(view, 1).state is OrderState.WORKING
        assert order_of(view, 1).quantity == 10 == D(there(tws, view)["quantity"])
        engine.replace(order.id, Terms(D(20), D(91)))
        until(engine, lambda view: order_of(view, 1).quantity == 20)
        assert D(there(tws, view)["quantity"]) == 20


@pytest.mark.parametrize(("what", "quantity"), [("unseen", 10), ("unanswered", 20), ("cut", 20)])
def test_a_modification_that_is_lost_ends_as_tws_has_it(tmp_path: Path, what: str, quantity: int) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        engine.submit(limit())
        order = order_of(until(engine, is_in(1, OrderState.WORKING)), 1)
        tws.do(f"arm modify {what}")
        engine.replace(order.id, Terms(D(20), D(91)))
        until(engine, is_in(1, OrderState.UNKNOWN, OrderState.PENDING_REPLACE))
        view = until(engine, is_in(1, OrderState.WORKING))
        assert order_of(view, 1).quantity == quantity == D(there(tws, view)["quantity"])


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (201, "Order rejected - reason:The contract is not available for short sale."),
        (110, "The price does not conform to the minimum price variation for this contract."),
        (103, "Duplicate order id"),
        (10243, "Fractional-sized order cannot be placed via API."),
        (321, "Error validating request.-'bN' : cause - The account is in read-only mode."),
    ],
)
def test_a_rejection_reaches_the_person_word_for_word(tmp_path: Path, code: int, words: str) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        tws.do(f"arm submit {code} : {words}")
        engine.submit(limit())
        view = until(engine, is_in(1, OrderState.REJECTED))
        assert order_of(view, 1).reason == words
        assert tws.orders() == []


def test_an_order_whose_contract_could_not_be_asked_for_is_never_sent(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        tws.do("arm details 162 : pacing violation")
        engine.submit(limit())
        until(engine, is_in(1, OrderState.REJECTED))
        assert tws.orders() == []
        engine.submit(limit(5))
        until(engine, is_in(2, OrderState.WORKING))


# ---- fills, cancels, corrections


def test_a_fill_that_tws_corrects_counts_as_if_it_had_been_told_right(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        engine.submit(market())
        order = order_of(until(engine, is_in(1, OrderState.FILLED)), 1)
        tws.do(f"correct {order.id} 10 99.5")
        view = until(engine, lambda view: order_of(view, 1).average == D("99.5"))
        agree(engine, tws)
        tws.do("cut")
        view = agree(engine, tws)
        assert order_of(view, 1).filled == 10


def test_a_cancel_that_loses_against_the_fill_ends_filled(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        engine.submit(limit())
        order = order_of(until(engine, is_in(1, OrderState.WORKING)), 1)
        tws.do("arm cancel 161 : Cancel attempted when order is not in a cancellable state.")
        tws.do(f"fill {order.id} 10 90 silent")
        engine.cancel(order.id)
        until(engine, is_in(1, OrderState.FILLED))
        agree(engine, tws)


@pytest.mark.parametrize("code", [10147, 10148])
def test_a_cancel_that_is_refused_leaves_the_order_at_work_or_is_asked_again(tmp_path: Path, code: int) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        engine.submit(limit())
        order = order_of(until(engine, is_in(1, OrderState.WORKING)), 1)
        tws.do(f"arm cancel {code} : OrderId that needs to be cancelled can not be.")
        engine.cancel(order.id)
        view = until(engine, lambda view: "can not be" in order_of(view, 1).reason)
        assert order_of(view, 1).state is OrderState.WORKING
        engine.cancel(order.id)
        view = until(engine, is_in(1, OrderState.CANCELED))
        assert there(tws, view)["status"] == "Cancelled"


@pytest.mark.parametrize("what", ["unseen", "unanswered", "cut", "unseen_cut"])
def test_a_cancel_that_is_lost_is_asked_until_tws_says_it_is_done(tmp_path: Path, what: str) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        engine.submit(limit())
        order = order_of(until(engine, is_in(1, OrderState.WORKING)), 1)
        tws.do(f"arm cancel {what}")
        engine.cancel(order.id)
        view = until(engine, is_in(1, OrderState.CANCELED))
        assert there(tws, view)["status"] == "Cancelled"


def test_of_a_bracket_one_exit_fills_and_the_other_is_gone_though_nobody_told_of_it(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        intent = Intent("AAPL", Side.BUY, D(10), bracket=Bracket(Exit(price=D(110)), Exit(price=D(90))))
        engine.submit(intent)
        view = until(engine, lambda view: len(view.orders) == 3 and len([row for row in tws.orders() if row["status"] != "Filled"]) == 2)
        legs = [row for row in tws.orders() if row["oca_group"]]
        assert [row["oca_type"] for row in legs] == [2, 2]
        assert len({row["oca_group"] for row in legs}) == 1
        until(engine, lambda view: all(row.state in (OrderState.WORKING, OrderState.ACCEPTED) for row in view.orders if row.number > 1))
        tws.do("arm status drop 2")
        tws.do("price AAPL 111")
        tws.do("cut")
        view = until(engine, lambda view: not [row for row in view.orders if not row.state.is_final])
        view = agree(engine, tws)
        assert sorted(row.state for row in view.orders) == [OrderState.CANCELED, OrderState.FILLED, OrderState.FILLED]
        assert view.positions == () or not any(row.quantity for row in view.positions)


# ---- the market's hours


def test_an_order_while_the_market_is_closed_waits_at_tws_says_so_and_fills_at_the_open(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        tws.do("market closed")
        engine.submit(market())
        until(engine, lambda view: is_in(1, OrderState.ACCEPTED)(view) and said(view, "will not be placed at the exchange until"))
        tws.do("market open")
        until(engine, is_in(1, OrderState.FILLED))
        agree(engine, tws)


def test_an_order_for_the_day_expires_with_it_and_one_until_cancelled_does_not(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        engine.submit(limit())
        engine.submit(Intent("AAPL", Side.BUY, D(1), OrderType.LIMIT, D(80), tif=TimeInForce.GTC))
        until(engine, lambda view: is_in(2, OrderState.WORKING)(view) and is_in(1, OrderState.WORKING)(view))
        tws.do("expire")
        view = until(engine, is_in(1, OrderState.EXPIRED))
        assert order_of(view, 2).state is OrderState.WORKING


def test_of_a_bracket_whose_stop_was_lost_the_stop_that_takes_its_place_ends_when_the_target_fills(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        tws.do("price AAPL 100 100")
        tws.do("arm submit unseen 3")
        bracket = Bracket(Exit(D(110)), Exit(D(90)))
        engine.submit(Intent("AAPL", Side.BUY, D(10), OrderType.MARKET, bracket=bracket))
        until(engine, lambda view: [row["type"] for row in tws.orders()] == ["MKT", "LMT", "STP"])
        legs = tws.orders()[1:]
        assert legs[0]["oca_group"] == legs[1]["oca_group"] != ""
        tws.do("price AAPL 111 100")
        until(engine, lambda view: [row["status"] for row in tws.orders()] == ["Filled", "Filled", "Cancelled"])
        tws.do("price AAPL 89 100")
        assert agree(engine, tws).mismatches == ()
        assert tws.positions == {}


def test_an_order_from_an_earlier_day_fills_on_and_is_corrected_after_a_restart_and_nothing_is_asked_for_ever(tmp_path: Path) -> None:
    with TwsProcess() as tws:
        with trading(tmp_path, tws, on_exit="keep") as engine:
            engine.submit(Intent("AAPL", Side.BUY, D(100), OrderType.LIMIT, D(90), tif=TimeInForce.GTC))
            order = order_of(until(engine, is_in(1, OrderState.WORKING)), 1)
            tws.do(f"fill {order.id} 60 90")
            until(engine, is_in(1, OrderState.PARTIAL))
        tws.do("midnight")
        with trading(tmp_path, tws) as engine:
            tws.do(f"fill {order.id} 20 88")
            until(engine, lambda view: order_of(view, 1).filled == 80)
            tws.do(f"correct {order.id} 15 89")
            view = until(engine, lambda view: order_of(view, 1).filled == 75)
            assert order_of(view, 1).average == D("89.8")
            engine.answer(engine.sync())  # what the correction had asked for is over
            asked = tws.do("book")["asked"]
            for _ in range(3):
                engine.answer(engine.sync())
            more = tws.do("book")["asked"]
            assert more["executions"] - asked["executions"] == more["positions"] - asked["positions"]
            assert tws.positions == {"AAPL": D(75)}
            assert not engine.status().mismatches


def test_orders_of_another_account_of_the_same_log_in_are_nothing_of_ours(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        tws.do("place 99 BUY 5 AAPL LMT 90 theirs DU7654321")
        tws.do("place 99 BUY 5 AAPL LMT 90 ours DU1234567")
        engine.answer(engine.sync())
        view = until(engine, lambda view: view.orders)
        engine.answer(engine.sync())
        assert len(engine.status().orders) == len(view.orders) == 1
        engine.cancel()
        until(engine, lambda view: "other orders work beside it" in order_of(view, 1).reason)
        assert {row["ref"]: row["status"] for row in tws.orders()} == {"theirs": "Submitted", "ours": "Submitted"}
