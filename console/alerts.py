"""Price alerts: what a person wants to be told about a price, looked at with every quote and bar. An alert never trades.

An alert fires once the price is where it was not when the alert was set: one that the price is beyond already is refused. It fires at the
first price that is, on the engine's thread, whatever the screen is doing; over a restart the first price counts like any other, so that a
move overnight is told. One that repeats fires once a minute at most, for a price that hovers about its level crosses it with every tick: it
then says how often the price came there since, and what came there within the minute and stayed is told when that is over. A crossed quote,
a number that is none, a single print far from the last, and a price older than one seen before never fire.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from msgspec import Struct, field
from msgspec.structs import replace

from console.kept import Kept
from engine.core.prices import Prices
from engine.model.market import Bar, Quote, Split
from engine.model.money import HUNDRED, exact, is_amount, is_price
from engine.model.settings import is_symbol

MOST = 500
"""Alerts at most; each is looked at with every price of its symbol."""
_AGAIN = 60_000_000_000
"""Of market time, in nanoseconds, between two times that an alert which repeats fires."""
_LONGEST = 40
_WANTED = re.compile(
    r"(?:(?P<side>>|<|above|below)\s*(?P<price>\d{1,12}(?:\.\d{1,8})?)|(?P<pct>[+-]\d{1,4}(?:\.\d{1,4})?)\s*%)(?P<words>(?:\s+[a-z]+)*)\s*",
    re.ASCII,
)
HOW = "> 190, < 180, +3% or -3%; behind it, if you like, close (from the previous close) and repeat (each time, once a minute at most)"


class AlertError(Exception):
    """What was written is no alert, in words, with what would be one."""


class Alert(Struct, frozen=True):
    """Waits while `armed` for the price of `symbol` to come beyond `level`: over it, or under it.

    A level written as a price is passed, one in per cent is reached. One that `repeat`s has `fired` and waits, until the price has been
    back, to be armed again. It `fired_at` the market time of that price; `untold` times the price came there since, too soon to be told.
    """

    id: int
    symbol: str
    text: str
    """As it is written: `> 190`, `+3%`, `-3% close repeat`."""
    level: Decimal
    above: bool
    reached: bool
    repeat: bool
    reference: Decimal | None = None
    """What a level in per cent was worked out from."""
    armed: bool = True
    fired_at: int = 0
    fired_price: float | None = None
    untold: int = 0

    def is_beyond(self, price: Decimal) -> bool:
        if price == self.level:
            return self.reached
        return (price > self.level) is self.above

    def may_fire(self, at: int) -> bool:
        """Whether enough time has gone by, at market time `at`. A market that is played once more begins again, too."""
        return not (self.fired_at and 0 <= at - self.fired_at < _AGAIN)

    def seen_at(self, tick: Decimal) -> Decimal:
        """The level as it is shown; of a move in per cent the first price on the symbol's tick at which it is reached."""
        if self.reference is None:
            return self.level
        return (self.level / tick).to_integral_value(ROUND_CEILING if self.above else ROUND_FLOOR) * tick

    def told(self, price: float, times: int = 1) -> str:
        """What is said when it fires; the price came there so many `times` since it last did."""
        at = f"{self.symbol} {_shown(exact(price))}"
        often = f"; it came there {times} times since the last alert" if times > 1 else ""
        if self.reference is None:
            return f"{at} is {'above' if self.above else 'below'} {self.level:f}{often}"
        return f"{at} has moved {self.text.split()[0]} from {_shown(self.reference)}{often}"


class _Kept(Struct):
    alerts: list[Alert] = field(default_factory=list)


