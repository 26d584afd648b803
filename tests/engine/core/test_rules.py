"""Every rule of the gate in one table: a situation, and the exact sentence that a trader reads when it says no."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from engine.core.risk.rules import Rule
from engine.model.capabilities import Capabilities
from engine.model.inputs import BrokerSnapshot, LinkChanged, OrderUpdate, StrategyFailed, Tick
from engine.model.market import Halt, MarketStatus, Phase, Quote
from engine.model.modes import LinkState, Mode
from engine.model.order_states import OrderEvent
from engine.model.orders import Bracket, Exit, Intent, OrderType, Side, TimeInForce
from engine.model.records import SignalRaised
from engine.model.settings import CombinedLimits, MarginSettings, StrategyLimits, SymbolLimits
from engine.model.standing import Standing
from engine.model.verdicts import Verdict
from tests.engine.core.floor import OPEN_LIMITS, Floor, settings, wish

D = Decimal
BUY = wish(Side.BUY, 100)
Situation = Callable[[], Verdict]


def floor(*, mode: Mode = Mode.FULL_AUTO, margin: MarginSettings | None = None, **limits: Any) -> Floor:
    given = settings(limits=replace(OPEN_LIMITS, **limits))
    return Floor(replace(given, margin=margin) if margin else given, mode=mode, prices={"AAPL": 100.0, "MSFT": 400.0})


def among(combined: CombinedLimits) -> Floor:
    """An account beside others that hold AAPL and MSFT, long and short."""
    the_floor = Floor(replace(settings(), combined=combined), mode=Mode.FULL_AUTO, prices={"AAPL": 100.0, "MSFT": 400.0})
    others = Standing(D(200_000), D(30_000), {"AAPL": (D(15_000), D(5_000)), "MSFT": (D(10_000), D(0))})
    the_floor.core.gate.others = lambda: others
    return the_floor


def no(the_floor: Floor, intent: Intent = BUY, *, confirmed: bool = True) -> Verdict:
    """What a person is told who submits `intent`."""
    reply = the_floor.submit(intent, confirmed=confirmed)
    assert not reply.ok
    assert reply.verdict is not None
    assert reply.text == reply.verdict.text
    return reply.verdict


def no_signal(the_floor: Floor, **proposal: Any) -> Verdict:
    """What became of a strategy's proposal at the gate."""
    the_floor.propose("last", **proposal)
    verdict: Verdict = the_floor.of(SignalRaised)[-1].verdict
    return verdict


def before(event: object, intent: Intent = BUY, **limits: Any) -> Verdict:
    the_floor = floor(**limits)
    the_floor.handle(event)  # type: ignore[arg-type]
    return no(the_floor, intent)


def status(phase: Phase) -> MarketStatus:
    return MarketStatus(phase, phase, "2025-06-12", 1_000)


def broker_that_takes_no_stops() -> Verdict:
    the_floor = floor()
    the_floor.core.gate.capabilities = Capabilities(types=frozenset({OrderType.MARKET, OrderType.LIMIT}))
    return no(the_floor, wish(Side.BUY, 1, stop=110))


def before_the_broker_answered() -> Verdict:
    the_floor = floor()
    the_floor.core.handle(LinkChanged("paper", LinkState.DOWN), the_floor.mono)
    the_floor.core.handle(LinkChanged("paper", LinkState.UP), the_floor.mono)
    return no(the_floor)


def after_the_stop() -> Verdict:
    the_floor = floor()
    the_floor.stop()
    return no(the_floor)


def disabled() -> Verdict:
    the_floor = floor()
    the_floor.handle(StrategyFailed("sma", "ZeroDivisionError: division by zero", disabled=True))
    return no_signal(the_floor, quantity=1)


def mismatched() -> Verdict:
    the_floor = floor()
    the_floor.buy(1, "MSFT")
    the_floor.handle(BrokerSnapshot(D(100_000), (("AAPL", D(7), D(100)),), ()))
    return no(the_floor)


def lost() -> Verdict:
    the_floor = floor()
    the_floor.handle(OrderUpdate(the_floor.buy(1, limit=90).id, OrderEvent.LOSE, reason="timeout"))
    return no(the_floor)


def after_a_loss() -> Verdict:
    the_floor = floor(max_daily_loss_pct=D(2))
    the_floor.hold(100, 100)
    the_floor.quote("AAPL", 80)
    the_floor.tick()
    return no(the_floor)


