"""Writes a changed setting into the config file, and leaves every other character of it as it is, comments and all.

A library that reads YAML and writes it again keeps the comments, but not how somebody laid the file out. Here only the value's own text is
replaced, or a line is added; and nothing is written before it was read back and means what was wanted, and nothing else.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

from console.config import ConfigError, read, text_of
from console.preferences import path_of
from console.preferences import with_value as settings_with
from engine.model.settings import Settings

_PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./+-]*")
_INDENT = 2


class EditError(ConfigError):
    """The change cannot be made without touching what else stands in the file. Nothing was written."""


Check = Callable[[Settings, Settings], None]
"""Is given what the file says and what it is to say; raises EditError where that must not be."""


def change(file: Path, values: Mapping[str, object], check: Check = lambda before, after: None, *, account: str = "") -> Settings:
    """Writes `values` by their keys, as {"limits.max_order_pct": Decimal(5)}, into `file`, which is made where there is none; None takes a
    setting back to having no value. Of several accounts only that of `account` is changed. Answers the settings as they are now.

    Raises ConfigError where the file is wrong already, EditError, and OSError; the file is as it was then.
    """
    target = file.resolve()
    before = text = text_of(target) if target.exists() else ""
    wanted = said = _read(target, account) if target.exists() else Settings()
    for key, value in values.items():
        text = with_value(text, key, written(value), under=("accounts", account) if account else ())
        wanted = settings_with(wanted, key, value)
    check(said, wanted)
    target.parent.mkdir(parents=True, exist_ok=True)
    new = target.with_name(f".{target.name}.new")
    try:
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o600
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        if _means_otherwise(new, wanted, account):
            raise EditError(_by_hand(file, values, f"accounts.{account}." if account else ""))
        if target.exists() and text_of(target) != before:
            raise EditError(f"{file} was changed by another just now. Nothing was written")
        os.replace(new, target)
    finally:
        new.unlink(missing_ok=True)
    return wanted


def _read(file: Path, account: str) -> Settings:
    if not account:
        return read(file)
    from console.accounts.config import load_accounts

    accounts = load_accounts(file)
    if accounts is None or account not in accounts.settings:
        raise EditError(f"{file} has no account {account} any more. Nothing was written")
    return accounts.settings[account]


def _means_otherwise(new: Path, wanted: Settings, account: str) -> bool:
    try:
        return _read(new, account) != wanted
    except ConfigError:
        return True


def _by_hand(file: Path, values: Mapping[str, object], whose: str) -> str:
    lines = ", ".join(f"{whose}{key}: {written(value)}" for key, value in values.items())
    return f"{file} is laid out in a way that this cannot be written into without touching the rest. Nothing was written. By hand: {lines}"


def written(value: object) -> str:
    """A setting's value as it stands in YAML."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Enum():
            return written(value.value)
        case Decimal():
            return f"{value:f}"
        case int() | float():
            return f"{value}"
        case tuple() | list():
            return f"[{', '.join(map(written, value))}]"
    import yaml

    text = str(value)
    # 0012 without quotes is the number 10.
    reads_as_itself = _PLAIN.fullmatch(text) and str(yaml.safe_load(text)) == text
    return text if reads_as_itself else json.dumps(text, ensure_ascii=False)


# ---- in the text


def with_value(text: str, key: str, value: str, *, under: Sequence[str] = ()) -> str:
    """`text` with `key` (dotted), in the section `under`, saying `value`, already written as YAML. Raises EditError where it would have to
    guess."""
    import yaml

    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise EditError(f"the config is not YAML: {error}") from error
    names = (*under, *path_of(key))
    if root is None:
        return _at_the_end(text, _block(names, value, 0))
    if not isinstance(root, yaml.MappingNode):
        raise EditError("the config is no mapping")
    return _within(text, root, names, value)


