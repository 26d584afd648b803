"""`tradeconsole kill`: stops trading from a process of its own, whether or not the console can be reached.

The latch comes first: an engine that runs sees it within a tenth of a second, and the next start is HALTED by it. Then the engine is asked
over its control socket, and what comes of it is told until the broker itself says that nothing works. Where none answers, the broker is
told from here.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import Any

from console.options import ABOUT, Options, end, say
from engine.control_client import NoAnswerError, ask, control_path
from engine.latch import Latch, latch_path

DONE, NOTHING_DONE, NOT_AT_REST, NO_ANSWER = 0, 1, 3, 4
_WORST_FIRST = (NOTHING_DONE, NO_ANSWER, NOT_AT_REST, DONE)
SOON_S = 0.5
"""After this long without an answer the broker is told itself."""
ANSWER_S = 3.0
"""How long an engine that runs may take to answer. One that is well does it in milliseconds."""
AT_REST_S = 10.0
FLAT_S = 30.0
POLL_S = 0.1
_SQLITE = b"SQLite format 3\0"


def kill(arguments: Sequence[str]) -> int:
    """Stops trading, of all accounts that the config has; answers the exit code. Raises SystemExit with code 2 where the command is wrong
    or there is no such database.

    0: nothing works any more and, with --flatten, nothing is held. 3: trading is halted, but not all is at rest yet, or held positions
    could not be closed; each is named. 4: the latch is set, but the engine that runs does not answer. 1: neither could be done.
    """
    given = _options().parse_args(arguments)
    named = {"": (given.database, "paper")} if given.database else _all(given.config)
    databases = {name: path.resolve() for name, (path, _) in named.items()}
    whys = {name: _no_database(path, latch_path(path)) for name, path in databases.items()}
    if all(whys.values()):
        end(f"{'; '.join(whys.values())}, so nothing was stopped. Give the one that your console uses with --database.")
    # It stands beside the exchange's time, which is another.
    by = f"tradeconsole kill at {time.strftime('%H:%M:%S %Z').rstrip()}"
    reason = f"{given.reason} ({by})" if given.reason else by
    there = [name for name, why in whys.items() if not why]
    # All of them before anything else: an engine obeys its latch by itself.
    latched = {name: _latched(databases[name], reason) for name in there}

    def stop(name: str) -> int:
        ABOUT.set(name)
        return _stop(databases[name], given.config, reason, is_latched=latched[name], flatten=given.flatten)

    # Side by side: a broker that hangs holds up nobody else's stop.
    with ThreadPoolExecutor(len(there)) as side_by_side:
        codes = set(side_by_side.map(stop, there))
    for name, (_, broker) in named.items():
        # On paper nothing works without a file. At a broker it may: the file can have been moved away, or have had another name.
        if whys[name] and broker != "paper":
            say(f"{name}: {whys[name]}, so nobody was asked what works at {broker}. Where a console traded, give its file with --database.")
            codes.add(NOT_AT_REST)
    return next(code for code in _WORST_FIRST if code in codes)


def _latched(database: Path, reason: str) -> bool:
    """Whether the latch could be set."""
    latch = Latch(latch_path(database))
    try:
        latch.set(reason)
    except OSError as error:
        say(f"{latch.path} cannot be written ({error.strerror}): a restart would not know of the stop. The engine is told all the same.")
        return False
    return True


def _stop(database: Path, config: Path | None, reason: str, *, is_latched: bool, flatten: bool) -> int:
    beside = _Beside(database, config)
    try:
        return _follow(control_path(database), reason, beside, flatten=flatten)
    except NoAnswerError as error:
        at_rest = beside.result() if error.listens else beside.at_once(flatten=flatten)
        return _unanswered(database, error, at_rest, is_latched=is_latched, flatten=flatten)


class _Beside:
    """Cancels at the broker itself where the engine does not answer soon. While one listens it closes no position: the engine may have
    heard that it is to, and two that close one would turn it round."""

    def __init__(self, database: Path, config: Path | None) -> None:
        self._database = database
        self._config = config
        self._needless = threading.Event()
        self._at_rest: bool | None = None
        self._thread = threading.Thread(target=copy_context().run, args=(self._run,), daemon=True)
        self._thread.start()

    def needless(self) -> None:
        """The engine has answered."""
        self._needless.set()

    def result(self) -> bool | None:
        """As `kill_there` answers."""
        self._thread.join()
        return self._at_rest

    def at_once(self, *, flatten: bool) -> bool | None:
        from console.kill_there import kill_there

        self._needless.set()
        self._thread.join()
        return kill_there(self._database, self._config, flatten=flatten)

    def _run(self) -> None:
        if not self._needless.wait(SOON_S):
            from console.kill_there import kill_there

            self._at_rest = kill_there(self._database, self._config, flatten=False)


def _options() -> Options:
    options = Options(
        prog="tradeconsole kill",
        description="Stops trading: halts the engine, cancels every order, and says what is left. Works when the console does not.",
        epilog=(kill.__doc__ or "").split("\n\n")[1].replace("    ", " ").strip(),
        allow_abbrev=False,
    )
    add = options.add_argument
    add("--database", type=Path, metavar="FILE", help="The account's file; without it, those of all accounts of your config.")
    add("--config", type=Path, metavar="FILE", help="The YAML file to look the database up in, instead of your own.")
    add("--flatten", action="store_true", help="Close every position as well.")
    add("--reason", default="", metavar="TEXT", help="Why, for the audit log.")
    return options


def _all(config: Path | None) -> dict[str, tuple[Path, str]]:
    """The database and the broker of each account that there is to stop, by its name; of the only one of a config by none. Beside those of
    the config there is each whose console left its socket in the user's folder: it was started with options of its own."""
    from console.config import ConfigError

    named: dict[str, tuple[Path, str]] = {}
    problem = ""
    try:
        named = _configured(config)
    except ConfigError as error:
        problem = str(error)
    others = {} if config is not None else _running_beside({path.resolve() for path, _ in named.values()})
    if problem and not others:
        end(f"{problem}\nNothing was stopped: give the database with --database.")
    if problem:
        say(f"{problem}\nWhat runs in your own folder is stopped all the same; for another give its database with --database.")
    return named | others


