"""`tradeconsole init`: what it asks, what it writes, and what it never does."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console import cli
from console.config import ConfigError, read
from console.init import Answers, Questions, ask, write, written
from engine.model.modes import Mode
from engine.model.settings import FeedSettings, Settings
from tests.pseudo_terminal import PseudoTerminal


class Person:
    """Types these answers, and hears what is told."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.heard: list[str] = []

    def ask(self, question: str) -> str:
        self.heard.append(question)
        return self._answers.pop(0)

    def questions(self) -> Questions:
        return Questions(self.ask, self.heard.append)

    @property
    def said_everything(self) -> bool:
        return not self._answers


def settings_of(tmp_path: Path, answers: Answers) -> Settings:
    file = tmp_path / "made.yaml"
    write(file, written(answers))
    return read(file)


def test_enter_at_every_question_is_a_newcomers_config(tmp_path: Path) -> None:
    person = Person(*[""] * 7)
    assert ask(person.questions(), tmp_path / "c.yaml") == Answers()
    assert person.said_everything
    assert settings_of(tmp_path, Answers()) == Settings()


def test_what_was_answered_is_what_the_config_says(tmp_path: Path) -> None:
    person = Person("", "2", "0.5", "aapl, MSFT", "sma_cross", "semi-auto", "25000", "20", "1.5")
    settings = settings_of(tmp_path, ask(person.questions(), tmp_path / "c.yaml"))
    assert (settings.feed.source, settings.feed.pace, settings.symbols) == ("sample", 0.5, ("AAPL", "MSFT"))
    assert [strategy.file for strategy in settings.strategies] == ["sma_cross"]
    assert (settings.mode, settings.paper.cash) == (Mode.SEMI_AUTO, Decimal(25000))
    assert (settings.limits.max_position_pct, settings.limits.max_daily_loss_pct) == (Decimal(20), Decimal("1.5"))


def test_yahoo_needs_symbols_and_no_pace(tmp_path: Path) -> None:
    person = Person("", "yahoo", *[""] * 5)
    settings = settings_of(tmp_path, ask(person.questions(), tmp_path / "c.yaml"))
    assert (settings.feed, settings.symbols) == (FeedSettings("yahoo"), ("AAPL", "MSFT"))
    assert person.said_everything


@pytest.mark.parametrize(("broker", "needs"), [("alpaca", "ALPACA_API_KEY"), ("ib", "IB_PORT")])
def test_who_has_an_account_at_a_broker_chooses_it_and_hears_what_it_needs(tmp_path: Path, broker: str, needs: str) -> None:
    person = Person(broker, *[""] * 5)
    settings = settings_of(tmp_path, ask(person.questions(), tmp_path / "c.yaml"))
    assert (settings.broker, settings.feed, settings.symbols) == (broker, FeedSettings(broker), ("AAPL", "MSFT"))
    assert needs in "\n".join(person.heard)
    assert person.said_everything, "what it begins with is the broker's to say"


def test_an_answer_that_will_not_do_is_asked_again_with_what_would(tmp_path: Path) -> None:
    wrong_then_right = ("", "9", "sim", "a b", "AAPL", "nosuch", "", "-5", "100000", "250", "10", "two", "2")
    person = Person(*wrong_then_right)
    assert ask(person.questions(), tmp_path / "c.yaml") == Answers(symbols=("AAPL",))
    told = "\n".join(person.heard)
    for words in ("a number from 1 to 4, or a name", "a symbol: 1 to 12", "'nosuch' will not do"):
        assert words in told
    assert "'-5' will not do. Give a number above 0" in told
    assert "'250' will not do. Give a number above 0, at most 100" in told


def test_an_amount_may_be_written_as_it_is_shown(tmp_path: Path) -> None:
    person = Person("", "", "", "", "25,000", "", "")
    assert ask(person.questions(), tmp_path / "c.yaml").cash == Decimal(25_000)
    assert "It begins with [100,000]: " in person.heard


def test_a_file_that_is_there_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    for there in (False, True):
        person = Person(*[""] * 7)
        ask(person.questions(), file)
        assert ("It is there already" in person.heard[0]) is there
        file.write_text("mode: manual\n")


@pytest.mark.parametrize(
    "answers",
    [Answers(), Answers("alpaca", "alpaca"), Answers("paper", "sample", 0.5, ("AAPL",), ("sma_cross",), "semi-auto")],
    ids=["a newcomer's", "a broker's", "more"],
)
def test_the_file_that_is_written_fits_80_columns(answers: Answers) -> None:
    assert max(map(len, written(answers).split("\n"))) <= 80


