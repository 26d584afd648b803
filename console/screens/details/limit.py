"""A row of the risk panel in a person's words: what the limit is, how much of it is used and left, what happens at it, what ends that."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_DOWN

from msgspec import Struct

from console.keys import KeyMap
from console.screens.details.writing import Section, Value, facts, moment, profit, sections
from console.screens.dialog import Line
from console.screens.reading import Reading
from engine.model import View
from engine.model.money import HUNDRED, ZERO, exact
from engine.model.views import BreakerRow, ExposureRow, RiskRow
from widgets import numbers
from widgets.cells import Cell
from widgets.risk import BY_HAND, EXPOSURE, STRATEGIES, Exposure, Row, Why, share_of_equity, strategy_of, used_of
from widgets.text import clean

ENTRY = "An entry that would lead beyond it is denied if you gave it, and cut to what fits if a strategy did. Exits always go."
SHUTS = "No more entries{whose}, and those at work are cancelled. Exits always go."


class Meaning(Struct, frozen=True):
    """What a limit is, what happens where it is reached, what ends that; and what it is called in the preferences, if it is set there."""

    what: str
    at_it: str
    ends: str = ""
    setting: str = ""


MEANINGS = {
    "position": Meaning("the value held in one symbol, of equity; the largest is shown", ENTRY, "less is held, by itself", "position"),
    "exposure": Meaning("all positions and working entries, of equity", ENTRY, "less is held or at work, by itself", "total exposure"),
    "daily loss": Meaning("what this session has lost, of its opening equity", SHUTS, "", "daily loss"),
    "drawdown": Meaning("how far equity is under its highest", SHUTS, "", "drawdown"),
    "circuit breaker": Meaning("how far equity fell from its highest of the last minutes", SHUTS, "", "circuit breaker"),
    "margin": Meaning(
        "the equity that positions must be covered with, of the equity there is",
        "A margin call: no more entries until it is met. Exits always go.",
        "equity covers the positions again, by itself",
    ),
}
"""By the names of the panel's rows. What ends a breaker the engine says."""


def risk_dialog(row: Row, view: View, keys: KeyMap, clock: Callable[[], float]) -> Reading | None:
    """All about a row of the risk panel as `view` has it; None of a heading, and of a symbol, of which its position tells more."""
    match row:
        case Why():
            return limit_dialog(row.breaker, view, keys, clock)
        case RiskRow() | BreakerRow():
            return limit_dialog(row, view, keys, clock)
        case Exposure(section=section) if section == STRATEGIES and (its := strategy_of(row, view)) is not None:
            return strategy_dialog(its, view, clock)
        case Exposure(section=section) if section == EXPOSURE:
            limit = next((each for each in view.risk if each.name == "exposure"), None)
            return limit_dialog(limit, view, keys, clock) if limit is not None else None
    return None


def limit_dialog(row: RiskRow | BreakerRow, view: View, keys: KeyMap, clock: Callable[[], float]) -> Reading:
    """The limit or the breaker that watches it, as they were when they were asked for. A strategy's or a symbol's own breaker is the same
    kind of limit, on what that one made."""
    kind = next((kind for kind in MEANINGS if row.name.startswith((f"{kind} of ", f"{kind} in "))), row.name)
    whose = row.name.removeprefix(kind)
    pairs: list[tuple[str, Value]] = []
    meaning = MEANINGS.get(kind)
    limit = next((each for each in view.risk if each.name == row.name), row if isinstance(row, RiskRow) else None)
    breaker = next((each for each in view.breakers if each.name == row.name), None)
    if meaning is not None:
        pairs.append(("is", f"{kind}{clean(whose)}: a limit on what was lost there alone" if whose else meaning.what))
    if limit is not None:
        used, most = used_of(limit)
        note = f", {clean(limit.note)}" if limit.note else ""
        pairs.append(("used", Cell(f"{used} of {most}{note}", "error" if limit.tripped else "")))
        pairs.append(("left", _left(limit, view)))
    if meaning is not None:
        pairs.append(("at the limit", meaning.at_it.format(whose=clean(whose))))
    if breaker is not None and breaker.tripped:
        pairs += [("now", Cell(f"TRIPPED {moment(breaker.at)}", "error")), ("because", clean(breaker.reason))]
    elif breaker is not None:
        pairs.append(("now", "armed"))
    elif limit is not None:
        pairs.append(("now", Cell("reached", "error") if limit.tripped else "not reached"))
    if breaker is not None:
        pairs.append(("holds until", clean(breaker.unlocks)))
        if "your word" in breaker.unlocks:
            pairs.append(("your word", f"{keys.names['mode']} opens the modes, where you release it and say why"))
    elif meaning is not None and meaning.ends:
        pairs.append(("holds until", meaning.ends))
    if meaning is not None and meaning.setting and not whose:
        pairs.append(("is set", f"as “{meaning.setting}” in the preferences ({keys.names['preferences']})"))
    return Reading(f"Limit: {clean(row.name)}", lambda width: facts(pairs, width), clock)


