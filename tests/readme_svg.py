"""Textual screens as a small SVG that looks alike everywhere: frames, bars, candles and braille are drawn as shapes instead of being left
to whichever font is there, and each run of letters is given the width of its cells."""

from __future__ import annotations

import io
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any
from xml.sax.saxutils import escape

from rich.color import Color
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.app import App

WIDTH, HEIGHT = 12, 24
"""Of a cell. Most monospaced fonts are 0.6 of their size wide."""
_SIZE, _BASELINE, _MARGIN, _GAP = 19.9, 17.5, 14, 24
_LIGHT, _HEAVY = 1.5, 4.5
_FONTS = "ui-monospace,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace"
_MIDDLE, _CENTRE = WIDTH / 2, HEIGHT / 2

_ARMS = {  # up, right, down, left: 1 light, 2 heavy
    "─": (0, 1, 0, 1),
    "━": (0, 2, 0, 2),
    "│": (1, 0, 1, 0),
    "┃": (2, 0, 2, 0),
    "╌": (0, 1, 0, 1),
    "╎": (1, 0, 1, 0),
    "┏": (0, 2, 2, 0),
    "┓": (0, 0, 2, 2),
    "┗": (2, 2, 0, 0),
    "┛": (2, 0, 0, 2),
    "┯": (0, 2, 1, 2),
    "┷": (1, 2, 0, 2),
    "┿": (1, 2, 1, 2),
    "╵": (1, 0, 0, 0),
    "╷": (0, 0, 1, 0),
    "╹": (2, 0, 0, 0),
    "╻": (0, 0, 2, 0),
    "╽": (1, 0, 2, 0),
    "╿": (2, 0, 1, 0),
    "╸": (0, 0, 0, 2),
    "╺": (0, 2, 0, 0),
}
_DASHES = {"┄": 3, "┈": 4, "┊": 4}
_ROUND = {"╭": (WIDTH, HEIGHT), "╮": (0, HEIGHT), "╯": (0, 0), "╰": (WIDTH, 0)}
_EIGHTHS = "▁▂▃▄▅▆▇█"
_POINTED = {"▲": "M1 18h10l-5-11z", "▼": "M1 7h10l-5 11z", "▸": "M2 6.5v11l8-5.5z"}
_SHAPE = re.compile(rf"[{''.join((*_ARMS, *_DASHES, *_ROUND, *_POINTED))}║{_EIGHTHS}\u2800-\u28ff]")
_PLAIN = re.compile(r"[\x21-\x7e]+(?: [\x21-\x7e]+)*|[^\x20-\x7e]")


@dataclass(frozen=True, slots=True)
class Shot:
    """A screen as it was: its rows of runs of one style, its size in cells, its ground and its letters' colour."""

    rows: tuple[tuple[tuple[int, str, Style], ...], ...]
    width: int
    height: int
    ground: str
    ink: str


def take(app: App[Any]) -> Shot:
    """What the app shows now, dialogs included."""
    width, height = app.size
    # As Textual's own screenshot does it; there is no public way to what is on the screen.
    update = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens)
    assert update is not None
    console = Console(width=width, height=height, file=io.StringIO(), force_terminal=True, color_system="truecolor", legacy_windows=False)
    lines = Segment.split_and_crop_lines(Segment.filter_control(console.render(update)), width, include_new_lines=False)
    colours = app.theme_variables
    return Shot(tuple(tuple(_runs(line)) for line in lines)[:height], width, height, colours["background"], colours["foreground"])


def svg(shots: Sequence[Shot], columns: int = 1, scale: float = 1.0) -> str:
    """One shot, or several on a sheet, each `scale` of its size."""
    classes: dict[str, str] = {}
    sheet, right, bottom = [], 0.0, 0.0
    for place, shot in enumerate(shots):
        wide, high = shot.width * WIDTH + 2 * _MARGIN, shot.height * HEIGHT + 2 * _MARGIN
        x, y = place % columns * (wide * scale + _GAP), place // columns * (high * scale + _GAP)
        right, bottom = max(right, x + wide * scale), max(bottom, y + high * scale)
        placed = f"translate({x + _MARGIN * scale:g} {y + _MARGIN * scale:g}) scale({scale:g})"
        frame = f'<rect x="{0.5 - _MARGIN}" y="{0.5 - _MARGIN}" width="{wide - 1}" height="{high - 1}" rx="9"'
        sheet.append(f'<g transform="{placed}">\n{frame} fill="{shot.ground}" stroke="#808080" stroke-opacity=".5"/>')
        sheet += _Drawing(shot, classes).lines()
        sheet.append("</g>")
    styles = "".join(f".{name}{{{css}}}" for css, name in classes.items())
    text = f"text{{font:{_SIZE}px {_FONTS};white-space:pre}}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right:g} {bottom:g}" width="{right:g}">'
    return "\n".join([head, f"<style>{text}{styles}</style>", *sheet, "</svg>", ""])


def _runs(line: Iterable[Segment]) -> Iterator[tuple[int, str, Style]]:
    x = 0
    for style, segments in groupby(line, key=lambda segment: (segment.style or Style.null()).clear_meta_and_links()):
        text = "".join(segment.text for segment in segments)
        yield x, text, style
        x += len(text)


def _name(colour: Color | None, otherwise: str) -> str:
    return otherwise if colour is None or colour.is_default else colour.get_truecolor().hex


