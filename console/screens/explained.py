"""What is told of a preference beside the list of them: what it is and may be, what it comes to in this account, what its change does."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from console.preferences import LIMITS, OFFERED, Preference, Unknown, Written, path_of, value_at, words
from console.screens.details.writing import LABELS, Section, Value, facts, sections
from console.screens.dialog import Line, paragraph
from engine.model import View
from engine.model.money import HUNDRED, ZERO
from engine.model.settings import Settings
from engine.model.standing import Standing
from widgets import numbers
from widgets.cells import Cell

LOOSER = "What lets less through holds at once; what lets more through asks for a word and a reason."
TIGHTER = "Of the account's limit and one of a strategy or a symbol the tighter holds."
BY_NAME = {
    "max_position_pct": "position",
    "max_exposure_pct": "exposure",
    "max_daily_loss_pct": "daily loss",
    "max_drawdown_pct": "drawdown",
    "circuit_breaker_pct": "circuit breaker",
}
"""How the rows of the risk panel call the limits of which they show the use."""


def explained(
    item: Preference,
    key: str,
    value: Any,
    options: Sequence[Any],
    allowed: str,
    view: View,
    own: Sequence[Preference],
    width: int,
    whole: Standing | None = None,
) -> list[Line]:
    """All about `item`, which is `value` now and stands under `key` in the file; `own` are the limits that single strategies and symbols
    have, `whole` is where all accounts stand together."""
    parts = [Section("What it is", lambda room: _what(item, key, value, options, allowed, room))]
    if (told := _in_account(item, value, view)) is not None:
        parts.append(Section("In this account", lambda room: facts(told, room)))
    if item.is_combined:
        parts.append(Section("In all accounts", lambda room: facts(_in_all(item, value, whole), room)))
    if beside := [each for each in own if item.is_limit and not item.is_own and path_of(each.key)[-1] == path_of(item.key)[-1]]:
        parts.append(Section("Of single strategies and symbols", lambda room: _own(beside, view, room)))
    parts.append(Section("A change of it", lambda room: paragraph(_change(item), room)))
    return sections(parts, width)


def _what(item: Preference, key: str, value: Any, options: Sequence[Any], allowed: str, width: int) -> list[Line]:
    default = None if isinstance(item, Written) or item.is_own else value_at(Settings(), item.key)
    pairs: list[tuple[str, Value]] = [
        ("means", item.means),
        *([] if isinstance(item, Unknown) else [("in the file", key)]),
        ("now", Cell(words(value, item.unit), "muted" if value is None else "accent")),
    ]
    if not isinstance(item, Written):
        if not item.is_own:
            pairs.append(("default", words(default, item.unit)))
        pairs += [] if options else [("may be", allowed)]
    lines = facts(pairs, width)
    for place, option in enumerate(options):
        here = option == value
        lead = Cell(f"{'' if place else 'may be':<{LABELS - 2}}", "muted")
        lines.append([lead, Cell("▸ " if here else "  ", "key"), Cell(words(option), "accent" if here else "")])
    if isinstance(item, Written):
        lines += [line for text in item.lines for line in paragraph(text, width, "", Cell("    "))]
    return lines


def _in_account(item: Preference, value: Any, view: View) -> list[tuple[str, Value]] | None:
    """What the limit comes to in money, and how much of it is used."""
    if not item.is_limit or value is None:
        return None
    name, account = path_of(item.key)[-1], view.account
    pairs: list[tuple[str, Value]] = []
    if name.endswith("_pct") and name != "collar_pct" and isinstance(value, Decimal):
        whole, of = (account.day_start, "the opening equity") if name == "max_daily_loss_pct" else (account.equity, "equity")
        pairs.append(("comes to", f"{numbers.money(whole * value / HUNDRED)}, {words(value)} % of {of} {numbers.money(whole)}"))
    row = next((row for row in view.risk if row.name == BY_NAME.get(name)), None)
    if row is not None and not item.is_own:
        used = f"{numbers.quantity(round(float(row.used), 1))} % of {words(row.limit)} %{f', {row.note}' if row.note else ''}"
        pairs.append(("used now", Cell(used, "error" if row.tripped else "")))
    return pairs or None


def _in_all(item: Preference, value: Any, whole: Standing | None) -> list[tuple[str, Value]]:
    """What the limit comes to over all accounts, and how much of it is used."""
    if whole is None:
        return [("used now", "not known: an account has not told yet where it stands")]
    pairs: list[tuple[str, Value]] = []
    if value is not None:
        allowed = numbers.money(whole.equity * value / HUNDRED)
        pairs.append(("comes to", f"{allowed}, {words(value)} % of the equity of all {numbers.money(whole.equity)}"))
    used, of = whole.exposure, ""
    if path_of(item.key)[-1] == "max_position_pct":
        sides = [(amount, symbol) for symbol, both in whole.symbols.items() for amount in both]
        used, of = max(sides, default=(ZERO, ""))
    share = f", {numbers.percent(used / whole.equity).removeprefix('+')} of it" if whole.equity > 0 else ""
    return [*pairs, ("used now", f"{numbers.money(used)}{f' in {of}' if of else ''}{share}")]


def _own(beside: Sequence[Preference], view: View, width: int) -> list[Line]:
    return facts([(each.name, words(value_at(view.limits, each.key.removeprefix(LIMITS)), each.unit)) for each in beside], width)


def _change(item: Preference) -> str:
    if isinstance(item, Written):
        return item.how
    written = "and is written into the file, its comments kept"
    if item.is_combined:
        return f"{LOOSER} It holds for all accounts at once, {written}. Each account's own limits hold as well."
    if item.is_limit:
        account = OFFERED.get(f"{LIMITS}{path_of(item.key)[-1]}")
        own = f" {TIGHTER} The account's is under {account.name}." if item.is_own and account is not None else ""
        return f"{LOOSER} It goes to the engine first, {written}.{own}"
    return f"It holds {'from the next start on' if item.next_start else 'at once'}, {written}."
