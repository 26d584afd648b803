"""Starts the console, or a run without a screen. Options go over the config file."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from console import __version__
from console.accounts.config import load_whole, shared_accounts
from console.commands import listed, unknown
from console.config import ConfigError, folders
from console.config_file import ConfigFile
from console.key_file import load_keys
from console.keys import KeyMap
from console.live_account import with_typed_account
from console.options import Options, end, say
from engine.model.ranges import hints, parse
from engine.model.settings import ALONE, AccountKind, FeedSettings, Settings, StrategySettings, Symbol

if TYPE_CHECKING:
    from console.accounts.config import Accounts
    from console.replay.listing import Opener
    from console.trading_engine import TradingEngine

LATEST = "latest"
_FAILED = 1


def start(arguments: Sequence[str]) -> int:
    """Runs until somebody ends it; answers the exit code. Raises SystemExit where nothing was started.

    The code is 0 after an end in order, 2 where the command or the config is wrong, 1 where the engine failed, 128 + n after signal n.
    """
    options = _options()
    if arguments and not arguments[0].startswith("-"):
        end(unknown(arguments[0], options.names))
    given = options.parse_args(arguments)
    if not (given.headless or _ends_at_once(given)) and not sys.stdout.isatty():
        end("There is no terminal to draw on: start it in one, or give --headless for a run that prints its log.")
    if given.demo:
        return _demo(given)
    if given.replay is not None and given.headless:
        end("--replay is to be looked at: it does not go with --headless.")
    try:
        settings, accounts = load_whole(given.config)
        keys = None if given.headless else load_keys(folders().config)
    except ConfigError as error:
        end(str(error))
    if given.account is not None or accounts is not None:
        settings, accounts = _of_accounts(given, settings, accounts)
    if given.engine or given.list_engines or given.check_compatibility or given.enable_trading:
        from console.engines.choosing import by_engine

        if (code := by_engine(given, settings)) is not None:
            return code
    # Whoever has a config, or knows an option, is no newcomer.
    welcome = not arguments and not folders().config_file.exists()
    name = given.account or (accounts.preferred if accounts is not None else "")
    config = ConfigFile(given.config or folders().config_file, settings, name, accounts.settings if accounts is not None else None)
    settings = _with_options(settings, given, name)
    if given.days or given.granularity:
        settings = _from_days_back(settings, given)
    if given.engine == "live":
        from console.engines.live import live_settings

        settings = live_settings(settings, enable_trading=given.enable_trading)
    if accounts is not None:
        accounts = replace(accounts, settings={name: _with_options(its, given, name) for name, its in accounts.settings.items()})
        accounts = _with_typed_accounts(accounts, given)
    else:
        settings = with_typed_account(settings, given.live_account, screen=not given.headless)
    replay = None if given.replay is None else _asked(given.replay, settings.database)
    return _run(settings, keys, config, welcome=welcome, replay=replay, accounts=accounts)


def _of_accounts(given: argparse.Namespace, settings: Settings, accounts: Accounts | None) -> tuple[Settings, Accounts | None]:
    """The settings of the one account that is asked for; else those of the one that is shown first, and all. Ends the process where an
    option does not go with that."""
    if given.account is None:
        assert accounts is not None
        for option in ("broker", "database", "days", "granularity", "engine"):
            if getattr(given, option) is not None:
                end(f"--{option} is for one account, and the config has {', '.join(accounts.settings)}: name one with --account.")
        return accounts.settings[accounts.preferred], accounts
    from console.accounts.config import the_account

    return the_account(accounts, given.account), None


def _with_typed_accounts(accounts: Accounts, given: argparse.Namespace) -> Accounts:
    """Each that is live with its number, which is typed for each of them."""
    live = [name for name, its in accounts.settings.items() if its.account == "live"]
    if given.live_account is not None and len(live) != 1:
        end(f"--live-account is the number of one live account, and of the config's {len(live)} are live: name one with --account.")
    settings = {
        name: with_typed_account(its, given.live_account if name in live else None, screen=not given.headless, name=name)
        for name, its in accounts.settings.items()
    }
    from engine.brokers.alpaca.config import same_keys

    if twice := "; ".join((*shared_accounts(settings), *same_keys(settings, os.environ))):
        end(f"{twice}. Nothing was started.")
    return replace(accounts, settings=settings)


def _with_options(settings: Settings, given: argparse.Namespace, name: str) -> Settings:
    """What the command line says goes over those of the account `name`."""
    account = given.engine if given.engine in ("paper", "live") else None
    changes = {
        "symbols": given.symbols,
        "mode": given.mode,
        "broker": given.broker,
        "account": account,
        "database": given.database or _own_database(given.broker or settings.broker, account or settings.account, settings, name),
        "strategies": _strategies(given.strategy, settings),
        "plain": True if given.plain or wants_plain(os.environ) else None,
    }
    screen = {"low_bandwidth": True if given.low_bandwidth else None}
    market = {"source": given.feed, "pace": given.pace, "start": given.start, "seed": given.seed}
    sections: dict[str, Any] = {"feed": replace(settings.feed, **_given(market)), "screen": replace(settings.screen, **_given(screen))}
    return replace(settings, **sections, **_given(changes))


def _from_days_back(settings: Settings, given: argparse.Namespace) -> Settings:
    from console.engines.choosing import with_days
    from engine.feeds.base import FeedError

    try:
        return with_days(settings, given.days, given.granularity, start=given.start)
    except FeedError as error:
        end(f"--days: {error}")


def _ends_at_once(given: argparse.Namespace) -> bool:
    """It says or runs something, and draws no screen."""
    return given.list_engines or given.check_compatibility or given.engine not in (None, "paper", "live")


def wants_plain(environment: Mapping[str, str]) -> bool:
    """Whether the environment asks for plain text: TRADECONSOLE_PLAIN is set to anything but 0, or the terminal calls itself dumb."""
    return environment.get("TRADECONSOLE_PLAIN", "0") not in ("", "0") or environment.get("TERM") == "dumb"


def _options() -> Options:
    options = Options(
        prog="tradeconsole",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="A trading console for the terminal: it watches, proposes, asks, trades and\nstops. Without options, on paper money.",
        epilog=f"commands, each with a -h of its own:\n{listed()}",
        allow_abbrev=False,
    )
    feed, everything = hints(FeedSettings), hints(Settings)
    add = options.add_argument
    add("--feed", metavar="sim|sample|yahoo|FILE", help="Prices: simulated, real past bars, Yahoo's, your own; also alpaca and ib.")
    add("--strategy", action="append", metavar="NAME|FILE", help="A ready-made strategy, or a file. May be given several times.")
    add("--engine", metavar="NAME|auto", help="backtest, replay, paper (the default), live, or an installed one; auto by the strategy.")
    add("--enable-trading", action="store_true", help="The word without which --engine live sends nothing.")
    add("--list-engines", action="store_true", help="Tell which engines there are, and which can be used here; and end.")
    add("--check-compatibility", action="store_true", help="Tell whether the strategies suit the engine, without running them; and end.")
    add("--days", type=_days, metavar="N", help="Begin so many days before the data end.")
    add("--granularity", type=_as(feed["timeframe"]), metavar="1h", help="Of the bars: 1s, 1m, 5m, 15m, 1h or 1d, made of the feed's.")
    add("--broker", metavar="paper|alpaca|ib", help="To whom orders go; each has its own database. Keys come from the environment.")
    add("--symbols", type=_symbols, metavar="A,B", help="What to watch and trade; without it, what the feed offers.")
    add("--mode", type=_as(everything["mode"]), metavar="manual|semi-auto|full-auto|research", help="Who says yes to a signal.")
    add("--config", type=Path, metavar="FILE", help="The YAML file to read instead of your own.")
    add("--database", type=Path, metavar="FILE", help="The account's own file, made where there is none.")
    add("--account", metavar="NAME", help="Of the config's several accounts this one alone.")
    add("--pace", type=_as(feed["pace"]), metavar="N", help="Bars a second, of bars that are played; 0 as fast as they are taken.")
    add("--start", type=_as(feed["start"]), metavar="YYYY-MM-DD", help="The first day to play.")
    add("--seed", type=_as(feed["seed"]), metavar="N", help="Of the simulated market: same seed, same prices.")
    add("--live-account", metavar="NUMBER", help="With --headless, the number of the live account to trade, which else is typed.")
    add("--headless", action="store_true", help="Run without a screen, its log on standard output, until a signal.")
    add("--plain", action="store_true", help="Write everything and draw nothing, for a screen reader.")
    add("--low-bandwidth", action="store_true", help="Draw data seldom and in few bytes, for a thin line; keys are answered at once.")
    add(
        "--replay",
        nargs="?",
        const=LATEST,
        metavar="ID",
        help="Replay a kept backtest by its number, a session by its id or its day, or the latest.",
    )
    add("--demo", action="store_true", help="Two minutes of everything, on paper money of its own; any key gives you the controls.")
    add("--version", action="version", version=f"tradeconsole {__version__}", help="Say the version, and end.")
    return options


def _asked(asked: str, database: Path | None) -> Opener:
    """What opens what --replay asks for. Ends the process where there is none."""
    from console.replay.listing import find, opener
    from engine.replay.recording import ReplayError

    try:
        backtests = folders().backtests
        return opener(find(asked, database, backtests), database, backtests)
    except ReplayError as error:
        end(f"--replay: {error}")


def _demo(given: argparse.Namespace) -> int:
    """Two minutes in which a script presses the keys."""
    alone = ("seed", "plain", "low_bandwidth", "demo")
    if others := [name for name, value in vars(given).items() if value not in (None, False) and name not in alone]:
        end(f"--demo has a market and an account of its own: it does not go with --{others[0].replace('_', '-')}.")
    from console.demo.run import SEED, run_demo

    try:
        seed = SEED if given.seed is None else given.seed
        return run_demo(seed, plain=given.plain or wants_plain(os.environ), low_bandwidth=given.low_bandwidth)
    except TimeoutError as error:
        say(str(error))
        return _FAILED


def _as(hint: Any) -> Callable[[str], Any]:
    """Reads an option's text by the type and range that the setting behind it has."""

    def read(text: str) -> Any:
        try:
            return parse(hint, text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text!r} is not allowed. Give {error}") from None

    return read


