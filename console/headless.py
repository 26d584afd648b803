"""A run without a screen: the log goes to standard output, line by line, until a signal ends the run in order. And one that lost its
screen, and goes on."""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Sequence
from datetime import datetime

from console.ending import EndingSignals
from console.options import say
from console.trading_engine import TradingEngine
from engine.model.modes import Level
from engine.model.money import ZERO
from engine.model.views import LogLine, View
from widgets import numbers
from widgets.protection import unprotected
from widgets.text import clean

_POLL_S = 0.2


def go_on(engine: TradingEngine, ending: EndingSignals) -> int:
    """The terminal is gone, and the engine, which runs, goes on without a screen until another signal ends it: the log file tells of it.
    Answers the exit code. Call it on the main thread."""
    ending.outlive_hang_up()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)
    process = os.getpid()
    text = "The terminal hung up, and the engine goes on without a screen, as on_hangup says."
    engine.note(Level.WARNING, "console", f"{text} `kill {process}` ends it in order, `tradeconsole kill` stops its trading.")
    while not ending.came:
        view = engine.view()
        # Of several accounts the others go on.
        if all(each.health.failed for each in view.accounts or (view,)):
            return 1
        time.sleep(_POLL_S)
    _note_the_end(engine, ending)
    return 128 + ending.came


def run_headless(engine: TradingEngine) -> int:
    """Starts `engine` and returns once signal n came (128 + n), nobody reads its log any more (0) or the engine failed (1), and it has
    shut down; of several accounts once one of them failed. Call it on the main thread."""
    ending = EndingSignals()
    told, problems = 0, dict[str, str]()
    gc.enable()
    engine.start()
    try:
        while not ending.came and not problems:
            view = engine.view()
            told = _tell(view.log, told)
            problems = {each.name: each.health.problem for each in view.accounts or (view,) if each.health.failed}
            time.sleep(_POLL_S)
        if ending.came:
            _note_the_end(engine, ending)
        engine.shutdown()
        view = engine.view()
        _tell(view.log, told)
        for each in view.accounts or (view,):
            _tell_what_is_held(each)
    except BrokenPipeError:
        # Whoever read the log is gone. What is left to say goes nowhere, and the run ends in order all the same.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    finally:
        for name, problem in problems.items():
            say(f"{name}: {problem}" if name else problem)
        engine.shutdown()
    return 1 if problems else 128 + ending.came if ending.came else 0


def _note_the_end(engine: TradingEngine, ending: EndingSignals) -> None:
    engine.note(Level.WARNING, "console", f"{ending.cause}: the engine ends in order, as on_exit says.")


def _tell(log: Sequence[LogLine], told: int) -> int:
    """Prints the lines after number `told`, and answers the last one's number."""
    for line in log:
        if line.number > told:
            _print(line)
            told = line.number
    return told


def _tell_what_is_held(view: View) -> None:
    """What the run leaves behind, and nobody watches: each position, and how much of it no stop covers."""
    bare = dict(unprotected(view))
    for row in (row for row in view.positions if row.quantity):
        left = abs(bare.get(row.symbol, ZERO))
        what = f"{numbers.quantity(row.quantity)} {row.symbol} stays held"
        if not left:
            level, text = Level.INFO, f"{what}, covered by a working stop"
        elif left == abs(row.quantity):
            level, text = Level.WARNING, f"{what} without protection: no stop works"
        else:
            level, text = Level.WARNING, f"{what}, {numbers.quantity(left)} of it without protection: no stop covers them"
        _print(LogLine(0, time.time_ns(), level, "end", text, account=view.name))


def _print(line: LogLine) -> None:
    """With its account, where there are several."""
    at = datetime.fromtimestamp(line.wall / 1e9).astimezone()
    whose = f"{clean(line.account)}: " if line.account else ""
    print(f"{at:%H:%M:%S} {line.level:<7} {whose}{clean(line.source)}: {clean(line.text)}", flush=True)
    for detail in line.detail.splitlines():
        print(f"         {whose}{clean(detail)}", flush=True)
