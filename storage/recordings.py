"""Where recordings lie: a folder with a file for each backtest, and the bars they ran over once for all of them. Everything here blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from storage.pieces import Piece, read_pieces, write_whole

_BARS: Final = "bars"
_RUN: Final = ".backtest"


class BacktestFiles:
    """The recordings of backtests below `folder`, each by a key that its run is found by. Every method raises OSError."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def has(self, key: str) -> bool:
        return self._file(key, _RUN).exists()

    def write(self, key: str, pieces: Iterable[Piece], bars: Mapping[str, Callable[[], bytes]]) -> None:
        """Keeps a run; of `bars` those that are not there yet are made and kept. A run of the same key is the same run."""
        for name, make in bars.items():
            path = self._bars(name)
            if not path.exists():
                write_whole(path, [(_BARS, make())])
        write_whole(self._file(key, _RUN), pieces)

    def read(self, key: str) -> tuple[list[Piece], list[str]]:
        """The run's pieces that are whole, and in words what is damaged."""
        return read_pieces(self._file(key, _RUN))

    def read_bars(self, name: str) -> bytes:
        """Also raises ValueError where they are damaged."""
        pieces, _ = read_pieces(self._bars(name))
        if [piece[0] for piece in pieces] != [_BARS]:
            raise ValueError(f"its bars, {self._bars(name).name}, are damaged")
        return pieces[0][1]

    def delete(self, key: str) -> None:
        """Takes a run out, and what was worked out of it; where it was the last, the bars, too. None is no error."""
        for path in self.folder.glob(f"{key}.*"):
            path.unlink(missing_ok=True)
        if not any(self.folder.glob(f"*{_RUN}")):
            for path in (self.folder / _BARS).glob("*.bars"):
                path.unlink(missing_ok=True)

    def write_aside(self, key: str, kind: str, pieces: Iterable[Piece]) -> None:
        """What was worked out of a run, so that it need not be again: it may be deleted at any time."""
        write_whole(self._file(key, f".{kind}"), pieces)

    def read_aside(self, key: str, kind: str) -> list[Piece] | None:
        """None where there is none, or not whole."""
        path = self._file(key, f".{kind}")
        if not path.exists():
            return None
        pieces, problems = read_pieces(path)
        return None if problems else pieces

    def _file(self, key: str, suffix: str) -> Path:
        return self.folder / f"{key}{suffix}"

    def _bars(self, name: str) -> Path:
        return self.folder / _BARS / f"{name}.bars"
