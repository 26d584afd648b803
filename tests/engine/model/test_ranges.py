"""What a setting may hold, tested on settings made in Python."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

import pytest
from msgspec import Meta
from msgspec.structs import replace

from console.build import create_engine
from console.config import leaves
from engine.model.modes import Mode
from engine.model.ranges import problems, split
from engine.model.settings import FeedSettings, Limits, PaperSettings, Settings, StrategySettings

GOOD = Settings(symbols=("AAPL",), strategies=(StrategySettings("sma_cross"),))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"limits": Limits(max_position_pct=Decimal(0))},
            "limits.max_position_pct is Decimal('0'); allowed: a number above 0, at most 100",
        ),
        ({"limits": Limits(max_order_pct=cast(Any, 0.5))}, "limits.max_order_pct is 0.5; allowed: a number above 0, at most 100"),
        ({"limits": Limits(short_selling=cast(Any, "no"))}, "limits.short_selling is 'no'; allowed: true or false"),
        ({"limits": Limits(stale_after_s=float("nan"))}, "limits.stale_after_s is nan; allowed: a number above 0, at most 3,600"),
        ({"paper": PaperSettings(seed=True)}, "paper.seed is True; allowed: a whole number at least 0"),
        ({"feed": FeedSettings(source="")}, "feed.source is ''; allowed: text not empty"),
        ({"mode": Mode.EMERGENCY}, "mode is EMERGENCY; allowed: MANUAL, SEMI_AUTO, FULL_AUTO or RESEARCH"),
    ],
)
def test_a_setting_of_another_type_or_out_of_range_is_named_with_what_is_allowed(changes: dict[str, Any], sentence: str) -> None:
    wrong = replace(GOOD, **changes)
    assert list(problems(wrong)) == [sentence]
    with pytest.raises(ValueError) as refused:
        create_engine(wrong)
    assert str(refused.value) == sentence


def test_whole_numbers_may_stand_for_fractions_and_the_defaults_are_allowed() -> None:
    assert not list(problems(replace(GOOD, feed=FeedSettings(pace=2))))
    assert not list(problems(Settings()))


@pytest.mark.parametrize(("key", "hint"), list(leaves(Settings)))
def test_every_mark_of_a_setting_is_one_that_is_checked(key: str, hint: Any) -> None:
    for mark in split(hint)[1]:
        if isinstance(mark, Meta):
            bounds: dict[str, Any] = {name: getattr(mark, name) for name in ("gt", "ge", "le", "min_length")}
            assert mark == Meta(**bounds)
        else:
            assert mark.__doc__