def at_the_moment_of_a_loss() -> Verdict:
    the_floor = floor(max_daily_loss_pct=D(2))
    the_floor.hold(100, 100)
    the_floor.quote("AAPL", 80)
    return no(the_floor)


def silent() -> Verdict:
    the_floor = floor()
    the_floor.tick(7.4)
    return no(the_floor)


def crossing() -> Verdict:
    the_floor = floor()
    the_floor.hold(50, 100)
    the_floor.sell(40, limit=101)
    return no(the_floor, wish(Side.BUY, 1, limit=101))


def again() -> Verdict:
    the_floor = floor()
    the_floor.buy(100)
    the_floor.tick(1.2)
    return no(the_floor, confirmed=False)


def wild() -> Verdict:
    the_floor = floor()
    for number in range(5):
        the_floor.propose(f"{number}", quantity=1 + number, limit=1)
    return no_signal(the_floor, quantity=9)


def loser() -> Verdict:
    the_floor = floor(strategies={"sma": StrategyLimits(max_daily_loss_pct=D(1))})
    the_floor.propose("first", quantity=100)
    the_floor.quote("AAPL", 100)
    the_floor.quote("AAPL", 90)
    return no_signal(the_floor, quantity=1)


def fallen() -> Verdict:
    the_floor = floor(strategies={"sma": StrategyLimits(circuit_breaker_pct=D(1))})
    the_floor.propose("first", quantity=100)
    the_floor.quote("AAPL", 100)
    the_floor.tick()
    the_floor.quote("AAPL", 90)
    the_floor.tick()
    return no_signal(the_floor, quantity=1)


def at_the_moment_of_a_symbols_loss() -> Verdict:
    the_floor = floor(symbols={"AAPL": SymbolLimits(max_daily_loss_pct=D(1))})
    the_floor.hold(100, 100)
    the_floor.quote("AAPL", 90)
    return no(the_floor)


def called() -> Verdict:
    the_floor = floor(margin=MarginSettings(enabled=True, cushion_pct=D(0)))
    the_floor.hold(1000, 100)
    the_floor.hold(250, 400, "MSFT")
    the_floor.move("AAPL", 32)
    return no(the_floor, wish(Side.BUY, 1))