@dataclass
class _Drawing:
    """One shot. Shapes of a colour are one path; those that lie side by side in a row are one shape."""

    shot: Shot
    classes: dict[str, str]
    _texts: list[str] = field(default_factory=list)
    _grounds: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _shapes: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _curves: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _open: dict[tuple[str, float, float], tuple[float, float]] = field(default_factory=dict)
    """Rectangles that may go on in the next cell: colour, top and height; from and to."""

    def lines(self) -> Iterator[str]:
        for y, row in enumerate(self.shot.rows):
            for x, text, style in row:
                self._run(x, y * HEIGHT, text, style)
            for key in list(self._open):
                self._close(key)
        for fill, path in self._grounds.items():
            yield f'<path shape-rendering="crispEdges" fill="{fill}" d="{"".join(path)}"/>'
        for fill, path in self._shapes.items():
            yield f'<path fill="{fill}" d="{"".join(path)}"/>'
        for stroke, path in self._curves.items():
            yield f'<path fill="none" stroke="{stroke}" stroke-width="{_LIGHT}" d="{"".join(path)}"/>'
        yield from self._texts

    def _run(self, x: int, top: int, text: str, style: Style) -> None:
        ink, ground = _name(style.color, self.shot.ink), _name(style.bgcolor, self.shot.ground)
        if style.reverse:
            ink, ground = ground, ink
        if ground.lower() != self.shot.ground.lower():
            self._grounds[ground].append(f"M{x * WIDTH} {top}h{len(text) * WIDTH}v{HEIGHT}H{x * WIDTH}z")
        for found in _SHAPE.finditer(text):
            self._shape(found[0], (x + found.start()) * WIDTH, top, ink)
        weights = (("font-weight:bold", style.bold), ("font-style:italic", style.italic), ("text-decoration:underline", style.underline))
        css = ";".join([f"fill:{ink}", *(rule for rule, on in weights if on)])
        for found in _PLAIN.finditer(_SHAPE.sub(" ", text)):
            name = self.classes.setdefault(css, f"c{len(self.classes)}")
            wide = f' textLength="{len(found[0]) * WIDTH}"' if len(found[0]) > 1 else ""
            at = f'x="{(x + found.start()) * WIDTH}" y="{top + _BASELINE:g}"'
            self._texts.append(f'<text class="{name}" {at}{wide}>{escape(found[0])}</text>')

    def _shape(self, character: str, x: float, y: float, ink: str) -> None:
        if character in _ARMS:
            self._arms(_ARMS[character], x, y, ink)
        elif character == "║":
            for side in (-1, 1):
                self._rectangle(ink, x + _MIDDLE + side * 2 - _LIGHT / 2, y, _LIGHT, HEIGHT)
        elif character in _DASHES:
            across, count = character != "┊", _DASHES[character]
            step = (WIDTH if across else HEIGHT) / count
            for dash in range(count):
                if across:
                    self._rectangle(ink, x + dash * step, y + _CENTRE - _LIGHT / 2, step / 2, _LIGHT)
                else:
                    self._rectangle(ink, x + _MIDDLE - _LIGHT / 2, y + dash * step, _LIGHT, step / 2)
        elif character in _ROUND:
            right, down = _ROUND[character]
            self._curves[ink].append(f"M{x + right:g} {y + _CENTRE:g}Q{x + _MIDDLE:g} {y + _CENTRE:g} {x + _MIDDLE:g} {y + down:g}")
        elif character in _POINTED:
            self._shapes[ink].append(_POINTED[character].replace("M", f"M{x:g} {y:g}m", 1))
        elif character in _EIGHTHS:
            high = (_EIGHTHS.index(character) + 1) * HEIGHT / 8
            self._rectangle(ink, x, y + HEIGHT - high, WIDTH, high)
        else:
            self._braille(ord(character) - 0x2800, x, y, ink)

    def _arms(self, arms: tuple[int, int, int, int], x: float, y: float, ink: str) -> None:
        up, right, down, left = ((0, _LIGHT, _HEAVY)[arm] for arm in arms)
        if left:
            self._rectangle(ink, x, y + _CENTRE - left / 2, _MIDDLE, left)
        if right:
            self._rectangle(ink, x + _MIDDLE, y + _CENTRE - right / 2, _MIDDLE, right)
        if up:
            self._rectangle(ink, x + _MIDDLE - up / 2, y, up, _CENTRE)
        if down:
            self._rectangle(ink, x + _MIDDLE - down / 2, y + _CENTRE, down, _CENTRE)

    def _braille(self, bits: int, x: float, y: float, ink: str) -> None:
        for column, row, bit in ((0, 0, 1), (0, 1, 2), (0, 2, 4), (1, 0, 8), (1, 1, 16), (1, 2, 32), (0, 3, 64), (1, 3, 128)):
            if bits & bit:
                self._shapes[ink].append(f"M{x + 1.75 + column * 6:g} {y + 1.75 + row * 6:g}h2.5v2.5h-2.5z")

    def _rectangle(self, colour: str, x: float, y: float, width: float, height: float) -> None:
        key = colour, y, height
        if key in self._open and self._open[key][1] < x:
            self._close(key)
        start, _ = self._open.get(key, (x, x))
        self._open[key] = start, x + width

    def _close(self, key: tuple[str, float, float]) -> None:
        (colour, y, height), (start, end) = key, self._open.pop(key)
        self._shapes[colour].append(f"M{start:g} {y:g}h{end - start:g}v{height:g}H{start:g}z")
