"""What must not be mistaken: live or paper, halted, reducing, a link that is down, an engine that starts or has failed."""

from __future__ import annotations

from msgspec.structs import replace

from console.accounts.engines import AccountEngines
from engine.model.modes import LinkState, Mode, TradingState
from engine.model.views import BreakerRow, LinkView, StopView, View
from tests.console.driving import running
from tests.console.fake_engine import FakeEngine
from tests.pictures.album import Camera, walk
from tests.pictures.full_view import full_view
from tests.views import NOW, empty_view, sample_health


def _states() -> dict[str, View]:
    view = full_view()
    halted = replace(view.account, state=TradingState.HALTED, mode=Mode.EMERGENCY, reason="stop key, pressed by you")
    left = (
        "#31 BUY 50 MSFT is being cancelled",
        "#30 BUY 10 TSLA is unknown: it may or may not be at the broker",
        "#27 BUY 100 AAPL is being cancelled",
    )
    down = (LinkView("sim", LinkState.UP, 100.0), LinkView("paper", LinkState.DOWN, 8_200.0, "no answer for 8s; trying again", True))
    reducing = replace(view.account, state=TradingState.REDUCING, reason="drawdown 10.4% from its highest, limit 10%")
    trip = BreakerRow("drawdown", True, "equity fell 10.4% from its highest, limit 10%", "your word", NOW, True)
    return {
        "live": replace(view, account=replace(view.account, badge="LIVE", mode=Mode.FULL_AUTO)),
        "manual": replace(view, account=replace(view.account, mode=Mode.MANUAL)),
        "halted-cancelling": replace(view, account=halted, stop=StopView(False, False, left, cancelling=3)),
        "halted-late": replace(view, account=halted, stop=StopView(False, False, left, cancelling=3, late=True)),
        "halted-verified": replace(view, account=halted, stop=StopView(False, True, ()), orders=view.orders[-8:]),
        "halted-flattening": replace(
            view, account=halted, stop=StopView(True, False, ("100 AAPL is still held", "-200 IBM is still held"), cancelling=0)
        ),
        "halted-live": replace(
            view, account=replace(halted, badge="LIVE"), stop=StopView(True, True, ()), orders=view.orders[-8:], positions=()
        ),
        "reducing": replace(view, account=reducing, breakers=(trip, *view.breakers)),
        "link-down": replace(view, health=sample_health(links=down)),
        "slow": replace(view, health=sample_health(engine_lag_ms=1_840.0, journal_backlog=312)),
        "closed": replace(view, health=sample_health(market_open=False, market_text="NYSE closed, opens Friday 09:30")),
    }


def _before_trading() -> dict[str, View]:
    problem = "The database paper.sqlite cannot be opened: it is of a newer version. Nothing was changed. Install the newer version."
    nobody = sample_health(ready=False, links=(), problem=problem, failed=True, market_text="")
    return {"starting": empty_view(), "failed": replace(empty_view(), health=nobody)}


@walk(*_states())
async def states(camera: Camera) -> None:
    async with camera.console(full_view()) as (console, engine):
        for name, view in _states().items():
            engine.change(**{name: getattr(view, name) for name in view.__struct_fields__ if name != "revision"})
            await camera.take(console, name)


@walk(*_before_trading())
async def before_trading(camera: Camera) -> None:
    for name, view in _before_trading().items():
        async with camera.console(view) as (console, _):
            await camera.take(console, name)


@walk("accounts", "accounts-quit", "accounts-halted")
async def accounts(camera: Camera) -> None:
    """Two at once, one of them live: which is shown, and how it is with the other."""
    view = full_view()
    live = replace(view.account, badge="LIVE", mode=Mode.FULL_AUTO, equity=view.account.day_start - 1_250)
    engines = {"calm": FakeEngine(view, account="calm"), "alpaca": FakeEngine(replace(view, account=live), account="alpaca")}
    async with running(AccountEngines(engines), camera.size) as console:
        await camera.ready(console)
        await camera.take(console, "accounts", "alpaca")
        await console.press("q")
        await camera.take(console, "accounts-quit", "alpaca LIVE: 11 orders working")
        await console.press("escape")
        for engine in engines.values():
            state = replace(engine.view().account, state=TradingState.HALTED, mode=Mode.EMERGENCY, reason="stop key, pressed by you")
            engine.change(account=state, stop=StopView(False, True, ()), orders=())
        await camera.take(console, "accounts-halted", "HALTED")
