"""Text that comes in with market data and its settings: symbols and paths are checked, everything else is made safe to show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from engine.feeds.base import FeedError
from engine.model.settings import is_symbol as is_symbol

PLAYED = ("sim", "sample")
"""Sources that are in the program itself."""
FETCHED = ("yahoo", "alpaca", "ib")
"""Those that are asked over the network."""
ENTRY_POINTS = "tradeconsole.feeds"
"""The group in which an installed package offers a source."""
_SHOWN = 120
_LISTED = 20


def is_named(source: str) -> bool:
    """Whether that is a source's name, and no path: it is installed, or comes with the program."""
    if source in (*PLAYED, *FETCHED):
        return True
    if len(source) > _SHOWN or not source.replace("-", "").replace("_", "").isalnum() or Path(source).exists():
        return False
    from importlib.metadata import entry_points

    return source in entry_points(group=ENTRY_POINTS).names


def is_fetched(source: str) -> bool:
    """Whether that is asked for its bars, and is neither a market of ours nor a file of bars."""
    return source not in PLAYED and (source.endswith(".py") or is_named(source))


def source_path(source: str) -> Path:
    """The file or folder that `feed.source` names, which is there. Raises FeedError in words."""
    try:
        path = Path(source).expanduser()
        there = path.exists()
    except (OSError, RuntimeError, ValueError) as error:  # too long a name, a ~user who does not exist, a NUL
        raise FeedError(f"The feed {shown(source)!r} cannot be opened: {shown(str(error))}.") from error
    if not there:
        from importlib.metadata import entry_points

        names = (*PLAYED, *FETCHED, *sorted(entry_points(group=ENTRY_POINTS).names))
        raise FeedError(f"There is no feed {shown(source)!r}, nor such a file: write {', '.join(names)}, or the path of bars.")
    return path


def as_symbol(text: str) -> str:
    """`text` in capitals, which may still be none. What is not ASCII stays: `ß` is not SS."""
    return text.strip().upper() if text.isascii() else text


def check_symbols(symbols: Iterable[str]) -> tuple[str, ...]:
    """`symbols` without repeats, in their order. Raises FeedError where one is none."""
    wanted = tuple(dict.fromkeys(symbols))
    for symbol in wanted:
        if not is_symbol(symbol):
            raise FeedError(
                f"{shown(symbol)!r} is not a symbol: write 1 to 12 of A-Z, 0-9 and, between them, '.', '-' and '/', in capitals."
            )
    return wanted


def check_known(name: str, wanted: Iterable[str], known: Iterable[str]) -> None:
    """Raises FeedError where a wanted symbol is not among those that `name` holds."""
    held = list(known)
    unknown = [symbol for symbol in wanted if symbol not in held]
    if unknown:
        more = [f"{len(held) - _LISTED} more"] if len(held) > _LISTED else []
        raise FeedError(f"{name} has no {listed(unknown)}: it holds {listed([*held[:_LISTED], *more])}.")


def shown(text: str) -> str:
    """`text` as one line that a terminal shows and does not act on: what cannot be printed becomes `?`, what is long is cut."""
    line = "".join(char if char.isprintable() else "?" for char in text[: _SHOWN + 1])
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"


def listed(words: Sequence[str]) -> str:
    """`A`, `A and B`, `A, B and C`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
