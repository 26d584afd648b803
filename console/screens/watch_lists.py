"""The dialogs of the watchlists: a symbol searched for among all that the feed offers, and the lists themselves."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from difflib import get_close_matches

from console.screens.listing import ListDialog
from console.watchlists import ALL, Watchlists
from engine.model.market import Listing
from widgets.cells import Cell

Offers = Callable[[], tuple[Listing, ...] | None]
POLL_S = 0.1
_MOST_FOUND = 200


def found(offers: Sequence[Listing], typed: str) -> list[Listing]:
    """The listings that hold what is typed, the likeliest first: the symbol itself, one that begins so, a name with a word that does, a
    name that holds it. Where none does, symbols that are nearly so."""
    wanted = typed.strip().casefold()
    if not wanted:
        return list(offers[:_MOST_FOUND])
    scored: list[tuple[int, int, int, Listing]] = []
    for place, listing in enumerate(offers):
        symbol, name = listing.symbol.casefold(), listing.name.casefold()
        if symbol.startswith(wanted):
            scored.append((0 if symbol == wanted else 1, len(symbol), place, listing))
        elif any(word.startswith(wanted) for word in name.replace("(", "").split()) or name.startswith(wanted):
            scored.append((2, 0, place, listing))
        elif wanted in name:
            scored.append((3, 0, place, listing))
    if not scored:
        known = {listing.symbol: listing for listing in offers}
        return [known[symbol] for symbol in get_close_matches(wanted.upper(), known, 5, 0.6)]
    return [listing for *_, listing in sorted(scored, key=lambda item: item[:3])[:_MOST_FOUND]]


class SymbolSearch(ListDialog[str, Listing]):
    """Answers the symbol to watch, or to go to where it is `there` already. `offers` is asked again until it knows."""

    PLACE = "symbols"
    TYPES = True

    def __init__(self, into: str, offers: Offers, there: Collection[str], clock: Callable[[], float]) -> None:
        super().__init__(f"Add a symbol to {into}" if into != ALL else "Watch another symbol", clock)
        self._ask = offers
        self._offers = offers()
        self._there = frozenset(there)
        self._found: list[Listing] = []
        self.typed()

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(POLL_S, self._look)

    def _look(self) -> None:
        if self._offers is None:
            self._offers = self._ask()
            if self._offers is not None:
                self.typed()
                self.draw()

    def empty(self) -> str:
        if self._offers is None:
            return "Looking up what the feed offers …"
        return "The feed lists nothing like that. Enter asks it for the symbol all the same."

    def items(self) -> Sequence[Listing]:
        return self._found

    def cells(self, item: Listing, marked: bool) -> list[Cell]:
        there = Cell("  there already", "muted") if item.symbol in self._there else Cell("")
        return [Cell(f" {item.symbol:<12} ", "title-focus" if marked else "title"), Cell(f"  {item.name}"), there]

    def footer(self) -> str:
        if self._offers is None:
            return ""
        every = f"{len(self._offers):,} symbols"
        return f"{len(self._found)} found of {every}" if self.editor.text.strip() else every

    def typed(self) -> None:
        self.marked = 0
        self._found = found(self._offers or (), self.editor.text)

    def enter(self) -> None:
        item = self.marked_item
        if item is not None and (self.editor.text.strip() or self.marked):
            self.answer(item.symbol)
        elif not self._found and self.editor.text.strip():
            # The feed may know more than it can list. The engine asks it, and says what it answers.
            self.answer(self.editor.text.strip().upper())
        else:
            # A held Enter, or one too many, must add nothing.
            self.say("Type a symbol or a name, or choose with the arrows; then Enter adds it.")


class ListsDialog(ListDialog[str, str]):
    """New, rename, delete, move, choose. Answers the name of the list to show; everything else is done at once."""

    PLACE = "lists"

    def __init__(self, lists: Watchlists, watched: int, changed: Callable[[], None], clock: Callable[[], float]) -> None:
        super().__init__("Watchlists", clock)
        self._lists = lists
        self._watched = watched
        self._changed = changed
        self._doing = ""
        self.marked = lists.place

    def items(self) -> Sequence[str]:
        return self._lists.names

    def types_now(self) -> bool:
        return self._doing in ("new", "rename")

    def hints(self) -> Sequence[tuple[str, str]]:
        return self.keys_of("preference") if self._doing else super().hints()

    def cells(self, item: str, marked: bool) -> list[Cell]:
        count = self._watched if item == ALL else self._lists.count(item)
        said = f"{_symbols(count)}{', all that is watched' if item == ALL else ''}"
        shown = Cell("  shown now", "accent") if item == self._lists.shown else Cell("")
        # While a name is typed Enter takes the name, and the cursor in it is the only thing lit.
        return [Cell(f" {item:<20} ", "title-focus" if marked and not self._doing else "title"), Cell(f"  {said}", "muted"), shown]

    def intro(self, width: int) -> list[list[Cell]]:
        if self._doing == "new":
            return [[Cell("The new list's name; Esc makes none", "muted")]]
        if self._doing == "rename":
            return [[Cell(f"Another name for {self.marked_item}; Esc keeps it", "muted")]]
        return []

    def enter(self) -> None:
        name = self.marked_item or ALL
        if not self._doing:
            self.answer(name)
        elif complaint := self._lists.new(self.editor.text) if self._doing == "new" else self._lists.rename(name, self.editor.text):
            self.say(complaint)
        else:
            if self._doing == "new":
                self.marked = self._lists.place
            self._doing = ""
            self._changed()

    def take_key(self, key: str, character: str | None, time: float) -> None:
        if self._doing and key in ("escape", "ctrl+c"):
            if self._doing == "new":
                self.marked = self._lists.place
            self._doing = ""
            self.say("")
            self.draw()
        else:
            super().take_key(key, character, time)

    def _move(self, step: int) -> None:
        """While a name is typed the rows stand still: another one would be renamed."""
        if not self._doing:
            super()._move(step)

    def clicked(self, line: int, x: int, *, twice: bool) -> None:
        if not self._doing:
            super().clicked(line, x, twice=twice)

    def _delete(self, name: str) -> None:
        self._lists.delete(name)
        self._changed()

    def other_key(self, key: str, character: str | None) -> None:
        doing, name = {"n": "new", "r": "rename", "d": "delete"}.get(key, ""), self.marked_item or ALL
        if (doing in ("rename", "delete") or key in ("J", "K")) and name == ALL:
            self.say(f"{ALL} is always there, and first: it is all that the engine watches.")
        elif doing == "delete":
            self.ask_to_delete(f"{name} with its {_symbols(self._lists.count(name))}", lambda: self._delete(name))
        elif key in ("J", "K"):
            self._lists.move_list(name, 1 if key == "J" else -1)
            self.marked = self._lists.names.index(name)
            self._changed()
        elif doing:
            self._doing = doing
            self.editor.put(name if doing == "rename" else "")
            if doing == "new":
                self.marked = -1


def _symbols(count: int) -> str:
    return f"{count} symbol{'' if count == 1 else 's'}"
