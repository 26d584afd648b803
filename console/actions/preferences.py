"""Changes preferences: each holds at once and is written into the config file. A limit that lets more through takes a word and a reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from console.actions.combined_limits import CombinedLimitActions
from console.actions.stage import Stage
from console.config_file import ConfigFile
from console.looks import Looks
from console.notify import Notifier
from engine.model import Level, View
from engine.model.settings import Limits, Settings
from widgets.text import clean

if TYPE_CHECKING:
    from console.accounts.config import Accounts
    from console.preferences import Preference, Written
    from console.screens.questions import Typed

Wanted = Callable[[Limits], Limits]
"""What is to become of the limits in force."""
Done = Callable[[bool], None]
"""Is told whether the change let more through, by the word."""


class PreferenceActions:
    """`frame` is to be called with each View.

    What holds is asked of whoever holds it: the limits of the engine, the theme of the looks, and so on. No method waits for anything.
    """

    def __init__(self, stage: Stage, config: ConfigFile, looks: Looks, notifier: Notifier) -> None:
        self._stage = stage
        self._config = config
        self._looks = looks
        self._notifier = notifier
        self.accounts: Accounts | None = None
        """Where there are several."""
        self.combined = CombinedLimitActions(stage)
        self._asked: tuple[str, Callable[[], None]] | None = None
        """The limits' change that the engine has not answered yet, by its command's id, and what follows."""

    def do_preferences(self) -> None:
        # A start needs nothing of it.
        from console.screens.preferences import PreferencesPage

        self._stage.read(PreferencesPage(self._stage, self))

    @property
    def file(self) -> str:
        """Where changes are written."""
        return clean(str(self._config.file or ""))

    @property
    def account(self) -> str:
        """Whose limits they are, of several accounts."""
        return clean(self._config.account)

    def key_in_file(self, preference: Preference) -> str:
        """Where the file says it."""
        return f"accounts.{self.account}.{preference.key}" if self.account and preference.is_limit else preference.key

    # ---- what holds

    def value(self, key: str) -> Any:
        """What holds now; of what only holds from the next start on, what will."""
        from console.preferences import value_at

        held: Settings = replace(
            self._config.said,
            theme=self._looks.chosen,
            screen=self._stage.drawn,
            notify=self._notifier.settings,
            confirm=self._stage.desk.confirm,
            limits=self.limits,
            combined=self.combined.limits,
        )
        return value_at(held, key)

    @property
    def limits(self) -> Limits:
        """Those in force."""
        return self._stage.engine.view().limits

    @property
    def written(self) -> tuple[Written, ...]:
        """What the file says of several accounts, and nobody changes here."""
        from console.accounts.told import rows

        return tuple(rows(self.accounts, self.file))

    @property
    def together(self) -> tuple[Preference, ...]:
        """The limits on all accounts together, where there are several or one alone is under them, and of whom it is not known what he
        holds."""
        from console.preferences import TOGETHER, unknown_rows
        from engine.model.settings import ALONE

        held = self.combined.held
        if held is None:
            return ()
        return (*TOGETHER, *(unknown_rows(held.unknown, held.left_out) if held.counts_several and held.limits != ALONE else ()))

    def own_limits(self) -> tuple[Preference, ...]:
        """The limits that single strategies and symbols have."""
        from console.preferences import own_limits

        return tuple(own_limits(self.limits))

    def add_own_limit(self, added: Callable[[Preference | None], None]) -> None:
        """Asks which limit a strategy or a symbol is to have."""
        from console.preferences import own_limits_to_add
        from console.screens.own_limits import OwnLimitChoice

        view = self._stage.engine.view()
        names = [strategy.name for strategy in view.strategies], [row.symbol for row in view.watch]
        self._stage.ask(OwnLimitChoice(tuple(own_limits_to_add(view.limits, *names)), self._stage.clock), added)

    def options(self, preference: Preference) -> tuple[Any, ...]:
        """All it may be, or nothing where a value is typed."""
        if preference.key == "theme":
            return tuple(name for name in self._looks.names if self._looks.usable(name))
        return preference.options

    def _hold(self, key: str, value: Any) -> None:
        from console.preferences import with_value

        section, _, name = key.partition(".")
        match section:
            case "theme":
                self._looks.choose(value)
            case "screen":
                self._stage.draw_by(with_value(self._stage.drawn, name, value))
            case "notify":
                self._notifier.settings = with_value(self._notifier.settings, name, value)
            case "confirm":
                self._stage.desk.confirm = with_value(self._stage.desk.confirm, name, value)

    # ---- one change

    def change(self, preference: Preference, value: Any) -> None:
        """Has it hold and be written. Where it needs a word, asks for it first."""
        from console.preferences import COMBINED, LIMITS, with_value, words

        before = self.value(preference.key)
        if value == before:
            return
        whose = f" of {self.account}" if self.account and preference.is_limit else ""
        told = f"{preference.name}{whose} {words(before, preference.unit)} → {words(value, preference.unit)}"
        if preference.is_limit:
            name = preference.key.removeprefix(LIMITS)
            self._change_limits(
                lambda limits: with_value(limits, name, value),
                lambda loosened: self._write(preference, value, told, may_loosen=loosened),
            )
        elif preference.is_combined:
            name = preference.key.removeprefix(COMBINED)
            self.combined.change(
                lambda limits: with_value(limits, name, value),
                lambda loosened: self._write(preference, value, told, may_loosen=loosened),
            )
        else:
            self._hold(preference.key, value)
            self._write(preference, value, told)

    def _write(self, preference: Preference, value: Any, told: str, *, may_loosen: bool = False) -> None:
        holds = "holds from the next start on" if preference.next_start else "holds now"

        def written(problem: str) -> None:
            if problem and preference.next_start:
                self._say(f"{told}: not kept. {problem}", Level.WARNING)
            elif problem:
                self._say(f"{told}: holds until you quit, and is not kept. {problem}", Level.WARNING)
            else:
                if preference.key == "theme":
                    self._looks.configured(value)
                self._say(f"{told}: {holds}, and is written.", Level.INFO)

        self._config.write(preference.key, value, written, may_loosen=may_loosen)
        # What else somebody wrote into the file by hand is still to be read.
        self._config.keep(preference.key, value)

    def _say(self, text: str, level: Level) -> None:
        self._stage.say(text, level)

    # ---- limits

    def _change_limits(self, wanted: Wanted, done: Done) -> None:
        """Tighter ones at once; where one lets more through, after the word and a reason."""
        from console.preferences import looser

        if self._is_waiting():
            return
        before = self.limits
        loosened = looser(before, wanted(before))
        if loosened:
            self._ask_to_loosen(wanted, loosened, done)
        else:
            self._set(before, wanted(before), "", lambda: done(False))

    def _ask_to_loosen(self, wanted: Wanted, loosened: tuple[str, ...], done: Done) -> None:
        from console.preferences import looser
        from console.screens.questions import TypedWord, listed

        def typed(answer: Typed | None) -> None:
            if answer is None:
                self._say("No limit was loosened.", Level.INFO)
                return
            if self._is_waiting():
                return
            newest = self.limits
            # Only what was read before the word was typed is meant by it.
            if looser(newest, wanted(newest)) != loosened:
                self._say("The limits changed meanwhile. No limit was loosened; look, and try again.", Level.WARNING)
                return
            self._set(newest, wanted(newest), answer.reason, lambda: done(True))

        text = f"Lets more through than now:\n{listed([f'   {change}' for change in loosened])}"
        whose = self._stage.engine.view().name
        title = f"Loosen {'limits' if len(loosened) > 1 else 'a limit'}{f' of {whose}' if whose else ''}"
        self._stage.ask(TypedWord(title, text, "LOOSEN", self._stage.clock, reason=True), typed)

    def _is_waiting(self) -> bool:
        """Whether the engine still owes an answer: until then nobody knows what a further change would start from. It is said."""
        if self._asked is not None:
            self._say("The engine has not answered about the limits that were changed before. Nothing was done; try again.", Level.WARNING)
        return self._asked is not None

    def _set(self, seen: Limits, limits: Limits, reason: str, done: Callable[[], None]) -> None:
        """Has the engine change the limits `seen`; it refuses where others hold by then."""
        self._asked = self._stage.engine.set_limits(limits, reason, seen), done

    def frame(self, view: View) -> None:
        """Looks for the engine's answer; only what it took is written."""
        if self._asked is None:
            return
        command_id, done = self._asked
        reply = next((reply for reply in view.replies if reply.command_id == command_id), None)
        if reply is None:
            return
        self._asked = None
        if reply.ok:
            done()
        else:
            self._say(f"Not changed: {reply.text}", Level.WARNING)

    # ---- the file, edited by hand

    def reread(self) -> None:
        """Reads the file again, says what would change, and asks. One that is wrong is refused, and what holds stays."""
        self._config.reread(self._reread)

    def _reread(self, said: Settings | str) -> None:
        from console.preferences import differences, looser, looser_together, tightened, tightened_together
        from console.screens.preferences import ask_to_take, refusal
        from engine.model.limit_changes import combined_changes
        from engine.secrets import without_secrets

        if isinstance(said, str):
            self._stage.read(refusal(said, self._stage.clock))
            return
        found = differences(self._config.said, said)
        in_force, together = self.limits, self.combined.limits
        tight = tuple(map(str, _changes(in_force, tightened(in_force, said.limits))))
        loose = looser(in_force, said.limits)
        if self.combined.held is not None:
            tight += tuple(map(str, combined_changes(together, tightened_together(together, said.combined))))
            loose += looser_together(together, said.combined)
        if not (found or tight or loose):
            self._config.said = said
            self._say("The file says what holds already. Nothing was changed.", Level.INFO)
            return

        def answered(take: bool | None) -> None:
            if take:
                self._take(said)

        # The file may name what the environment keeps secret, as ${NAME}.
        at_once = [without_secrets(str(difference)) for difference in found if difference.at_once]
        later = [without_secrets(str(difference)) for difference in found if not difference.at_once]
        self._stage.ask(ask_to_take([*at_once, *tight], loose, later, self._stage.clock), answered)

    def _take(self, said: Settings) -> None:
        from console.preferences import differences, looser, tightened

        for difference in differences(self._config.said, said):
            if difference.at_once:
                self._hold(difference.key, difference.after)
        if said.theme != self._config.said.theme:
            self._looks.configured(said.theme)
        self._config.said = said
        self._take_together(said)
        in_force = self.limits
        tight = tightened(in_force, said.limits)
        taken = "What the file says was taken."
        if _changes(in_force, tight):
            if self._is_waiting():
                return
            self._set(in_force, tight, "", lambda: self._say(taken, Level.INFO))
        else:
            self._say(taken, Level.INFO)
        if loosened := looser(tight, said.limits):
            self._ask_to_loosen(
                lambda newest: said.limits, loosened, lambda word: self._say("The limits are those of the file.", Level.INFO)
            )

    def _take_together(self, said: Settings) -> None:
        """The limits on all accounts together that the file says."""
        from console.preferences import looser_together, tightened_together

        wanted = said.combined
        if self.combined.held is None or wanted == self.combined.limits:
            return
        tight = tightened_together(self.combined.limits, wanted)
        self.combined.change(lambda newest: tightened_together(newest, wanted), lambda word: None)
        if looser_together(tight, wanted):
            taken = "The limits on all accounts are those of the file."
            self.combined.change(lambda newest: wanted, lambda word: self._say(taken, Level.INFO))


def _changes(before: Limits, after: Limits) -> tuple[Any, ...]:
    from engine.model.limit_changes import changes

    return changes(before, after)
