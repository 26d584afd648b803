"""Settings from a YAML file with `${ENV}` in it. Every mistake is named at once: file, line, key, what is given, what is allowed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

from msgspec import Struct
from msgspec.structs import replace

from console import yaml_nodes
from console.yaml_nodes import Node, Scalar, YamlError
from engine.feeds.names import PLAYED, is_named
from engine.model.ranges import hints, is_section, parse, required, section_of, split
from engine.model.settings import ALONE, AccountKind, FeedSettings, Settings, StrategySettings
from engine.strategies.names import unknown_names

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_LARGEST = 1_000_000
_SHOWN = 60


class ConfigError(Exception):
    """What is wrong with a config file: one line a mistake, each with its file, line and key."""


ACCOUNT_KEYS = ("accounts", "preferred", "preferred_for")
"""What the file says of several accounts. All else holds for each of them: see `console.accounts.config`."""


class Folders(Struct, frozen=True):
    """Where the user's own config and data live. `TRADECONSOLE_HOME` puts both into one folder."""

    config: Path
    data: Path

    @property
    def config_file(self) -> Path:
        return self.config / "tradeconsole.yaml"

    @property
    def database(self) -> Path:
        return self.database_of("paper")

    def database_of(self, broker: str, account: AccountKind = "paper", name: str = "") -> Path:
        """Each account has its own: one at a broker never meets the books of paper money, and real money those of neither. `name` is the
        account's among several."""
        stem = "paper" if broker == account == "paper" else f"{file_name(broker)}-{account}"
        return self.data / f"{stem}{f'-{file_name(name)}' if name else ''}.sqlite"

    @property
    def backtests(self) -> Path:
        """The database of the backtests that are kept."""
        return self.data / "backtests.sqlite"


def file_name(broker: str) -> str:
    """A broker's name as a part of a file's: no path, whatever a package calls itself."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", broker)


def folders(environment: Mapping[str, str] = os.environ) -> Folders:
    """The folders the system keeps for a program's config and data. None is made by asking."""
    if home := environment.get("TRADECONSOLE_HOME"):
        return Folders(Path(home), Path(home))
    from platformdirs import user_config_path, user_data_path

    return Folders(user_config_path("tradeconsole", appauthor=False), user_data_path("tradeconsole", appauthor=False))


