"""Every setting of the engine with its default and its allowed range, each in one place.

The ranges are `msgspec.Meta` marks, or a test whose docstring says what it allows: the console's config file is checked against them,
and `create_engine` is too.
Per cents are of the account's equity and written as a person says them: 10 is ten per cent.
"""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, TypeAlias
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct, field

from engine.model.modes import Level, Mode

Percent = Annotated[Decimal, Meta(gt=0, le=100)]
Money = Annotated[Decimal, Meta(gt=0, le=1_000_000_000_000)]

# Never a path: no sign comes first, and none follows another.
_SYMBOL = re.compile(r"(?=.{1,12}\Z)[A-Z0-9]+([.\-/][A-Z0-9]+)*[.\-/]?")


def is_symbol(text: str) -> bool:
    """a symbol: 1 to 12 of A-Z, 0-9 and, between them, '.', '-' and '/'"""
    return _SYMBOL.fullmatch(text) is not None


def is_day(text: str) -> bool:
    """a day as YYYY-MM-DD"""
    try:
        return not text or date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


TIMEFRAMES = {"1s": 1, "1m": 60, "5m": 300, "15m": 900, "1h": 3600, "1d": 86_400}
"""What bars can be aggregated to, in seconds."""


def is_timeframe(text: str) -> bool:
    """1s, 1m, 5m, 15m, 1h or 1d"""
    return not text or text in TIMEFRAMES


def is_time_zone(text: str) -> bool:
    """a time zone like UTC or America/New_York"""
    try:
        return bool(ZoneInfo(text))
    except (KeyError, ValueError, OSError):  # unknown, no name at all, a folder of names
        return False


def is_address(text: str) -> bool:
    """nothing, or an address like http://127.0.0.1:8765"""
    return not text or re.fullmatch(r"https?://[A-Za-z0-9.\-]+(:\d{1,5})?", text) is not None


def is_key_name(text: str) -> bool:
    """nothing, or up to 40 letters, digits and underscores"""
    return re.fullmatch(r"[A-Za-z0-9_]{0,40}", text) is not None


def is_place(text: str) -> bool:
    """nothing, or a host and a port like 127.0.0.1:7497"""
    return not text or re.fullmatch(r"[A-Za-z0-9.\-]+:[1-9]\d{0,4}", text) is not None


Symbol = Annotated[str, is_symbol]


Rate = Annotated[int, Meta(ge=1, le=1_000)]
AccountRate = Annotated[int, Meta(ge=1, le=10_000)]
Shares = Annotated[Decimal, Meta(gt=0, le=1_000_000_000)]
Exposure = Annotated[Decimal, Meta(gt=0, le=400)]


class StrategyLimits(Struct, frozen=True):
    """Limits of one strategy's orders beside the account's. The tighter of all that are given holds, so these can only tighten."""

    max_position_pct: Percent | None = None
    max_order_pct: Percent | None = None
    max_order_notional: Money | None = None
    max_order_quantity: Shares | None = None
    max_daily_loss_pct: Percent | None = None
    """Of the account's equity: a strategy that lost so much by itself enters no more until the next session."""
    max_orders_second: Rate | None = None
    max_orders_minute: Rate | None = None
    max_orders_day: Rate | None = None
    max_exposure_pct: Exposure | None = None
    """Gross, of what the strategy itself holds and of what its working orders may add."""
    max_drawdown_pct: Percent | None = None
    """Of the account's equity: how far the strategy's own profit may fall under the highest it has been."""
    circuit_breaker_pct: Percent | None = None
    """Of the account's equity: how much the strategy itself may lose within `circuit_breaker_minutes`."""
    collar_pct: Percent | None = None


class SymbolLimits(Struct, frozen=True):
    """Limits of one symbol's orders beside the account's. The tighter of all that are given holds, so these can only tighten. Of one symbol
    the limit on the position is the limit on exposure."""

    max_position_pct: Percent | None = None
    max_order_pct: Percent | None = None
    max_order_notional: Money | None = None
    max_order_quantity: Shares | None = None
    collar_pct: Percent | None = None
    short_selling: bool | None = None
    max_daily_loss_pct: Percent | None = None
    """Of the account's equity: a symbol in which everybody together lost so much is entered no more until the next session."""
    max_orders_second: Rate | None = None
    max_orders_minute: Rate | None = None
    max_orders_day: Rate | None = None
    """Entries of everybody in the symbol, in market time."""


