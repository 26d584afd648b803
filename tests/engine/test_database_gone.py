"""The database's folder is deleted while the engine trades: said within seconds, entries refused as on a full disk, the rest goes on."""

from __future__ import annotations

from pathlib import Path

from engine.model.orders import OrderState
from tests.engine.engines import ToldBroker, limit, order_of, running, said, until


def test_a_folder_that_is_gone_refuses_entries_and_opens_the_gate_when_it_is_back(tmp_path: Path) -> None:
    folder, broker = tmp_path / "data", ToldBroker()
    folder.mkdir()
    with running(folder, broker) as engine:
        engine.submit(limit())
        working = order_of(until(engine, lambda view: view.orders and order_of(view, 1).state is OrderState.WORKING), 1)
        folder.rename(tmp_path / "gone")
        view = until(engine, lambda view: "paper.db was deleted or moved away" in view.health.problem)
        assert said(view, "paper.db was deleted or moved away")
        refused = engine.answer(engine.submit(limit(price=80)))
        assert refused.verdict is not None
        assert (refused.ok, refused.verdict.rule) == (False, "journal")
        engine.cancel(working.id)
        until(engine, lambda view: order_of(view, 1).state is OrderState.CANCELED)
        (tmp_path / "gone").rename(folder)
        until(engine, lambda view: said(view, "the journal can be written again; nothing was lost"))
        assert engine.answer(engine.submit(limit(price=80))).ok
    with running(folder, broker) as engine:
        assert order_of(engine.status(), 1).state is OrderState.CANCELED
        assert len(engine.status().orders) == 2
