"""What a backtest is run with: strategies, costs, and a limits profile of its own, which is off unless limits are given."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from engine.model.modes import Mode
from engine.model.settings import Limits, MarginSettings, PaperSettings, Settings, StrategySettings

RUN_ID: Final = "backtest"
_NONE = Decimal(10) ** 9
_NO_COUNT = 10**9

OFF: Final = Limits(
    max_position_pct=_NONE,
    max_order_pct=_NONE,
    max_exposure_pct=_NONE,
    max_daily_loss_pct=_NONE,
    max_drawdown_pct=_NONE,
    collar_pct=_NONE,
    short_selling=True,
    max_orders_second=_NO_COUNT,
    max_orders_minute=_NO_COUNT,
    max_orders_day=_NO_COUNT,
    circuit_breaker_pct=_NONE,
    max_account_orders_second=_NO_COUNT,
    max_account_orders_minute=_NO_COUNT,
    max_account_orders_day=_NO_COUNT,
    repetition_s=0.0,
)
"""So wide that no limit is ever met. What an account can pay for is no limit: buying power holds in any case."""


Fill = Literal["next_open", "close"]
"""Where in the first bar after it was placed a market order fills. Never in the bar that gave the signal."""


class Latency(Struct, frozen=True):
    """How long each order takes to the market: `ms` milliseconds, and then so many `bars` of its symbol pass it by. Fills come in the first
    bar that begins when it is there."""

    ms: float = 0.0
    bars: int = 0

    @property
    def ns(self) -> int:
        return int(self.ms * 1_000_000)


class Profile(Struct, frozen=True):
    """Without `limits` there are none. With them breakers trip as they do live, and are released with the next session.

    In FULL_AUTO either way: nobody is asked, and what a strategy says twice is meant.
    """

    strategies: tuple[StrategySettings, ...]
    paper: PaperSettings = field(default_factory=PaperSettings)
    margin: MarginSettings = field(default_factory=MarginSettings)
    limits: Limits | None = None
    fill: Fill = "next_open"
    latency: Latency = field(default_factory=Latency)
    """On top of paper's own."""

    @property
    def is_free(self) -> bool:
        """Whether nothing looks at the account between two orders: no limit, and no margin that could be called."""
        return self.limits is None and not self.margin.enabled

    def settings(self, symbols: tuple[str, ...]) -> Settings:
        """The core's."""
        limits = OFF if self.limits is None else replace(self.limits, repetition_s=0.0)
        return Settings(
            mode=Mode.FULL_AUTO, symbols=symbols, strategies=self.strategies, limits=limits, margin=self.margin, paper=self.paper
        )