class Limits(Struct, frozen=True):
    """What the gate holds every order to. An order that only reduces a position is exempt: one must always be able to get out."""

    max_position_pct: Percent = Decimal(10)
    max_order_pct: Percent = Decimal(10)
    max_exposure_pct: Exposure = Decimal(80)
    """Gross: the value of all positions, shorts counted as positive, and of all that working orders may add."""
    max_daily_loss_pct: Percent = Decimal(2)
    max_drawdown_pct: Percent = Decimal(10)
    """How far equity may fall under the highest it has been."""
    collar_pct: Percent = Decimal(5)
    """How far through the market an entry's limit may be: beyond it a finger slipped."""
    stale_after_s: Annotated[float, Meta(gt=0, le=3600)] = 5.0
    short_selling: bool = False
    max_orders_second: Rate = 5
    max_orders_minute: Rate = 60
    max_orders_day: Rate = 300
    """Entries of one strategy, in market time: one that runs wild is held here."""
    max_order_notional: Money | None = None
    max_order_quantity: Shares | None = None
    max_net_exposure_pct: Exposure | None = None
    """Long less short, whichever of the two is more, working orders counted in."""
    circuit_breaker_pct: Percent = Decimal("1.5")
    """How much equity may be lost within `circuit_breaker_minutes` of market time before entries stop."""
    circuit_breaker_minutes: Annotated[int, Meta(ge=1, le=1440)] = 10
    max_account_orders_second: AccountRate = 100
    max_account_orders_minute: AccountRate = 1_000
    max_account_orders_day: AccountRate = 10_000
    """Entries of everybody together, in market time."""
    repetition_s: Annotated[float, Meta(ge=0, le=60)] = 2.0
    """How soon the same order again looks like a slip; a strategy's by the market's time, too, which bars that are played bring fast."""
    outside_hours: Literal["queue", "deny"] = "queue"
    """What becomes of an entry while the market is closed: it waits for the open, or it is refused."""
    strategies: dict[str, StrategyLimits] = field(default_factory=dict)
    symbols: dict[Symbol, SymbolLimits] = field(default_factory=dict)


class CombinedLimits(Struct, frozen=True):
    """What all accounts of a console may hold together, in per cent of the equity of all: every position and working entry, and those in
    one symbol on one side."""

    max_exposure_pct: Exposure | None = None
    max_position_pct: Exposure | None = None


ALONE = CombinedLimits()
"""Of an account that shares no limits."""


class MarginSettings(Struct, frozen=True):
    """What positions must be covered with, in per cent of their value. Without `enabled` the account is a cash account: it buys for what it
    has. The defaults are the least that Regulation T and FINRA's rule 4210 allow; a broker may ask more."""

    enabled: bool = False
    initial_pct: Percent = Decimal(50)
    maintenance_pct: Percent = Decimal(25)
    short_maintenance_pct: Percent = Decimal(30)
    cushion_pct: Annotated[Decimal, Meta(ge=0, le=50)] = Decimal(1)
    """Of an order's value, kept free beside it for its fees and for a price that moves until it fills."""


class AutoApprove(Struct, frozen=True):
    """What SEMI_AUTO sends without a yes: a signal that meets every one of these. No symbols, no strategies listed means any."""

    max_notional: Money = Decimal(5000)
    min_confidence: Annotated[float, Meta(ge=0, le=1)] = 0.8
    symbols: tuple[Symbol, ...] = ()
    max_quantity: Shares | None = None
    strategies: tuple[str, ...] = ()
    regular_hours: bool = True
    """Only while the regular session is under way."""


class Approvals(Struct, frozen=True):
    """How long a signal waits for a person, and how far the market may drift from the signal's price meanwhile."""

    expire_s: Annotated[float, Meta(gt=0, le=3600)] = 60.0
    max_drift_pct: Percent = Decimal(1)
    auto: AutoApprove = field(default_factory=AutoApprove)


CostParams = dict[str, float | int | str | bool]


