"""A console on the real driver that is told nothing but hostile strings, and goes through all its places by itself.

    python -m tests.console.hostile_on_a_terminal FOLDER COUNT

Ends with code 0 once COUNT strings were on their way to the screen; how many it were is in FOLDER/count, an error that nobody caught in
FOLDER/error.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from textual.pilot import Pilot

from console.app import ConsoleApp
from engine.model.market import Listing
from engine.model.modes import Level
from engine.model.settings import NotifySettings
from tests.console.driving import Clock, Console
from tests.console.everywhere import ENDED_BY_YES, PLACES, go, go_back
from tests.console.fake_engine import FakeEngine
from tests.console.test_hostile_everywhere import Hostile, backtests, database, kept, themes, view


def main(folder: Path, count: int) -> int:
    word, storable = Hostile(count), Hostile(count + 1, surrogates=False)
    engine, clock = FakeEngine(view(word)), Clock()
    engine.offered = tuple(Listing(word(), word()) for _ in range(30))
    app = ConsoleApp(
        engine,
        clock=clock,
        kept=kept(folder / "kept", storable),
        database=database(folder, storable),
        notify=NotifySettings(bell=True, desktop=True, level=Level.INFO),
        theme_folders=(themes(folder / "themes", storable),),
        backtests=backtests(folder, storable),
    )

    async def walk(pilot: Pilot[Any]) -> None:
        console = Console(app, cast(Pilot[int], pilot), clock)
        try:
            while word.count + storable.count < count:
                for place in PLACES:
                    if word.count + storable.count >= count:
                        break
                    engine.current, engine.refuses = view(word, halted=word.count % 3 == 0), word()
                    assert not app._exit, "the console has ended"
                    with suppress(AssertionError):  # what is pasted meanwhile may lead elsewhere
                        await go(console, place)
                    if place not in ENDED_BY_YES:
                        await console.press("y", "up", "tab", "enter")
                    for _ in range(8):
                        # A question takes no answer at typing speed.
                        clock.now += 1
                        if app.screen is not console.screen:
                            await console.press("escape")
                    await go_back(console)
            (folder / "count").write_text(str(word.count + storable.count))
        except BaseException as error:
            (folder / "error").write_text(f"{error!r} after {app._exception!r}")
            raise
        finally:
            if app._exception is not None:
                (folder / "error").write_text(repr(app._exception))
            app.exit(0)

    app.run(auto_pilot=walk)
    app.trading.backtests.close()
    app.archive.close()
    app.kept.close()
    app.config.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), int(sys.argv[2])))
