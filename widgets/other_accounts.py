"""The other accounts of a console in brief: in the header a word each, in the banner a sentence where one needs it."""

from __future__ import annotations

from collections.abc import Iterable

from engine.model.modes import LinkState, Mode, TradingState
from engine.model.signals import SignalState
from engine.model.views import SignalRow, View
from widgets.cells import Cell
from widgets.text import clean

_HALTED, _REDUCING = "HALTED", "REDUCING"


def others(view: View) -> tuple[View, ...]:
    """All accounts but the one that is shown."""
    return tuple(each for each in view.accounts if each.name != view.name)


def worst_link(view: View) -> tuple[str, LinkState, str] | None:
    """The name, the state and the reason of the link that is worst off, None where all are up."""
    down = [link for link in view.health.links if not link.up]
    if not down:
        return None
    link = max(down, key=lambda link: (_WEIGHT.get(link.state, 1), link.is_broker))
    return link.name, link.state, link.reason


_WEIGHT = {LinkState.DEGRADED: 0, LinkState.RESET: 0, LinkState.LOGIN: 2, LinkState.FATAL: 2}


def role_of(state: LinkState) -> str:
    """The colour of a link that is not up: what comes back by itself, and was said to, is no error."""
    return "warning" if state in (LinkState.DEGRADED, LinkState.RESET) else "error"


def brief(view: View) -> tuple[Cell, ...]:
    """`alpaca ok`, `ib DOWN`, `calm HALTED`, `alpaca starting`, `bold FULL_AUTO`."""
    return (*named(view), _standing(view))


def named(view: View) -> tuple[Cell, ...]:
    """Its name: a live account is never told without its badge."""
    live = (Cell(" LIVE ", "live"), Cell(" ")) if view.account.badge == "LIVE" else ()
    return (*live, Cell(f"{clean(view.name)} ", "muted"))


def is_well(view: View) -> bool:
    """Whether nothing is the matter with it."""
    return _standing(view).role == ""


def waiting(views: Iterable[View]) -> list[tuple[View, tuple[SignalRow, ...]]]:
    """In which accounts signals wait for a person, and these, each list with the one first that runs out first."""
    found = [(view, tuple(sorted((row for row in view.signals if row.state is SignalState.WAITING), key=_left))) for view in views]
    return sorted(((view, rows) for view, rows in found if rows and not view.health.failed), key=lambda each: _left(each[1][0]))


def _left(row: SignalRow) -> float:
    return float("inf") if row.expires_in_s is None else row.expires_in_s


def _standing(view: View) -> Cell:
    account, health = view.account, view.health
    if health.failed:
        return Cell("FAILED", "error")
    if account.state is TradingState.HALTED:
        return Cell(_HALTED, "error")
    if (link := worst_link(view)) is not None:
        return Cell(str(link[1]), role_of(link[1]))
    if not health.ready:
        return Cell("starting", "warning")
    if account.state is TradingState.REDUCING:
        return Cell(_REDUCING, "warning")
    # What sends by itself is told from all that asks, wherever one looks.
    return Cell("FULL_AUTO" if account.mode is Mode.FULL_AUTO else "ok")