class Tier(Struct, frozen=True):
    """From so many shares of an order on (`above`), each further share costs `rate`."""

    above: Annotated[Decimal, Meta(gt=0, le=1_000_000_000)]
    rate: Annotated[Decimal, Meta(ge=0, le=1_000)]


class CommissionSettings(Struct, frozen=True):
    """What an order pays. `model` is per_cent, per_share, tiered, fixed, or the name of an installed one, which is given `params`.

    `rate` is in per cent of the traded value, in money a share (tiered: up to the first of `tiers`), or in money an order. No order that
    trades pays less than `minimum`, nor more than `maximum_pct` per cent of what it traded; a fixed rate knows neither.
    """

    model: Annotated[str, Meta(min_length=1)] = "per_cent"
    rate: Annotated[Decimal, Meta(ge=0, le=1_000)] = Decimal("0.01")
    minimum: Annotated[Decimal, Meta(ge=0, le=1_000_000)] = Decimal("0.35")
    maximum_pct: Percent = Decimal(100)
    tiers: tuple[Tier, ...] = ()
    params: CostParams = field(default_factory=dict)


class SlippageSettings(Struct, frozen=True):
    """How much worse than the market an order that takes liquidity fills. `model` is basis_points, size, volatility, or the name of an
    installed one, which is given `params`.

    `bps` hundredths of a per cent of the price are what any order pays, or, by size, one that takes all of the volume: less volume costs
    less by the power `power`. `range_pct` is the part of a bar's range, or of a quote's spread, that is lost by volatility.
    """

    model: Annotated[str, Meta(min_length=1)] = "basis_points"
    bps: Annotated[float, Meta(ge=0, le=1000)] = 1.0
    power: Annotated[float, Meta(gt=0, le=2)] = 0.5
    range_pct: Annotated[float, Meta(ge=0, le=100)] = 10.0
    params: CostParams = field(default_factory=dict)


class PaperSettings(Struct, frozen=True):
    """The paper market. An order, a cancel and a replace each take `latency_ms`, spread log-normally around that median by
    `latency_sigma`. Shares of `hard_to_borrow` cannot be sold short."""

    cash: Money = Decimal(100_000)
    commission: CommissionSettings = field(default_factory=CommissionSettings)
    slippage: SlippageSettings = field(default_factory=SlippageSettings)
    latency_ms: Annotated[float, Meta(ge=0, le=60_000)] = 20.0
    latency_sigma: Annotated[float, Meta(ge=0, le=2)] = 0.3
    volume_cap_pct: Annotated[float, Meta(gt=0, le=100)] = 10.0
    hard_to_borrow: tuple[Symbol, ...] = ()
    seed: Annotated[int, Meta(ge=0)] = 1


