"""The number of an order that was lost on its way is never given to another: TWS, which never saw it, proposes it again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.brokers.ib.numbers import BLOCK, Numbers
from engine.live import Engine
from engine.model.orders import OrderState
from tests.engine.brokers.ib_engine import agree, is_in, once, soon, trading
from tests.engine.engines import market, order_of, until
from tests.servers.tws.driver import TwsProcess

__all__ = ["soon"]


def lose(engine: Engine, tws: TwsProcess, number: int = 1) -> int:
    """Has the order `number` lost on its way, after enough questions that TWS is far behind in counting; answers its number at TWS."""
    for _ in range(9):
        engine.answer(engine.sync())
    tws.do("arm submit unseen_cut")
    engine.submit(market(10, "AAPL"), confirmed=True)
    until(engine, is_in(number, OrderState.REJECTED))
    at: int = lost(tws)[-1][1]
    return at


def lost(tws: TwsProcess) -> list[Any]:
    return list(tws.do("book")["lost"])


def numbers(tws: TwsProcess, client_id: int = 7) -> list[int]:
    return [row["order_id"] for row in tws.orders() if row["client_id"] == client_id]


def test_an_order_after_a_reconnect_never_gets_the_number_of_one_that_was_lost(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        gone = lose(engine, tws)
        agree(engine, tws)
        engine.submit(market(1, "MSFT"))
        view = until(engine, is_in(2, OrderState.FILLED))
        assert min(numbers(tws)) > gone
        assert order_of(view, 1).filled == 0
        once(tws, agree(engine, tws))


def test_an_order_after_a_restart_never_gets_the_number_of_one_that_was_lost(tmp_path: Path) -> None:
    with TwsProcess() as tws:
        with trading(tmp_path, tws) as engine:
            gone = lose(engine, tws)
        with trading(tmp_path, tws) as engine:
            engine.submit(market(1, "MSFT"))
            view = until(engine, is_in(2, OrderState.FILLED))
            assert min(numbers(tws)) > gone
            assert order_of(view, 1).filled == 0
            once(tws, agree(engine, tws))


def test_another_client_that_uses_the_number_of_a_lost_order_changes_nothing_of_it(tmp_path: Path) -> None:
    """TWS counts for each client by itself: the same number there is another order."""
    with TwsProcess() as tws, trading(tmp_path / "one", tws) as engine:
        gone = lose(engine, tws)
        with trading(tmp_path / "other", tws, client_id=8) as other:
            for nth in range(8):
                other.submit(market(nth + 1, "MSFT"), confirmed=True)
            until(other, lambda view: len(view.orders) == 8 and all(row.state is OrderState.FILLED for row in view.orders))
            assert min(numbers(tws, 8)) <= gone
        # What the other bought is a position here too: while that is compared nothing is sent.
        until(engine, lambda _: engine.answer(engine.submit(market(1, "AAPL"), confirmed=True)).ok)
        view = until(engine, is_in(2, OrderState.FILLED))
        assert min(numbers(tws)) > gone
        assert order_of(view, 1).filled == 0
        assert order_of(view, 1).state is OrderState.REJECTED


# ---- the file


def test_the_next_run_begins_above_all_numbers_of_the_one_before(tmp_path: Path) -> None:
    first = Numbers(tmp_path / "numbers", print)
    for number in (5, 6, BLOCK + 7):
        assert first.use(number) == number
    assert Numbers(tmp_path / "numbers", print).newest > BLOCK + 7


def test_numbers_that_cannot_be_kept_are_said_once_and_hold_up_no_order(tmp_path: Path) -> None:
    said: list[str] = []
    kept = Numbers(tmp_path / "no such folder" / "numbers", said.append)
    assert [kept.use(number) for number in (5, 6)] == [5, 6]
    assert kept.newest == 6
    (words,) = said
    assert "cannot be written (No such file or directory)" in words


def test_a_file_of_numbers_that_makes_no_sense_is_said_and_written_anew(tmp_path: Path) -> None:
    path, said = tmp_path / "numbers", list[str]()
    path.write_text("nonsense\n" * 9)
    kept = Numbers(path, said.append)
    assert kept.newest == 0
    assert "holds no number" in said[0]
    kept.use(5)
    assert Numbers(path, said.append).newest == 5 + BLOCK
