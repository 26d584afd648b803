"""What a terminal shows of the bytes it was sent: as much of a terminal as a frame needs, and an error at anything else.

A frame may consist of text, places and colours alone. Whatever understands these, a browser's terminal or one of forty years ago, shows
every frame alike; modes and questions to the terminal, which it may not know, are listed in `KNOWN_MODES`.
"""

from __future__ import annotations

import codecs
import re

from rich.cells import get_character_cell_size

KNOWN_MODES = frozenset({7, 25, 1000, 1003, 1004, 1006, 1015, 1016, 1049, 2004, 2026, 2048})
_PIECE = re.compile(
    r"\x1b\[(?P<row>\d+);(?P<column>\d+)H|\x1b\[(?P<colours>[\d;]*)m|\x1b\[\?(?P<mode>\d+)(?:[hl]|\$p)|\x1b\[[<>]\d*u"
    r"|\x1b\][^\a\x1b]*(?:\a|\x1b\\)|(?P<line>\n)|(?P<return>\r)|(?P<text>[^\x00-\x1f\x7f]+)|(?P<bell>\a)"
)
_UNFINISHED = re.compile(r"\x1b(?:\[[\x20-\x3f]*|\][^\a\x1b]*\x1b?)?\Z")
"""A sequence that is not all there yet."""


Style = dict[str, str]
PLAIN: Style = {}


class Painted:
    """A screen of `width` x `height`. `frames` counts those that were shown as a whole."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._cells = [[" "] * width for _ in range(height)]
        self._styles: list[list[Style]] = [[PLAIN] * width for _ in range(height)]
        self._style = PLAIN
        self._row = self._column = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._rest = ""
        self.frames = 0

    def feed(self, data: bytes) -> None:
        """Raises AssertionError at what is no part of a frame."""
        text = self._rest + self._decoder.decode(data)
        whole = _UNFINISHED.sub("", text)
        self._rest, at = text[len(whole) :], 0
        while at < len(whole):
            piece = _PIECE.match(whole, at)
            assert piece is not None, f"a terminal may not know {whole[at : at + 40]!r}"
            at = piece.end()
            self._take(piece)

    def _take(self, piece: re.Match[str]) -> None:
        if piece["row"]:
            self._row, self._column = int(piece["row"]) - 1, int(piece["column"]) - 1
        elif piece["line"]:
            self._row += 1
        elif piece["return"]:
            self._column = 0
        elif piece["colours"] is not None:
            self._dip(piece["colours"].split(";"))
        elif piece["mode"]:
            assert int(piece["mode"]) in KNOWN_MODES, piece[0]
            self.frames += piece[0] == "\x1b[?2026l"
        elif piece["text"]:
            for letter in piece["text"]:
                self._put(letter)

    def _put(self, letter: str) -> None:
        if self._row < self.height and self._column < self.width:
            self._cells[self._row][self._column] = letter
            self._styles[self._row][self._column] = self._style
        self._column += get_character_cell_size(letter)

    def _dip(self, codes: list[str]) -> None:
        """Takes other colours, as ECMA-48 says (SGR)."""
        while codes:
            code = codes.pop(0) or "0"
            if code in ("38", "48"):
                colour = [codes.pop(0) for _ in range({"2": 4, "5": 2}[codes[0]])]
                kind, said = code[0], ",".join(colour)
            elif code == "0":
                self._style = PLAIN
                continue
            else:
                kind, said = ("", code) if len(code) == 1 else (f"{int(code) // 10 % 6}", code)
            if said in ("39", "49"):
                self._style = {name: value for name, value in self._style.items() if name != kind}
            else:
                self._style = self._style | ({kind: said} if kind else {f"is {said}": said})

    @property
    def styled(self) -> list[list[tuple[str, Style]]]:
        """Each cell with its style."""
        return [list(zip(*row, strict=True)) for row in zip(self._cells, self._styles, strict=True)]

    @property
    def lines(self) -> list[str]:
        return ["".join(row).rstrip() for row in self._cells]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)
