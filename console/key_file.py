"""The user's own keys: `keys.yaml` beside the config, an action's name and its key, a list of keys, or `[]` for none.

Every mistake is named at once, as in the config: file, line, action, key, what is allowed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from console import yaml_nodes
from console.config import ConfigError, shown_text, text_of
from console.key_names import ALLOWED, key_named, shown
from console.keys import ACTIONS, FIXED, Action, KeyMap, clashes
from console.yaml_nodes import Node, Scalar, YamlError

FILE = "keys.yaml"
_PAGE = Path(__file__).with_name("docs") / "keys.md"


def load_keys(folder: Path) -> KeyMap:
    """The keys as the file in `folder` changes them; the built-in ones where there is none. Raises ConfigError."""
    file = folder / FILE
    return read_keys(file) if file.exists() else KeyMap()


def read_keys(file: Path) -> KeyMap:
    """The keys as `file` changes them. Raises ConfigError."""
    try:
        tree = yaml_nodes.read(text_of(file))
    except YamlError as error:
        raise ConfigError(f"{file}:{error.line}: {error}") from None
    reading = _Reading()
    changed = reading.changes(tree)
    actions = tuple(
        replace(action, keys=changed[action.id].keys) if action.id in changed and not action.required else action for action in ACTIONS
    )
    mistakes = reading.mistakes + list(_clashing(actions, changed))
    if mistakes:
        raise ConfigError("\n".join(f"{file}:{line}: {text}" for line, text in sorted(mistakes)))
    return KeyMap(actions)


class _Change(Struct, frozen=True):
    """The new keys of an action, and the line they stand in."""

    line: int
    keys: tuple[str, ...]


class _Reading:
    def __init__(self) -> None:
        self.mistakes: list[tuple[int, str]] = []

    def changes(self, tree: Node | None) -> dict[str, _Change]:
        """The new keys by the action's id."""
        if tree is None or (isinstance(tree, Scalar) and tree.blank):
            return {}
        if not isinstance(tree, yaml_nodes.Mapping):
            self.mistakes.append((tree.line, "the file must be a mapping of actions to their keys, like `buy: B`"))
            return {}
        known = {action.id: action for action in ACTIONS}
        changed = {}
        for name, node in tree.items.items():
            line = tree.keys[name]
            action = known.get(name)
            if action is None:
                self.mistakes.append((line, f"{shown_text(name)}: there is no such action{_nearest(name, known)}"))
            elif action.required:
                self.mistakes.append((line, f"{name}: {_keys(action)} always work, in this file too: they cannot be changed"))
            elif (keys := self._keys(name, node)) is not None:
                changed[name] = _Change(line, keys)
        return changed

    def _keys(self, name: str, node: Node) -> tuple[str, ...] | None:
        if isinstance(node, Scalar) and node.blank:
            self.mistakes.append((node.line, f"{name}: has no key: give one, or [] to take its keys away"))
            return None
        items = node.items if isinstance(node, yaml_nodes.Sequence) else (node,)
        keys = []
        for item in items:
            if not isinstance(item, Scalar):
                self.mistakes.append((item.line, f"{name}: a key or a list of keys belongs here: {name}: [x, f4]"))
                return None
            try:
                keys.append(key_named(item.text))
            except ValueError as error:
                self.mistakes.append(
                    (item.line, f"{name}: {shown_text(item.text, quoted=True)} cannot be used: {error}; allowed: {ALLOWED}")
                )
                return None
        return tuple(dict.fromkeys(keys))


def _clashing(actions: tuple[Action, ...], changed: Mapping[str, _Change]) -> Iterator[tuple[int, str]]:
    """Each key that would mean two things, told at the action that the file gives it to."""
    for key, one, other in clashes((*FIXED, *actions)):
        # Without the file there is no clash, so the file gives the key to one of the two.
        mine, taken = (other, one) if other.id in changed else (one, other)
        where = f", in line {changed[taken.id].line}" if taken.id in changed else ""
        if taken.required:
            way_out = "it can be given to nothing else"
        elif taken in FIXED:
            way_out = "it is fixed there; choose another key"
        else:
            way_out = f"choose another key, or give {taken.id} one, or `{taken.id}: []`"
        yield changed[mine.id].line, f"{mine.id}: the key {shown(key)} already means {taken.id} ({taken.does}){where}: {way_out}"


def _keys(action: Action) -> str:
    return " and ".join(map(shown, action.keys))


def _nearest(name: str, known: Mapping[str, Action]) -> str:
    likeness = {other: _likeness(name.lower(), other) for other in known}
    ordered = sorted(known, key=likeness.__getitem__, reverse=True)
    if near := [other for other in ordered if likeness[other] >= max(0.6, likeness[ordered[0]] - 0.2)][:3]:
        return f"; did you mean {' or '.join(near)}?"
    # All of them would fill the screen, and hide the mistake.
    return f"; the nearest are {' and '.join(ordered[:2])}, all {len(known)} are in {_PAGE}"


def _likeness(name: str, action: str) -> float:
    """From 0 to 1. Somebody may have named what it does: `stop`, `panel`."""
    return max(SequenceMatcher(None, name, words).ratio() for words in (action, *action.split("_")))
