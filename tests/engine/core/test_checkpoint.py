"""A checkpoint is all that the records before it made: whoever begins there knows what one knows who read everything."""

from __future__ import annotations

import random

import pytest
from msgspec.structs import replace

from engine.core import checkpoint
from engine.core.checkpoint import save, take_over
from engine.core.desk import Desk
from engine.core.prices import Prices
from engine.core.state import State
from engine.model.journal import JournalError
from engine.model.modes import Mode
from engine.model.orders import Side, TimeInForce
from engine.model.records import Checkpoint, Record, RunEnded
from tests.engine.core.floor import Floor, restored, wish

DAY = 86_400 * 10**9


def picture(state: State) -> object:
    """Every slot of a state and of what it is made of, but for prices and what follows from the rest."""
    return checkpoint._Writer().node(state, "state")


def from_checkpoint(saved: Checkpoint, after: list[Record]) -> State:
    state = State()
    for record in (saved, *after):
        take_over(state, record)
    return state


def traded(seed: int, turns: int) -> Floor:
    """A floor on which some days of everything happened, in two runs."""
    chance = random.Random(seed)
    floor = Floor(mode=Mode.FULL_AUTO, prices={"AAPL": 100, "MSFT": 100})
    for turn in range(turns):
        trade(floor, chance, turn)
        if turn == turns // 2:
            floor.restart(crash=True)
    return floor


def trade(floor: Floor, chance: random.Random, turn: int) -> None:
    symbol, side = chance.choice(("AAPL", "MSFT")), chance.choice(list(Side))
    floor.quote(symbol, 100 + chance.randrange(-3, 4), later_s=chance.choice((1, 600)))
    match chance.randrange(6):
        case 0 | 1 | 2:
            floor.submit(wish(side, chance.randrange(1, 20), symbol))
        case 3:
            floor.submit(wish(side, chance.randrange(1, 20), symbol, limit=90 if side is Side.BUY else 110))
        case 4:
            floor.propose(f"s-{len(floor.records)}", side, chance.randrange(1, 9), symbol)
        case _:
            floor.tick(60)


@pytest.mark.parametrize("seed", range(4))
def test_who_begins_at_a_checkpoint_knows_what_one_knows_who_read_everything(seed: int) -> None:
    floor = traded(seed, 120)
    saved = save(floor.core.state, floor.at)
    told = [*floor.records, saved]
    assert picture(from_checkpoint(saved, [])) == picture(restored(told))
    before = len(floor.records)
    chance = random.Random(seed)
    for turn in range(40):
        trade(floor, chance, turn)
    after = floor.records[before:]
    full, short = restored([*told, *after]), from_checkpoint(saved, after)
    assert picture(short) == picture(full)
    assert (short.portfolio.equity(), short.portfolio.realised()) == (full.portfolio.equity(), full.portfolio.realised())


def test_what_works_is_reserved_after_a_start_from_a_checkpoint() -> None:
    floor = Floor(prices={"AAPL": 100, "MSFT": 100})
    floor.buy(10, limit=90)
    desk = Desk(floor.settings, floor.core.desk.instruments, Prices(5.0), "r2")
    take_over(desk.state, save(floor.core.state, floor.at))
    assert desk.gate.figures().reserved == floor.core.gate.figures().reserved == 900


def test_nothing_of_the_state_can_be_forgotten_without_a_word() -> None:
    state = State()
    state.trips["new"] = object()  # type: ignore[assignment]
    with pytest.raises(TypeError, match=r"cannot keep state\.trips\[new\], a object"):
        save(state, 0)
    assert set(checkpoint._kept(State)) | {"_apply"} == set(State.__slots__)


def test_a_checkpoint_of_another_shape_is_not_taken_for_ours() -> None:
    floor = traded(9, 20)
    saved = save(floor.core.state, floor.at)
    stranger = replace(saved, shape="another")
    assert from_checkpoint(stranger, []).book.orders == {}
    assert picture(restored([*floor.records, stranger])) == picture(restored([*floor.records, saved]))


@pytest.mark.parametrize("place", [3, 200, -20])
def test_a_damaged_checkpoint_is_refused_in_words(place: int) -> None:
    floor = traded(9, 20)
    saved = save(floor.core.state, floor.at)
    other = "A" if saved.state[place] != "A" else "B"
    damaged = replace(saved, state=saved.state[:place] + other + saved.state[place:][1:])
    with pytest.raises(JournalError, match=r"The journal's newest checkpoint is damaged: .* Restore the database from a backup"):
        from_checkpoint(damaged, [])


def test_what_is_long_over_is_forgotten_with_a_new_session_and_what_hangs_together_is_not() -> None:
    floor = Floor(prices={"AAPL": 100})
    floor.submit(replace(wish(Side.BUY, 1, limit=90), tif=TimeInForce.GTC))
    resting = floor.last_order
    for _ in range(600):
        floor.buy(1)
        floor.quote("AAPL", 100, later_s=3)
    newest = floor.last_order
    book = floor.core.state.book
    floor.session("2025-06-13")
    assert len(book.orders) == 601, "all of it is of the last day"
    floor.at += 2 * DAY
    floor.session("2025-06-16")
    assert len(book.orders) == 501
    assert (next(iter(book.orders)), list(book.orders)[-1]) == (resting.id, newest.id)
    assert book.last_number == newest.number
    assert book.open == {resting.id: book.orders[resting.id]}


def test_a_run_leaves_a_checkpoint_at_its_end_and_a_start_that_had_much_to_read_at_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.core.core.CHECKPOINT_AFTER", 300)
    floor = traded(3, 30)
    assert floor.of(Checkpoint) == []
    floor.restart()
    ended = [type(record) for record in floor.records]
    assert ended[ended.index(RunEnded) + 1] is Checkpoint
    state = from_checkpoint(floor.of(Checkpoint)[-1], [])
    assert state.clean
    assert state.runs == 2
    while len(floor.records) < 310:
        floor.tick(61)
    floor.restart(crash=True)
    assert len(floor.of(Checkpoint)) == 2
    assert picture(from_checkpoint(floor.of(Checkpoint)[-1], [])) == picture(
        restored(floor.records[: floor.records.index(floor.of(Checkpoint)[-1])])
    )
