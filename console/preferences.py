"""The preferences: which settings a person may change on the screen, what they are called, how one is read, and what its change needs.

Per cents are of equity. Nothing here reads a file, asks the engine or draws.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, TypeVar, cast, get_args, get_origin

from msgspec import Struct
from msgspec.structs import replace

from engine.model import ranges
from engine.model.limit_changes import changes, combined_changes
from engine.model.settings import CombinedLimits, Limits, Settings, StrategyLimits, SymbolLimits

SettingsT = TypeVar("SettingsT")

LIMITS, COMBINED = "limits.", "combined."
NONE = "none"


class Preference(Struct, frozen=True):
    """One setting by its `key` in the config file. What is changed holds at once, or with `next_start` only then."""

    key: str
    name: str
    means: str
    """Its first phrase alone says it, too, where there is no room for all."""
    unit: str = ""
    next_start: bool = False

    @property
    def hint(self) -> Any:
        """Its type with what is allowed."""
        hint: Any = Settings
        for name in path_of(self.key):
            section = ranges.section_of(hint)
            hint = section[1] if section is not None else ranges.hints(ranges.split(hint)[0])[name]
        return hint

    @property
    def is_limit(self) -> bool:
        return self.key.startswith(LIMITS)

    @property
    def is_combined(self) -> bool:
        """Whether it is a limit on all accounts together."""
        return self.key.startswith(COMBINED)

    @property
    def is_own(self) -> bool:
        """Whether it is a limit of one strategy or symbol: with no value there is none."""
        return len(path_of(self.key)) > 2 and self.is_limit

    @property
    def allowed(self) -> str:
        """In words."""
        optional = f", or {NONE}" if ranges.split(self.hint)[2] else ""
        return f"{ranges.words(self.hint)}{optional}"

    @property
    def options(self) -> tuple[Any, ...]:
        """All it may be, where that is a handful; empty where a value is typed."""
        kind, _, optional = ranges.split(self.hint)
        options = (False, True) if kind is bool else get_args(kind) if get_origin(kind) is Literal else ()
        return (None, *options) if optional and options else options


class Written(Preference, frozen=True):
    """One that only the file says, and that nobody changes here: what it `says`, `lines` that tell more of it, and `how` it is changed."""

    says: str = ""
    lines: tuple[str, ...] = ()
    how: str = ""

    @property
    def hint(self) -> Any:
        """No setting of a single account: nothing but text here."""
        return str


class Unknown(Written, frozen=True):
    """What an `account` holds that has not told yet: a person may say that it is nothing."""

    account: str = ""


def unknown_rows(unknown: Iterable[str], left_out: Iterable[str]) -> Iterator[Unknown]:
    """Beside the limits on all accounts together, those accounts of which nobody knows what they hold, and those that a person left out."""
    means = "what it holds; until it has told, no other account enters under these limits"
    how = "Enter says that it holds nothing, after the word and a reason. Exits go in any case."
    for name in unknown:
        yield Unknown(f"unknown.{name}", name, means, says="not known", how=how, account=name)
    means, how = "what it holds, by your word", "It counts with what it holds once it has started."
    for name in left_out:
        yield Unknown(f"unknown.{name}", name, means, says="nothing", how=how, account=name)


GROUPS: tuple[tuple[str, tuple[Preference, ...]], ...] = (
    (
        "Screen",
        (
            Preference("theme", "theme", "the colours of the whole screen"),
            Preference("screen.layout", "layout", "auto: the largest there is room for"),
            Preference("screen.frames_per_second", "refresh", "how often what changed is drawn, at most", "a second"),
            Preference("screen.low_bandwidth", "low bandwidth", "for a thin line: data is drawn twice a second at most, keys at once"),
            Preference("plain", "plain text", "all is written and nothing drawn, for a screen reader", next_start=True),
        ),
    ),
    (
        "Notices",
        (
            Preference("notify.bell", "bell", "a notice rings the terminal's bell"),
            Preference("notify.desktop", "desktop", "a notice is shown on the desktop, by terminals that can"),
            Preference("notify.level", "from level", "which notices ring and are shown: these and worse ones"),
        ),
    ),
    (
        "Confirmations",
        (
            Preference("confirm.order_line", "order line", "a yes before the order line sends"),
            Preference("confirm.quit", "quit", "asks at quit; while something works or waits it asks in any case"),
            Preference(
                "on_exit",
                "on exit",
                "what quitting does to working orders: cancel_entries keeps those that protect, keep leaves all, cancel_all none",
                next_start=True,
            ),
        ),
    ),
    (
        "Limits",
        (
            Preference("limits.max_order_pct", "order size", "the value of one order, of equity", "%"),
            Preference("limits.max_order_notional", "order notional", "the value of one order, in money"),
            Preference("limits.max_order_quantity", "order quantity", "the shares of one order"),
            Preference("limits.max_position_pct", "position", "the value held in one symbol, of equity", "%"),
            Preference("limits.max_exposure_pct", "total exposure", "all positions and working entries, of equity", "%"),
            Preference("limits.max_net_exposure_pct", "net exposure", "long less short, of equity", "%"),
            Preference("limits.max_daily_loss_pct", "daily loss", "of the session's opening equity; then entries stop", "%"),
            Preference("limits.max_drawdown_pct", "drawdown", "how far equity may fall from its high", "%"),
            Preference("limits.circuit_breaker_pct", "circuit breaker", "a loss that stops entries, within the next row's minutes", "%"),
            Preference("limits.circuit_breaker_minutes", "breaker's window", "how far the circuit breaker looks back", "min"),
            Preference("limits.collar_pct", "collar", "how far a limit may cross the market", "%"),
            Preference("limits.stale_after_s", "stale after", "when a price is too old for an entry", "s"),
            Preference("limits.repetition_s", "repetition", "how soon a repeated order is a slip", "s"),
            Preference("limits.short_selling", "short selling", "whether more may be sold than is held"),
            Preference("limits.outside_hours", "outside hours", "an entry while the market is closed: waits for the open, or is denied"),
            Preference("limits.max_orders_second", "orders a second", "entries of one strategy"),
            Preference("limits.max_orders_minute", "orders a minute", "entries of one strategy"),
            Preference("limits.max_orders_day", "orders a day", "entries of one strategy"),
            Preference("limits.max_account_orders_second", "all a second", "entries of everybody together"),
            Preference("limits.max_account_orders_minute", "all a minute", "entries of everybody together"),
            Preference("limits.max_account_orders_day", "all a day", "entries of everybody together"),
        ),
    ),
)
"""In the order of the screen."""
TOGETHER = (
    Preference("combined.max_exposure_pct", "exposure of all", "what all accounts hold and may yet add, of the equity of all", "%"),
    Preference("combined.max_position_pct", "position of all", "the same in one symbol, on one side", "%"),
)
"""The limits on all accounts together."""
OFFERED = {preference.key: preference for _, group in GROUPS for preference in group}


_OWN = {"strategies": StrategyLimits(), "symbols": SymbolLimits()}
"""The limits of a strategy or a symbol that has none of its own, by where they stand among the limits."""


def path_of(key: str) -> tuple[str, ...]:
    """The names that lead to the setting under `key` (dotted). That of a strategy or a symbol may have points in it."""
    names = key.split(".")
    start = int(f"{names[0]}." == LIMITS)
    if names[start] in _OWN and len(names) > start + 3:
        names[start + 1 : -1] = [".".join(names[start + 1 : -1])]
    return tuple(names)


def value_at(settings: Any, key: str) -> Any:
    """The value of `key` (dotted) in a settings object; None for that of a strategy or a symbol which has no limits of its own."""
    for name in path_of(key):
        settings = settings.get(name) if isinstance(settings, dict) else getattr(settings, name) if settings is not None else None
    return settings


def with_value(settings: SettingsT, key: str, value: object) -> SettingsT:
    """`settings` with `key` (dotted) being `value`."""
    return cast(SettingsT, _with(settings, path_of(key), value))


def _with(settings: Any, path: Sequence[str], value: object) -> Any:
    first, *rest = path
    if not rest:
        return replace(settings, **{first: value})
    inner = getattr(settings, first)
    if isinstance(inner, dict):
        name, *rest = rest
        return replace(settings, **{first: {**inner, name: _with(inner.get(name, _OWN[first]), rest, value)}})
    return replace(settings, **{first: _with(inner, rest, value)})


def words(value: object, unit: str = "") -> str:
    """A setting's value for a person: `5 %`, `on`, `none`."""
    match value:
        case None:
            return NONE
        case bool():
            return "on" if value else "off"
        case Enum():
            return str(value.value)
        case Decimal():
            said = f"{value:,f}"
            said = said.rstrip("0").rstrip(".") if "." in said else said
        case int() | float():
            said = f"{value:,g}" if abs(value) < 1_000_000 else f"{value:,}"
        case _:
            return str(value)
    return f"{said} {unit}" if unit else said


