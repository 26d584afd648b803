"""The engine that trades real money, by a broker. Without the deliberate word it sends nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from msgspec.structs import replace

from engine.engine_types import ALL_ORDERS, EngineInfo, EngineResult, EngineRun, misfits_of
from engine.model.modes import Mode
from engine.model.ranges import hints
from engine.model.settings import Settings

if TYPE_CHECKING:
    from engine.strategies.analysis import Requirements

WORD = "--enable-trading"
NOT_ENABLED = f"live sends orders with {WORD} alone; without it every signal keeps a shadow, and nothing leaves"


def brokers() -> tuple[str, ...]:
    """The accounts that are real."""
    return tuple(name for name in get_args(hints(Settings)["account"]) if name != "paper")


def live_settings(settings: Settings, *, enable_trading: bool) -> Settings:
    """What a live engine is made with: without the word it is in RESEARCH, where no order leaves, whatever the config says."""
    return settings if enable_trading else replace(settings, mode=Mode.RESEARCH)


class LiveEngine:
    def info(self) -> EngineInfo:
        why = "" if brokers() else "there is no broker to send to but the paper market in this version; use paper"
        return EngineInfo(
            "live",
            "the market as it comes, by a broker",
            ("bars", "quotes", "fills", "updates"),
            ALL_ORDERS,
            f"a broker, with {WORD} alone",
            real_time=True,
            why_not=why,
        )

    def misfits(self, needs: Requirements) -> tuple[str, ...]:
        return misfits_of(self.info(), needs)

    def run(self, run: EngineRun) -> EngineResult:
        """Refuses in words: a live run has a person at the console, and `tradeconsole --engine live` starts it."""
        why = self.info().why_not or "a live run is started by `tradeconsole --engine live`, where a person can stop it"
        return EngineResult(engine_type="live", strategy=run.strategy, error=why)