class FeedSettings(Struct, frozen=True):
    """Where prices come from: `sim`, `sample`, `yahoo`, `alpaca`, `ib`, the name of an installed source, or a path: of a file of bars, of
    a folder of them, or of a Python file that brings a source."""

    source: Annotated[str, Meta(min_length=1)] = "sim"
    pace: Annotated[float, Meta(ge=0, le=10_000)] = 1.0
    """Of recorded bars: so many moments of market time in a second of the wall clock; 0 as fast as the engine takes them."""
    start: Annotated[str, is_day] = ""
    """First day to play, as YYYY-MM-DD; empty keeps the first bars back as history, and begins the simulated market now."""
    seed: Annotated[int, Meta(ge=0)] = 7
    quotes_per_second: Annotated[float, Meta(gt=0, le=10_000)] = 4.0
    """Of the simulated market, for each symbol."""
    bar_seconds: Annotated[int, Meta(ge=1, le=3600)] = 5
    """Length of the simulated market's bars, in its own market time."""
    universe: Annotated[int, Meta(ge=0, le=5000)] = 0
    """How many symbols the simulated market has at least: beyond those asked for, known and invented ones."""
    session: Literal["always", "XNYS"] = "always"
    """When the simulated market is open: at any hour, or in the New York Stock Exchange's sessions."""
    speed: Annotated[float, Meta(ge=0, le=100_000)] = 1.0
    """Of the simulated market's time: 1 is the wall clock's, 0 as fast as the engine takes it; faster ones leave out closed hours."""
    timeframe: Annotated[str, is_timeframe] = ""
    """What bars are aggregated to, aligned to the session; empty plays a file's as they are, and makes the simulated market's by
    `bar_seconds`. Of a source that is asked: which bars, 1m where it has those."""
    bar_time: Literal["close", "open"] = "close"
    """Which of a bar's two times a file gives."""
    timezone: Annotated[str, is_time_zone] = "UTC"
    """Of a file's times that have no offset."""
    calendar: Annotated[str, Meta(min_length=1)] = "XNYS"
    """A file's exchange by its market identifier code (ISO 10383), or 24/7: its sessions close daily bars and align the larger ones."""
    bad_rows: Literal["skip", "refuse"] = "skip"
    """What becomes of a file with rows that cannot be trusted: they are left out and told, or the file is refused."""
    actions: Path | None = None
    """A CSV file of the splits and dividends of unadjusted prices: symbol, date, kind and value."""
    tape: Literal["iex", "sip"] = "iex"
    """Of Alpaca's prices: one exchange's, which are free, or those of all of them, by subscription."""
    keys: Annotated[str, is_key_name] = ""
    """Of Alpaca's prices: which keys ask for them; empty are those of the `alpaca` section."""
    url: Annotated[str, is_address] = ""
    """Another server than Alpaca's own, for tests."""
    tws: Annotated[str, is_place] = ""
    """Of IB's prices: where TWS or Gateway listens; empty is where the `ib` section says, or else IB_HOST and IB_PORT."""
    adjusted: bool = False
    """Of bars that are fetched for a backtest: restated for all later splits and dividends, instead of as they were traded with both
    booked. A live feed's are always as they are traded."""


class StrategySettings(Struct, frozen=True):
    """One strategy: `file` is a path or the name of a ready-made one, `params` its declared parameters."""

    file: Annotated[str, Meta(min_length=1)]
    params: dict[str, float | int | str | bool] = field(default_factory=dict)
    symbols: tuple[Symbol, ...] = ()
    size_pct: Percent = Decimal(5)
    """Per cent of equity that a signal without a quantity of its own is worth at full strength."""
    deadline_s: Annotated[float, Meta(gt=0, le=600)] = 5.0


AccountKind: TypeAlias = Literal["paper", "live"]


class AlpacaSettings(Struct, frozen=True):
    """The account at Alpaca. Its keys come from ALPACA_API_KEY and ALPACA_SECRET_KEY in the environment, or from the keyring."""

    account: str = ""
    """The number that the account must have; empty takes the one that the keys are for."""
    keys: Annotated[str, is_key_name] = ""
    """Which keys, where there are several: with `second` they are ALPACA_API_KEY_SECOND and ALPACA_SECRET_KEY_SECOND."""
    url: Annotated[str, is_address] = ""
    """Another server than Alpaca's own, on this machine alone, for tests."""


IbRegion: TypeAlias = Literal["america", "europe", "asia"]


class IbSettings(Struct, frozen=True):
    """TWS or Gateway and the account there. What is left out comes from IB_HOST, IB_PORT, IB_CLIENT_ID, IB_KILL_CLIENT_ID and
    IB_PAPER_ACCOUNT."""

    host: str = ""
    port: Annotated[int, Meta(ge=1, le=65_535)] | None = None
    client_id: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    """Always the same for an account: another id does not see its orders."""
    account: str = ""
    """The number that the account must have; empty takes the log-in's only one."""
    kill_client_id: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    """Kept for `tradeconsole kill`; without one it is `client_id` and 100, or more where that is in use."""
    region: IbRegion = "america"
    """Where the servers stand that the account is at, which IB chose when it was opened: it says when their nightly reset is."""


class StopSettings(Struct, frozen=True):
    """What the emergency stop spares: with `keep_protective`, working stop orders that reduce a position stay."""

    keep_protective: bool = False


class LogSettings(Struct, frozen=True):
    """The log file beside the database, one JSON object a line: lines from `level` up, in a file of `max_mb` megabytes and `files` older
    ones."""

    level: Literal[Level.INFO, Level.WARNING, Level.ERROR] = Level.INFO
    max_mb: Annotated[float, Meta(gt=0, le=10_000)] = 10.0
    files: Annotated[int, Meta(ge=1, le=1_000)] = 5


