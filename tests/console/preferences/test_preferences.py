"""Which settings the preferences offer, how one is read, and what a change of limits needs."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from console.config import leaves
from console.config_file import ConfigFile
from console.preferences import GROUPS, OFFERED, differences, looser, own_limits, read, stepped, tightened, value_at, with_value, words
from engine.model.ranges import allows
from engine.model.settings import FeedSettings, Limits, Settings, StrategySettings, SymbolLimits

D = Decimal


def test_every_preference_is_a_setting_of_the_config() -> None:
    known = dict(leaves(Settings))
    for key, preference in OFFERED.items():
        assert preference.hint == known[key]
        assert allows(preference.hint, value_at(Settings(), key))


def test_every_limit_of_the_account_is_offered() -> None:
    names = {*Limits.__struct_fields__} - {"strategies", "symbols"}
    assert {key.removeprefix("limits.") for key in OFFERED if key.startswith("limits.")} == names


def test_no_preference_is_called_like_another_of_its_group() -> None:
    for _, group in GROUPS:
        assert len({preference.name for preference in group}) == len(group)


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("limits.max_order_pct", " 2.5 ", D("2.5")),
        ("limits.max_order_pct", "2.5 %", D("2.5")),
        ("limits.max_order_notional", "", None),
        ("limits.max_order_notional", "None", None),
        ("limits.stale_after_s", "3s", 3.0),
        ("screen.frames_per_second", "20 a second", 20),
    ],
)
def test_a_value_is_read_as_a_person_writes_it(key: str, text: str, value: object) -> None:
    assert read(OFFERED[key], text) == value


@pytest.mark.parametrize(
    ("key", "text", "allowed"),
    [
        ("limits.max_order_pct", "101", "a number above 0, at most 100."),
        ("limits.max_order_pct", "nan", "a number above 0, at most 100."),
        ("limits.max_order_pct", "", "a number above 0, at most 100."),
        ("limits.max_order_notional", "-1", "a number above 0, at most 1,000,000,000,000, or none."),
        ("screen.frames_per_second", "31", "a whole number at least 1, at most 30."),
        ("screen.frames_per_second", "12.5", "a whole number at least 1, at most 30."),
    ],
)
def test_what_is_not_allowed_is_refused_in_words(key: str, text: str, allowed: str) -> None:
    with pytest.raises(ValueError, match=allowed):
        read(OFFERED[key], text)


def test_values_are_said_as_a_person_says_them() -> None:
    assert [words(value) for value in (None, True, D("5.00"), D(100_000), 2.0, "auto")] == ["none", "on", "5", "100,000", "2", "auto"]
    assert words(D(5), "%") == "5 %"


def test_a_choice_goes_round_and_an_unknown_one_begins_anew() -> None:
    assert [stepped("abc", "c", 1), stepped("abc", "a", -1), stepped("abc", "x", 1)] == ["a", "c", "b"]


def test_a_setting_deep_down_is_changed_alone() -> None:
    changed = with_value(Settings(), "limits.collar_pct", D(1))
    assert changed == replace(Settings(), limits=Limits(collar_pct=D(1)))
    assert with_value(Settings(), "theme", "ember") == Settings(theme="ember")


# ---- limits

MIXED = Limits(
    max_order_pct=D(20),
    collar_pct=D(1),
    outside_hours="deny",
    repetition_s=1.0,
    symbols={"BRK.B": SymbolLimits(max_position_pct=D(3)), "MSFT": SymbolLimits(short_selling=None)},
)


def test_of_mixed_changes_only_those_that_tighten_are_taken() -> None:
    before = Limits(symbols={"MSFT": SymbolLimits(short_selling=False)})
    after = tightened(before, MIXED)
    assert (after.max_order_pct, after.repetition_s) == (D(10), 2.0)
    assert (after.collar_pct, after.outside_hours) == (D(1), "deny")
    assert after.symbols == {"MSFT": SymbolLimits(short_selling=False), "BRK.B": SymbolLimits(max_position_pct=D(3))}
    assert not looser(before, after)


def test_what_lets_more_through_is_named_with_before_and_after() -> None:
    before = Limits(symbols={"MSFT": SymbolLimits(short_selling=False)})
    assert looser(before, MIXED) == ("max_order_pct 10 → 20", "repetition_s 2 → 1", "symbols.MSFT.short_selling off → none")


def test_limits_of_single_symbols_are_listed_with_where_they_stand() -> None:
    (own,) = own_limits(MIXED)
    assert (own.name, own.key, own.is_own) == ("BRK.B position", "limits.symbols.BRK.B.max_position_pct", True)
    assert value_at(MIXED, "symbols.BRK.B.max_position_pct") == D(3)


# ---- the file


def test_what_two_readings_differ_in_is_named_with_when_it_holds() -> None:
    after = replace(Settings(), theme="ember", plain=True, feed=FeedSettings("sample"), strategies=(StrategySettings("sma_cross"),))
    found = differences(Settings(), replace(after, limits=MIXED))
    assert [(str(difference), difference.at_once) for difference in found] == [
        ("feed.source sim → sample", False),
        ("strategies changed", False),
        ("theme dark → ember", True),
        ("plain off → on", False),
    ]


def test_a_file_is_written_and_read_in_the_order_it_was_asked(tmp_path: Path) -> None:
    file = ConfigFile(tmp_path / "mine.yaml", Settings())
    told: list[object] = []
    file.reread(told.append)
    file.write("theme", "ember", told.append)
    file.write("limits.max_order_pct", D(5), told.append)
    file.reread(told.append)
    file.close()
    nothing, first, second, settings = told
    assert nothing == f"There is no {tmp_path / 'mine.yaml'}. The first change in the preferences makes it."
    assert (first, second) == ("", "")
    assert isinstance(settings, Settings)
    assert (settings.theme, settings.limits.max_order_pct) == ("ember", D(5))


def test_why_a_file_cannot_be_written_is_said(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("limits: {max_order_pct: 500}\nthemes: dark\n")
    nowhere = tmp_path / "wrong.yaml" / "mine.yaml"
    told: list[object] = []
    for place in (wrong, nowhere, None):
        file = ConfigFile(place, Settings())
        file.write("theme", "ember", told.append)
        file.close()
    assert told == [
        f"{wrong}:1: limits.max_order_pct is '500'; allowed: a number above 0, at most 100",
        f"{nowhere} cannot be written (File exists)",
        "there is no config file here",
    ]
    assert wrong.read_text().startswith("limits: {max_order_pct: 500}")


def test_what_the_words_quote_of_a_file_is_cleaned_of_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_KEY", "hunter2hunter2")
    mine = tmp_path / "mine.yaml"
    mine.write_text("limits: {max_order_pct: '${MY_API_KEY}'}\n")
    told: list[object] = []
    file = ConfigFile(mine, Settings())
    file.reread(told.append)
    file.write("theme", "ember", told.append)
    file.close()
    assert all("limits.max_order_pct" in str(text) and "hunter2" not in str(text) for text in told)
