"""The parts of README and pages that come from the code: keys, settings, rules, and the pictures. `make readme` writes them anew."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin

from console.config import leaves
from console.key_names import shown
from console.keys import ACTIONS
from engine.core import matching
from engine.core.risk.rules import Rule
from engine.model.ranges import hints, required, section_of, split, words
from engine.model.settings import CommissionSettings, PaperSettings, Settings, StrategySettings, Tier
from tests import keys_page, order_line_page
from tests.project_files import ROOT

README = ROOT / "README.md"
DOCS = ROOT / "console" / "docs"
PICTURES = DOCS / "pictures"
_FIRST_KEYS = (
    *("emergency_stop", "help", "palette", "order_line", "buy", "sell", "approve", "reject", "edit_row", "cancel", "close_position"),
    *("detail", "filter", "zoom", "mode", "history", "performance", "preferences", "quit"),
)


def keys_table() -> str:
    """The actions to begin with, in this order: all of them are on the page of keys."""
    lines = ["| key | does |", "|---|---|"]
    by_name = {action.name: action for action in ACTIONS}
    for action in map(by_name.__getitem__, _FIRST_KEYS):
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
    if name in required(owner):
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


def matching_table() -> str:
    """The matching rules, as the package tells them."""
    return "\n".join(line for line in (matching.__doc__ or "").splitlines() if line.startswith("|"))


def parts() -> Iterator[tuple[Path, str, str]]:
    """(the page, the name of its part, what the part is now)."""
    yield README, "keys", keys_table()
    yield DOCS / "settings.md", "settings", settings_table()
    yield DOCS / "limits.md", "rules", rules_table()
    yield DOCS / "market.md", "matching", matching_table()


def put_in(text: str, name: str, part: str) -> str:
    """`text` with what stands between the marks of `name` replaced by `part`."""
    before, _, rest = text.partition(f"<!-- {name} -->\n")
    _, _, after = rest.partition(f"<!-- end of {name} -->")
    assert after, f"there is no place for {name}"
    return f"{before}<!-- {name} -->\n{part}\n<!-- end of {name} -->{after}"


def main() -> None:
    for page, name, part in parts():
        page.write_text(put_in(page.read_text(encoding="utf-8"), name, part), encoding="utf-8")
    for written in (keys_page, order_line_page):
        written.PAGE.write_text(written.page(), encoding="utf-8")
    if "--picture" in sys.argv:
        from tests.readme_scenes import SCENES

        PICTURES.mkdir(exist_ok=True)
        for name, scene in SCENES.items():
            (PICTURES / f"{name}.svg").write_text(asyncio.run(scene()), encoding="utf-8")
            print(f"{name}.svg")  # noqa: T201


if __name__ == "__main__":
    main()
