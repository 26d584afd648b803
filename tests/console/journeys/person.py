"""What a person does again and again at the terminal, and what the database says of it afterwards."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from console.screens.dialog import DEAF_SECONDS
from tests.console.journeys.terminal import Terminal

SIMULATED = "--feed sim --seed 3 --symbols AAPL,MSFT"
CROSSES = "--feed sample --strategy sma_cross --symbols MSFT,IBM --start 2000-05-20 --pace 20"
"""Real bars in which the averages of both symbols cross within the first seconds."""


# ---- at the screen


def shows(pattern: str, screen: str) -> bool:
    return re.search(pattern, screen) is not None


def said(words: str) -> Callable[[str], bool]:
    """Whether `words` stand on the screen, over the ends of its lines and within a frame, too."""
    return lambda screen: words in " ".join(screen.replace("│", " ").split())


def until_quoted(terminal: Terminal) -> None:
    """Both symbols have a live bid and ask, so that they may be traded."""
    terminal.until(*(lambda screen, symbol=symbol: shows(rf"{symbol} .*[0-9] × [0-9]", screen) for symbol in ("AAPL", "MSFT")))


def go_to(terminal: Terminal, digit: int, title: str) -> str:
    terminal.press(str(digit))
    return terminal.until(f"╭─ {digit} {title}")


def write_in_order_line(terminal: Terminal, line: str) -> None:
    """Opens the order line, writes, and sends once the line stands there as a whole."""
    terminal.type(f":{line}")
    terminal.until(f"> {line}")
    terminal.press("Enter")


def leave_order_line(terminal: Terminal) -> None:
    terminal.press("Escape")
    terminal.until("? help")


def confirm(terminal: Terminal, question: str) -> None:
    """Asks from the ticket, and says yes until it is taken for one: keys at typing speed are not."""
    terminal.press("F5")
    terminal.until(question, "y sends it")
    terminal.insist("y", lambda screen: question not in screen)


def read(terminal: Terminal) -> None:
    """As long as a person looks at what has come by itself: a key that is there before that was meant for something else."""
    end = time.monotonic() + 2 * DEAF_SECONDS
    terminal.until(lambda _: time.monotonic() > end)


def write_word(terminal: Terminal, word: str, reason: str = "") -> None:
    """Types a word in capitals into the dialog that asks for it, and the reason where one is asked for."""
    terminal.until(f"Type {word} to go on")
    terminal.type(word)
    terminal.until(f"> {word}")
    if reason:
        terminal.press("Tab")
        terminal.type(reason)
        terminal.until(f"> {reason}")
    terminal.insist("Enter", lambda screen: f"Type {word} to go on" not in screen)


def quit_by_key(terminal: Terminal, *said: str | Callable[[str], object]) -> None:
    """Quits, once the question says what it should."""
    terminal.press("q")
    terminal.until("Quit?", "Stay", *said)
    terminal.insist("y", "▸ y")
    terminal.press("Enter")
    assert terminal.ended() == 0


# ---- in the database


def ask(home: Path, question: str) -> list[tuple[object, ...]]:
    """The rows that answer an SQL question."""
    with closing(sqlite3.connect(f"file:{home / 'paper.sqlite'}?mode=ro", uri=True)) as database:
        return database.execute(question).fetchall()


def rows(home: Path, table: str) -> int:
    return len(ask(home, f"SELECT 1 FROM {table}"))


def until_books(terminal: Terminal, home: Path, question: str, *answer: tuple[object, ...]) -> None:
    """Waits until the history, which follows the journal, answers the question so."""
    told: list[list[tuple[object, ...]]] = [[]]

    def answered(_: str) -> bool:
        told[0] = ask(home, question)
        return told[0] == list(answer)

    try:
        terminal.until(answered)
    except AssertionError as error:
        raise AssertionError(f"{question}\nanswers {told[0]}\nand not {list(answer)}\n{error}") from error


def audited(home: Path, words: str) -> bool:
    return any(words in str(text) for (text,) in ask(home, "SELECT text FROM audit"))