def read(preference: Preference, text: str) -> Any:
    """The value that a person typed. Raises ValueError with what is allowed."""
    text = text.strip().removesuffix(preference.unit).strip()
    _, _, optional = ranges.split(preference.hint)
    if optional and text.lower() in ("", NONE):
        return None
    try:
        return ranges.parse(preference.hint, text)
    except ValueError:
        raise ValueError(f"Allowed is {preference.allowed}.") from None


# ---- limits


def looser_together(before: CombinedLimits, after: CombinedLimits) -> tuple[str, ...]:
    """As `looser`, of the limits on all accounts together."""
    return tuple(str(change) for change in combined_changes(before, after) if change.looser)


def tightened_together(before: CombinedLimits, after: CombinedLimits) -> CombinedLimits:
    """As `tightened`, of the limits on all accounts together."""
    for change in combined_changes(before, after):
        if not change.looser:
            name = change.key.removeprefix(COMBINED)
            before = replace(before, **{name: getattr(after, name)})
    return before


def looser(before: Limits, after: Limits) -> tuple[str, ...]:
    """The changes that let more through, as `max_order_pct 5 → 10`. They need a word and a reason; others need nothing."""
    return tuple(str(change) for change in changes(before, after) if change.looser)


def tightened(before: Limits, after: Limits) -> Limits:
    """`before` with those limits of `after` alone that let less through."""
    for change in changes(before, after):
        if not change.looser:
            before = with_value(before, change.key, value_at(after, change.key))
    return before