def _left(row: RiskRow, view: View) -> str:
    """How much room there is, in money where that is known, and of a symbol in shares."""
    account = view.account
    share = max(row.limit - row.used, ZERO)
    told = f"{numbers.quantity(round(float(share), 1))}%" if row.unit == "%" else numbers.money(share)
    match row.name:
        case "position":
            held = next((each for each in view.positions if each.symbol == row.note), None)
            room = max(account.equity * row.limit / HUNDRED - (abs(held.value) if held is not None else ZERO), ZERO)
            shares = ""
            if held is not None and held.last:
                count = (room / exact(held.last)).to_integral_value(ROUND_DOWN)
                shares = f", {numbers.quantity(count)} shares of {clean(held.symbol)} at {numbers.price(held.last, held.tick)}"
            return f"{told}: {numbers.money(room)}{shares}, less what is at work for more"
        case "exposure":
            return f"{told}: {numbers.money(max(account.exposure_limit - account.exposure, ZERO))}"
        case "daily loss" if account.daily_loss_limit:
            return f"{told}: {numbers.money(max(account.daily_loss_limit - account.daily_loss, ZERO))} more may be lost in this session"
        case "drawdown" | "circuit breaker" if row.used < HUNDRED and account.equity > 0:
            # The highest that equity fell from is told by the share that it fell, which is rounded: so is what is left.
            highest = account.equity / (1 - row.used / HUNDRED)
            return f"{told} of the highest equity: about {numbers.volume(highest * share / HUNDRED) if share else '0'} more may be lost"
        case "margin":
            return f"{told}: {numbers.money(max(account.margin_excess, ZERO))} of equity beyond what is needed"
    return told


def strategy_dialog(row: ExposureRow, view: View, clock: Callable[[], float]) -> Reading:
    """What is held by a strategy, or by hand, and what that made."""
    own = view.limits.strategies.get(row.name)
    most = own.max_exposure_pct if own is not None else None
    limit = f", its limit is {numbers.quantity(most)}%" if most is not None else ""
    held: list[tuple[str, Value]] = [
        ("is", "what it bought and sold, at the market now" if row.name else "what no strategy ordered, at the market now"),
        ("long and short", f"{numbers.money(row.gross)}, {share_of_equity(row.gross, view)} of equity{limit}"),
        ("long less short", f"{numbers.money(row.net)}, {share_of_equity(row.net, view)} of equity"),
    ]
    made: list[tuple[str, Value]] = [
        ("unrealised", profit(row.unrealised)),
        ("realised", [profit(row.realised), Cell("  all time, less fees", "muted")]),
        ("commissions", f"{numbers.money(row.fees)}  all time"),
    ]
    parts = (Section("Held", lambda width: facts(held, width)), Section("Made", lambda width: facts(made, width)))

    def lines(width: int) -> list[Line]:
        return sections(parts, width)

    return Reading(f"Exposure {clean(row.name or BY_HAND)}", lines, clock)
