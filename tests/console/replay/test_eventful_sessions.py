"""Sessions in which much is done by hand and by strategies, over splits and dividends, with a restart in between, and in some of which
somebody else trades in the same account: each replays to the very picture that its person saw last, from the start or from anywhere."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import asdict, replace

from console.build import create_engine
from console.replay.sessions import open_session
from engine.feeds.calendar import Calendar
from engine.live import Engine
from engine.model.inputs import GroupKind
from engine.model.modes import Mode
from engine.model.orders import Bracket, Exit, Intent, OrderType, Side, Terms
from engine.model.settings import FeedSettings, Limits, MarginSettings, PaperSettings, Settings, StrategySettings
from engine.model.views import View
from tests.console.replay.elsewhere import SharedBroker
from tests.thorough import tries

D = Decimal
DAYS = 60
SYMBOLS = ("AAPL", "MSFT", "IBM")
KEPT = (
    *("account", "positions", "orders", "signals", "watch", "risk", "breakers"),
    *("exposure_by_symbol", "exposure_by_strategy", "limits", "mismatches", "stop"),
)
"""What of a picture is compared whole."""
STRATEGY = """
from tradeconsole import SMA, Strategy

class Crosses(Strategy):
    def on_start(self, ctx):
        self.average = {symbol: ctx.indicator(symbol, SMA(3)) for symbol in ctx.symbols}

    def on_bar(self, ctx, bar):
        average = self.average[bar.symbol].value
        if average is None:
            return
        if bar.close > average and not ctx.position(bar.symbol).quantity:
            ctx.buy(bar.symbol, 5, take_profit_pct=4, stop_loss_pct=3, indicators={"average": average})
        elif bar.close < average:
            ctx.close(bar.symbol)