def _days(text: str) -> int:
    from console.backtest.terms import read_days

    try:
        return read_days(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not allowed. Give {error}") from None


def _symbols(text: str) -> Any:
    return tuple(dict.fromkeys(_as(Symbol)(symbol) for symbol in text.split(",")))


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _own_database(broker: str, account: AccountKind, settings: Settings, name: str) -> Path | None:
    """The file of that account, unless the config names the file."""
    mine = folders()
    usual = settings.database == mine.database_of(settings.broker, settings.account, name)
    return mine.database_of(broker, account, name) if usual else None


def _strategies(named: list[str] | None, settings: Settings) -> tuple[StrategySettings, ...] | None:
    """The strategies named on the command line, and no others; with the parameters that the config file gives them, where it does."""
    if not named:
        return None
    configured = {strategy.file: strategy for strategy in settings.strategies}
    return tuple(configured.get(name, StrategySettings(name)) for name in named)


def _run(
    settings: Settings,
    keys: KeyMap | None,
    config: ConfigFile,
    *,
    welcome: bool = False,
    replay: Opener | None = None,
    accounts: Accounts | None = None,
) -> int:
    """Makes the engine, or one for each of the `accounts`, and runs it until somebody ends it. What is known to be wrong is said before the
    screen opens.

    Without `keys` there is no screen; `config` is the file that the settings came from, `welcome` tells a newcomer how it works,
    `replay` opens what is to be replayed at once.
    """
    from console.build import create_engine
    from themes import ThemeError

    each = {"": settings} if accounts is None else accounts.settings
    for name, its in each.items():
        _check(its, f"account {name}: " if name else "")
    try:
        engine: TradingEngine
        combined = None
        if accounts is not None or settings.combined != ALONE:
            from engine.combined import Combined

            # Of one alone of several the limits on all of them count this one.
            combined = Combined(each, settings.combined)
        if accounts is None or combined is None:
            engine = create_engine(settings, seat=combined.seat("") if combined is not None else None)
        else:
            from console.accounts.build import create_engines

            engine = create_engines(accounts, combined)
        if keys is None:
            from console.headless import run_headless

            return run_headless(engine)
        from console.app import run_console

        mine = folders()
        return run_console(
            engine,
            on_exit=settings.on_exit,
            theme=settings.theme,
            theme_folders=(mine.config / "themes",),
            kept=mine.data / "screen",
            keys=keys,
            welcome=welcome,
            plain=settings.plain,
            notify=settings.notify,
            database=settings.database,
            screen=settings.screen,
            on_hangup=settings.on_hangup,
            confirm=settings.confirm,
            config=config,
            backtests=mine.backtests,
            replay=replay,
            accounts=accounts,
            combined=combined,
        )
    except ThemeError as error:
        end(f"theme: {error}")
    except TimeoutError as error:
        say(str(error))
        return _FAILED


def _check(settings: Settings, whose: str) -> None:
    """Ends the process where it is known, without asking anybody, that an engine of these settings cannot run."""
    from engine.brokers.base import BrokerError
    from engine.feeds.base import FeedError
    from engine.feeds.names import PLAYED, is_fetched, source_path
    from engine.strategies.params import StrategyError

    try:
        if settings.feed.source not in PLAYED and not is_fetched(settings.feed.source):
            source_path(settings.feed.source)
        if settings.broker != "paper":
            from engine.brokers.open import check_broker

            check_broker(settings)
        if settings.strategies:
            from engine.strategies.loader import check

            for strategy in settings.strategies:
                check(strategy.file, strategy.params)
    except FeedError as error:
        end(f"{whose}--feed: {error}")
    except BrokerError as error:
        end(f"{whose}--broker: {error}")
    except StrategyError as error:
        end(f"{whose}--strategy: {error}")
