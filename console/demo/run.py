"""Makes the demo's account and market, in a folder of their own that is removed at the end."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path

from console.config_file import ConfigFile
from engine.model.settings import Approvals, AutoApprove, FeedSettings, ScreenSettings, Settings, StrategySettings

SEED = 7
SYMBOLS = ("AAPL", "MSFT", "IBM", "NVDA", "TSLA", "AMZN")


def demo_settings(folder: Path, seed: int = SEED) -> Settings:
    """The same market for everybody: it begins on one day, and follows from the seed. The strategy proposes within seconds."""
    return Settings(
        database=folder / "paper.sqlite",
        symbols=SYMBOLS,
        feed=FeedSettings(seed=seed, start="2024-11-25", bar_seconds=1),
        strategies=(StrategySettings("sma_cross", {"fast": 2, "slow": 5}, ("MSFT", "NVDA"), Decimal(2)),),
        approvals=Approvals(expire_s=300.0, auto=AutoApprove(regular_hours=False)),
    )


def run_demo(seed: int = SEED, *, plain: bool = False, low_bandwidth: bool = False) -> int:
    """Until a person leaves or a signal ends it; answers the exit code as `run_console` does. Raises TimeoutError as it does."""
    from console.app import run_console
    from console.build import create_engine

    with tempfile.TemporaryDirectory(prefix="tradeconsole-demo-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        settings = demo_settings(folder, seed)
        return run_console(
            create_engine(settings),
            kept=folder / "screen",
            plain=plain,
            database=settings.database,
            screen=ScreenSettings(low_bandwidth=low_bandwidth),
            config=ConfigFile(folder / "tradeconsole.yaml", settings),
            demo=True,
        )
