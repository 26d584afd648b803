"""The parts of the README that come from the code: the keys, the settings, and the picture. `make readme` writes them anew."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields
from decimal import Decimal
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any, get_args, get_origin

from console.app import ConsoleApp
from console.build import create_engine
from console.config import leaves
from console.key_names import shown
from console.keys import ACTIONS
from engine.core.risk.rules import Rule
from engine.model import Intent, Mode, OrderType, Side, TimeInForce, View
from engine.model.ranges import hints, section_of, split, words
from engine.model.settings import CommissionSettings, FeedSettings, PaperSettings, Settings, StrategySettings, Tier
from tests import keys_page, order_line_page
from tests.project_files import ROOT

README = ROOT / "README.md"
PICTURE = ROOT / "console" / "docs" / "console.svg"
_PATIENCE_S = 60.0


def keys_table() -> str:
    """Every action with its keys, in the order of the table in the code."""
    lines = ["| key | does |", "|---|---|"]
    for action in ACTIONS:
        keys = " ".join(f"`{shown(key)}`" for key in action.keys)
        lines.append(f"| {f'**{keys}**' if action.required else keys} | {action.does} |")
    return "\n".join(lines)


def settings_table() -> str:
    """Every key of the config file with its default and its range."""
    lines = ["| key | default | allowed |", "|---|---|---|"]
    lines += [f"| `{place}` | {_default(place)} | {_allowed(hint)} |" for place, hint in leaves(Settings)]
    return "\n".join(lines)


def _allowed(hint: Any) -> str:
    kind, _, _ = split(hint)
    if get_origin(kind) is dict:
        return "names and values: its own parameters"
    if get_origin(kind) is tuple:
        return f"a list; each {words(get_args(kind)[0])}"
    return words(hint)


def _default(place: str) -> str:
    paper = PaperSettings(commission=CommissionSettings(tiers=(Tier(Decimal(1), Decimal(0)),)))
    value: Any = Settings(strategies=(StrategySettings("-"),), paper=paper)
    owner, section = type(value), ""
    for name in place.split("."):
        if name == "NAME":
            sections = section_of(hints(owner)[section])
            assert sections
            value = sections[1]()
            continue
        owner, section, value = type(value), name, getattr(value, name.removesuffix("[]"))
        value = value[0] if name.endswith("[]") else value
    field = next(field for field in fields(owner) if field.name == name)
    if field.default is MISSING and field.default_factory is MISSING:
        return "*required*"
    match value:
        case None | "" | () | {}:
            return ""
        case bool():
            return f"`{str(value).lower()}`"
        case Enum():
            return f"`{value.value}`"
        case int() | float() | Decimal():
            return f"`{value}`"
        case _:
            return f"`{value}`"


def rules_table() -> str:
    """Every rule of the gate and what it asks, in the order of the code."""
    return "\n".join(
        [
            "| rule | asks that |",
            "|---|---|",
            *(f"| {rule.value} | {rule.holds[0].lower()}{rule.holds[1:].removesuffix('.')} |" for rule in Rule),
        ]
    )


def parts() -> Iterator[tuple[str, str]]:
    yield "keys", keys_table()
    yield "settings", settings_table()
    yield "rules", rules_table()


def put_in(text: str, name: str, part: str) -> str:
    """`text` with what stands between the marks of `name` replaced by `part`."""
    before, _, rest = text.partition(f"<!-- {name} -->\n")
    _, _, after = rest.partition(f"<!-- end of {name} -->")
    assert after, f"the README has no place for {name}"
    return f"{before}<!-- {name} -->\n{part}\n<!-- end of {name} -->{after}"


async def take_picture(folder: Path) -> str:
    """The running console on the bundled bars, once it holds something and a signal waits, as SVG."""
    settings = Settings(
        database=folder / "paper.sqlite",
        symbols=("AAPL", "MSFT", "IBM"),
        mode=Mode.SEMI_AUTO,
        feed=FeedSettings("sample", pace=8, start="2004-01-02"),
        strategies=(StrategySettings("sma_cross"),),
    )
    engine = create_engine(settings)
    app = ConsoleApp(engine)
    async with app.run_test(size=(120, 36)) as pilot:

        async def until(wanted: Callable[[View], object]) -> View:
            end = time.monotonic() + _PATIENCE_S
            while not wanted(view := engine.view()):
                assert time.monotonic() < end, "nothing to take a picture of"
                await pilot.pause(0.02)
            return view

        def waiting(view: View) -> list[str]:
            return [row.id for row in view.signals if row.expires_in_s is not None]

        while len((view := await until(waiting)).positions) < 2:
            first = waiting(view)[0]
            engine.approve(first)
            await until(partial(lambda first, view: first not in waiting(view), first))
        engine.focus(view.positions[0].symbol)
        watched = view.watch[0]
        below = Decimal(str(watched.last)) * Decimal("0.96")
        engine.submit(Intent(watched.symbol, Side.BUY, Decimal(100), OrderType.LIMIT, below, tif=TimeInForce.GTC))
        for key in ("colon", *"buy", "space", *"50", "space", *"MSFT", "space", *"mkt"):
            await pilot.press(key)
        await pilot.pause(0.5)
        picture = app.export_screenshot(title="tradeconsole")
    await asyncio.to_thread(engine.shutdown)
    return picture


def main() -> None:
    text = README.read_text(encoding="utf-8")
    for name, part in parts():
        text = put_in(text, name, part)
    README.write_text(text, encoding="utf-8")
    for written in (keys_page, order_line_page):
        written.PAGE.write_text(written.page(), encoding="utf-8")
    if "--picture" in sys.argv:
        with tempfile.TemporaryDirectory() as folder:
            picture = asyncio.run(take_picture(Path(folder)))
        PICTURE.parent.mkdir(exist_ok=True)
        PICTURE.write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
