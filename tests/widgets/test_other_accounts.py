"""What the header says of the console's other accounts: what waits in them for a person comes first, and in any width."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from engine.model.modes import Mode
from engine.model.signals import SignalState
from engine.model.views import SignalRow, View
from tests.views import sample_account, sample_health, sample_signals, sample_view
from widgets.header import HeaderBar


def left(*seconds: int | None) -> tuple[SignalRow, ...]:
    """Signals that wait so long yet."""
    return tuple(replace(sample_signals()[0], id=f"s{number}", expires_in_s=each) for number, each in enumerate(seconds))


def all_of(**signals: tuple[SignalRow, ...]) -> View:
    """A view of the first of these accounts."""
    views = tuple(sample_view(name=name, signals=its) for name, its in signals.items())
    return replace(views[0], accounts=views)


async def said(view: View, width: int, key: str = "F8", *, coarse: bool = False) -> str:
    header = HeaderBar()
    header.waiting_key, header.coarse = key, coarse
    header.show(view)
    return "".join(cell.text for cell in header.draw(width)[0][1])


@pytest.mark.parametrize(
    ("width", "words"),
    [
        (200, "far 2 wait 0:08 F8   bold 1 waits   calm ok"),
        (120, "far 2 wait 0:08 F8   bold 1 waits   "),
        (80, "far 2 wait 0:08 F8   bold 1 waits   "),
        (50, "far 2 wait 0:08 F8 "),
    ],
)
async def test_what_waits_elsewhere_is_said_with_the_first_ones_time_and_the_key(width: int, words: str) -> None:
    assert words in await said(all_of(mine=left(3), calm=(), bold=left(31), far=left(59, 8)), width)


async def test_the_one_that_is_shown_is_not_named_for_what_waits_in_it() -> None:
    assert "wait" not in await said(all_of(mine=left(3), bold=()), 200)


async def test_what_was_decided_does_not_wait() -> None:
    decided = replace(left(3)[0], state=SignalState.REJECTED, expires_in_s=None)
    assert "bold ok" in await said(all_of(mine=(), bold=(decided,)), 200)


@pytest.mark.parametrize("width", [120, 200])
async def test_one_that_sends_by_itself_is_named_with_its_mode_where_others_are_counted(width: int) -> None:
    view = all_of(mine=(), bold=(), far=(), calm=())
    auto = replace(view.accounts[2], account=sample_account(mode=Mode.FULL_AUTO))
    assert "far FULL_AUTO" in await said(replace(view, accounts=(*view.accounts[:2], auto, view.accounts[3])), width)


@pytest.mark.parametrize("width", [80, 120])
async def test_one_that_has_failed_says_so_where_it_is_shown_too(width: int) -> None:
    head = await said(sample_view(health=sample_health(ready=False, failed=True)), width)
    assert "FAILED" in head
    assert "not ready" not in head


async def test_over_a_thin_line_the_time_that_changes_all_the_time_is_left_out() -> None:
    assert "bold 1 waits F8" in await said(all_of(mine=(), bold=left(31)), 200, coarse=True)


async def test_one_without_an_end_comes_after_those_with_one() -> None:
    assert "far 1 waits 0:31 F8   bold 1 waits   " in await said(all_of(mine=(), bold=left(None), far=left(31)), 200)


async def test_where_no_key_goes_there_none_is_named() -> None:
    assert "bold 1 waits 0:31   " in await said(all_of(mine=(), bold=left(31)), 200, key="")


async def test_the_last_seconds_are_told_apart() -> None:
    header = HeaderBar()
    for seconds, role in ((9, "warning"), (10, "accent")):
        header.show(all_of(mine=(), bold=left(seconds)))
        assert [cell.role for cell in header.draw(120)[0][1] if cell.text == f"0:{seconds:02}"] == [role]


@pytest.mark.parametrize("width", [80, 120, 200])
async def test_a_live_account_in_which_something_waits_has_its_badge(width: int) -> None:
    view = all_of(mine=(), bold=left(31), far=left(8))
    live = replace(view.accounts[1], account=sample_account(badge="LIVE"))
    assert " LIVE  bold 1" in await said(replace(view, accounts=(view.accounts[0], live, view.accounts[2])), width)


@pytest.mark.parametrize("width", [80, 120, 200])
async def test_an_account_that_trades_real_money_is_named_though_nothing_is_the_matter(width: int) -> None:
    view = all_of(mine=(), bold=(), far=(), calm=())
    live = replace(view.accounts[2], account=sample_account(badge="LIVE"))
    text = await said(replace(view, accounts=(*view.accounts[:2], live, view.accounts[3])), width)
    assert " LIVE  far ok" in text
    assert "+2 ok" in text or "bold ok" in text