class NotifySettings(Struct, frozen=True):
    """Of the screen: what besides it tells of a notice from `level` up. `bell` rings the terminal's; `desktop` has the terminal show a
    notification, where it is known to be able to."""

    bell: bool = False
    desktop: bool = False
    level: Literal[Level.INFO, Level.WARNING, Level.ERROR] = Level.WARNING


class ScreenSettings(Struct, frozen=True):
    """How the screen is drawn. `layout` is kept at any size from 80x24 up, `auto` takes the largest that there is room for. With
    `low_bandwidth` data is drawn twice a second at most, and figures that change all the time are rounded; keys are answered at once."""

    frames_per_second: Annotated[int, Meta(ge=1, le=30)] = 12
    layout: Literal["auto", "large", "wide", "medium", "small"] = "auto"
    low_bandwidth: bool = False


class ConfirmSettings(Struct, frozen=True):
    """What the screen asks before: `order_line` before the order line sends an order or new terms; `quit` before it ends, which it asks in
    any case while an order works or a signal waits."""

    order_line: bool = False
    quit: bool = True


class HistorySettings(Struct, frozen=True):
    """How many days the history shows every point of the equity curve, and every line of the audit. Older equity is one row a session,
    older lines are those that warn; the journal keeps everything."""

    equity_days: Annotated[int, Meta(ge=1, le=36_500)] = 90
    audit_days: Annotated[int, Meta(ge=1, le=36_500)] = 365


class RecordingSettings(Struct, frozen=True):
    """The market data of each run, kept beside the database for its replay: for so many days, and of all runs no more than so many
    megabytes. The journal, which has all that is money, is kept whatever is said here."""

    market: bool = True
    keep_days: Annotated[int, Meta(ge=1, le=36_500)] = 30
    max_mb: Annotated[float, Meta(gt=0, le=1_000_000)] = 1_000.0


class Settings(Struct, frozen=True):
    """All of it. `database` is the account's own file; its latch file lies beside it."""

    database: Path | None = None
    account: AccountKind = "paper"
    """`live` trades real money at `broker`, after the account's number was typed at the start."""
    mode: Literal[Mode.MANUAL, Mode.SEMI_AUTO, Mode.FULL_AUTO, Mode.RESEARCH] = Mode.MANUAL
    enable_trading: bool = True
    """Without it the mode is RESEARCH and stays so: signals are analysed, and nothing is entered."""
    symbols: tuple[Symbol, ...] = ()
    feed: FeedSettings = field(default_factory=FeedSettings)
    strategies: tuple[StrategySettings, ...] = ()
    limits: Limits = field(default_factory=Limits)
    combined: CombinedLimits = field(default_factory=CombinedLimits)
    margin: MarginSettings = field(default_factory=MarginSettings)
    approvals: Approvals = field(default_factory=Approvals)
    broker: Annotated[str, Meta(min_length=1)] = "paper"
    """To whom orders go: `paper`, or the name of a broker."""
    broker_params: dict[str, float | int | str | bool] = field(default_factory=dict)
    """What the broker of an installed package is given."""
    alpaca: AlpacaSettings = field(default_factory=AlpacaSettings)
    ib: IbSettings = field(default_factory=IbSettings)
    paper: PaperSettings = field(default_factory=PaperSettings)
    stop: StopSettings = field(default_factory=StopSettings)
    log: LogSettings = field(default_factory=LogSettings)
    notify: NotifySettings = field(default_factory=NotifySettings)
    screen: ScreenSettings = field(default_factory=ScreenSettings)
    confirm: ConfirmSettings = field(default_factory=ConfirmSettings)
    history: HistorySettings = field(default_factory=HistorySettings)
    recording: RecordingSettings = field(default_factory=RecordingSettings)
    on_exit: Literal["cancel_entries", "keep", "cancel_all"] = "cancel_entries"
    on_hangup: Literal["end", "go_on"] = "end"
    """What becomes of a console whose terminal goes away: it ends as by `on_exit`, or its engine goes on without a screen."""
    theme: Annotated[str, Meta(min_length=1)] = "dark"
    plain: bool = False
