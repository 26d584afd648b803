"""A person's watchlists: names and symbols in their order, kept over restarts. The list of everything there is comes first and is none."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field

from console.kept import Kept
from engine.model.settings import is_symbol
from widgets.text import without_hidden

ALL = "All"
"""The list of all that the engine watches. Always there, never edited."""
MOST_LISTS = 50
MOST_SYMBOLS = 500
LONGEST_NAME = 20


class KeptList(Struct):
    name: str
    symbols: list[str] = field(default_factory=list)


class KeptLists(Struct):
    lists: list[KeptList] = field(default_factory=list)
    shown: str = ALL


class Watchlists:
    """What is changed is saved at once. A method that answers a sentence did nothing where that is not empty."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._lists: list[KeptList] = []
        self._shown = 0

    def load(self) -> None:
        """Takes over what an earlier run kept. What a hand has spoilt in the file is left out."""
        kept = self._kept.load("watchlists", KeptLists, KeptLists())
        self._lists = []
        for one in kept.lists[:MOST_LISTS]:
            name = _named(one.name)
            if not self._complaint(name):
                symbols = [symbol for symbol in dict.fromkeys(one.symbols) if is_symbol(symbol)]
                self._lists.append(KeptList(name, symbols[:MOST_SYMBOLS]))
        self._shown = self.names.index(kept.shown) if kept.shown in self.names else 0

    # ---- reading

    @property
    def names(self) -> tuple[str, ...]:
        """Of all lists, ALL first."""
        return (ALL, *(one.name for one in self._lists))

    @property
    def place(self) -> int:
        """That of the list that is shown, among `names`."""
        return self._shown

    @property
    def shown(self) -> str:
        return self.names[self._shown]

    @property
    def symbols(self) -> tuple[str, ...] | None:
        """Those of the list that is shown, None for ALL."""
        return None if self._shown == 0 else tuple(self._list.symbols)

    def count(self, name: str) -> int:
        return next((len(one.symbols) for one in self._lists if one.name == name), 0)

    @property
    def every_symbol(self) -> tuple[str, ...]:
        """Those of all lists."""
        return tuple(dict.fromkeys(symbol for one in self._lists for symbol in one.symbols))

    def holding(self, symbol: str) -> Sequence[str]:
        """The names of the lists that `symbol` is in."""
        return [one.name for one in self._lists if symbol in one.symbols]

    @property
    def _list(self) -> KeptList:
        return self._lists[self._shown - 1]

    # ---- which is shown

    def step(self, by: int) -> None:
        self._shown = (self._shown + by) % len(self.names)
        self._save()

    def choose(self, name: str) -> None:
        if name in self.names:
            self._shown = self.names.index(name)
            self._save()

    # ---- rows

    def add(self, symbol: str) -> str:
        """To the list that is shown."""
        symbols = self._list.symbols
        if symbol in symbols:
            return f"{symbol} is in {self.shown} already."
        if len(symbols) >= MOST_SYMBOLS:
            return f"{self.shown} holds {MOST_SYMBOLS} symbols, which is all a list may: begin another."
        symbols.append(symbol)
        self._save()
        return ""

    def remove(self, symbol: str) -> None:
        if symbol in self._list.symbols:
            self._list.symbols.remove(symbol)
            self._save()

    def move(self, symbol: str, by: int) -> None:
        """Up or down in the list that is shown, as far as there is room."""
        symbols = self._list.symbols
        if symbol in symbols:
            place = symbols.index(symbol)
            symbols.insert(min(max(place + by, 0), len(symbols) - 1), symbols.pop(place))
            self._save()

    # ---- lists

    def new(self, name: str) -> str:
        """Begins an empty list and shows it."""
        name = _named(name)
        if complaint := self._complaint(name):
            return complaint
        if len(self._lists) >= MOST_LISTS:
            return f"There are {MOST_LISTS} lists, which is all there may be: delete one first."
        self._lists.append(KeptList(name))
        self._shown = len(self._lists)
        self._save()
        return ""

    def rename(self, name: str, to: str) -> str:
        one = next((one for one in self._lists if one.name == name), None)
        to = _named(to)
        if one is None or to == name:
            return ""
        if complaint := self._complaint(to, besides=name):
            return complaint
        one.name = to
        self._save()
        return ""

    def move_list(self, name: str, by: int) -> None:
        """Up or down among the lists, as far as there is room. ALL stays first."""
        names = [one.name for one in self._lists]
        if name in names:
            shown, place = self.shown, names.index(name)
            self._lists.insert(min(max(place + by, 0), len(names) - 1), self._lists.pop(place))
            self._shown = self.names.index(shown)
            self._save()

    def delete(self, name: str) -> None:
        """The symbols stay watched."""
        shown = self.shown
        self._lists = [one for one in self._lists if one.name != name]
        self._shown = self.names.index(shown) if shown in self.names else 0
        self._save()

    def _complaint(self, name: str, besides: str = "") -> str:
        if not name:
            return "A list needs a name."
        if len(name) > LONGEST_NAME:
            return f"A name has {LONGEST_NAME} characters at most."
        if name.casefold() in (other.casefold() for other in self.names if other != besides):
            return f"There is a list {name} already."
        return ""

    def _save(self) -> None:
        self._kept.save("watchlists", KeptLists(self._lists, self.shown))


def _named(text: str) -> str:
    """Names come from a file, too: one line without anything that is not seen."""
    return " ".join(without_hidden(text).split())