def own_limits(limits: Limits) -> Iterator[Preference]:
    """Those that are given to a single strategy or symbol."""
    for place, sections in (("strategies", limits.strategies), ("symbols", limits.symbols)):
        for name, section in sections.items():
            for limit in section.__struct_fields__:
                if getattr(section, limit) is not None:
                    yield _own(place, name, limit)


def own_limits_to_add(limits: Limits, strategies: Iterable[str], symbols: Iterable[str]) -> Iterator[Preference]:
    """Those that may be given to these and are not."""
    for place, names in (("symbols", symbols), ("strategies", strategies)):
        for name in names:
            for limit in _OWN[place].__struct_fields__:
                preference = _own(place, name, limit)
                if value_at(limits, preference.key.removeprefix(LIMITS)) is None:
                    yield preference


def _own(place: str, name: str, limit: str) -> Preference:
    account = OFFERED[f"{LIMITS}{limit}"]
    means = "entries of everybody in it" if place == "symbols" and limit.startswith("max_orders_") else account.means
    return Preference(f"{LIMITS}{place}.{name}.{limit}", f"{name} {account.name}", means, account.unit)


# ---- two readings of the file

_IN_FORCE = {LIMITS.removesuffix("."), COMBINED.removesuffix(".")}
"""Sections of which those that hold are asked of whoever holds them."""


class Difference(Struct, frozen=True):
    """A setting that a file says otherwise than it did."""

    key: str
    before: Any
    after: Any

    @property
    def at_once(self) -> bool:
        """Whether it can hold without another start."""
        preference = OFFERED.get(self.key)
        return preference is not None and not preference.next_start

    def __str__(self) -> str:
        if all(isinstance(value, tuple | dict) for value in (self.before, self.after)):
            return f"{self.key} changed"
        return f"{self.key} {words(self.before)} → {words(self.after)}"


def differences(before: Settings, after: Settings) -> tuple[Difference, ...]:
    """What is not as it was, limits left out: those are compared with the ones in force, by `looser` and `tightened` and their like."""
    return tuple(_differences(before, after, ""))


def _differences(before: Any, after: Any, path: str) -> Iterator[Difference]:
    for name in before.__struct_fields__:
        was, now, key = getattr(before, name), getattr(after, name), f"{path}{name}"
        if key in _IN_FORCE or was == now:
            continue
        if isinstance(was, Struct) and isinstance(now, Struct):
            yield from _differences(was, now, f"{key}.")
        else:
            yield Difference(key, was, now)


def stepped(options: Sequence[Any], value: Any, step: int) -> Any:
    """The option `step` places on from `value`, round the end."""
    place = options.index(value) if value in options else 0
    return options[(place + step) % len(options)]
