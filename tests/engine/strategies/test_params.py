"""Declared parameters: what fits, and what a wrong one is told."""

from __future__ import annotations

import math

import pytest

from engine.strategies.params import Param, StrategyError, param
from tradeconsole import Strategy


class Breakout(Strategy):
    days = param(20, low=2, high=250)
    margin = param(0.5, low=0.0)
    side = param("long", choices=("long", "short"))
    eager = param(False)


class Wider(Breakout):
    days = param(60, low=2, high=500)


def test_a_parameter_has_its_default_until_another_value_is_given() -> None:
    assert Breakout().days == 20
    assert Breakout(days=30).days == 30
    assert Breakout().days == 20


def test_a_derived_class_may_declare_a_parameter_anew() -> None:
    assert (Wider().days, Wider().margin) == (60, 0.5)
    assert Wider(days=500).days == 500


def test_a_whole_number_will_do_for_a_parameter_that_is_a_fraction() -> None:
    margin = Breakout(margin=2).margin
    assert margin == 2.0
    assert isinstance(margin, float)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"dayz": 3}, "no parameter 'dayz'. Did you mean 'days'? Its parameters: days (20): a whole number from 2 to 250"),
        ({"zzz": 3}, "Breakout has no parameter 'zzz'. Its parameters"),
        ({"days": 1}, "days must be a whole number from 2 to 250; it is 1"),
        ({"days": 251}, "days must be a whole number from 2 to 250; it is 251"),
        ({"days": 10.5}, "days must be a whole number from 2 to 250; it is 10.5"),
        ({"days": "ten"}, "it is 'ten'"),
        ({"days": True}, "days must be a whole number from 2 to 250; it is True"),
        ({"margin": -0.1}, "margin must be a number, 0.0 or more; it is -0.1"),
        ({"margin": math.nan}, "margin must be a number, 0.0 or more; it is nan"),
        ({"margin": math.inf}, "it is inf"),
        ({"side": "both"}, "side must be one of long, short; it is 'both'"),
        ({"eager": 1}, "eager must be yes or no (true, false); it is 1"),
    ],
)
def test_a_wrong_parameter_is_named_with_what_would_have_been_right(given: dict[str, object], words: str) -> None:
    with pytest.raises(StrategyError) as caught:
        Breakout(**given)
    assert words in str(caught.value)


def test_a_default_outside_its_own_range_is_refused_where_it_is_declared() -> None:
    with pytest.raises(StrategyError, match="default does not fit"):
        param(1, low=2, high=5)


def test_reading_a_parameter_on_the_class_gives_its_declaration() -> None:
    assert isinstance(vars(Breakout)["days"], Param)
    assert set(Breakout.declared) == {"days", "margin", "side", "eager"}
