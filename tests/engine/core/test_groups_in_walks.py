"""The same groups in long walks that fill more than anything else: what two brackets do to each other takes many fills to show."""

from __future__ import annotations

import random
from typing import Any

import pytest

from engine.model.order_states import OrderEvent
from tests.engine.core.test_groups_at_random import Together, TogetherAtTheBroker
from tests.thorough import tries

STEPS = 50
INVARIANTS = (
    "a_restart_would_find_the_same",
    "nothing_held_here_is_at_the_broker",
    "the_exits_cover_what_their_entries_filled",
    "an_exit_in_per_cent_stands_at_its_distance_from_the_average",
    "no_more_is_for_sale_than_is_held",
)
Step = tuple[str, dict[str, Any]]


def step(chance: random.Random) -> Step:
    """What happens next. It is drawn whatever stands, so that a seed is the same walk after any change."""
    number, yes = chance.randint(0, 40), chance.random() < 0.5
    entry = {"quantity": chance.randint(1, 90), "profit": chance.choice((None, 110, "7%")), "loss": chance.choice((None, 90, "5%"))}
    fill = {"part": chance.choice((1, 10, 30, 50, 70, 97, 100, 100, 100)), "number": number % 10, "price": chance.randint(90, 110)}
    steps: list[tuple[int, Step]] = [
        (13, ("somebody_enters", entry)),
        (42, ("something_fills", fill)),
        (5, ("the_broker_ends_one", {"number": number, "end": OrderEvent.CANCEL if yes else OrderEvent.EXPIRE})),
        (4, ("a_person_cancels", {"number": number})),
        (3, ("the_broker_changes_its_mind", {"refuses": "not now" if yes else ""})),
        (5, ("the_broker_falls_silent", {})),
        (8, ("a_word_gets_through", {"number": number, "under": yes})),
        (4, ("an_old_word_comes_again", {"number": number})),
        (5, ("the_broker_speaks_again", {})),
        (4, ("time_passes", {})),
        (3, ("the_program_crashes", {"units": number % 5})),
        (4, ("the_broker_tells_in_another_order", {"others_first": yes})),
    ]
    return chance.choices([each for _, each in steps], [weight for weight, _ in steps])[0]


def may(machine: Together, name: str) -> bool:
    """Whether that can happen now."""
    if name == "somebody_enters":
        return len(machine.told.orders) < 18
    return machine.told.mute if name == "a_word_gets_through" else hasattr(machine, name)


@pytest.mark.parametrize("kind", [Together, TogetherAtTheBroker])
def test_whatever_fills_in_whatever_order_exits_close_what_is_held_and_no_more(kind: type[Together]) -> None:
    for seed in range(tries(60, 4_000)):
        chance = random.Random(seed)
        machine = kind()
        begins: dict[str, bool] = {"replaces": chance.random() < 0.7}
        if kind is TogetherAtTheBroker:
            begins["resizes"] = chance.random() < 0.5
        machine.begins(**begins)
        done: list[Step] = []
        try:
            for _ in range(STEPS):
                name, given = step(chance)
                if may(machine, name):
                    done.append((name, given))
                    getattr(machine, name)(**given)
                    for invariant in INVARIANTS:
                        getattr(machine, invariant)()
            machine.teardown()
        except AssertionError as error:
            error.add_note(f"seed {seed}, begun with {begins}: {done}")
            raise
