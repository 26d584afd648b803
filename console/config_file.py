"""The config file while the console runs: changed settings are written into it and it is read again, by a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from console.config import ConfigError, load
from engine.model.settings import Settings

Written = Callable[[str], None]
"""Is told why a change could not be written; nothing where it was."""
Reread = Callable[[Settings | str], None]
"""Is given what the file says now, or why that cannot be used: a line a mistake."""


class ConfigFile:
    """`file` is the one the console was started with, or the user's own, which need not be there yet; None where nothing can be kept.
    `account` is the one of several whose settings are meant: its limits are written in its own section, all else outside of them.

    `said` is what the file said when it was last read, or was made to say. `write` and `reread` return at once; what they are given is
    called by `later`, in order.
    """

    def __init__(self, file: Path | None, said: Settings, account: str = "", accounts: Mapping[str, Settings] | None = None) -> None:
        """`accounts` is what the file said of each of several."""
        self.file = file
        self.said = said
        self.account = account
        self._said = dict(accounts or {})
        self.later: Callable[[Callable[[], None]], object] = lambda call: call()
        """Called on the thread: has something called where it may be."""
        self._thread: ThreadPoolExecutor | None = None

    def turn_to(self, account: str) -> None:
        """From now on the settings of this one are meant."""
        self._said[self.account] = self.said
        self.account, self.said = account, self._said.get(account, self.said)

    def keep(self, key: str, value: object) -> None:
        """The file says this now: of every account, where it is not a limit of the one that is meant."""
        from console.preferences import LIMITS, with_value

        self.said = with_value(self.said, key, value)
        if not key.startswith(LIMITS):
            self._said = {name: with_value(said, key, value) for name, said in self._said.items()}

    def write(self, key: str, value: object, written: Written, *, may_loosen: bool = False) -> None:
        """Has `key` say `value` in the file, which is made where there is none; its comments stay.

        Somebody may have tightened a limit in the file meanwhile: what lets more through than the file does is written with `may_loosen`
        alone, and then only where the file still says what it said when it was read."""
        known, account = self.said, self.account if key.startswith("limits.") else ""

        def work() -> None:
            problem = _shown(self._write(key, value, known, may_loosen, account))
            self.later(lambda: written(problem))

        self._do(work)

    def reread(self, reread: Reread) -> None:
        account = self.account

        def work() -> None:
            read = self._read(account)
            said = _shown(read) if isinstance(read, str) else read
            self.later(lambda: reread(said))

        self._do(work)

    def close(self) -> None:
        """Blocks until all that was to be written is written or could not be."""
        if self._thread is not None:
            self._thread.shutdown()

    def _do(self, work: Callable[[], None]) -> None:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "config")
        self._thread.submit(work)

    def _write(self, key: str, value: object, known: Settings, may_loosen: bool, account: str) -> str:
        if self.file is None:
            return "there is no config file here"
        # Not before there is something to write: a start needs none of it.
        from console.config_edit import EditError, change
        from console.preferences import looser, looser_together, value_at, words

        def check(before: Settings, after: Settings) -> None:
            there = value_at(before, key)
            loosens = looser(before.limits, after.limits) or looser_together(before.combined, after.combined)
            if loosens and (not may_loosen or there != value_at(known, key)):
                raise EditError(f"The file says {words(there)} there by now, which lets less through, and still does")

        try:
            change(self.file, {key: value}, check, account=account)
        except ConfigError as error:
            return str(error).splitlines()[0]
        except OSError as error:
            return f"{self.file} cannot be written ({error.strerror})"
        return ""

    def _read(self, account: str) -> Settings | str:
        if self.file is None or not self.file.exists():
            return f"There is no {self.file or 'config file here'}. The first change in the preferences makes it."
        try:
            if not account:
                return load(self.file)
            from console.accounts.config import load_accounts

            accounts = load_accounts(self.file)
            named = accounts.settings.get(account) if accounts is not None else None
            return f"{self.file} has no account {account} any more." if named is None else named
        except ConfigError as error:
            return str(error)


def _shown(words: str) -> str:
    """What they quote of the file may be a secret."""
    # A start needs nothing of it.
    from engine.secrets import without_secrets

    return without_secrets(words)
