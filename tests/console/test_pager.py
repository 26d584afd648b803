"""The window on a long list: it holds a few pages, walks down and up again without a gap, and takes in what is new."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from console.pager import PAGE, WINDOW, Pager


@dataclass(frozen=True)
class Row:
    seq: int
    state: str = ""


class Store:
    """The history: rows 1 to `last`, asked for as the pager asks."""

    def __init__(self, last: int) -> None:
        self.last = last

    def page(self, before: int | None) -> list[Row]:
        newest = self.last if before is None else before - 1
        return [Row(seq) for seq in range(newest, max(newest - PAGE, 0), -1)]


def walk(pager: Pager[Row], store: Store, top: int) -> int:
    """One step of a screen that shows 20 rows from `top` on. Answers where these rows are now."""
    page = pager.wanted(top, top + 20)
    return top if page is None else top + pager.take(page, store.page(pager.before(page)))


def test_down_to_the_oldest_and_up_again_no_more_than_the_window_is_held() -> None:
    store, pager = Store(5_000), Pager[Row]()
    pager.refresh(store.page(None))
    top = 0
    seen: set[int] = set()
    while not pager.whole or top + 20 < len(pager.rows):
        top = min(walk(pager, store, top), len(pager.rows) - 20)
        seen.update(row.seq for row in pager.rows[top : top + 20])
        assert len(pager.rows) <= WINDOW * PAGE
        top = min(top + 19, len(pager.rows) - 20)
    assert pager.rows[-1].seq == 1
    assert pager.count == "5,000"
    seen.update(row.seq for row in pager.rows[-20:])
    assert seen == set(range(1, 5_001))
    while not pager.at_top or top > 0:
        top = walk(pager, store, top)
        assert len(pager.rows) <= WINDOW * PAGE
        top = max(top - 19, 0)
    assert pager.rows[0].seq == 5_000
    assert [row.seq for row in pager.rows] == list(range(5_000, 5_000 - len(pager.rows), -1))


def test_what_is_new_comes_in_on_top_and_what_did_not_change_stays_the_same_object() -> None:
    store, pager = Store(150), Pager[Row]()
    pager.refresh(store.page(None))
    pager.take(1, store.page(pager.before(1)))
    before = pager.rows
    store.last = 152
    rows = store.page(None)
    rows[2] = Row(150, "filled")
    pager.refresh(rows)
    assert [row.seq for row in pager.rows] == list(range(152, 0, -1))
    assert pager.rows[2].state == "filled"
    assert pager.rows[3] is before[1]
    same = pager.rows
    pager.refresh([Row(row.seq, row.state) for row in rows])
    assert pager.rows is same


def test_after_more_than_a_page_of_news_the_window_begins_anew() -> None:
    store, pager = Store(300), Pager[Row]()
    pager.refresh(store.page(None))
    pager.take(1, store.page(pager.before(1)))
    store.last = 900
    pager.refresh(store.page(None))
    assert [row.seq for row in pager.rows] == list(range(900, 800, -1))
    assert walk(pager, store, 80) == 80
    assert pager.rows[-1].seq == 701


def test_coming_back_to_the_top_after_news_there_is_no_gap() -> None:
    store, pager = Store(5_000), Pager[Row]()
    pager.refresh(store.page(None))
    for _ in range(WINDOW):
        walk(pager, store, len(pager.rows) - 20)
    assert not pager.at_top
    store.last = 5_030
    walk(pager, store, 0)
    seqs = [row.seq for row in pager.rows]
    assert seqs == list(range(seqs[0], seqs[-1] - 1, -1))


def test_an_empty_list_is_whole() -> None:
    pager = Pager[Row]()
    pager.refresh([])
    assert (pager.whole, pager.rows, pager.count) == (True, (), "0")


@given(count=st.integers(0, 350))
def test_a_list_of_any_length_ends(count: int) -> None:
    store, pager = Store(count), Pager[Row]()
    pager.refresh(store.page(None))
    for _ in range(10):
        walk(pager, store, max(len(pager.rows) - 20, 0))
    assert pager.whole
    assert len(pager.rows) == count
