"""The paper broker as a backtest's market: it can fill at the close, and orders may take longer to it."""

from __future__ import annotations

from collections.abc import Mapping

from engine.backtest.profile import Fill, Latency
from engine.brokers.costs import slippage_of
from engine.brokers.paper import PaperBroker
from engine.core.matching import Matcher, Resting
from engine.core.matching.on_bars import RULES, market_at_close
from engine.core.slippage import Slippage
from engine.model.market import Instrument
from engine.model.orders import OrderType
from engine.model.settings import MarginSettings, PaperSettings


class Matching(Matcher):
    """The matching core. With `at_close` market orders fill by the rule `market-close`: at the close of the first bar after they were
    placed, plus slippage."""

    __slots__ = ("_latency", "_passing")

    def __init__(self, *, volume_cap: float, slip: Slippage, at_close: bool, latency: Latency) -> None:
        # Exits come in the moment of the fill.
        super().__init__(volume_cap=volume_cap, slip=slip, kept=0)
        if at_close:
            self._rules = {**RULES, OrderType.MARKET: market_at_close}
        self._latency = latency
        self._passing: dict[str, int] = {}
        """How many bars are yet to pass each order by."""

    def _come(self, made: Resting, sent_at: int, delay: int) -> None:
        late, bars = self._latency.ns, self._latency.bars
        made.placed_at += late
        made.eligible_at += late
        if bars:
            self._passing[made.order_id] = bars
        else:
            super()._come(made, sent_at, delay + late)

    def _taking_part(self, orders: list[Resting], placed_by: int, eligible_by: int) -> list[Resting]:
        taking = super()._taking_part(orders, placed_by, eligible_by)
        return [order for order in taking if self._is_there(order)] if self._passing else taking

    def _is_there(self, order: Resting) -> bool:
        """Counts one bar that passes it by."""
        left = self._passing.pop(order.order_id, 0)
        if left > 1:
            self._passing[order.order_id] = left - 1
        return not left


class BacktestBroker(PaperBroker):
    """Hand it a market event before the core sees it, but for a split: exits in old shares must be gone before anybody settles them."""

    name = "backtest"

    def __init__(
        self, settings: PaperSettings, instruments: Mapping[str, Instrument], margin: MarginSettings, fill: Fill, latency: Latency
    ) -> None:
        """Raises CostModelError where the settings name a cost model that is not there."""
        super().__init__(settings, instruments, margin)
        slip = slippage_of(settings.slippage, self._complain)
        self.matching = Matching(volume_cap=settings.volume_cap_pct / 100, slip=slip, at_close=fill == "close", latency=latency)
        self._matcher = self.matching
