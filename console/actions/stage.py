"""What an action may know of the trading screen and do to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from textual.screen import ModalScreen, Screen

    from console.actions.backtests import BacktestActions
    from console.actions.notices import NoticeActions
    from console.archive import Archive
    from console.kept import Kept
    from console.keys import Action, KeyMap
    from console.screens.desk import Desk
    from console.screens.dialog import Dialog
    from console.screens.jump import Target
    from console.screens.subject import Subject
    from console.trading_engine import TradingEngine
    from engine.model import Level, View
    from engine.model.settings import ScreenSettings
    from widgets.order_line import OrderLine
    from widgets.panel import Panel

ResultT = TypeVar("ResultT")


class Stage(Protocol):
    """`panel` names the one with the focus, `layout_name` is large, wide, medium or small."""

    @property
    def engine(self) -> TradingEngine: ...

    @property
    def kept(self) -> Kept:
        """What is remembered for the next start."""

    @property
    def keys(self) -> KeyMap: ...

    @property
    def archive(self) -> Archive:
        """The history."""

    @property
    def drawn(self) -> ScreenSettings:
        """How the screen is drawn."""

    @property
    def keys_taken(self) -> int:
        """How many keys but a yes the trading screen has taken, and stops that were pressed anywhere."""

    @property
    def plain(self) -> bool:
        """Whether all is written and nothing drawn."""

    @property
    def backtests(self) -> BacktestActions: ...

    @property
    def notices(self) -> NoticeActions: ...

    @property
    def lag_ms(self) -> float:
        """How late the screen's loop runs."""

    @property
    def terminal_slow(self) -> bool:
        """Whether the terminal does not keep up."""

    @property
    def view(self) -> View:
        """The one that is on the screen."""

    @property
    def desk(self) -> Desk: ...

    @property
    def panels(self) -> dict[str, Panel]: ...

    @property
    def panel(self) -> str: ...

    @property
    def place(self) -> str:
        """The panel with the focus, or the order line, by its name in the table of keys."""

    @property
    def layout_name(self) -> str: ...

    @property
    def zoomed(self) -> bool: ...

    @property
    def order_line(self) -> OrderLine: ...

    @property
    def subject(self) -> Subject:
        """What keys act on."""

    def clock(self) -> float:
        """Monotonic seconds."""

    def say(self, text: str, level: Level) -> None:
        """Tell a person something until the next key."""

    def draw_by(self, drawn: ScreenSettings) -> None:
        """Have it drawn by other settings, from now on."""

    def look_now(self) -> None:
        """Show what the engine has now, before the next key."""

    def copy(self, text: str) -> None:
        """Put `text` on the clipboard of the person's terminal."""

    def ask(self, dialog: Dialog[ResultT], answered: Callable[[ResultT | None], None]) -> object:
        """Open a dialog; its answer goes to the function."""

    def read(self, screen: Screen[None]) -> object:
        """Open a dialog that only shows, or a page."""

    def overlay(self, screen: ModalScreen[None]) -> object:
        """Open a screen over this one that answers nothing."""

    def perform(self, action: Action) -> None:
        """Carry out an action, as its key does."""

    def targets(self) -> Sequence[Target]:
        """All that can be gone to."""

    def go(self, panel: str) -> None:
        """Give a panel the focus."""

    def zoom(self, zoomed: bool) -> None:
        """Give the panel with the focus the whole screen, or take it back."""

    def type_order(self) -> None:
        """Give the order line the focus."""
