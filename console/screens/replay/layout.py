"""Which panels of a replay are on the screen, by its size: three layouts, as few as there is room for."""

from __future__ import annotations

from textual.geometry import Size

PANELS = ("chart", "watch", "positions", "equity", "orders", "signals", "risk", "log")
"""In the order in which the grid takes them."""
_WIDE, _MEDIUM = (110, 30), (100, 26)
_IN_MEDIUM = frozenset({"chart", "positions", "equity", "orders"})
_TOGETHER = frozenset({"chart", "equity"})
"""Where one panel has the screen, the equity stands under the chart."""


def layout_for(size: Size, *, plain: bool) -> str:
    """`wide`, `medium` or `small`; in plain text there is one thing at a time."""
    for name, (width, height) in (("wide", _WIDE), ("medium", _MEDIUM)):
        if not plain and size.width >= width and size.height >= height:
            return name
    return "small"


def is_single(layout: str, panel: str, zoomed: bool) -> bool:
    """Whether one panel has all the room while `panel` has the focus."""
    return zoomed or layout == "small" or (layout == "medium" and panel not in _IN_MEDIUM)


def is_out(name: str, layout: str, panel: str, zoomed: bool) -> bool:
    """Whether the panel `name` is on the screen while `panel` has the focus."""
    if is_single(layout, panel, zoomed):
        return name == panel or (panel == "chart" and name in _TOGETHER)
    return layout == "wide" or name in _IN_MEDIUM