def test_a_file_of_prices_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text("date,close\n")
    person = Person("", "files", str(tmp_path / "gone.csv"), "", str(tmp_path / "prices.csv"), *[""] * 6)
    assert ask(person.questions(), tmp_path / "c.yaml").source == str(tmp_path / "prices.csv")


names = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=20).map(lambda name: f"/{name.strip() or 'x'}.py")


@given(st.lists(names, max_size=3, unique=True), st.decimals(1, 100, places=3), st.floats(0, 10_000))
def test_whatever_is_answered_the_file_reads_back_the_same(files: list[str], per_cent: Decimal, pace: float) -> None:
    answers = Answers("paper", "sample", float(f"{pace:g}"), ("BRK.B", "ON"), tuple(files), "full-auto", Decimal(7), per_cent, per_cent)
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_of(Path(folder), answers)
    assert [strategy.file for strategy in settings.strategies] == [os.path.join(folder, name) for name in files]
    assert (settings.symbols, settings.feed.pace) == (("BRK.B", "ON"), answers.pace)
    assert settings.limits.max_position_pct == per_cent


def test_a_file_that_is_there_is_left_as_it_is_where_nobody_can_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path))
    file = tmp_path / "tradeconsole.yaml"
    assert cli.run(["init", "--defaults"]) == 0
    page = Path(capsys.readouterr().out.split()[-1])
    assert page.name == "settings.md"
    assert page.is_file(), "whoever installed it with pipx has no checkout to look in"
    file.write_text("mode: research\n")
    with pytest.raises(SystemExit) as ended:
        cli.run(["init", "--defaults"])
    assert ended.value.code == 2
    assert "is there already, and was left as it is" in capsys.readouterr().err
    assert file.read_text() == "mode: research\n"
    assert cli.run(["init", "--defaults", "--replace"]) == 0
    assert read(file) == Settings()
    [kept] = tmp_path.glob("tradeconsole.yaml.2*")
    assert kept.read_text() == "mode: research\n"


def test_without_a_terminal_it_says_so_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path))
    with open(os.devnull, encoding="utf-8") as nobody:
        monkeypatch.setattr("sys.stdin", nobody)
        with pytest.raises(SystemExit):
            cli.run(["init"])
    assert "There is nobody to ask" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_text_that_is_no_config_never_takes_the_files_place(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("mode: research\n")
    with pytest.raises(ConfigError):
        write(file, "mode: [nonsense\n")
    assert file.read_text() == "mode: research\n"
    assert [each.name for each in tmp_path.iterdir()] == ["c.yaml"]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[PseudoTerminal]:
    """One in which it was started."""
    terminal = PseudoTerminal([sys.executable, "-m", "tradeconsole", "init"], variables={"TRADECONSOLE_HOME": str(tmp_path)})
    yield terminal
    terminal.close()


def test_a_person_at_a_terminal_answers_and_sees_the_file_before_it_is_written(tmp_path: Path, terminal: PseudoTerminal) -> None:
    for question in (b"Which [paper]", b"Which [sim]", b"Symbols", b"Strategies, with", b"It begins with", b"in one symbol", b"in a day"):
        terminal.until(question)
        terminal.write(b"\n")
    terminal.until(b"Write this to")
    assert not list(tmp_path.iterdir())
    terminal.write(b"y\n")
    terminal.until(b"is written")
    assert read(tmp_path / "tradeconsole.yaml") == Settings()


def test_ctrl_c_leaves_everything_as_it_is(tmp_path: Path, terminal: PseudoTerminal) -> None:
    terminal.until(b"Which [paper]")
    for _ in range(10):
        terminal.write(b"\x03")  # between the question and its wait for a key Python holds it back until the next
        with suppress(TimeoutError):
            terminal.until(b"Nothing was written", patience=1)
            break
    assert b"Nothing was written" in terminal.recent
    assert not list(tmp_path.iterdir())


def test_no_word_is_broken_at_the_edge_of_the_terminal(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tradeconsole", "init"]
    narrow = PseudoTerminal(command, (44, 24), {"TRADECONSOLE_HOME": str(tmp_path)})
    try:
        narrow.until(b"Which [paper]")
        lines = narrow.recent.decode().split("\r\n")
    finally:
        narrow.close()
    assert max(map(len, lines)) <= 44
    assert "  1  paper      the console's own paper" in lines
    assert "                account: no broker needed" in lines