def _within(text: str, mapping: Any, names: Sequence[str], value: str) -> str:
    import yaml

    first, *rest = names
    for name, node in mapping.value:
        if name.value != first:
            continue
        if rest and isinstance(node, yaml.MappingNode) and node.value:
            return _within(text, node, rest, value)
        if rest and not _is_empty(text, node):
            raise EditError(f"{first} is no mapping")
        if not mapping.flow_style and rest:
            return _after_line(text, name.end_mark.line, _block(rest, value, name.start_mark.column + _INDENT), _emptied(text, name, node))
        return _in_place(text, node, _flow(rest, value) if rest else value)
    return _added(text, mapping, names, value)


def _in_place(text: str, node: Any, value: str) -> str:
    import yaml

    start, end = node.start_mark.index, node.end_mark.index
    if isinstance(node, yaml.ScalarNode):
        if node.style in ("|", ">"):
            raise EditError("its value is written over several lines")
    elif not node.flow_style:
        raise EditError("its value is written over several lines")
    if start == end:  # a key without a value
        value = f" {value}" if text[start - 1 : start] == ":" else value
    return text[:start] + value + text[end:]


def _is_empty(text: str, node: Any) -> bool:
    return text[node.start_mark.index : node.end_mark.index].strip() in ("", "{}", "null", "~")


def _emptied(text: str, name: Any, node: Any) -> str:
    """The line of a key whose `{}` or `null` gives way to lines under it."""
    start = text.rindex("\n", 0, name.start_mark.index) + 1 if "\n" in text[: name.start_mark.index] else 0
    end = text.find("\n", start)
    line = text[start:] if end < 0 else text[start:end]
    held = text[node.start_mark.index : node.end_mark.index]
    return line.replace(held, "", 1).rstrip() if held.strip() else line


def _added(text: str, mapping: Any, names: Sequence[str], value: str) -> str:
    """A key that the mapping lacks, behind those it has."""
    if mapping.flow_style:
        end = mapping.end_mark.index - 1
        before = text[:end].rstrip()
        comma = "" if before.endswith(("{", ",")) else ","
        return f"{before}{comma}{' ' if mapping.value else ''}{_key(names[0])}: {_flow(names[1:], value)}{text[end:]}"
    _, last = mapping.value[-1]
    lines = _block(names, value, mapping.value[0][0].start_mark.column)
    return _after_line(text, _last_line(last), lines)


def _last_line(node: Any) -> int:
    """The line in which what `node` says ends; a block's own end lies behind the comments that follow it."""
    import yaml

    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        if getattr(node, "style", None) in ("|", ">"):
            raise EditError("a value above is written over several lines")
        return int(node.end_mark.line)
    last = node.value[-1]
    return _last_line(last[1] if isinstance(node, yaml.MappingNode) else last)


def _after_line(text: str, number: int, lines: str, instead: str | None = None) -> str:
    """`lines` behind line `number` (from 0), which itself reads `instead` where that is given."""
    all_lines = text.splitlines(keepends=True)
    newline = "\r\n" if all_lines and all_lines[0].endswith("\r\n") else "\n"
    line = all_lines[number].rstrip("\r\n") if instead is None else instead
    all_lines[number] = f"{line}{newline}{lines.replace(chr(10), newline)}"
    return "".join(all_lines)


def _at_the_end(text: str, lines: str) -> str:
    return f"{text}\n{lines}" if text and not text.endswith("\n") else f"{text}{lines}"


def _block(names: Sequence[str], value: str, indent: int) -> str:
    """`names` under each other, each a step further in."""
    lines = [f"{' ' * (indent + _INDENT * depth)}{_key(name)}:" for depth, name in enumerate(names)]
    lines[-1] += f" {value}"
    return "\n".join(lines) + "\n"


def _flow(names: Sequence[str], value: str) -> str:
    for name in reversed(names):
        value = f"{{{_key(name)}: {value}}}"
    return value


def _key(name: str) -> str:
    """A name as a key: a symbol may look like a number, or like a word that means something in YAML."""
    import yaml

    plain = _PLAIN.fullmatch(name) and yaml.safe_load(name) == name
    return name if plain else json.dumps(name, ensure_ascii=False)
