"""The page of keys, console/docs/keys.md, as it comes from the table of actions. `make readme` writes it anew."""

from __future__ import annotations

from collections.abc import Iterable

from console.key_names import ALLOWED, shown
from console.keys import FIXED, Action, KeyMap
from console.screens.help import sections
from tests.project_files import ROOT

PAGE = ROOT / "console" / "docs" / "keys.md"

HEAD = """# Keys

All of them come from one table, `console/keys.py`, and this page comes from it too (`make readme`). On the screen, the last line tells
the keys of what has the focus; {help} lists them all, and `/` in it searches; {palette} finds an action by its words and carries it
out; {jump} puts a letter on everything that can be gone to.

The emergency stop, {stop}, works everywhere: in a dialog, in the middle of a word, with the screen stuck. It can be neither changed nor
given to anything else.

## Your own keys

Write `keys.yaml` into the folder of your config, `~/.config/tradeconsole` on Linux or `$TRADECONSOLE_HOME`: the name of an action, and
its key, a list of keys, or `[]` to take its keys away. What you leave out stays as it is.

```yaml
buy: U                # instead of b
row_down: [n, down]   # two keys
row_up: [l, up]
flatten: []           # no key; the order line still knows `flatten`
palette: f4
```

Hints, help, palette and what empty panels say follow the file. A mistake in it is named with its line before anything starts, and the exit
code is 2: an action that does not exist, a key that means two things in one place, a key that not every terminal hands on.

Allowed: {allowed}. Letters are taken as typed: `B` is another key than `b`.
Put quotes around what YAML reads as something else: `":"`, `"#"`.
Chords with Alt or Ctrl+Shift, and `^S` `^Q` `^B` `^A` `^H` `^I` `^J` `^M` `^Z`, do not reach a program in every terminal, in tmux or over
SSH, and are refused.
"""


def page() -> str:
    keys = KeyMap()
    names = {name: f"`{key}`" for name, key in keys.names.items()}
    stop = " or ".join(f"`{shown(key)}`" for key in next(action for action in keys.actions if action.required).keys)
    parts = [HEAD.format(**names | {"stop": stop, "allowed": ALLOWED})]
    found = sections(keys, "")
    for title, actions in found:
        parts.append(f"## {title}\n\n{_table(actions)}\n")
    return "\n".join(parts)


def _table(actions: Iterable[Action]) -> str:
    lines = ["| key | does | name in keys.yaml |", "|---|---|---|"]
    for action in actions:
        keys = " ".join(_code(shown(key)) for key in action.keys)
        name = "fixed" if action in FIXED or action.required else f"`{action.id}`"
        lines.append(f"| {keys} | {action.does} | {name} |")
    return "\n".join(lines)


def _code(text: str) -> str:
    """As code in a table of Markdown."""
    return "`` ` ``" if text == "`" else f"`{text}`".replace("|", r"\|")
