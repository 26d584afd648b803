"""Ten thousand hostile strings, on every way to the terminal: what it gets is the driver's own, and text that can be seen.

What Textual writes is looked at as a terminal would, sequence by sequence.
"""

from __future__ import annotations

import json
import random
import re
import unicodedata
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace
from textual.drivers import headless_driver

from console.backtest.packed import pack_trades
from engine.model.effects import Reply
from engine.model.market import Listing
from engine.model.modes import Level, TradingState
from engine.model.order_states import OrderEvent
from engine.model.orders import OrderState, Side
from engine.model.records import Noted, OrderChanged
from engine.model.settings import NotifySettings
from engine.model.signals import Vote
from engine.model.verdicts import PASSED
from engine.model.views import LogLine, StopView, View
from storage.codec import to_json
from tests.console.driving import SMALL, WIDE, Console, running
from tests.console.everywhere import ENDED_BY_YES, PLACES, go, go_back
from tests.console.fake_engine import FakeEngine
from tests.console.histories import MONDAY, placed, signals, trades, write
from tests.console.kept_backtests import keep_as, telling
from tests.views import sample_view

STRINGS = 10_000
SCREENS = frozenset(
    {
        *("TradingScreen", "TicketDialog", "Choose", "TypedWord", "Reason", "ColumnChoice", "SymbolSearch", "AlertsDialog", "ListsDialog"),
        *("Help", "CommandPalette", "Jump", "ThemeChoice", "NoticesDialog", "OrderDetail", "PositionDetail", "SignalDetail", "Reading"),
        *("HistoryPage", "PerformancePage", "PreferencesPage"),
        *("BacktestsPage", "BacktestPage", "ComparisonPage", "FormPage", "ReplayPage"),
    }
)
"""Where the walk must come to: what is hostile may keep nobody away."""
OUR_OWN = re.compile(
    r"\x1b\[\d+;\d+H"  # the cursor goes to
    r"|\x1b\[[\d;]*m"  # colours
    r"|\x1b\[\?2026[hl]|\x1b\[\?25[hl]|\n"  # a frame in one piece, the cursor, lines of a whole screen
    r"|\x1b\]52;c;[A-Za-z0-9+/=]*\x07"  # the clipboard, in base64
    r"|\x1b\]22;[a-z-]*\x07"  # the pointer's shape
    r"|\x1b\]99;;[ -~]*\x1b\\|\x07"  # a notification, the bell
)
UNSEEN = {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp", "Mn", "Me"}
PIECES = [
    *(
        "AAPL[/]",
        "[red]x[/red]",
        "[@click=app.quit]x[/]",
        "[link=file:///etc/passwd]",
        "\\[",
        "[",
        "]",
        "{order_line}",
        "{0}",
        "%s",
        "${HOME}",
    ),
    *(
        "\x1b]0;owned\x07",
        "\x1b]52;c;cm0gLXJm\x07"[:-1],
        "\x1b[2J",
        "\x1b[?1049l",
        "\x1b[6n",
        "\x1bP+q544e\x1b\\",
        "\x1bc",
        "\x1b(0",
        "\x1b_x\x1b\\",
    ),
    *("\x9b5n", "\x9d0;owned\x9c", "\x90q\x9c", "\x85", "\x00", "\x07", "\x08\x08\x08", "\x7f", "\r", "\n", "\t", "\v", "\f"),
    *("\u202eLLES\u202c", "\u2066", "\u200b", "\u200d", "\ufeff", "\u00ad", "\u061c", "\u180e", "\u2060", "\u3164", "\u2800", "\u115f"),
    *("\u2028", "\u2029", "e\u0301", "a" + "\u0300" * 30, "\u20dd", "\U000e0041\U000e007f", "\ufdd0", "\ue000", "\uffff", "\U0010ffff"),
    *(
        "東証",
        "한글",
        "ｗｉｄｅ",
        "🏴\u200d☠\ufe0f",
        "👩\u200d👩\u200d👧",
        "🇩🇪",
        "⚠\ufe0f",
        "\u0e33",
        "क्ष",
        "ﷺ",
        "𝕬",
        "Ω",
        "—",
        "▲",
        "x" * 300,
    ),
]


class Hostile:
    """A seeded source of strings, which counts them. `surrogates` are left out where UTF-8 has to hold them."""

    def __init__(self, seed: int, *, surrogates: bool = True) -> None:
        self.count = 0
        self._random = random.Random(seed)
        self._pieces = [*PIECES, *(["\ud800", "\udc80"] if surrogates else [])]

    def __call__(self) -> str:
        self.count += 1
        pick = self._random
        kind = pick.random()
        if kind < 0.1:
            return "".join(chr(code) for code in (pick.randrange(0x3000) for _ in range(pick.randrange(12))) if not 0xD800 <= code < 0xE000)
        return "".join(pick.choice(["", "AAPL", "BUY", " "]) + pick.choice(self._pieces) for _ in range(pick.randrange(1, 4)))

    def spoil(self, value: Any) -> Any:
        """`value` with another text wherever there is one."""
        if isinstance(value, str) and not isinstance(value, Enum):
            return self()
        if isinstance(value, tuple) and not hasattr(value, "_fields"):
            return tuple(map(self.spoil, value))
        if isinstance(value, Mapping):
            return {self.spoil(key): self.spoil(each) for key, each in value.items()}
        if isinstance(value, Struct):
            return replace(value, **{name: self.spoil(getattr(value, name)) for name in value.__struct_fields__})
        return value


def view(word: Hostile, *, halted: bool = False) -> View:
    whole = sample_view()
    log = (LogLine(100 + word.count, MONDAY, Level.ERROR, word(), f"{word()} #12 {word()}", f"{word()}\n{word()}"), *whole.log)
    whole = replace(whole, log=log, replies=(Reply("c-1", False, word(), replace(PASSED, text=word())),))
    if halted:
        account = replace(whole.account, state=TradingState.HALTED, reason="x")
        whole = replace(whole, account=account, stop=StopView(False, False, ("x", "y")), mismatches=())
    spoilt: View = word.spoil(whole)
    # The log's lines are told apart by their numbers, which go on.
    lines = tuple(replace(line, number=word.count + place) for place, line in enumerate(spoilt.log))
    # The first position is of the account that is shown: only such a one has a page to go to.
    first, *others = spoilt.positions
    return replace(spoilt, revision=word.count, log=lines, positions=(replace(first, account=""), *others))


def kept(folder: Path, word: Hostile) -> Path:
    folder.mkdir()
    alert = {"id": 1, "symbol": word(), "text": word(), "level": "1", "above": True, "reached": False, "repeat": True, "armed": True}
    files = {
        "order_line": [word() for _ in range(20)],
        "watchlists": {"lists": [{"name": word(), "symbols": [word(), "AAPL"]} for _ in range(5)], "shown": word()},
        "alerts": {"alerts": [{**alert, "fired": 0, "created": 0}]},
        "tables": {"orders": {"order": [word()], "hidden": [word()], "sort": word(), "descending": True}},
        "theme": {"chosen": word(), "over": word()},
    }
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def themes(folder: Path, word: Hostile) -> Path:
    """Files whose very names are hostile."""
    folder.mkdir()
    for name in ("\x1b]0;owned\x07", "\u202eevil", "A\u200bAPL", "[red]", "東証", "\x9b2J"):
        (folder / f"{name}.yaml").write_text(json.dumps({"extends": word(), "description": word(), word(): word()}))
    return folder


def database(folder: Path, word: Hostile) -> Path:
    told: list[Any] = list(trades(30, (f"A{word()}", f"B{word()}")))
    told[0] = replace(told[0], account=word(), feed=word())
    for number in range(31, 60):
        told.append(placed(f"r-{number}", f"{word()}{number}", Side.BUY, MONDAY, word()))
        told.append(OrderChanged(f"r-{number}", OrderEvent.REJECT, OrderState.REJECTED, word(), word(), MONDAY))
        told.append(Noted(Level.ERROR, word(), word(), word(), MONDAY))
    votes = (Vote(word(), Side.BUY, 0.5, ((word(), 1.0),)),)
    told += signals(5, strategy=word(), symbol=f"A{word()}", reason=word(), votes=votes)
    return write(folder / "paper.db", told)


def backtests(folder: Path, word: Hostile) -> Path:
    """Two of a strategy whose very name is hostile, and what is told of them, too; with their recordings."""
    path = folder / "backtests.sqlite"
    for number in range(2):
        finished = telling(folder / f"\x1b]0;owned\x07\u202eA[red]\x9b2J東{number}.py", word())
        summary = replace(word.spoil(finished.summary), job=finished.summary.job)
        trips = pack_trades(word.spoil(finished.result.trades))
        stored = replace(finished.stored, row=word.spoil(finished.stored.row), told=to_json(summary), trips=trips)
        keep_as(path, finished, stored)
    return path


def check(written: list[str]) -> None:
    """What the terminal got since the last call."""
    left = OUR_OWN.sub("", "".join(written))
    written.clear()
    unseen = sorted({f"U+{ord(character):04X}" for character in left if unicodedata.category(character) in UNSEEN})
    assert not unseen, [left[max(0, place - 40) : place + 20] for place, c in enumerate(left) if unicodedata.category(c) in UNSEEN][:5]


def keeps_its_width(console: Console) -> None:
    width, height = console.app.size
    for strip in console.app.screen._compositor.render_strips()[:height]:
        assert sum(segment.cell_length for segment in strip) == width, strip.text
        assert not any(unicodedata.category(character) in UNSEEN for character in strip.text), repr(strip.text)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("size", [SMALL, WIDE], ids=["80x24", "120x36"])
async def test_ten_thousand_hostile_strings_reach_no_terminal(
    size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    monkeypatch.setattr(headless_driver.HeadlessDriver, "is_headless", False)
    monkeypatch.setattr(headless_driver.HeadlessDriver, "write", lambda self, data: written.append(data))
    monkeypatch.setenv("KITTY_WINDOW_ID", "1")
    monkeypatch.delenv("TMUX", raising=False)
    word, storable = Hostile(size[0]), Hostile(1, surrogates=False)
    engine = FakeEngine(view(word))
    engine.offered = tuple(Listing(word(), word()) for _ in range(30))
    notify = NotifySettings(bell=True, desktop=True, level=Level.INFO)
    looks = themes(tmp_path / "themes", storable)
    files, history = kept(tmp_path / "kept", storable), database(tmp_path, storable)
    past = backtests(tmp_path, storable)
    async with running(engine, size, kept=files, database=history, notify=notify, theme_folders=(looks,), backtests=past) as console:
        written.clear()  # what the driver begins with
        opened: set[str] = set()
        while word.count + storable.count < STRINGS / 2:
            for place in PLACES:
                await go(console, place)
                for halted in (False, False, True):
                    engine.current = view(word, halted=halted)
                    engine.refuses = word()
                    for screen in {console.screen, console.app.screen}:
                        getattr(screen, "_frame", lambda: None)()
                    await console.pilot.pause()
                    keeps_its_width(console)
                    check(written)
                opened.add(type(console.app.screen).__name__)
                if place not in ENDED_BY_YES:
                    await console.press("y", "m", "space")
                    pasted = storable()
                    console.app.screen.take_paste(pasted)  # type: ignore[attr-defined]
                    await console.press("up", "tab", "enter")
                    check(written)
                await go_back(console)
                check(written)
    assert opened >= SCREENS, f"never visited: {SCREENS - opened}"
