"""What changes behind a dialog is painted once and alone, and can be seen; behind a page that covers it nothing is."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace
from textual._compositor import LayoutUpdate

from tests.console.driving import WIDE, Console, running
from tests.console.fake_engine import FakeEngine
from widgets.header import HeaderBar
from widgets.hints import HintLine


class Displayed:
    """What was sent to the terminal: whether it was the whole screen, else on which lines."""

    def __init__(self, console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
        self.whole: list[bool] = []
        self.lines: set[int] = set()
        display = console.app._display

        def note(screen: Any, renderable: Any) -> None:
            if renderable is not None:
                self.whole.append(isinstance(renderable, LayoutUpdate))
                self.lines |= {line for line, _, _ in getattr(renderable, "spans", ())}
            display(screen, renderable)

        monkeypatch.setattr(console.app, "_display", note)


def earn(engine: FakeEngine, equity: int) -> str:
    engine.change(account=replace(engine.view().account, equity=Decimal(equity)))
    return f"{equity:,}.00"


@pytest.mark.parametrize("keys", [("m",), ("1", "b"), ("question_mark",), ("t",), ("1", "w", "n")])
async def test_a_change_behind_a_dialog_is_painted_without_the_rest(keys: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine()
    async with running(engine, WIDE) as console:
        for key in keys:
            await console.press(key)
            await console.let_pass(1)
        shown = Displayed(console, monkeypatch)
        await console.shows(earn(engine, 101_001))
        # The first may still be painted with the dialog that opens over it.
        await console.until(lambda: shown.whole)
        shown.whole.clear()
        await console.shows(earn(engine, 101_002))
        await console.until(lambda: shown.whole)
        assert True not in shown.whole


async def test_a_dialogs_own_change_is_not_lost_where_what_lies_behind_it_changes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine()
    async with running(engine, WIDE) as console:
        await console.press("1", "b")
        await console.let_pass(1)
        dialog, behind = console.app.screen, console.screen
        hints, header = dialog.query_one(HintLine), behind.query_one(HeaderBar)
        # Both have changed before either is painted: no step of the event loop lies between.
        shown = Displayed(console, monkeypatch)
        hints._set_dirty()
        dialog._dirty_widgets.add(hints)
        header._set_dirty()
        behind._compositor.update_widgets({header})
        behind._compositor_refresh()
        dialog._on_timer_update()
        assert {hints.region.y, header.region.y} <= shown.lines
