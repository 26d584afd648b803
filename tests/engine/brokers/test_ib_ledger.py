"""What TWS's messages add up to: by the ledger alone, without a wire."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.brokers.base import AmbiguousError
from engine.brokers.ib.facts import Contract, ExecutionTold, FeeTold, OrderFields, OrderTold, StatusTold
from engine.brokers.ib.ledger import Entry, Ledger
from engine.model.order_states import OrderEvent
from engine.model.orders import OrderType, TimeInForce
from tests.engine.brokers.ib_rig import ib_rig
from tests.engine.core.floor import facts

D = Decimal
AAPL = Contract(265598, "AAPL", "STK", "USD")
OURS = "261128-0a1b2c3d-7"


def told(status: str = "Submitted", *, ref: str = OURS, perm: int = 1, client: int = 7, number: int = 5, **fields: object) -> OrderTold:
    given = {"action": "BUY", "quantity": D(10), "type": "LMT", "limit": D(90), "tif": "GTC"} | fields
    return OrderTold(perm, client, number, AAPL, OrderFields(ref=ref, **given), status)  # type: ignore[arg-type]


def executed(exec_id: str, shares: int, price: object, perm: int = 1, *, before: int = 0, before_at: object = 0) -> ExecutionTold:
    """`before` shares of the order filled, at `before_at`, until then."""
    counted = D(before + shares)
    average = (before * D(str(before_at)) + shares * D(str(price))) / counted
    return ExecutionTold(exec_id, perm, 7, 5, OURS, AAPL, "BUY", D(shares), D(str(price)), counted, average)


def status(what: str, filled: int = 0, average: object = 0, why_held: str = "") -> StatusTold:
    return StatusTold(1, 7, 5, what, D(filled), D(str(average)), why_held)


def event(entry: Entry) -> OrderEvent:
    update = entry.update()
    assert update is not None
    return update.event


@pytest.mark.parametrize(
    ("what", "why_held", "means"),
    [
        ("PreSubmitted", "", OrderEvent.ACCEPT),
        ("PreSubmitted", "trigger", OrderEvent.ACCEPT),
        ("PreSubmitted", "child", OrderEvent.HOLD),
        ("PreSubmitted", "locate", OrderEvent.HOLD),
        ("Inactive", "", OrderEvent.HOLD),
        ("Submitted", "", OrderEvent.WORK),
        ("PendingCancel", "", OrderEvent.WORK),
        ("Cancelled", "", OrderEvent.CANCEL),
        ("ApiCancelled", "", OrderEvent.CANCEL),
    ],
)
def test_each_status_has_its_meaning(what: str, why_held: str, means: OrderEvent) -> None:
    ledger = Ledger()
    ledger.on_order(told("PendingSubmit"))
    assert event(ledger.on_status(status(what, why_held=why_held))) is means


def test_a_status_nobody_knows_says_nothing() -> None:
    ledger = Ledger()
    assert ledger.on_order(told("Bewitched")).update() is None


@pytest.mark.parametrize(("quantity", "counts"), [(10, 0), (0, 11)])
def test_a_count_of_more_than_an_order_is_for_stands_for_no_fill_but_where_it_was_placed_by_its_value(quantity: int, counts: int) -> None:
    ledger = Ledger()
    entry = ledger.on_order(told(quantity=D(quantity)))
    ledger.on_status(status("Submitted", 11, 90))
    assert entry.figures()[0] == counts


def test_an_execution_of_another_stock_or_side_is_none_of_an_order() -> None:
    ledger = Ledger()
    entry = ledger.on_order(told())
    right = executed("a.1.01", 4, 90)
    for wrong in (replace(right, action="SELL"), replace(right, contract=replace(AAPL, con_id=1))):
        with pytest.raises(ValueError, match="another stock or side"):
            ledger.on_execution(wrong)
    assert entry.figures()[0] == 0
    assert ledger.on_execution(right).figures()[0] == 4


def test_an_order_keeps_the_number_it_is_cancelled_by_whatever_a_status_says() -> None:
    ledger = Ledger()
    entry, other = ledger.on_order(told()), ledger.on_order(told(ref="261128-0a1b2c3d-8", perm=2, number=6))
    assert ledger.on_status(replace(status("Submitted"), order_id=6)) is entry
    assert (entry.order_id, ledger.by_number(7, 6)) == (5, other)


def test_an_order_for_the_day_that_ended_unasked_expired() -> None:
    ledger = Ledger()
    entry = ledger.on_order(told(tif="DAY"))
    ledger.on_status(status("Cancelled"))
    assert event(entry) is OrderEvent.EXPIRE
    entry.cancelled_there = True
    assert event(entry) is OrderEvent.CANCEL


def test_filled_counts_once_the_executions_say_the_same() -> None:
    ledger = Ledger()
    entry = ledger.on_order(told())
    ledger.on_execution(executed("a.01", 4, 90))
    assert facts(event(entry), entry.figures()) == (OrderEvent.FILL_PART, (4, 360, 0))
    ledger.on_status(status("Filled", 10, 90))
    assert entry.misses_executions
    ledger.on_execution(executed("b.01", 6, 90))
    assert facts(event(entry), entry.figures(), entry.misses_executions) == (OrderEvent.FILL_ALL, (10, 900, 0), False)


def test_an_execution_that_comes_twice_is_one_and_a_correction_takes_its_place() -> None:
    ledger = Ledger()
    entry = ledger.on_order(told())
    for exec_id, price in (("x.a.01.01", 90), ("x.a.01.01", 90), ("x.a.01.02", 89), ("x.a.01.01", 90)):
        ledger.on_execution(executed(exec_id, 10, price))
    ledger.on_fee(FeeTold("x.a.01.02", D(1)))
    update = entry.update()
    assert update is not None
    assert facts(update.filled, update.cost, update.fees, update.corrected) == (10, 890, 1, True)


def test_of_a_correction_whose_first_word_was_never_heard_a_status_from_before_it_counts_for_nothing() -> None:
    ledger = Ledger()
    ledger.on_order(told())
    ledger.on_status(status("Submitted"))
    ledger.on_status(status("Filled", 10, 90))
    assert facts(ledger.on_execution(executed("x.a.01.02", 8, 90)).figures()) == ((8, 720, 0),)


def test_a_correction_that_a_status_counts_already_is_counted_once() -> None:
    """As when the link is up again: how the order stands is told before what was executed."""
    ledger = Ledger()
    entry = ledger.on_order(told(quantity=D(20)))
    ledger.on_execution(executed("x.a.01.01", 10, 90))
    ledger.on_status(status("Submitted", 10, 90))
    ledger.on_status(status("Submitted", 12, 90))
    ledger.on_execution(executed("x.a.01.02", 12, 90))
    assert facts(entry.figures(), entry.misses_executions) == ((12, 1080, 0), False)


def test_what_a_correction_of_an_older_execution_counts_over_itself_is_nothing_of_an_earlier_day() -> None:
    ledger = Ledger()
    entry = ledger.on_order(told(quantity=D(20)))
    for execution in (executed("x.a.01.01", 1, 90), executed("x.b.01.01", 1, 90, before=1, before_at=90)):
        ledger.on_execution(execution)
    ledger.on_execution(executed("x.a.01.02", 1, 91, before=1, before_at=90))
    assert facts(entry.figures()) == ((2, 181, 0),)


def test_a_fee_that_is_told_before_its_execution_is_kept_for_it() -> None:
    ledger = Ledger()
    ledger.on_order(told())
    assert ledger.on_fee(FeeTold("a.01", D(1))) is None
    assert facts(ledger.on_execution(executed("a.01", 10, 90)).figures()) == ((10, 900, 1),)


def test_what_filled_on_an_earlier_day_counts_by_tws_own_total() -> None:
    """Today's executions alone are told: a fill of today adds to what filled before."""
    ledger = Ledger()
    entry = ledger.on_order(told())
    ledger.on_status(status("Submitted", 6, 89))
    assert facts(entry.figures()) == ((6, 534, 0),)
    ledger.on_execution(executed("b.01", 2, 90, before=6, before_at=89))
    assert facts(entry.figures(), entry.misses_executions) == ((8, 714, 0), False)
    ledger.on_status(status("Submitted", 8, "89.25"))
    assert facts(entry.figures()) == ((8, 714, 0),)


