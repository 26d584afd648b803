"""A changed setting is written into the config file, and nothing else of it changes."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from console.config import ConfigError, read
from console.config_edit import EditError, change, with_value, written
from engine.model.modes import Mode

MINE = """\
# My settings. I like them as they are.
mode:   semi-auto      # not full-auto, I am not that brave

symbols:
  - AAPL               # the first one I bought
  - "ON"
feed: {source: sample, pace: 0.5}   # two seconds a day
limits:

    max_order_pct: 5   # small

    # the loss of a day
    max_daily_loss_pct: ${LOSS:-2}

# the end
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "tradeconsole.yaml"
    file.write_text(MINE)
    return file


@pytest.mark.parametrize(
    ("key", "value", "before", "after"),
    [
        ("mode", Mode.MANUAL, "mode:   semi-auto      #", "mode:   MANUAL      #"),
        ("limits.max_order_pct", Decimal("2.5"), "max_order_pct: 5   # small", "max_order_pct: 2.5   # small"),
        ("limits.max_daily_loss_pct", Decimal(1), "${LOSS:-2}", "1"),
        ("feed.pace", 2.0, "pace: 0.5}", "pace: 2.0}"),
        ("feed.seed", 9, "pace: 0.5}", "pace: 0.5, seed: 9}"),
        ("limits.collar_pct", Decimal(3), "${LOSS:-2}\n", "${LOSS:-2}\n    collar_pct: 3\n"),
        ("on_exit", "keep", "${LOSS:-2}\n", "${LOSS:-2}\non_exit: keep\n"),
        ("paper.commission.rate", Decimal("0.1"), "${LOSS:-2}\n", "${LOSS:-2}\npaper:\n  commission:\n    rate: 0.1\n"),
    ],
)
def test_only_the_value_changes_or_a_line_is_added(file: Path, key: str, value: object, before: str, after: str) -> None:
    change(file, {key: value})
    assert file.read_text() == MINE.replace(before, after, 1)


def test_several_changes_are_written_together_and_read_back(file: Path) -> None:
    settings = change(file, {"limits.collar_pct": Decimal(3), "mode": Mode.RESEARCH, "limits.max_order_notional": Decimal(900)})
    assert read(file) == settings
    assert (settings.mode, settings.limits.collar_pct, settings.limits.max_order_notional) == (Mode.RESEARCH, Decimal(3), Decimal(900))
    assert change(file, {"limits.max_order_notional": None}).limits.max_order_notional is None


def test_a_file_that_is_not_there_is_made(tmp_path: Path) -> None:
    file = tmp_path / "new" / "tradeconsole.yaml"
    change(file, {"limits.max_order_pct": Decimal(4)})
    assert file.read_text() == "limits:\n  max_order_pct: 4\n"
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "text", ["", "\n", "# nothing yet\n", "# nothing yet", "limits:\n", "limits: {}\n", "limits: ~\n", "{}", "{limits: {}}\n"]
)
def test_an_empty_file_or_section_is_filled(tmp_path: Path, text: str) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(text)
    change(file, {"limits.max_order_pct": Decimal(4)})
    assert read(file).limits.max_order_pct == 4
    assert "nothing yet" not in text or "# nothing yet" in file.read_text()


def test_windows_lines_stay_windows_lines(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_bytes(b"limits:\r\n  max_order_pct: 5\r\n")
    change(file, {"limits.collar_pct": Decimal(4)})
    assert file.read_bytes() == b"limits:\r\n  max_order_pct: 5\r\n  collar_pct: 4\r\n"


def test_what_would_need_a_guess_is_left_to_a_person_and_the_file_as_it_is(file: Path) -> None:
    with pytest.raises(EditError, match="several lines"):
        change(file, {"symbols": ("MSFT",)})
    assert file.read_text() == MINE


def test_a_file_that_is_wrong_already_is_said_and_not_touched(file: Path) -> None:
    file.write_text("mode: sometimes\n")
    with pytest.raises(ConfigError, match=":1: mode is 'sometimes'"):
        change(file, {"limits.collar_pct": Decimal(3)})
    assert file.read_text() == "mode: sometimes\n"


def test_a_value_that_is_not_allowed_is_never_written(file: Path) -> None:
    with pytest.raises(EditError):
        change(file, {"limits.collar_pct": Decimal(-3)})
    assert file.read_text() == MINE
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_a_link_stays_a_link_and_rights_stay_as_they_were(file: Path, tmp_path: Path) -> None:
    file.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(file)
    change(link, {"limits.collar_pct": Decimal(3)})
    assert link.is_symlink()
    assert "collar_pct: 3" in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o640


@given(st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1))
@example("on")
@example("null")
@example("# no comment")
@example("0012")
@example("a: b")
def test_any_text_is_written_so_that_it_reads_as_itself(text: str) -> None:
    import yaml

    [node] = yaml.safe_load(f"- {written(text)}\n")
    assert str(node) == text


@given(
    st.lists(st.sampled_from(["limits.max_order_pct", "limits.collar_pct", "approvals.max_drift_pct", "margin.initial_pct"]), min_size=1)
)
def test_whatever_is_changed_in_whatever_order_every_line_of_before_is_still_there(keys: list[str]) -> None:
    text = MINE
    for number, key in enumerate(keys, 1):
        text = with_value(text, key, str(number))
    kept = [line for line in MINE.splitlines() if line and "max_order_pct" not in line]
    assert [line for line in text.splitlines() if line in kept] == kept
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "c.yaml"
        file.write_text(text)
        assert read(file).mode is Mode.SEMI_AUTO
