"""A screen that lies behind a dialog hands on what changed on it, once.

Textual marks it itself as changed, too, and then hands the same on with each frame that follows: the whole screen since the dialog was laid
over it, twelve times a second, eleven times the bytes over a thin line while an order is written. This module alone knows what is private
there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.screen import Screen

if TYPE_CHECKING:
    _Screen = Screen[Any]
else:
    _Screen = object


class Behind(_Screen):
    """Named before Textual's own class."""

    def _compositor_refresh(self) -> None:
        app = self.app
        behind = app._background_screens
        if self is app.screen or self not in behind:
            super()._compositor_refresh()
            return
        regions = self._compositor._dirty_regions
        # Under a page that covers all nobody sees a change, and the page's end paints everything.
        if regions and app.screen.styles.background.a < 1:
            for between in behind[behind.index(self) + 1 :]:
                between._styles_cache.set_dirty(*regions)
            # As a widget of its own that changed: `refresh` of a screen drops what else of it waits to be painted, a dialog's question too.
            app.screen._set_dirty(*regions)
            app.screen._dirty_widgets.add(app.screen)
            app.screen.check_idle()
        regions.clear()
        self._dirty_widgets.clear()