def read(text: str, symbol: str, last: float | None, previous: float | None) -> Alert:
    """The alert on `symbol` that `text` means, its id still 0. Raises AlertError.

    `last` is the price now, `previous` the close before this session, None where they are not known.
    """
    wanted = " ".join(text.lower().split())
    match = _WANTED.fullmatch(wanted) if len(wanted) <= _LONGEST else None
    words = (match["words"] or "").split() if match else []
    if match is None or not set(words) <= {"close", "repeat"} or len(set(words)) < len(words):
        raise AlertError(f"That is no alert. Write {HOW}.")
    repeat = "repeat" in words
    if match["pct"] is None:
        level, above, reference = Decimal(match["price"]), match["side"] in (">", "above"), None
        if "close" in words:
            raise AlertError("A price counts from nothing: close belongs to a per cent, like +3% close.")
        written = f"{'>' if above else '<'} {level:f}"
    else:
        pct = Decimal(match["pct"])
        start = previous if "close" in words else last
        if start is None or not is_price(start):
            which = "previous close" if "close" in words else "price"
            raise AlertError(f"{symbol} has no {which} yet to count from: write a price, like > 190.")
        reference = exact(start)
        level, above = reference * (1 + pct / HUNDRED), pct > 0
        if not pct:
            raise AlertError("A move of 0% is none.")
        written = f"{pct:+f}%{' close' if 'close' in words else ''}"
    if not is_amount(level):
        raise AlertError(f"{level:f} is not a price.")
    alert = Alert(0, symbol, written + (" repeat" if repeat else ""), level, above, match["pct"] is not None, repeat, reference)
    if last is not None and alert.is_beyond(exact(last)):
        where = f"{'above' if above else 'below'} {level.normalize():f}"
        back = f"{'<' if above else '>'} {level.normalize():f}"
        raise AlertError(
            f"{symbol} is at {_shown(exact(last))}, {where} already. Write a level it has not reached, or {back} for the way back."
        )
    return alert