def test_an_end_sticks_whatever_is_told_late() -> None:
    ledger = Ledger()
    ledger.on_order(told())
    ledger.on_status(status("Cancelled"))
    entry = ledger.on_order(told("Submitted"))
    ledger.on_status(status("Submitted"))
    assert event(entry) is OrderEvent.CANCEL


def test_a_reference_of_somebody_elses_is_no_id_and_two_orders_with_it_are_two() -> None:
    ledger = Ledger()
    first = ledger.on_order(told(ref="algo", perm=1, number=1, client=9))
    second = ledger.on_order(told(ref="algo", perm=2, number=2, client=9))
    copy = ledger.on_order(told(perm=3, number=3))
    again = ledger.on_order(told(perm=4, number=4))
    assert [entry.id for entry in (first, second, copy, again)] == ["ib-1", "ib-2", OURS, "ib-4"]


def test_an_order_that_tws_never_answered_is_known_again_when_it_ended() -> None:
    ledger = Ledger()
    sent = ledger.sent(OURS, 7, 5, told().fields, AAPL)
    assert ledger.on_order(OrderTold(1, 0, 0, AAPL, told().fields, "Cancelled", completed=True)) is sent
    assert sent.perm_id == 1


@pytest.mark.parametrize(
    ("fields", "kind", "prices"),
    [
        ({"type": "STP", "limit": None, "aux": D(80)}, OrderType.STOP, (None, 80, None, None)),
        ({"type": "STP LMT", "aux": D(80)}, OrderType.STOP_LIMIT, (90, 80, None, None)),
        ({"type": "TRAIL", "limit": None, "aux": D(5), "trail_stop": D(85)}, OrderType.TRAILING_STOP, (None, 85, 5, None)),
        ({"type": "TRAIL", "limit": None, "trail_pct": D(2), "trail_stop": D(98)}, OrderType.TRAILING_STOP, (None, 98, None, 2)),
        ({"type": "MOC", "limit": None}, OrderType.MARKET, (None, None, None, None)),
        ({"type": "REL"}, OrderType.LIMIT, (90, None, None, None)),
    ],
)
def test_an_order_is_listed_as_what_it_is(fields: dict[str, object], kind: OrderType, prices: tuple[object, ...]) -> None:
    row = Ledger().on_order(told(**fields)).listed()  # type: ignore[arg-type]
    assert row is not None
    assert facts(row.type, (row.limit, row.stop, row.trail, row.trail_pct)) == (kind, prices)
    assert (row.tif is TimeInForce.CLS) == (fields["type"] == "MOC")


