"""The history as the screen asks it: the answer comes later, in rows or in words, and the screen's thread never waits."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from console.archive import Archive, Question
from console.screens.standing import Standing
from engine.model.orders import Side
from storage.history import History
from storage.journal import open_journal
from tests.storage.test_lots import fill


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "paper.db"

    async def make() -> None:
        journal = await open_journal(path, run_id="r")
        journal.append([fill(number, Side.BUY, 1, number) for number in range(1, 4)])
        await journal.close()

    asyncio.run(make())
    return path


@pytest.fixture
def ask(database: Path) -> Iterator[Archive]:
    archive = Archive(database)
    yield archive
    archive.close()


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end, "it never came to this"
        time.sleep(0.001)


def answered(question: Question[Any]) -> Any:
    until(lambda: question.done)
    assert not question.problem
    return question.answer


def test_rows_come_in_a_later_frame(ask: Archive) -> None:
    question = ask.ask(lambda history: history.fills())
    assert [row.seq for row in answered(question)] == [3, 2, 1]


def test_asking_does_not_wait_for_the_question_before(ask: Archive) -> None:
    let_go = threading.Event()

    async def slow(history: History) -> str:
        await asyncio.to_thread(let_go.wait, 5)
        return "slow"

    first, second = ask.ask(slow), ask.ask(lambda history: history.fills())
    assert not first.done
    assert not second.done
    let_go.set()
    assert answered(first) == "slow"
    assert len(answered(second)) == 3


def test_a_dropped_question_is_not_asked(ask: Archive) -> None:
    let_go, asked = threading.Event(), []

    async def slow(history: History) -> None:
        await asyncio.to_thread(let_go.wait, 5)

    async def late(history: History) -> None:
        asked.append("late")

    ask.ask(slow)
    ask.ask(late).drop()
    let_go.set()
    answered(ask.ask(lambda history: history.fills()))
    assert asked == []


def test_no_database_is_said_in_words_and_asked_for_again(tmp_path: Path, database: Path) -> None:
    path = tmp_path / "later.db"
    archive = Archive(path)
    try:
        question = archive.ask(lambda history: history.fills())
        until(lambda: question.done)
        assert "There is no history to read" in question.problem
        database.rename(path)
        assert len(answered(archive.ask(lambda history: history.fills()))) == 3
    finally:
        archive.close()


def test_whatever_goes_wrong_ends_in_words_and_not_in_silence(ask: Archive) -> None:
    async def broken(history: History) -> None:
        raise ZeroDivisionError("no")

    question = ask.ask(broken)
    until(lambda: question.done)
    assert "ZeroDivisionError: no" in question.problem
    assert len(answered(ask.ask(lambda history: history.fills()))) == 3


def test_where_no_history_is_kept_it_says_so_at_once() -> None:
    question = Archive(None).ask(lambda history: history.fills())
    assert (question.done, question.problem) == (True, "No history is kept here.")


def test_a_standing_question_is_asked_again_after_its_time_and_tells_of_news_alone(ask: Archive) -> None:
    standing = Standing(ask, lambda history: history.fills(), every=2.0)
    assert standing.waiting
    until(lambda: standing.look(10.0))
    assert standing.answer is not None
    assert len(standing.answer) == 3
    assert not standing.look(11.9)
    assert not standing.look(12.1)
    later = ask.ask(lambda history: history.fills())
    until(lambda: later.done)
    assert not standing.look(12.2), "the same rows are no news"