"""


def _files(folder: Path, seed: int) -> list[date]:
    chance = random.Random(seed)
    days = [session.day for session in islice(Calendar().sessions_from(date(2005, 1, 3)), DAYS)]
    (folder / "prices").mkdir()
    for symbol in SYMBOLS:
        price, rows = 100.0, ["date,open,high,low,close,volume"]
        for number, day in enumerate(days):
            if number == 30 and symbol == "AAPL":
                price /= 2
            open_, price = price * chance.uniform(0.98, 1.02), price * chance.uniform(0.96, 1.04)
            high, low = max(open_, price) * chance.uniform(1, 1.02), min(open_, price) * chance.uniform(0.98, 1)
            rows.append(f"{day},{open_:.2f},{high:.2f},{low:.2f},{price:.2f},{chance.choice((500, 100_000))}")
        (folder / "prices" / f"{symbol}.csv").write_text("\n".join(rows))
    acts = [f"AAPL,{days[30]},split,2", f"MSFT,{days[20]},dividend,0.5", f"MSFT,{days[45]},dividend,0.25", f"IBM,{days[33]},dividend,1"]
    (folder / "actions.csv").write_text("\n".join(["symbol,date,kind,value", *acts]))
    for name in ("crosses", "also"):
        (folder / f"{name}.py").write_text(STRATEGY.replace("SMA(3)", "SMA(3)" if name == "crosses" else "SMA(5)"))
    return days


class Hand:
    """Somebody who does whatever comes to mind."""

    def __init__(self, engine: Engine, chance: random.Random) -> None:
        self.engine = engine
        self.chance = chance
        self.did: list[str] = []

    def act(self, view: View) -> None:
        chance, engine = self.chance, self.engine
        names = [name for name in dir(self) if name.startswith("does_")]
        weights = [1 if name in ("does_stop", "does_flatten") else 6 for name in names]
        name = chance.choices(names, weights)[0]
        act: Callable[[View], str] = getattr(self, name)
        if command_id := act(view):
            reply = engine.answer(command_id)
            self.did.append(f"{name}: {reply.text}")

    def _intent(self, view: View) -> Intent:
        chance = self.chance
        row = chance.choice([row for row in view.watch if row.last is not None])
        last, side, quantity = D(repr(row.last)).quantize(D("0.01")), chance.choice(list(Side)), D(chance.randint(1, 40))
        near = (last * D(repr(round(chance.uniform(0.97, 1.03), 3)))).quantize(D("0.01"))
        kind = chance.choice((OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.TRAILING_STOP))
        sign = side.sign
        bracket = Bracket(Exit(pct=D(3)), chance.choice((Exit(pct=D(2)), Exit(trail_pct=D(2))))) if chance.random() < 0.5 else None
        return Intent(
            row.symbol,
            side,
            quantity,
            type=kind,
            limit=near if kind is OrderType.LIMIT else None,
            stop=last * (100 + 2 * sign) // 100 if kind is OrderType.STOP else None,
            trail_pct=D(2) if kind is OrderType.TRAILING_STOP else None,
            bracket=bracket if kind in (OrderType.MARKET, OrderType.LIMIT) else None,
        )

    def does_order(self, view: View) -> str:
        return self.engine.submit(self._intent(view), confirmed=True)

    def does_order_too(self, view: View) -> str:
        return self.engine.submit(self._intent(view))

    def does_group(self, view: View) -> str:
        first = self._intent(view)
        second = replace(first, side=first.side.opposite, type=OrderType.LIMIT, limit=D(90), stop=None, trail_pct=None, bracket=None)
        kind = self.chance.choice(list(GroupKind))
        return self.engine.submit_group(kind, replace(first, bracket=None), second, confirmed=True)

    def does_replace(self, view: View) -> str:
        working = [order for order in view.orders if not order.state.is_final and order.limit is not None]
        if not working:
            return ""
        order = self.chance.choice(working)
        return self.engine.replace(
            order.id, Terms(order.quantity + self.chance.randint(0, 3), (order.limit or D(0)) + self.chance.randint(-1, 1))
        )

    def does_cancel(self, view: View) -> str:
        working = [order for order in view.orders if not order.state.is_final]
        return self.engine.cancel(self.chance.choice(working).id) if working else ""

    def does_mode(self, view: View) -> str:
        return self.engine.set_mode(self.chance.choice((Mode.MANUAL, Mode.SEMI_AUTO, Mode.FULL_AUTO, Mode.FULL_AUTO)))

    def does_decide(self, view: View) -> str:
        waiting = [signal for signal in view.signals if signal.state == "WAITING"]
        if not waiting:
            return ""
        signal = self.chance.choice(waiting)
        return self.engine.approve(signal.id) if self.chance.random() < 0.7 else self.engine.reject(signal.id, "not today")

    def does_close(self, view: View) -> str:
        if not view.positions:
            return ""
        row = self.chance.choice(view.positions)
        side = Side.SELL if row.quantity > 0 else Side.BUY
        return self.engine.close_position(row.symbol, side, abs(row.quantity)) if row.quantity else ""

    def does_limits(self, view: View) -> str:
        limits = replace(view.limits, max_order_pct=D(self.chance.choice((50, 100))))
        return self.engine.set_limits(limits, "by hand", view.limits)

    def does_stop(self, view: View) -> str:
        self.engine.answer(self.engine.emergency_stop())
        return self.engine.resume("looked at it")

    def does_flatten(self, view: View) -> str:
        self.engine.answer(self.engine.liquidate_all())
        return self.engine.resume("looked at it")


class HandOfTwo(Hand):
    """Whose account is somebody else's, too, at the same `broker`: what that one does comes to light when everything is compared."""

    def __init__(self, engine: Engine, chance: random.Random, broker: SharedBroker) -> None:
        super().__init__(engine, chance)
        self.broker = broker

    def does_place_elsewhere(self, view: View) -> str:
        intent = self._intent(view)
        last = next(D(repr(row.last)).quantize(D("0.01")) for row in view.watch if row.symbol == intent.symbol and row.last)
        self.broker.place(f"elsewhere-{self.chance.getrandbits(40):x}", intent.symbol, intent.side, intent.quantity, last)
        self.broker.compare()
        return ""

    def does_fill_elsewhere(self, view: View) -> str:
        if self.broker.open:
            self.broker.fill(self.chance.choice(self.broker.open), D(self.chance.randint(1, 20)))
        return ""

    def does_trade_elsewhere(self, view: View) -> str:
        row = self.chance.choice([row for row in view.watch if row.last])
        quantity = D(self.chance.choice((-1, 1)) * self.chance.randint(1, 20))
        self.broker.trade(row.symbol, quantity, D(repr(row.last)).quantize(D("0.01")))
        self.broker.compare()
        return ""

    def does_accept(self, view: View) -> str:
        if not view.mismatches:
            return ""
        words = self.chance.choice(view.mismatches).replace(",", "").split()
        return self.engine.accept_position(next(symbol for symbol in SYMBOLS if symbol in words), "sold by phone")

    does_accept_again = does_accept