def _configured(config: Path | None) -> dict[str, tuple[Path, str]]:
    from console.accounts.config import load_accounts
    from console.config import folders, load

    accounts = load_accounts(config)
    if accounts is not None:
        return {name: (its.database, its.broker) for name, its in accounts.settings.items() if its.database is not None}
    settings = load(config)
    return {"": (settings.database or folders().database, settings.broker)}


def _running_beside(known: set[Path]) -> dict[str, tuple[Path, str]]:
    from console.config import folders

    files = sorted(folders().data.glob("*.sqlite"))
    return {file.stem: (file, "paper") for file in files if file.resolve() not in known and control_path(file).exists()}


def _no_database(database: Path, latch: Path) -> str:
    """Why this cannot be an account's file, or nothing. One that a console has used has a latch, whatever became of the file itself."""
    try:
        if latch.exists():
            return ""
        with database.open("rb") as file:
            head = file.read(len(_SQLITE))
    except FileNotFoundError:
        return f"There is no database {database}"
    except OSError as error:
        return f"{database} cannot be read ({error.strerror})"
    return "" if head in (_SQLITE, b"") else f"{database} is no database of a console"


def _follow(socket: Path, reason: str, beside: _Beside, *, flatten: bool) -> int:
    """Tells the engine, and says what comes of it. Raises NoAnswerError."""
    answer = _asked(socket, "flatten" if flatten else "stop", reason)
    beside.needless()
    if not answer.get("ok"):
        raise NoAnswerError(f"it did not understand: {answer.get('text')}", listens=True)
    _tell(str(answer["text"]))
    patience = FLAT_S if flatten else AT_REST_S
    until = time.monotonic() + patience
    while time.monotonic() < until:
        status = _asked(socket, "status")
        if status["verified"]:
            _tell(f"HALTED, verified with the broker: nothing works{_spared(status)}; held: {_held(status)}")
            return DONE
        if status["ready"] and status["state"] != "HALTED":
            _tell("Trading was resumed meanwhile, by somebody who said why in the console.")
            return NOT_AT_REST
        time.sleep(POLL_S)
    left = "; ".join(status["left"]) or status["problem"] or "the broker has not told where the account stands"
    _tell(f"{status['state']}, but not at rest after {patience:g} s: {left}. The engine goes on asking; held: {_held(status)}")
    return NOT_AT_REST


def _asked(socket: Path, do: str, reason: str = "") -> dict[str, Any]:
    """One answer. A socket that turns us away (too many are talking to it) is asked again. Raises NoAnswerError."""
    until = time.monotonic() + ANSWER_S
    while True:
        try:
            return ask(socket, do, reason, max(until - time.monotonic(), POLL_S))
        except NoAnswerError as error:
            if not error.listens or time.monotonic() >= until:
                raise
        time.sleep(POLL_S)


def _unanswered(database: Path, error: NoAnswerError, at_rest: bool | None, *, is_latched: bool, flatten: bool) -> int:
    """`at_rest` is what came of it at the broker itself, None where it has none."""
    from storage.lock import holder

    try:
        process = holder(database)
    except OSError as denied:
        say(f"{error}, and whether an engine runs on {database} is not told to you ({denied.strerror}). Do it as the user who started it.")
        return NO_ANSWER if is_latched else NOTHING_DONE
    if process is None and at_rest is not None:
        latched = (
            "The latch is set: the next start is HALTED." if is_latched else "The latch could not be set: the next start is not HALTED."
        )
        _tell(f"No engine runs on {database}. {latched}")
        return DONE if at_rest and is_latched else NOT_AT_REST
    if process is None and is_latched:
        text = f"No engine runs on {database}. The latch is set: on paper nothing works without an engine, and the next start is HALTED."
        _tell(f"{text} Positions are as they were: start the console and flatten there." if flatten else text)
        return NOT_AT_REST if flatten else DONE
    if process is None:
        say(f"No engine runs on {database}, and the latch could not be set: nothing was done. Free its disk, and do it again.")
        return NOTHING_DONE
    latched = "The latch is set: it halts as soon as it runs again" if is_latched else "The latch could not be set either"
    latched += ", and closes every position if it has heard that." if flatten else "."
    more = " On paper nothing works without it."
    if at_rest is not None:
        more = " Positions are as they were: end it, and do this again with --flatten." if flatten and error.listens else ""
    say(
        f"The engine (process {process}) does not answer: {error}. {latched} To be sure that it does nothing, end it: kill -9 {process}."
        f"{more}"
    )
    return NO_ANSWER if is_latched else NOTHING_DONE


def _spared(status: dict[str, Any]) -> str:
    return f" but {status['working']} that protect" if status["working"] else ""


def _held(status: dict[str, Any]) -> str:
    return ", ".join(f"{quantity} {symbol}" for symbol, quantity in status["positions"]) or "nothing"


def _tell(text: str) -> None:
    say(text, sys.stdout)
