"""A backtest in a process of its own, so that the console and its engine do not feel it: `python -m console.backtest.worker`.

It reads an `Order` from standard input, one line of JSON, and answers `Told`, a line each, on standard output. It ends when that input
does: with the console, however that ends. What a strategy prints goes nowhere, or it would be taken for an answer.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from console.backtest.job import job_of_tree

_EVERY_S = 0.1


class Order(msgspec.Struct, frozen=True, omit_defaults=True):
    """What to run: a new `job`, by `msgspec.to_builtins`, or the backtest `repeats` once more. `database` is where it is kept."""

    database: str
    job: dict[str, Any] | None = None
    repeats: int = 0


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """How many bars of how many are `done`; at the end the `number` it was kept as and what is to be said of it, or the `problem`, about
    the form's field `about` where it is one's. `text` alone means that nothing new was kept."""

    done: int = 0
    total: int = 0
    number: int = 0
    text: str = ""
    problem: str = ""
    about: str = ""


def main() -> None:
    """Ends the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    line = sys.stdin.buffer.readline()
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    threading.Thread(target=_end_with_input, daemon=True).start()
    order = msgspec.json.decode(line, type=Order)
    said = _carry_out(order, answers)
    _tell(answers, said)
    os._exit(0)


def _end_with_input() -> None:
    while os.read(0, 1 << 12):
        pass
    os._exit(1)


def _tell(answers: BinaryIO, told: Told) -> None:
    try:
        answers.write(msgspec.json.encode(told) + b"\n")
    except BrokenPipeError:
        os._exit(1)


def _carry_out(order: Order, answers: BinaryIO) -> Told:
    from console.backtest.kept import carry_out, keep
    from console.backtest.repeating import in_a_sentence, repeat
    from engine.backtest.errors import BacktestError
    from engine.feeds.base import FeedError
    from engine.strategies.params import StrategyError
    from storage.backtests import BacktestsError

    due = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal due
        if (now := time.monotonic()) >= due:
            due = now + _EVERY_S
            _tell(answers, Told(done, total))

    path = Path(order.database)
    try:
        if order.job is None:
            again = repeat(path, order.repeats, progress)
            return Told(number=again.now.number, text=in_a_sentence(again))
        finished = carry_out(job_of_tree(order.job), progress)
        number, lacks = keep(path, finished)
    except FeedError as error:
        return Told(problem=str(error), about="data")
    except StrategyError as error:
        return Told(problem=str(error), about="strategy")
    except (BacktestError, BacktestsError) as error:
        return Told(problem=str(error))
    except MemoryError:
        return Told(problem="There is not enough memory for so many bars. Give fewer symbols or fewer days.")
    row = finished.stored.row
    text = f"#{number} {row.strategies}: {row.trades:,} round trips, final value {row.final_value:,.2f}."
    return Told(number=number, text=f"{text} {lacks}".strip())


if __name__ == "__main__":
    main()