@pytest.mark.parametrize("tif", sorted(TimeInForce))
async def test_each_time_in_force_is_taken_as_what_it_is(tif: TimeInForce) -> None:
    async with ib_rig() as rig:
        await rig.do("fills off")
        order = rig.order(limit=90, tif=tif)
        await rig.broker.submit(order)
        await rig.until(lambda: rig.news_of(order))
        row = rig.tws.order(order.id)
        expected = ("LOC", "DAY") if tif is TimeInForce.CLS else ("LMT", str(tif))
        assert (row["type"], row["tif"]) == expected
        if tif in (TimeInForce.IOC, TimeInForce.FOK):
            await rig.told(order, OrderEvent.EXPIRE)
        else:
            assert (await rig.listed(order)).tif is tif


def test_an_orders_number_that_is_used_again_gives_nothing_of_the_new_order_to_the_lost_one() -> None:
    ledger = Ledger()
    other = "261128-0a1b2c3d-8"
    lost = ledger.sent(OURS, 7, 5, told().fields, AAPL)
    entry = ledger.sent(other, 7, 5, told(ref=other).fields, AAPL)
    assert ledger.find(other) is entry is not lost is ledger.find(OURS)
    ledger.on_execution(ExecutionTold("a.01", 1, 7, 5, other, AAPL, "BUY", D(10), D(90), D(10), D(90)))
    ledger.on_status(status("Filled", 10, 90))
    assert facts(event(entry), entry.figures(), lost.figures()) == (OrderEvent.FILL_ALL, (10, 900, 0), (0, 0, 0))


def test_what_is_told_of_another_order_of_ours_under_a_lost_ones_number_is_its_own() -> None:
    ledger = Ledger()
    lost = ledger.sent(OURS, 7, 5, told().fields, AAPL)
    entry = ledger.on_order(told(ref="261128-0a1b2c3d-8"))
    assert entry is not lost
    assert entry.id == "261128-0a1b2c3d-8"


def test_a_correction_leaves_what_filled_on_an_earlier_day() -> None:
    ledger = Ledger()
    entry = ledger.on_order(told(quantity=D(100)))
    ledger.on_status(status("Submitted", 60, 90))
    ledger.on_execution(executed("x.a.01.01", 40, 90, before=60, before_at=90))
    ledger.on_status(status("Filled", 100, 90))
    ledger.on_execution(executed("x.a.01.02", 40, 89, before=60, before_at=90))
    assert facts(event(entry), entry.figures()) == (OrderEvent.FILL_ALL, (100, 8960, 0))
    ledger.on_execution(executed("x.a.01.03", 30, 89, before=60, before_at=90))
    assert facts(event(entry), entry.figures()) == (OrderEvent.FILL_PART, (90, 8070, 0))


async def test_an_order_with_a_status_nobody_knows_is_not_taken_for_one_that_never_arrived() -> None:
    async with ib_rig() as rig:
        await rig.do("fills off")
        order = rig.order(limit=90)
        await rig.broker.submit(order)
        await rig.do(f"status {order.id} Bewitched")
        with pytest.raises(AmbiguousError, match="Bewitched"):
            await rig.broker.find(order.id)
