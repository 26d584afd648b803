"""Builds the View: everything the screen draws, in one immutable value. A row that did not change stays the same object."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from engine.chart import ChartBuilder
from engine.core.approvals import Case
from engine.core.core import Core
from engine.core.portfolio import Holding
from engine.core.signals import intent_of
from engine.model.effects import Reply
from engine.model.limit_changes import copied
from engine.model.market import Instrument
from engine.model.metrics import MetricsView
from engine.model.modes import Level, LinkState, Mode, TradingState
from engine.model.money import HUNDRED, ZERO
from engine.model.orders import Order
from engine.model.signals import SignalState
from engine.model.views import (
    AccountView,
    ExposureRow,
    HealthView,
    LinkView,
    LogLine,
    OrderRow,
    PositionRow,
    RiskRow,
    SignalRow,
    StopView,
    StrategyRow,
    View,
    WatchRow,
)
from engine.secrets import Redactor

_SECOND = 1_000_000_000
_ENDED_SHOWN = 300
_DECIDED_SHOWN = 100
_LINES_KEPT = 2_000
_REPLIES_KEPT = 500

Row = TypeVar("Row")


class Health(Struct):
    """What the shell knows about itself and its links, in plain numbers; it writes here, the builder reads."""

    ready: bool = False
    lag_ms: float = 0.0
    backlog: int = 0
    problem: str = ""
    broker: str = ""
    broker_heard: int = 0
    feed: str = ""
    feed_heard: int = 0
    feed_problem: str = ""
    feed_state: LinkState = LinkState.UP
    stop: StopView | None = None
    strategies: Sequence[StrategyRow] = field(default=())


class ViewBuilder:
    """Lives on the engine's loop. Keeps the log lines that only the screen needs."""

    def __init__(
        self,
        core: Core,
        badge: str,
        chart: ChartBuilder,
        *,
        redactor: Redactor | None = None,
        keep: Callable[[LogLine], None] | None = None,
        own_time: bool = False,
    ) -> None:
        """`keep` gets every line of the log, cleaned of secrets as the screen's are. `own_time` says that the market's time is another than
        the wall clock's."""
        self._core = core
        self._redactor = redactor or Redactor()
        self._keep = keep
        self._own_time = own_time
        self._badge = badge
        self.chart = chart
        self._instruments: list[Instrument] = list(core.desk.instruments.values())
        self._lines: deque[LogLine] = deque(maxlen=_LINES_KEPT)
        self._line_number = 0
        self._replies: deque[Reply] = deque(maxlen=_REPLIES_KEPT)
        self._before: dict[tuple[str, str], object] = {}
        self._rows: dict[tuple[str, str], object] = {}
        self._revision = 0

    # ---- what the shell tells

    def add(self, instrument: Instrument) -> None:
        """One more symbol to show."""
        if instrument.symbol not in self.chart.kept:
            self._instruments.append(instrument)
            self.chart.add(instrument.symbol)

    def remove(self, symbol: str) -> None:
        """One symbol less, where it is shown."""
        self._instruments = [instrument for instrument in self._instruments if instrument.symbol != symbol]
        self.chart.remove(symbol)

    def log(self, wall: int, level: Level, source: str, text: str, detail: str = "") -> None:
        self._line_number += 1
        clean = self._redactor.clean
        at = self._core.desk.now if self._own_time else None
        line = LogLine(self._line_number, wall, level, source, clean(text), clean(detail), at=at)
        self._lines.append(line)
        if self._keep is not None:
            self._keep(line)

    def lines(self) -> tuple[LogLine, ...]:
        """The newest lines of the log, oldest first."""
        return tuple(islice(self._lines, max(len(self._lines) - 500, 0), None))

    def answer(self, reply: Reply) -> None:
        self._replies.append(replace(reply, text=self._redactor.clean(reply.text)))

    # ---- the view

    def build(self, health: Health, metrics: MetricsView, mono: int, wall: int = 0) -> View:
        """`wall` is the wall clock's time where the market goes by it: the header's clock goes on while the feed says nothing."""
        self._revision += 1
        self._before, self._rows = self._rows, {}
        return View(
            revision=self._revision,
            account=self._account(),
            health=self._health(health, mono, wall),
            watch=tuple(self._same("watch", i.symbol, self._watch(i, mono)) for i in self._instruments),
            positions=tuple(self._same("position", h.symbol, self._position(h, mono)) for h in self._held()),
            orders=tuple(self._same("order", o.id, self._order(o)) for o in self._recent_orders()),
            signals=tuple(self._same("signal", c.signal.id, self._signal(c, mono)) for c in self._recent_cases()),
            risk=tuple(self._same("risk", row.name, row) for row in self._risk()),
            strategies=tuple(self._same("strategy", row.name, self._strategy(row)) for row in health.strategies),
            log=self.lines(),
            chart=self._same("chart", "", self.chart.view(tuple(self._recent_orders()), mono)),
            replies=tuple(self._replies),
            metrics=metrics,
            breakers=tuple(self._same("breaker", row.name, row) for row in self._core.breakers.rows()),
            stop=health.stop,
            exposure_by_symbol=tuple(self._same("exposure", h.symbol, _exposure(h)) for h in self._held()),
            exposure_by_strategy=tuple(self._same("strategy exposure", row.name, row) for row in self._strategy_exposures()),
            fraction=self._core.gate.capabilities.fraction,
            limits=self._same("limits", "", copied(self._core.desk.settings.limits)),
            mismatches=tuple(self._core.gate.mismatched.values()),
        )

    def _same(self, kind: str, key: str, row: Row) -> Row:
        """The row that was shown before, where it says the same."""
        before: Any = self._before.get((kind, key))
        kept: Row = before if before == row else row
        self._rows[kind, key] = kept
        return kept

    def _strategy(self, row: StrategyRow) -> StrategyRow:
        """What it says of its last error are its own words."""
        return replace(row, detail=self._redactor.clean(row.detail)) if row.detail else row

    def _account(self) -> AccountView:
        state, limits = self._core.state, self._core.desk.settings.limits
        figures = self._core.gate.figures()
        halted = state.trading is TradingState.HALTED
        return AccountView(
            badge=self._badge,
            mode=Mode.EMERGENCY if halted else state.mode,
            state=state.trading,
            reason=state.halt_reason if state.trading is not TradingState.ACTIVE else "",
            equity=figures.equity,
            day_start=state.session_equity if state.session else figures.equity,
            cash=state.portfolio.cash,
            buying_power=figures.buying_power,
            exposure=figures.exposure,
            exposure_limit=figures.equity * limits.max_exposure_pct / HUNDRED,
            daily_loss=state.day_loss(figures.equity),
            daily_loss_limit=state.session_equity * limits.max_daily_loss_pct / HUNDRED,
            net=figures.net,
            maintenance=figures.maintenance,
            margin_excess=figures.excess,
            margin_call=figures.margin_call,
        )

    def _health(self, health: Health, mono: int, wall: int) -> HealthView:
        gate, clean, now = self._core.gate, self._redactor.clean, self._core.desk.now
        market = gate.market
        # Where both are of one house each has its name.
        feed = f"{health.feed} data" if health.feed == health.broker else health.feed
        links = (
            LinkView(health.broker, gate.link, _age_ms(health.broker_heard, mono), gate.link_down, True),
            LinkView(feed, health.feed_state, _age_ms(health.feed_heard, mono), clean(health.feed_problem)),
        )
        return HealthView(
            ready=gate.ready,
            engine_lag_ms=health.lag_ms,
            journal_backlog=health.backlog,
            links=links,
            market_open=market.open if market else False,
            market_text=market.text if market else "no market time yet",
            market_time=max(now, wall) if now else now,
            problem=clean(health.problem) or gate.unwritable,
        )

    def _stale_s(self, symbol: str, mono: int) -> int | None:
        """Seconds since the last price where that is too long ago, None while it is fresh; minus one would be a lie before the first."""
        prices = self._core.prices
        if prices.is_fresh(symbol, mono):
            return None
        return int(prices.age_s(symbol, mono) or 0)

    def _watch(self, instrument: Instrument, mono: int) -> WatchRow:
        symbol = instrument.symbol
        price = self._core.prices.by_symbol.get(symbol)
        if price is None:
            return WatchRow(symbol, None, None, None, None, 0.0, None, instrument.tick)
        previous = self._core.prices.previous(symbol)
        change = price.last / previous - 1 if previous else None
        stale_s = self._stale_s(symbol, mono)
        return WatchRow(symbol, price.last, change, price.bid, price.ask, price.volume, stale_s, instrument.tick, previous)

    def _held(self) -> list[Holding]:
        return sorted((h for h in self._core.state.portfolio.holdings.values() if h.quantity), key=lambda h: h.symbol)

    def _position(self, h: Holding, mono: int) -> PositionRow:
        unrealised = h.unrealised
        return PositionRow(
            symbol=h.symbol,
            quantity=h.quantity,
            average=h.average,
            last=h.mark,
            value=h.value,
            unrealised=unrealised,
            unrealised_fraction=float(unrealised / abs(h.basis)) if h.basis else None,
            realised=h.realised,
            stale_s=self._stale_s(h.symbol, mono),
            tick=self._tick(h.symbol),
            day=self._core.state.symbol_profit(h.symbol),
        )

    def _strategy_exposures(self) -> Iterable[ExposureRow]:
        state = self._core.state
        return [state.attribution.exposure(strategy, state.portfolio.holdings) for strategy in sorted(state.attribution.books)]

    def _recent_orders(self) -> Iterable[Order]:
        """Newest first: all that are open, and the latest that ended. Looks at no more than it shows, however long the history."""
        book = self._core.state.book
        ended, oldest = 0, 0
        for order in reversed(book.orders.values()):
            if order.state.is_final:
                ended += 1
                if ended > _ENDED_SHOWN:
                    oldest = order.number
                    break
            yield order
        for order in reversed(book.open.values()):
            if order.number < oldest:
                yield order

    def _order(self, o: Order) -> OrderRow:
        return OrderRow(
            id=o.id,
            number=o.number,
            symbol=o.symbol,
            side=o.side,
            quantity=o.quantity,
            requested=o.requested,
            filled=o.filled,
            average=o.average,
            type=o.type,
            limit=o.limit,
            stop=o.stop,
            tif=o.tif,
            state=o.state,
            source=o.source,
            strategy=o.strategy,
            reason=o.reason,
            created_at=o.created_at,
            changed_at=o.changed_at,
            tick=self._tick(o.symbol),
            trail=o.trail,
            trail_pct=o.trail_pct,
            extended_hours=o.extended_hours,
            parent=o.parent,
            oco=o.oco,
            exit_pct=o.exit_pct,
            released=o.released,
            asked=o.asked,
        )

    def _recent_cases(self) -> list[Case]:
        """Those that wait, the most urgent first; then what was decided, the newest first."""
        approvals = self._core.state.approvals
        waiting = sorted(approvals.waiting.values(), key=lambda c: c.signal.expires)
        decided = (c for c in reversed(approvals.cases.values()) if c.state is not SignalState.WAITING)
        return waiting + list(islice(decided, _DECIDED_SHOWN))

    def _signal(self, case: Case, mono: int) -> SignalRow:
        s, last = case.signal, self._core.prices.last(case.signal.symbol)
        passes, verdict, rule, left = False, "", "", None
        if case.state is SignalState.WAITING:
            judgement = self._core.gate.judge(intent_of(s), self._core.desk.now, mono)
            passes, verdict = judgement.passes, judgement.verdict.text or "passes"
            rule = judgement.verdict.rule if judgement.verdict.text else ""
            left = max(-(-(s.expires - mono) // _SECOND), 0)
        return SignalRow(
            id=s.id,
            number=s.number,
            strategy=s.strategy,
            symbol=s.symbol,
            side=s.side,
            quantity=s.quantity,
            type=s.type,
            limit=s.limit,
            stop=s.stop,
            price=s.price,
            price_now=last,
            strength=s.strength,
            reason=s.reason,
            votes=s.votes,
            state=case.state,
            expires_in_s=left,
            passes=passes,
            verdict=verdict,
            decided_by=case.by,
            decided_reason=case.reason,
            shadow=case.shadow(last),
            raised_at=s.raised_at,
            tick=self._tick(s.symbol),
            tif=s.tif,
            trail=s.trail,
            trail_pct=s.trail_pct,
            bracket=s.bracket,
            rule=rule,
        )

    def _risk(self) -> list[RiskRow]:
        """Each limit in per cent of equity, and whether it refuses entries now."""
        state, limits = self._core.state, self._core.desk.settings.limits
        figures = self._core.gate.figures()
        equity = figures.equity
        largest = max((h for h in state.portfolio.holdings.values() if h.quantity), key=lambda h: abs(h.value), default=None)
        loss, fell = state.day_loss(equity), self._core.breakers.window_loss()
        rows = [
            ("position", abs(largest.value) if largest else ZERO, limits.max_position_pct, equity, largest.symbol if largest else ""),
            ("exposure", figures.exposure, limits.max_exposure_pct, equity, ""),
            ("daily loss", loss, limits.max_daily_loss_pct, state.session_equity, ""),
            ("drawdown", state.drawdown(equity), limits.max_drawdown_pct, state.high_water, ""),
            ("circuit breaker", fell, limits.circuit_breaker_pct, equity + fell, f"in {limits.circuit_breaker_minutes} min"),
        ]
        shown = [RiskRow(name, _pct(used, whole), limit, "%", _pct(used, whole) >= limit, note) for name, used, limit, whole, note in rows]
        if figures.margin.enabled:
            call = figures.margin_call
            used = _pct(figures.maintenance, equity) if equity > 0 or not call else HUNDRED
            shown.append(RiskRow("margin", used, HUNDRED, "%", call, "margin call" if call else ""))
        return shown

    def _tick(self, symbol: str) -> Decimal:
        instrument = self._core.desk.instruments.get(symbol)
        return instrument.tick if instrument else Decimal("0.01")


def _exposure(h: Holding) -> ExposureRow:
    return ExposureRow(h.symbol, h.value, abs(h.value), h.realised, h.unrealised, h.cost.fees)


def _age_ms(heard: int, mono: int) -> float | None:
    return (mono - heard) / 1e6 if heard else None


def _pct(part: Decimal, whole: Decimal) -> Decimal:
    return round(part / whole * HUNDRED, 2) if whole > 0 else ZERO