class AlertBook:
    """All alerts, kept on disk. `on_quote`, `on_bar` and `on_split` are for the engine's thread, the rest for any.

    `fired` is told, on the engine's thread, of each alert that fires and in which words.
    """

    def __init__(self, kept: Kept, fired: Callable[[Alert, str], None]) -> None:
        self._kept = kept
        self._fired = fired
        self._lock = threading.Lock()
        self._alerts: dict[int, Alert] = {}
        self._by_symbol: dict[str, tuple[int, ...]] = {}
        """Replaced whole, so that a price of a symbol without an alert costs one look and no lock."""
        self._prices = Prices(1.0)
        """Which prints are believed."""
        self._newest: dict[str, int] = {}

    def load(self) -> None:
        """Takes over what an earlier run kept. What a hand has spoilt in the file is left out."""
        kept = self._kept.load("alerts", _Kept, _Kept())
        with self._lock:
            sound = [alert for alert in kept.alerts if _is_sound(alert)]
            self._alerts = {number: replace(alert, id=number) for number, alert in enumerate(sound[:MOST], 1)}
            self._index()

    # ---- what a person does

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """All of them, the newest last."""
        with self._lock:
            return tuple(self._alerts.values())

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(self._by_symbol)

    def levels(self, ticks: Mapping[str, Decimal]) -> tuple[tuple[str, float], ...]:
        """Symbol and price of those that are armed, for the chart; `ticks` are those of the symbols that have one."""
        armed = (alert for alert in self.alerts if alert.armed)
        return tuple((each.symbol, float(each.seen_at(ticks[each.symbol]) if each.symbol in ticks else each.level)) for each in armed)

    def marks(self) -> dict[str, str]:
        """Of each symbol with alerts, whether one has `fired` or they are all still `armed`."""
        marks: dict[str, str] = {}
        for alert in self.alerts:
            if alert.fired_at or alert.symbol not in marks:
                marks[alert.symbol] = "fired" if alert.fired_at else "armed"
        return marks

    def set(self, alert: Alert, last: float | None = None) -> None:
        """Adds an alert, or puts one in the place of that with its id, armed. Raises AlertError where there are too many."""
        with self._lock:
            if alert.id not in self._alerts:
                if len(self._alerts) >= MOST:
                    raise AlertError(f"{MOST} alerts are set, which is all there may be: delete some first.")
                alert = replace(alert, id=max(self._alerts, default=0) + 1)
            self._alerts[alert.id] = alert
            if last is not None and alert.symbol not in self._prices.by_symbol:
                self._prices.prime(alert.symbol, last)
                self._prices.by_symbol[alert.symbol].heard = 1
            self._changed()

    def delete(self, alert_id: int) -> None:
        with self._lock:
            if self._alerts.pop(alert_id, None) is not None:
                self._changed()

    # ---- what the market does

    def on_quote(self, quote: Quote) -> None:
        if quote.symbol in self._by_symbol:
            with self._lock:
                if self._is_newest(quote.symbol, quote.at) and self._prices.on_quote(quote, 1):
                    self._look(quote.symbol, quote.at, quote.last, quote.last, quote.last)

    def on_bar(self, bar: Bar) -> None:
        """Where prices come from bars alone, all of a bar counts: it happened since the one before, which was on the screen."""
        if bar.symbol in self._by_symbol:
            with self._lock:
                if not self._is_newest(bar.symbol, bar.at) or not self._prices.on_bar(bar, 1):
                    return
                if not self._prices.by_symbol[bar.symbol].quoted:
                    high, low = (edge if is_price(edge) else bar.close for edge in (bar.high, bar.low))
                    self._look(bar.symbol, bar.at, max(high, bar.close), min(low, bar.close), bar.close)

    def on_split(self, split: Split) -> None:
        """A level is a price of a share, and there are others now: it moves along."""
        if split.symbol not in self._by_symbol or not is_amount(split.ratio):
            return
        with self._lock:
            self._prices.on_split(split.symbol, split.ratio)
            for number in self._by_symbol[split.symbol]:
                alert = self._alerts[number]
                level = alert.level / split.ratio
                reference = None if alert.reference is None else alert.reference / split.ratio
                words = alert.text if alert.reached else " ".join((alert.text[0], f"{level.normalize():f}", *alert.text.split()[2:]))
                self._alerts[number] = replace(alert, level=level, reference=reference, text=words[:_LONGEST])
            self._changed()

    def _is_newest(self, symbol: str, at: int) -> bool:
        if at < self._newest.get(symbol, 0):
            return False
        self._newest[symbol] = at
        return True

    def _look(self, symbol: str, at: int, high: float, low: float, close: float) -> None:
        changed, top, bottom, end = False, exact(high), exact(low), exact(close)
        for number in self._by_symbol[symbol]:
            alert = self._alerts[number]
            edge = high if alert.above else low
            beyond, back = alert.is_beyond(top if alert.above else bottom), alert.repeat and not alert.is_beyond(end)
            came = alert.armed and beyond
            times = alert.untold + came
            if beyond and times and alert.may_fire(at):
                alert = replace(alert, armed=back, fired_at=at, fired_price=edge, untold=0)
                self._fired(alert, alert.told(edge, times))
            elif came or (back and not alert.armed):
                alert = replace(alert, armed=back, untold=times)
            else:
                continue
            self._alerts[number] = alert
            changed = True
        if changed:
            self._changed()

    def _changed(self) -> None:
        self._index()
        self._kept.save("alerts", _Kept(list(self._alerts.values())))

    def _index(self) -> None:
        """An alert that has fired for good is only listed. Numbers stand in the order the alerts were set."""
        found: dict[str, tuple[int, ...]] = {}
        for number, alert in self._alerts.items():
            if alert.armed or alert.repeat:
                found[alert.symbol] = (*found.get(alert.symbol, ()), number)
        self._by_symbol = found


def _is_sound(alert: Alert) -> bool:
    """Whether it can be told of, whatever the file says that it comes from."""
    numbers = [alert.level] if alert.reference is None else [alert.level, alert.reference]
    legible = alert.text.isprintable() and bool(alert.text.strip()) and len(alert.text) <= _LONGEST
    return is_symbol(alert.symbol) and all(map(is_amount, numbers)) and legible


def _shown(price: Decimal) -> str:
    """With two decimals at least."""
    places = -int(price.normalize().as_tuple().exponent)
    return f"{price:.{max(2, places)}f}"