def load(file: Path | None = None, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of `file`, or of the user's own config file where there is one, or else the defaults; always with a database.

    Relative paths in a file are taken from the file's folder. Raises ConfigError.
    """
    mine = folders(environment)
    if file is None and mine.config_file.exists():
        file = mine.config_file
    return with_database(Settings() if file is None else read(file, environment), mine)


def with_database(settings: Settings, mine: Folders) -> Settings:
    """`settings`, whose file is among `mine` where they name none."""
    return settings if settings.database else replace(settings, database=mine.database_of(settings.broker, settings.account))


def read(file: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings that `file` holds, with the defaults for what it leaves out; of one with several accounts what they share. Raises
    ConfigError."""
    return settings_in(tree_of(file), file, environment)


def settings_in(tree: Node | None, file: Path, environment: Mapping[str, str], *, names: bool = True) -> Settings:
    """As `read`, of a `file` that says `tree`. Without `names` it may name strategies and symbols that are another run's."""
    reading = Reading(environment)
    shared, several = without_accounts(tree)
    settings = reading.value(Settings, shared, "") if shared is not None else Settings()
    if not reading.mistakes and not several and settings.combined != ALONE:
        text = "combined: these limits hold over several accounts, and there is one: name others under `accounts`, or take it out"
        reading.mistakes.append((line_of(tree, "combined"), text))
    raise_mistakes(file, reading.mistakes)
    unknown = unknown_names(settings) if names else ()
    raise_mistakes(file, [(line_of(tree, key), f"{key}: {why}") for key, why in unknown])
    return from_folder(settings, file.resolve().parent)


def tree_of(file: Path) -> Node | None:
    """What `file` says, as text with its lines. Raises ConfigError."""
    try:
        return yaml_nodes.read(text_of(file))
    except YamlError as error:
        raise ConfigError(f"{file}:{error.line}: {error}") from None


def without_accounts(tree: Node | None) -> tuple[Node | None, bool]:
    """What is not of several accounts, and whether there are some."""
    if not isinstance(tree, yaml_nodes.Mapping) or not any(key in tree.items for key in ACCOUNT_KEYS):
        return tree, False
    return replace(tree, items={key: node for key, node in tree.items.items() if key not in ACCOUNT_KEYS}), True


def raise_mistakes(file: Path, mistakes: Iterable[tuple[int, str]]) -> None:
    """Raises ConfigError where there are some, with all of them."""
    if lines := [f"{file}:{line}: {text}" for line, text in sorted(mistakes)]:
        raise ConfigError("\n".join(lines))


def text_of(file: Path) -> str:
    """The text of a file that a person writes settings in. Raises ConfigError."""
    try:
        with file.open("rb") as stream:
            raw = stream.read(_LARGEST + 1)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None
    if len(raw) > _LARGEST:
        raise ConfigError(f"{file}: larger than {_LARGEST:,} bytes, which no config file is")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{file}:{line}: not UTF-8 text (byte {raw[error.start]:#x}): save the file as UTF-8") from None


class Reading:
    """Turns nodes into settings by the types of the settings classes, and collects what is wrong on the way."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.mistakes: list[tuple[int, str]] = []

    def value(self, hint: Any, node: Node, path: str) -> Any:
        """The value of `node` as the type `hint`. After a mistake it is None: there will be no settings then."""
        kind, _, optional = split(hint)
        if is_section(kind):
            return self._section(kind, node, path)
        if get_origin(kind) is tuple:
            return self._list(get_args(kind)[0], node, path)
        if (section := section_of(hint)) is not None:
            return self._sections(*section, node, path)
        if get_origin(kind) is dict:
            return self._free(node, path)
        if not isinstance(node, Scalar):
            return self._wrong(node, path, "a single value belongs here")
        if node.blank:
            return None if optional else self._wrong(node, path, "has no value: give one, or take the key out for its default", given=False)
        return self._leaf(hint, node, path)

    def _section(self, owner: Any, node: Node, path: str) -> Any:
        known = hints(owner)
        if isinstance(node, Scalar) and node.blank:
            node = yaml_nodes.Mapping(node.line, {}, {})
        if not isinstance(node, yaml_nodes.Mapping):
            return self._wrong(node, path, f"a mapping belongs here, with keys out of {', '.join(known)}")
        given = {}
        for key, item in node.items.items():
            if key in known:
                given[key] = self.value(known[key], item, _join(path, key))
            else:
                self.mistakes.append((node.keys[key], f"{shown_text(_join(path, key))}: no such key{_nearest(key, known, path)}"))
        for name in required(owner):
            if name not in given:
                self.mistakes.append((node.line, f"{_join(path, name)}: missing, and it has no default"))
        return None if self.mistakes else owner(**given)

    def _sections(self, name_hint: Any, owner: type, node: Node, path: str) -> Any:
        """A section for each of the user's own names."""
        if isinstance(node, Scalar) and node.blank:
            return {}
        if not isinstance(node, yaml_nodes.Mapping):
            return self._wrong(node, path, "a mapping of names to their keys belongs here")
        sections = {}
        for name, item in node.items.items():
            try:
                sections[parse(name_hint, name)] = self._section(owner, item, _join(path, shown_text(name)))
            except ValueError as error:
                self.mistakes.append((node.keys[name], f"{shown_text(_join(path, name))}: the name must be {error}"))
        return sections

    def _list(self, hint: Any, node: Node, path: str) -> Any:
        if isinstance(node, Scalar) and node.blank:
            return ()
        if not isinstance(node, yaml_nodes.Sequence):
            return self._wrong(node, path, "a list belongs here, even for one: [a, b]")
        return tuple(self.value(hint, item, f"{path}[{index}]") for index, item in enumerate(node.items))

    def _free(self, node: Node, path: str) -> Any:
        """Parameters of a strategy or a cost model. Their types are its own to check: here alone a word is taken for what it looks like."""
        if isinstance(node, Scalar) and node.blank:
            return {}
        if not isinstance(node, yaml_nodes.Mapping):
            return self._wrong(node, path, "a mapping of names to values belongs here")
        values = {}
        for name, item in node.items.items():
            if not isinstance(item, Scalar):
                self._wrong(item, _join(path, name), "a single value belongs here")
            elif (text := self._substituted(item, _join(path, name))) is not None:
                values[name] = guess(text) if item.plain else text
        return values

    def _leaf(self, hint: Any, node: Scalar, path: str) -> Any:
        text = self._substituted(node, path)
        if text is None:
            return None
        try:
            return parse(hint, text)
        except ValueError as error:
            return self._wrong(node, path, f"allowed: {error}")

    def _substituted(self, node: Scalar, path: str) -> str | None:
        """The text with every `${NAME}` and `${NAME:-default}` filled in, or None where a variable is missing."""
        missing = [found[1] for found in _VARIABLE.finditer(node.text) if found[2] is None and found[1] not in self._environment]
        for name in missing:
            self.mistakes.append(
                (node.line, f"{path}: the environment variable {name} is not set, and no default is given as ${{{name}:-...}}")
            )
        if missing:
            return None
        return _VARIABLE.sub(lambda found: self._environment.get(found[1]) or found[2] or "", node.text)

    def _wrong(self, node: Node, path: str, allowed: str, given: bool = True) -> None:
        # What the file says is shown, never what a variable held: that may be a secret.
        what = {Scalar: "", yaml_nodes.Sequence: "a list", yaml_nodes.Mapping: "a mapping"}[type(node)]
        if isinstance(node, Scalar):
            what = shown_text(node.text, quoted=True)
        text = f"is {what}; {allowed}" if given else allowed
        self.mistakes.append((node.line, f"{path or 'the file'} {text}"))


def line_of(node: Node | None, key: str) -> int:
    """The line in which the setting `key` stands, or the nearest above it that has one."""
    line, rest = node.line if node is not None else 1, key
    while isinstance(node, yaml_nodes.Mapping) and rest:
        name = next((name for name in node.items if rest == name or rest.startswith(f"{name}.")), None)
        if name is None:
            break
        line, node, rest = node.keys[name], node.items[name], rest[len(name) + 1 :]
    return line


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def shown_text(text: str, quoted: bool = False) -> str:
    """Text from a file, safe to print: a control character in it is spelt out, and nobody reads past a line."""
    line = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    return repr(line) if quoted or not line.isprintable() else line


def guess(text: str) -> float | int | str | bool:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _nearest(key: str, known: Mapping[str, Any], path: str) -> str:
    from difflib import get_close_matches

    if close := get_close_matches(key.lower(), known, 1, 0.7):
        return f"; did you mean {_join(path, close[0])}?"
    elsewhere = [place for place, _ in leaves(Settings) if place.rpartition(".")[2] == key.lower()]
    if elsewhere:
        return f" here; did you mean {' or '.join(elsewhere)}?"
    return f"; allowed: {', '.join(known)}"


def leaves(owner: type, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every key under a settings class with its type, as (`limits.max_order_pct`, hint); a list's items are `strategies[].file`,
    a section for each of the user's names `limits.symbols.NAME.collar_pct`."""
    for name, hint in hints(owner).items():
        kind, _, _ = split(hint)
        place = _join(path, name)
        if is_section(kind):
            yield from leaves(kind, place)
        elif get_origin(kind) is tuple and is_section(get_args(kind)[0]):
            yield from leaves(get_args(kind)[0], f"{place}[]")
        elif (section := section_of(hint)) is not None:
            yield from leaves(section[1], f"{place}.NAME")
        else:
            yield place, hint


def from_folder(settings: Settings, folder: Path) -> Settings:
    """`settings` with relative paths taken from `folder`."""

    def feed(it: FeedSettings) -> FeedSettings:
        named = it.source in PLAYED or (is_named(it.source) and not (folder / it.source).exists())
        return it if named else replace(it, source=str(folder / Path(it.source).expanduser()))

    def strategy(it: StrategySettings) -> StrategySettings:
        is_path = it.file.endswith(".py") or "/" in it.file or os.sep in it.file
        return replace(it, file=str(folder / Path(it.file).expanduser())) if is_path else it

    return replace(
        settings,
        database=folder / settings.database if settings.database else None,
        feed=feed(settings.feed),
        strategies=tuple(map(strategy, settings.strategies)),
    )
