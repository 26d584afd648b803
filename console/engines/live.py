"""The engine that trades real money, by a broker. Without the deliberate word it sends nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.engine_types import ALL_ORDERS, EngineInfo, EngineResult, EngineRun, misfits_of
from engine.model.modes import Mode
from engine.model.settings import Settings

if TYPE_CHECKING:
    from engine.strategies.analysis import Requirements

WORD = "--enable-trading"


def live_settings(settings: Settings, *, enable_trading: bool) -> Settings:
    """What a live engine is made with: without the word it stays in RESEARCH, where nothing is entered, whatever the config says."""
    return settings if enable_trading else replace(settings, mode=Mode.RESEARCH, enable_trading=False)


class LiveEngine:
    def info(self) -> EngineInfo:
        """Always usable: a start says itself what its own config lacks. Whether a broker is in reach is told by `info_here`, which asks."""
        return EngineInfo(
            "live",
            "the market as it comes, by a broker",
            ("bars", "quotes", "fills", "updates"),
            ALL_ORDERS,
            f"a live account at Alpaca or Interactive Brokers, its number typed at the start; with {WORD} alone",
            real_time=True,
        )

    def misfits(self, needs: Requirements) -> tuple[str, ...]:
        return misfits_of(self.info(), needs)

    def run(self, run: EngineRun) -> EngineResult:
        """Refuses in words: a live run has a person at the console, and `tradeconsole --engine live` starts it."""
        why = "a live run is started by `tradeconsole --engine live`, where a person can stop it"
        return EngineResult(engine_type="live", strategy=run.strategy, error=why)
