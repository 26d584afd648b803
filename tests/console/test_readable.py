"""What is painted can be read, in every theme: each text's contrast with its ground, by WCAG 2.2."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from rich.color import Color
from rich.style import Style
from textual.color import Color as Mixed

from console.config import load
from console.config_file import ConfigFile
from console.screens.dialog import Dialog
from console.screens.jump import Jump
from engine.model.modes import TradingState
from engine.model.views import StopView
from tests.console.driving import WIDE, Console, running
from tests.console.everywhere import go, go_back
from tests.console.fake_engine import FakeEngine
from tests.pictures.full_view import full_view
from themes import load_themes
from themes.contrast import ACCENT, ON_CURSOR, TEXT, contrast

PLACES = (
    *("panel 2", "panel 3", "panel 4", "panel 5", "panel 7", "order line"),
    *("ticket asked", "mode", "flatten", "help", "palette", "jump", "reject", "watchlists", "new alert"),
    *("order", "position", "signal", "preferences"),
)
DRAWN = frozenset("·…") | {chr(code) for code in (*range(0x2500, 0x25A0), *range(0x2800, 0x2900))}
"""Frames, bars, candles: nothing to read."""


def _texts(console: Console) -> Iterator[tuple[int, int, str, Style]]:
    for y, row in enumerate(console.app.screen._compositor.render_strips()):
        x = 0
        for segment in row:
            if segment.style is not None and set(segment.text.strip()) - DRAWN:
                yield x, y, segment.text.strip(), segment.style
            x += segment.cell_length


def _hex(colour: Color | None) -> str:
    assert colour is not None
    return colour.get_truecolor().hex


def _alike(one: str, other: Mixed) -> bool:
    return max(abs(a - b) for a, b in zip(Mixed.parse(one).rgb, other.rgb, strict=True)) <= 2


def unreadable(console: Console) -> list[str]:
    """What is fainter than it may be. The row under the cursor is marked by more than its ground, and what lies under a dialog is told by
    it: both have the lesser measure, and the row that was under the cursor there has none."""
    app = console.app
    theme, over = app.current_theme, isinstance(app.screen, Dialog | Jump)
    ground, cursor = Mixed.parse(theme.background or ""), Mixed.parse(theme.variables["cursor-background"])
    shaded = cursor.blend(ground, app.screen.styles.background.a)
    found = []
    for x, y, text, style in _texts(console):
        ink, paper = _hex(style.color), _hex(style.bgcolor)
        if style.reverse:
            ink, paper = paper, ink
        under = over and app.screen.get_widget_at(x, y)[0] is app.screen
        if under and _alike(paper, shaded):
            continue
        least = ACCENT if under else ON_CURSOR if _alike(paper, cursor) else TEXT
        if style.dim or contrast(ink, paper) < least:
            found.append(f"{text!r}: {ink} on {paper} is {contrast(ink, paper):.2f}, {least} is the least")
    return found


@pytest.mark.parametrize("theme", sorted(load_themes()))
async def test_every_text_stands_out_from_its_ground_wherever_one_goes(theme: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("mode: manual\n")
    engine = FakeEngine(full_view())
    async with running(engine, WIDE, theme=theme, config=ConfigFile(file, load(file))) as console:
        for place in PLACES:
            await go(console, place)
            assert not unreadable(console), place
            await go_back(console)
        account = replace(engine.current.account, state=TradingState.HALTED, reason="stop key", badge="LIVE")
        engine.change(account=account, stop=StopView(False, False, ("x", "y"), cancelling=2))
        await console.shows("HALTED: stop key")
        assert not unreadable(console), "halted"
        await go(console, "ticket asked")
        assert not unreadable(console), "a ticket over the banner"
