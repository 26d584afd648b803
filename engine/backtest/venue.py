"""The paper broker as a backtest's market: it can fill at the close, and measures what slippage costs."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from engine.brokers.costs import slippage_of
from engine.brokers.paper import PaperBroker
from engine.core.matching import Execution, Matcher, Outcome, Resting
from engine.core.slippage import Slippage
from engine.model.market import Instrument
from engine.model.settings import MarginSettings, PaperSettings

Fill = Literal["next_open", "close"]
"""Where in the first bar after it was placed a market order fills. Never in the bar that gave the signal."""


class Matching(Matcher):
    """The matching core. With `at_close` market orders fill by the rule `market-close`: at the close of the first bar after they were
    placed, plus slippage. `slipped` is what slippage took so far, in money."""

    __slots__ = ("_at_close", "slipped")

    def __init__(self, *, volume_cap: float, slip: Slippage, at_close: bool) -> None:
        super().__init__(volume_cap=volume_cap, slip=slip)
        self._at_close = at_close
        self.slipped = 0.0

    def _fill(
        self, order: Resting, wanted: Decimal, price: float, rule: str, volume: float, span: float, outcomes: list[Outcome]
    ) -> Decimal:
        if self._at_close and rule == "market-open":
            price, rule = self._bars[order.symbol].close, "market-close"
        place = len(outcomes)
        filled = super()._fill(order, wanted, price, rule, volume, span, outcomes)
        if filled:
            told = outcomes[place]
            assert isinstance(told, Execution)
            self.slipped += abs(float(told.price) - price) * float(filled)
        return filled


class BacktestBroker(PaperBroker):
    """Hand it a market event before the core sees it, but for a split: exits in old shares must be gone before anybody settles them."""

    name = "backtest"

    def __init__(self, settings: PaperSettings, instruments: Mapping[str, Instrument], margin: MarginSettings, fill: Fill) -> None:
        """Raises CostModelError where the settings name a cost model that is not there."""
        super().__init__(settings, instruments, margin)
        slip = slippage_of(settings.slippage, self._complain)
        self.matching = Matching(volume_cap=settings.volume_cap_pct / 100, slip=slip, at_close=fill == "close")
        self._matcher = self.matching