SENTENCES: dict[Rule, tuple[Situation, str]] = {
    Rule.SYMBOL: (lambda: no(floor(), wish(Side.BUY, 1, "TSLA")), "TSLA is not a symbol this feed knows."),
    Rule.ORDER: (lambda: no(floor(), replace(BUY, limit=D(99))), "A market order takes no limit price."),
    Rule.BROKER: (broker_that_takes_no_stops, "This broker takes no stop orders."),
    Rule.TICK_SIZE: (lambda: no(floor(), wish(Side.BUY, 1, limit="0.004")), "The price is less than one tick of 0.01."),
    Rule.LOT_SIZE: (lambda: no(floor(), wish(Side.BUY, "0.00005")), "0.00005 is less than one lot of 0.0001."),
    Rule.BRACKET: (
        lambda: no(floor(), replace(BUY, bracket=Bracket(Exit(D(90))))),
        "The take profit at 90.00 must be above the entry at 100.0.",
    ),
    Rule.REDUCE_ONLY: (lambda: no(floor(), wish(Side.SELL, 1, reduce_only=True)), "There is nothing of AAPL left to close."),
    Rule.JOURNAL: (
        lambda: before(Tick("the disk is full")),
        "The journal cannot be written, so nothing is sent: the disk is full.",
    ),
    Rule.LINK: (
        lambda: before(LinkChanged("paper", LinkState.DOWN, "connection reset")),
        "The link to the broker is down, so nothing is sent: connection reset.",
    ),
    Rule.STARTING: (
        before_the_broker_answered,
        "The account is still being compared with the broker's: nothing is sent until that is done.",
    ),
    Rule.HALTED: (after_the_stop, "Trading is halted (stop key): only cancels and flatten go through."),
    Rule.RESEARCH: (
        lambda: no(floor(mode=Mode.RESEARCH)),
        "In RESEARCH nothing is entered; only orders that reduce a position go through.",
    ),
    Rule.DISABLED: (
        disabled,
        "sma is disabled (ZeroDivisionError: division by zero): it enters no more until it is started again.",
    ),
    Rule.MISMATCH: (mismatched, "The broker holds 7 AAPL, our books say no: no entries until both agree."),
    Rule.UNKNOWN_ORDER: (lost, "#1 is UNKNOWN: no entries in AAPL until the broker tells what became of it."),
    Rule.REDUCING: (
        after_a_loss,
        "Only orders that shrink a position are let through: today's loss of 2,000.00 reached the limit of 2,000.00.",
    ),
    Rule.HALTED_SYMBOL: (
        lambda: before(Halt("AAPL", 1_000, True, "news pending")),
        "AAPL is halted (news pending): no entries until it trades again.",
    ),
    Rule.HOURS: (
        lambda: before(status(Phase.CLOSED), outside_hours="deny"),
        "The market is closed, and limits.outside_hours is deny: no entries until the regular session.",
    ),
    Rule.PRICE: (
        lambda: no(Floor(settings()), BUY),
        "AAPL has no price yet, so the order's size cannot be judged.",
    ),
    Rule.STALE_PRICE: (silent, "AAPL's last price is 7 s old, the limit is 5 s: no entries."),
    Rule.COLLAR: (
        lambda: no(floor(), wish(Side.BUY, 1, limit="105.01")),
        "The limit 105.01 is 5.01 % above the market's 100.0, the collar is 5 %.",
    ),
    Rule.SELF_TRADE: (crossing, "It would trade with our own #2, SELL 40 at 101.00: cancel that first."),
    Rule.SHORT_SALE: (
        lambda: no(floor(), wish(Side.SELL, 100)),
        "Selling 100 would be short: 0 AAPL are free to sell, and limits.short_selling is off.",
    ),
    Rule.REPETITION: (
        again,
        "It looks like a repetition: the same BUY 100 AAPL was sent 1.2 s ago as #1. Confirm that it is meant, or wait 2 s.",
    ),
    Rule.ORDER_RATE: (wild, "sma has sent 5 orders within a second, the limit is 5."),
    Rule.STRATEGY_LOSS: (
        loser,
        "sma reached its loss limit of 1 % of equity in this session: it enters no more until the next.",
    ),
    Rule.STRATEGY_BREAKER: (
        fallen,
        "sma enters no more until a person resets its breaker: it lost 1,000.00 within 10 minutes, the limit is 990.00.",
    ),
    Rule.SYMBOL_LOSS: (
        at_the_moment_of_a_symbols_loss,
        "AAPL reached its loss limit of 1 % of equity in this session: nothing is entered in it until the next.",
    ),
    Rule.DAILY_LOSS: (at_the_moment_of_a_loss, "Today's loss is 2.00 % of equity, the limit is 2 %: no entries."),
    Rule.ORDER_SIZE: (
        lambda: no(floor(max_order_pct=D(5))),
        "The order would be 10.00 % (10,000.00), the limit is 5 % of equity (5,000.00). 50 would pass.",
    ),
    Rule.ORDER_NOTIONAL: (
        lambda: no(floor(max_order_notional=D(2500))),
        "The order would be worth 10,000.00, the limit is 2,500.00. 25 would pass.",
    ),
    Rule.ORDER_QUANTITY: (
        lambda: no(floor(max_order_quantity=D(30))),
        "The order is for 100 shares, the limit is 30 shares. 30 would pass.",
    ),
    Rule.POSITION_SIZE: (
        lambda: no(floor(max_position_pct=D(8))),
        "The AAPL position would be 10.00 % (10,000.00), the limit is 8 % of equity (8,000.00). 80 would pass.",
    ),
    Rule.TOTAL_EXPOSURE: (
        lambda: no(floor(max_exposure_pct=D(9))),
        "The total exposure would be 10.00 % (10,000.00), the limit is 9 % of equity (9,000.00). 90 would pass.",
    ),
    Rule.STRATEGY_EXPOSURE: (
        lambda: no_signal(floor(strategies={"sma": StrategyLimits(max_exposure_pct=D(6))}), quantity=100),
        "sma's exposure would be 10.00 % (10,000.00), the limit is 6 % of equity (6,000.00). 60 would pass.",
    ),
    Rule.COMBINED_EXPOSURE: (
        lambda: no(among(CombinedLimits(max_exposure_pct=D(9)))),
        "The exposure of all accounts would be 13.33 % (40,000.00), the limit is 9 % of all equity (27,000.00).",
    ),
    Rule.COMBINED_POSITION: (
        lambda: no(among(CombinedLimits(max_position_pct=D(6)))),
        "The AAPL position of all accounts would be 8.33 % (25,000.00), the limit is 6 % of all equity (18,000.00). 30 would pass.",
    ),
    Rule.NET_EXPOSURE: (
        lambda: no(floor(max_net_exposure_pct=D(7))),
        "The net exposure would be 10.00 % (10,000.00) long, the limit is 7 % of equity (7,000.00). 70 would pass.",
    ),
    Rule.MARGIN_CALL: (
        called,
        "A margin call stands: equity of 32,000.00 is under the maintenance margin of 33,000.00. Reduce positions first.",
    ),
    Rule.BUYING_POWER: (
        lambda: no(floor(), wish(Side.BUY, 1000)),
        "The order needs 101,000.00, the buying power is 100,000.00. 990 would pass.",
    ),
}


