"""Whatever a person does in the preferences, and in whatever order answers come: no limit is loosened but by the word typed for it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, cast

from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from console.actions.preferences import PreferenceActions
from console.actions.stage import Stage
from console.config_file import ConfigFile
from console.looks import Looks
from console.notify import Notifier
from console.preferences import OFFERED, looser, tightened, with_value
from console.screens.questions import Typed, TypedWord
from engine.model import View
from engine.model.effects import Reply
from engine.model.settings import Limits, ScreenSettings, Settings, SymbolLimits
from tests.thorough import tries
from tests.views import sample_view

D = Decimal
LIMITS = st.builds(
    Limits,
    max_order_pct=st.sampled_from([D(5), D(10), D(20)]),
    repetition_s=st.sampled_from([0.0, 2.0, 10.0]),
    max_order_notional=st.sampled_from([None, D(500), D(5000)]),
    short_selling=st.booleans(),
    outside_hours=st.sampled_from(["queue", "deny"]),
    symbols=st.sampled_from([{}, {"BRK.B": SymbolLimits(max_position_pct=D(3))}, {"BRK.B": SymbolLimits(collar_pct=D(1))}]),
)
EDITS = st.one_of(
    st.tuples(st.just("limits.max_order_pct"), st.sampled_from([D(1), D(5), D(10), D(50)])),
    st.tuples(st.just("limits.repetition_s"), st.sampled_from([0.0, 1.0, 2.0, 30.0])),
    st.tuples(st.just("limits.max_order_notional"), st.sampled_from([None, D(100), D(9000)])),
    st.tuples(st.just("limits.short_selling"), st.booleans()),
    st.tuples(st.just("limits.outside_hours"), st.sampled_from(["queue", "deny"])),
    st.tuples(st.just("confirm.order_line"), st.booleans()),
)
STEPS = st.one_of(
    st.tuples(st.just("edit"), EDITS),
    st.tuples(st.just("edit the file"), LIMITS),
    st.tuples(st.just("reread"), st.none()),
    st.tuples(st.just("yes"), st.none()),
    st.tuples(st.just("no"), st.none()),
    st.tuples(st.just("the engine answers"), st.none()),
    st.tuples(st.just("a script tightens"), LIMITS),
)


class World:
    """A stage of nothing but the preferences, an engine that answers late, and a config file in memory."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        """As the View has them."""
        self.taken = limits
        """As the engine will have them, once it comes to what it was told."""
        self.replies: list[Reply] = []
        self.owed: list[Callable[[], None]] = []
        self.dialogs: list[tuple[Any, Callable[[Any], None]]] = []
        self.named: str | None = None
        """What the dialog told of whose word is just being typed."""
        self.in_file = Settings(limits=limits)
        self.said = Settings(limits=limits)
        self.file, self.account = None, ""
        self.drawn = ScreenSettings()
        self.settings = Settings().notify
        self.confirm = Settings().confirm
        self.chosen = "dark"
        self.engine = self.desk = self
        self.commands = 0
        everything = cast(Any, self)
        self.actions = PreferenceActions(
            cast(Stage, everything), cast(ConfigFile, everything), cast(Looks, everything), cast(Notifier, everything)
        )

    # ---- the engine

    def view(self) -> View:
        return replace(sample_view(), limits=self.limits, replies=tuple(self.replies))

    def set_limits(self, limits: Limits, reason: str = "", seen: Limits | None = None) -> str:
        assert seen == self.taken, "nobody knows what a change was made from"
        loosened = looser(self.taken, limits)
        if loosened:
            assert self.named is not None, f"loosened without the word: {loosened}"
            assert all(change in self.named for change in loosened), f"the word was typed for {self.named}, not {loosened}"
            assert reason
        self.taken = limits
        self.commands += 1
        command_id = f"c-{self.commands}"

        def answer() -> None:
            self.limits = limits
            self.replies.append(Reply(command_id, True, "done"))

        self.owed.append(answer)
        return command_id

    def answers(self) -> None:
        for answer in self.owed:
            answer()
        self.owed.clear()
        self.actions.frame(self.view())

    # ---- the stage

    def clock(self) -> float:
        return 0.0

    def say(self, text: str, level: object) -> None:
        assert text

    def ask(self, dialog: Any, answered: Callable[[Any], None]) -> None:
        self.dialogs.append((dialog, answered))

    # ---- the file

    def keep(self, key: str, value: object) -> None:
        self.said = with_value(self.said, key, value)

    def write(self, key: str, value: object, written: Callable[[str], None], *, may_loosen: bool = False) -> None:
        written("")

    def reread(self, reread: Callable[[Settings | str], None]) -> None:
        reread(self.in_file)

    # ---- steps

    def step(self, what: str, given: Any) -> None:
        match what:
            case "edit" if not self.dialogs:
                self.actions.change(OFFERED[given[0]], given[1])
            case "edit the file":
                self.in_file = replace(self.in_file, limits=given)
            case "reread" if not self.dialogs:
                self.actions.reread()
            case "the engine answers":
                self.answers()
            case "a script tightens" if not self.owed:
                self.limits = self.taken = tightened(self.limits, given)
            case "yes" | "no" if self.dialogs:
                self.answer(yes=what == "yes")

    def answer(self, *, yes: bool) -> None:
        dialog, answered = self.dialogs.pop()
        if isinstance(dialog, TypedWord):
            if yes:
                self.named = dialog._text.whole
            answered(Typed("meant") if yes else None)
            self.named = None
        else:
            answered(yes)


UP, DOWN = ("edit", ("limits.max_order_pct", D(50))), ("edit", ("limits.max_order_pct", D(1)))


@example(limits=Limits(), steps=[UP, ("a script tightens", Limits(max_order_pct=D(5))), ("yes", None)])
@example(limits=Limits(), steps=[DOWN, ("edit", ("limits.short_selling", True)), ("yes", None)])
@settings(max_examples=tries(150, 5_000), deadline=None)
@given(limits=LIMITS, steps=st.lists(STEPS, max_size=25))
def test_no_sequence_of_edits_loosens_a_limit_without_the_word_for_it(limits: Limits, steps: list[tuple[str, Any]]) -> None:
    world = World(limits)
    for what, given_ in steps:
        world.step(what, given_)