def _settings(folder: Path, start: date) -> Settings:
    limits = Limits(
        max_position_pct=D(100),
        max_order_pct=D(100),
        max_exposure_pct=D(400),
        short_selling=True,
        repetition_s=0.0,
        max_orders_second=1000,
        max_orders_minute=1000,
    )
    return Settings(
        database=folder / "paper.sqlite",
        symbols=SYMBOLS,
        mode=Mode.FULL_AUTO,
        feed=FeedSettings(source=str(folder / "prices"), actions=folder / "actions.csv", pace=6.0, start=str(start)),
        limits=limits,
        margin=MarginSettings(enabled=True),
        paper=PaperSettings(latency_ms=0),
        strategies=tuple(StrategySettings(file=str(folder / f"{name}.py")) for name in ("crosses", "also")),
        on_exit="keep",
    )


def _trades(
    settings: Settings, chance: random.Random, brokers: list[SharedBroker], until: Callable[[View], bool]
) -> tuple[str, View, list[str]]:
    """One run, by its id, and what was shown last."""
    engine = create_engine(settings)
    engine.start()
    try:
        engine.wait_ready()
        hand = HandOfTwo(engine, chance, brokers[-1]) if brokers else Hand(engine, chance)
        end = time.monotonic() + 120
        while not until(view := engine.status()):
            assert time.monotonic() < end
            if any(row.last is not None for row in view.watch):
                hand.act(view)
            time.sleep(0.05)
    finally:
        engine.shutdown()
    return engine.run_id, engine.status(), hand.did


def _pictured(view: View) -> dict[str, object]:
    kept = {name: value for name, value in asdict(view).items() if name in KEPT}
    kept["account"] = replace(view.account, badge="")
    # Of an engine that has ended nothing passes the gate, and some time went by.
    kept["signals"] = [replace(signal, expires_in_s=None, passes=True, verdict="", rule="") for signal in view.signals]
    return kept


@pytest.mark.parametrize("shared", [False, True], ids=["alone", "shared"])
@pytest.mark.parametrize("seed", range(tries(1, 20)))
def test_a_session_replays_to_the_picture_that_was_seen_last(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, shared: bool
) -> None:
    brokers: list[SharedBroker] = []

    def opened(*args: Any) -> SharedBroker:
        brokers.append(SharedBroker(*args))
        return brokers[-1]

    if shared:
        monkeypatch.setattr("engine.brokers.paper.PaperBroker", opened)
    days, chance = _files(tmp_path, seed), random.Random(seed)
    settings, started = _settings(tmp_path, days[15]), time.monotonic()
    first = _trades(settings, chance, brokers, lambda view: time.monotonic() - started > 3)
    played = date.fromisoformat(str(days[33]))
    second = _trades(
        replace(settings, feed=replace(settings.feed, start=str(played))),
        chance,
        brokers,
        lambda view: "data end" in view.health.market_text,
    )
    assert settings.database is not None
    for run_id, last, did in (first, second):
        replay = open_session(settings.database, run_id, "a session")
        replay.seek(replay.steps)
        whole = replay.view()
        ours, theirs = _pictured(whole), _pictured(last)
        for name in KEPT:
            assert ours[name] == theirs[name], (name, did)
        assert [line.text for line in whole.log] == [line.text for line in last.log][-len(whole.log) :]
        assert not replay.problems
        for step in chance.sample(range(replay.steps), 5):
            replay.seek(step)
            there = replay.view()
            replay.seek(0)
            replay.advance(step)
            assert replace(replay.view(), revision=0) == replace(there, revision=0)
