"""The table of keys is carried out: each action by one method, no key with two meanings, all of it in the help."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from console.actions.groups import performers
from console.keys import ACTIONS, KeyMap
from tests.console.driving import running
from tests.console.fake_engine import FakeEngine


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


async def test_every_action_of_the_table_has_its_method_and_every_method_its_action(engine: FakeEngine) -> None:
    async with running(engine) as console:
        assert set(console.screen.performers) == {action.name for action in ACTIONS}


def test_an_action_that_two_methods_carry_out_is_refused() -> None:
    class Loud:
        def do_shout(self) -> None: ...

    with pytest.raises(ValueError, match="The action shout is carried out twice"):
        performers(Loud(), Loud())


def test_a_key_that_means_two_things_is_refused_naming_both() -> None:
    twice = replace(ACTIONS[1], name="other", keys=("b",), does="something else")
    with pytest.raises(ValueError, match=r"The key b means both other \(something else\) and buy"):
        KeyMap((twice, *[replace(a, panels=frozenset()) for a in ACTIONS if a.name == "buy"]))


def test_the_same_key_may_mean_different_things_in_different_panels() -> None:
    one, other = (replace(ACTIONS[1], name=name, keys=("k",), panels=frozenset({name})) for name in ("risk", "log"))
    found = KeyMap((one, other)).find("k", "log")
    assert found is not None
    assert found.name == "log"


async def test_the_help_lists_every_key_of_the_table(engine: FakeEngine) -> None:
    async with running(engine, (120, 200)) as console:
        await console.press("question_mark")
        for action in ACTIONS:
            if action.name != "panel":
                assert action.does[:40] in console.picture, action
