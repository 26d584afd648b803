"""YAML as a tree of text with line numbers, and nothing more: what a word means is for the setting it is given to, not for YAML to guess.

So the ticker ON stays a ticker, 187.1 stays exact and `off` is not False where a mode belongs. Two keys of one name, anchors, tags,
second documents and deep nesting have no place in a settings file and are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from msgspec import Struct

_DEEPEST = 12
_BLANK = ("", "~", "null")


class YamlError(Exception):
    """The text is not YAML, or more of it than a settings file needs. `line` counts from 1."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


class Scalar(Struct, frozen=True):
    """A word, a number or a sentence, as it is written. `plain` says that it stands there without quotes."""

    line: int
    text: str
    plain: bool

    @property
    def blank(self) -> bool:
        return self.plain and self.text in _BLANK


class Sequence(Struct, frozen=True):
    line: int
    items: tuple[Node, ...]


class Mapping(Struct, frozen=True):
    """`keys` tells the line each key stands in."""

    line: int
    items: dict[str, Node]
    keys: dict[str, int]


Node: TypeAlias = Scalar | Sequence | Mapping


def read(text: str) -> Node | None:
    """The tree of the one document in `text`, or None where there is none. Raises YamlError."""
    import yaml

    try:
        return _Reader(yaml.parse(text, Loader=yaml.SafeLoader)).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line if mark else 0
        raise YamlError(line + 1, _in_words(error.problem or str(error), [*text.splitlines(), ""][line])) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError(line, f"a character that no text file holds: {text[error.position]!r}") from None


def _in_words(problem: str, line: str) -> str:
    if r"'\t'" in problem:
        return "a tab: YAML is indented with spaces"
    if "${" in line:
        return f"this is not YAML: {problem} (within {{}} or [], put quotes around ${{...}})"
    return f"this is not YAML: {problem}"


class _Reader:
    """Builds the tree from the parser's events: unlike nodes, they do not grow when an alias is used a billion times."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events

    def document(self) -> Node | None:
        self._next()  # the stream's start
        event = self._next()
        if _kind(event) == "StreamEnd":
            return None
        node = self._node(self._next(), 0)
        self._next()  # the document's end
        event = self._next()
        if _kind(event) != "StreamEnd":
            raise YamlError(_line(event), "a second document: one file holds one")
        return node

    def _next(self) -> Any:
        return next(self._events)

    def _node(self, event: Any, depth: int) -> Node:
        line = _line(event)
        if _kind(event) == "Alias" or event.anchor:
            raise YamlError(line, "anchors (&) and aliases (*) are not for settings: write the value out")
        if event.tag:
            raise YamlError(line, f"tags are not for settings: {event.tag!r}")
        if depth > _DEEPEST:
            raise YamlError(line, "nested deeper than any setting is")
        match _kind(event):
            case "Scalar":
                return Scalar(line, event.value, event.style is None)
            case "SequenceStart":
                return Sequence(line, tuple(self._node(item, depth + 1) for item in self._until("SequenceEnd")))
            case _:
                return self._mapping(line, depth)

    def _mapping(self, line: int, depth: int) -> Mapping:
        items: dict[str, Node] = {}
        keys: dict[str, int] = {}
        for event in self._until("MappingEnd"):
            key = self._node(event, depth + 1)
            if not isinstance(key, Scalar):
                raise YamlError(key.line, "a key that is a list or a mapping: a key is one word")
            if key.text in keys:
                raise YamlError(key.line, f"{key.text!r} is given twice, first in line {keys[key.text]}: keep one")
            keys[key.text] = key.line
            items[key.text] = self._node(self._next(), depth + 1)
        return Mapping(line, items, keys)

    def _until(self, end: str) -> Iterator[Any]:
        while _kind(event := self._next()) != end:
            yield event


def _kind(event: Any) -> str:
    return type(event).__name__.removesuffix("Event")


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
