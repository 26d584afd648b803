"""Whatever happened to an account, whoever begins at a checkpoint made anywhere in it knows what one knows who read everything; and what
is let go of after seconds instead of days changes no share and no cent."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, settings

from engine.core.checkpoint import save, take_over
from engine.core.state import State
from tests.engine.core import test_everything_at_random as everything
from tests.engine.core.floor import SECOND, restored
from tests.engine.core.test_checkpoint import picture
from tests.thorough import tries


class Forgetful(everything.Everything):
    """Everything, on an account that lets go of what ended some seconds ago, but for the newest."""

    def __init__(self) -> None:
        self._patches = [
            patch("engine.core.order_book._ENDED_KEPT", 1),
            patch("engine.core.approvals._DECIDED_KEPT", 1),
            patch("engine.core.state._DAY", 30 * SECOND),
        ]
        for each in self._patches:
            each.start()
        super().__init__()

    def teardown(self) -> None:
        try:
            records = list(self.floor.records)
            whole = picture(restored(records))
            assert picture(self.floor.core.state) == whole
            for length in range(len(records), 0, -max(len(records) // tries(6, 12), 1)):
                begins = State()
                take_over(begins, save(restored(records[:length]), 0))
                for record in records[length:]:
                    take_over(begins, record)
                assert picture(begins) == whole
                assert begins.portfolio.realised() == self.floor.core.state.portfolio.realised()
            super().teardown()
        finally:
            for each in self._patches:
                each.stop()


PACE: Any = settings(max_examples=tries(40, 1_000), stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
TestForgetful = Forgetful.TestCase
TestForgetful.settings = PACE
