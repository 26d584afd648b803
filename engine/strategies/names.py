"""What each strategy of a run is called, and whether the settings speak of one that is not there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.model.settings import Settings
from engine.text import one_line


def strategy_names(settings: Settings) -> list[str]:
    """A name for each strategy: its file's, numbered where two share one."""
    names: list[str] = []
    for strategy in settings.strategies:
        stem = one_line(Path(strategy.file).stem, 36)
        same = sum(name == stem or name.startswith(f"{stem} ") for name in names)
        names.append(f"{stem} {same + 1}" if same else stem)
    return names


def unknown_names(settings: Settings) -> Iterator[tuple[str, str]]:
    """(key, what is wrong) for each limit or rule of a strategy or a symbol that this run does not have: it would hold nobody."""
    names = strategy_names(settings)
    auto = settings.approvals.auto
    for place, given in (("limits.strategies", settings.limits.strategies), ("approvals.auto.strategies", auto.strategies)):
        for name in given:
            if name not in names:
                yield f"{place}.{name}", f"no strategy has this name; there {_are(names)}"
    if not settings.symbols:
        return  # all that the feed has, which is known when it is open
    for place, listed in (("limits.symbols", settings.limits.symbols), ("approvals.auto.symbols", auto.symbols)):
        for symbol in listed:
            if symbol not in settings.symbols:
                yield f"{place}.{symbol}", f"is not among the symbols: {', '.join(settings.symbols)}"


def _are(names: list[str]) -> str:
    return "is none" if not names else f"is {names[0]}" if len(names) == 1 else f"are {', '.join(names)}"
