"""Which layout a screen gets by its width and height, and which panels each shows in which order."""

from __future__ import annotations

from textual.geometry import Size

LAYOUTS = {"small": (0, 0), "medium": (100, 26), "wide": (110, 30), "broad": (190, 24), "large": (160, 44)}
"""The least width and height of each. Of those that a screen has room for it gets the last; a broad and low one is no large one."""
IN_ROWS = ("watch", "chart", "positions", "signals", "orders", "risk", "log")
OVER_THE_LOG = ("watch", "chart", "positions", "signals", "risk", "orders", "log")
IN_TWO_COLUMNS = ("watch", "chart", "positions", "risk", "signals", "orders", "log")
IN_THREE_COLUMNS = ("watch", "chart", "positions", "signals", "risk", "log", "orders")
"""A grid is filled row by row, with whatever begins highest first."""
ORDERS = {"wide": OVER_THE_LOG, "broad": IN_THREE_COLUMNS, "large": IN_TWO_COLUMNS}
CHOSEN = (80, 24)
"""From here on a layout that a person chose is kept."""
TABS = (
    ("watch", "Watch"),
    ("positions", "Positions"),
    ("orders", "Orders"),
    ("signals", "Signals"),
    ("risk", "Risk"),
    ("log", "Log"),
    ("chart", "Chart"),
)
"""Short names, for 80 columns."""


def layout_for(size: Size, *, plain: bool, chosen: str = "auto") -> str:
    """The chosen layout, or the largest that a screen of this size has room for; in plain text there is one thing at a time."""
    if plain:
        return "small"
    if chosen != "auto" and size.width >= CHOSEN[0] and size.height >= CHOSEN[1]:
        return chosen
    return [name for name, least in LAYOUTS.items() if size.width >= least[0] and size.height >= least[1]][-1]


def order_of(layout: str) -> tuple[str, ...]:
    """The panels as the layout's grid takes them."""
    return ORDERS.get(layout, IN_ROWS)


def is_single(layout: str, panel: str, zoomed: bool) -> bool:
    """Whether one panel has all the room while `panel` has the focus."""
    return zoomed or layout == "small" or (layout == "medium" and panel == "chart")


def is_out(name: str, layout: str, panel: str, zoomed: bool) -> bool:
    """Whether the panel `name` is on the screen while `panel` has the focus."""
    return name == panel or not (is_single(layout, panel, zoomed) or (layout == "medium" and name == "chart"))
