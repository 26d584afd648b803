"""What ends a backtest before its data does."""

from __future__ import annotations


class BacktestError(Exception):
    """The run cannot begin, or ended early. The message is a sentence for a person; `detail` is a traceback, or empty."""

    def __init__(self, words: str, detail: str = "") -> None:
        super().__init__(words)
        self.detail = detail