@pytest.mark.parametrize("rule", SENTENCES)
def test_its_no_is_a_sentence_that_a_trader_understands(rule: Rule) -> None:
    situation, sentence = SENTENCES[rule]
    verdict = situation()
    assert (verdict.text, verdict.rule) == (sentence, rule)


def test_no_rule_is_left_out() -> None:
    assert set(SENTENCES) == set(Rule)


SECOND_SENTENCES: dict[str, tuple[Situation, str]] = {
    "no live price": (
        lambda: no(_only_history()),
        "AAPL has had no live price since the start: no entries until one comes.",
    ),
    "crossed": (
        lambda: before(Quote("AAPL", 1_000, 101.0, 100.0, 1, 1, 100.5)),
        "AAPL's price is in doubt, its quote is crossed, 101 bid over 100 asked: no entries.",
    ),
    "a jump": (
        lambda: before(Quote("AAPL", 1_000, 125.0, 125.0, 1, 1, 125.0)),
        "AAPL's price is in doubt, one print moved it +25%, to 125, and no second one has confirmed that: no entries.",
    ),
    "at once, closed": (
        lambda: before(status(Phase.CLOSED), replace(BUY, tif=TimeInForce.IOC)),
        "The market is closed, and an order that fills at once or never (IOC) cannot wait for the open.",
    ),
    "before the session": (
        lambda: before(status(Phase.PRE), outside_hours="deny"),
        "The regular session has not begun, and limits.outside_hours is deny: no entries until the regular session.",
    ),
    "the account's rate": (
        lambda: no(_busy()),
        "The account has sent 3 orders within a second, the limit is 3.",
    ),
    "a symbol's rate": (
        lambda: no(_busy_symbol()),
        "2 orders in AAPL were sent within a second, the limit is 2.",
    ),
    "a collar of the strategy's": (
        lambda: no_signal(floor(strategies={"sma": StrategyLimits(collar_pct=D(1))}), quantity=1, limit=102),
        "The limit 102.00 is 2.00 % above the market's 100.0, the collar for sma is 1 %.",
    ),
    "a limit of the strategy's": (
        lambda: no_signal(floor(strategies={"sma": StrategyLimits(max_order_pct=D(5))}), quantity=100),
        "The order would be 10.00 % (10,000.00), the limit for sma is 5 % of equity (5,000.00). 50 would pass.",
    ),
}


@pytest.mark.parametrize("name", SECOND_SENTENCES)
def test_a_rule_with_more_to_say_says_it(name: str) -> None:
    situation, sentence = SECOND_SENTENCES[name]
    assert situation().text == sentence


def _only_history() -> Floor:
    the_floor = Floor(settings())
    the_floor.core.prime("AAPL", 100.0)
    return the_floor


def _busy_symbol() -> Floor:
    the_floor = floor(symbols={"AAPL": SymbolLimits(max_orders_second=2)})
    for number in range(2):
        the_floor.buy(1 + number, limit=90)
        the_floor.buy(1 + number, "MSFT", limit=390)
    return the_floor


def _busy() -> Floor:
    the_floor = floor(max_account_orders_second=3)
    for number in range(3):
        the_floor.buy(1 + number, limit=90)
    return the_floor
