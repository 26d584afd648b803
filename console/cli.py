"""The command line. Options go over the config file; a mistake is one sentence that names the option, and exit code 2."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from console import __version__
from console.config import ConfigError, folders, load
from engine.model.ranges import hints, parse
from engine.model.settings import FeedSettings, Settings, StrategySettings, Symbol

_NOT_STARTED = 2
_app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


def main() -> None:
    """The command `tradeconsole`. Ends the process.

    Its code is 0 after an end in order, 2 where the command or the config is wrong, 1 where the engine failed, 128 + n after signal n.
    """
    _app()


def _as(hint: Any) -> Callable[[str], Any]:
    """Reads an option's text by the type and range that the setting behind it has."""

    def read(text: str) -> Any:
        try:
            return parse(hint, text)
        except ValueError as error:
            raise typer.BadParameter(f"{text!r} is not allowed. Give {error}.") from None

    return read


def _symbols(text: str) -> Any:
    return tuple(dict.fromkeys(_as(Symbol)(symbol) for symbol in text.split(",")))


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"tradeconsole {__version__}")
        raise typer.Exit


_of_feed, _of_all = hints(FeedSettings), hints(Settings)


@_app.command(context_settings={"help_option_names": ["-h", "--help"]})
def tradeconsole(
    feed: Annotated[
        str | None, typer.Option(metavar="sim|sample|FILE", help="Where prices come from: simulated, real past bars, or a CSV file.")
    ] = None,
    strategy: Annotated[
        list[str] | None, typer.Option(metavar="NAME|FILE", help="A ready-made strategy, or a file. May be given several times.")
    ] = None,
    symbols: Annotated[
        Any, typer.Option(parser=_symbols, metavar="A,B", help="What to watch and trade; without it, what the feed offers.")
    ] = None,
    mode: Annotated[
        Any, typer.Option(parser=_as(_of_all["mode"]), metavar="manual|semi-auto|full-auto|research", help="Who says yes to a signal.")
    ] = None,
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="The YAML file to read instead of your own.")] = None,
    database: Annotated[Path | None, typer.Option(metavar="FILE", help="The account's own file, made where there is none.")] = None,
    pace: Annotated[Any, typer.Option(parser=_as(_of_feed["pace"]), metavar="N", help="Bars a second, of bars that are played.")] = None,
    start: Annotated[Any, typer.Option(parser=_as(_of_feed["start"]), metavar="YYYY-MM-DD", help="The first day to play.")] = None,
    seed: Annotated[
        Any, typer.Option(parser=_as(_of_feed["seed"]), metavar="N", help="Of the simulated market: same seed, same prices.")
    ] = None,
    headless: Annotated[bool, typer.Option("--headless", help="Run without a screen, its log on standard output, until a signal.")] = False,
    _version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Say the version, and end.")] = False,
) -> None:
    """A trading console for the terminal: it watches, proposes, asks, trades and stops. Without options, on paper money."""
    if not headless and not sys.stdout.isatty():
        _end("There is no terminal to draw on: start it in one, or give --headless for a run that prints its log.")
    try:
        settings = load(config)
    except ConfigError as error:
        _end(str(error))
    changes: dict[str, Any] = {"symbols": symbols, "mode": mode, "database": database, "strategies": _strategies(strategy, settings)}
    market = {"source": feed, "pace": pace, "start": start, "seed": seed}
    settings = replace(settings, feed=replace(settings.feed, **_given(market)), **_given(changes))
    raise typer.Exit(_run(settings, headless))


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _strategies(named: list[str] | None, settings: Settings) -> tuple[StrategySettings, ...] | None:
    """The strategies named on the command line, and no others; with the parameters that the config file gives them, where it does."""
    if not named:
        return None
    configured = {strategy.file: strategy for strategy in settings.strategies}
    return tuple(configured.get(name, StrategySettings(name)) for name in named)


def _run(settings: Settings, headless: bool) -> int:
    """Makes the engine and runs it until somebody ends it. What is known to be wrong is said before the screen opens."""
    from console.build import create_engine
    from engine.strategies.loader import check
    from engine.strategies.params import StrategyError
    from themes import ThemeError

    source = settings.feed.source
    if source not in ("sim", "sample") and not Path(source).exists():
        _end(f"--feed: there is no feed {source!r}, nor a file of that name. Give sim, sample, or the path of a CSV file.")
    try:
        for strategy in settings.strategies:
            check(strategy.file, strategy.params)
        if headless:
            from console.headless import run_headless

            return run_headless(create_engine(settings))
        # What is imported stays; looking through it for garbage would cost the first picture a tenth of a second.
        gc.disable()
        from console.app import run_console

        return run_console(create_engine(settings), on_exit=settings.on_exit, theme_folders=(folders().config / "themes",))
    except StrategyError as error:
        _end(f"--strategy: {error}")
    except (ThemeError, TimeoutError) as error:
        _end(str(error))


def _end(text: str) -> NoReturn:
    print(f"tradeconsole: {text}", file=sys.stderr)
    raise typer.Exit(_NOT_STARTED)


if __name__ == "__main__":
    main()
