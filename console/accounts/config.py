"""Several accounts in one config: what each says goes over what they share, and no two of them share a file or a broker's account.

broker: paper
limits: {max_position_pct: 10}
accounts:
  calm: {mode: manual}
  alpaca: {broker: alpaca, feed: {source: alpaca}, limits: {max_position_pct: 5}}
preferred: calm
preferred_for: {AAPL: alpaca}
combined: {max_exposure_pct: 60}
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from console import yaml_nodes
from console.config import (
    ACCOUNT_KEYS,
    Folders,
    Reading,
    folders,
    from_folder,
    line_of,
    load,
    raise_mistakes,
    settings_in,
    shown_text,
    text_of,
    tree_of,
    with_database,
    without_accounts,
)
from console.options import end
from console.yaml_nodes import Node, Scalar
from engine.brokers.ib.config import PORTS, IbConfig
from engine.model.settings import Settings, is_symbol
from engine.strategies.names import unknown_names

SHARED = ("combined", "confirm", "notify", "on_exit", "on_hangup", "plain", "screen", "theme")
"""The console's own: they cannot differ from account to account."""
RESERVED = frozenset({"all"})
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,15}")
_MENTIONED = re.compile("|".join(ACCOUNT_KEYS))
_WHAT_NAME = "a name begins with a letter and has at most 16 of a-z, 0-9, _ and -"


class Accounts(Struct, frozen=True):
    """The settings of each account by its name, always with a database. `preferred` is the one that is shown first; an order for a symbol
    of `preferred_for` goes to its account where nobody names another."""

    settings: Mapping[str, Settings]
    preferred: str
    preferred_for: Mapping[str, str]


def load_whole(file: Path | None = None, environment: Mapping[str, str] = os.environ) -> tuple[Settings, Accounts | None]:
    """What `load` and `load_accounts` answer, of one reading of the file. Raises ConfigError."""
    mine = folders(environment)
    if file is None and not mine.config_file.exists():
        return load(None, environment), None
    file = file or mine.config_file
    tree = tree_of(file)
    return with_database(settings_in(tree, file, environment), mine), accounts_in(tree, file, mine, environment)


def load_accounts(file: Path | None = None, environment: Mapping[str, str] = os.environ) -> Accounts | None:
    """The accounts of `file`, or of the user's own config file; None where it has no section `accounts`. Raises ConfigError."""
    mine = folders(environment)
    file = file or mine.config_file
    # Nearly every config has one account, and is then read no further.
    if not file.exists() or not _MENTIONED.search(text_of(file)):
        return None
    return read_accounts(file, mine, environment)


def the_account(accounts: Accounts | None, name: str) -> Settings:
    """The settings of one of them. Ends the process where there is none of that name."""
    if accounts is None:
        end(f"--account {name}: the config has no section `accounts`.")
    if name not in accounts.settings:
        end(f"--account {name}: there is none of that name. There are {', '.join(accounts.settings)}.")
    return accounts.settings[name]


def read_accounts(file: Path, mine: Folders, environment: Mapping[str, str]) -> Accounts | None:
    """Those of `file`. `mine` is where an account's file is kept that the config gives none. Raises ConfigError."""
    return accounts_in(tree_of(file), file, mine, environment)


def accounts_in(tree: Node | None, file: Path, mine: Folders, environment: Mapping[str, str]) -> Accounts | None:
    """As `read_accounts`, of a `file` that says `tree`."""
    shared, several = without_accounts(tree)
    if not several:
        return None
    assert isinstance(tree, yaml_nodes.Mapping)
    reading = Reading(environment)
    named = _named(tree, reading)
    whole = {}
    for name, node in named.items():
        reading.value(Settings, node, f"accounts.{name}")
        if isinstance(node, yaml_nodes.Mapping):
            reading.mistakes += _not_its_own(name, node)
        whole[name] = merged(shared, node)
    # What is wrong in what they share is told once.
    if shared is not None:
        reading.value(Settings, shared, "")
    preferred = _preferred(tree, named, reading)
    by_symbol = _preferred_for(tree, named, reading)
    raise_mistakes(file, set(reading.mistakes))
    settings, mistakes = {}, []
    for name, node in whole.items():
        found = Reading(environment).value(Settings, node, "")
        mistakes += [(line_of(node, key), f"accounts.{name}.{key}: {why}") for key, why in unknown_names(found)]
        found = from_folder(found, file.resolve().parent)
        settings[name] = found if found.database else replace(found, database=mine.database_of(found.broker, found.account, name))
    raise_mistakes(file, mistakes)
    raise_mistakes(file, [(tree.keys["accounts"], text) for text in (*_shared_files(settings), *shared_accounts(settings, environment))])
    return Accounts(settings, preferred, by_symbol)


def merged(under: Node | None, over: Node) -> Node:
    """What `over` says, and of mappings what only `under` says."""
    if isinstance(over, Scalar) and over.blank and isinstance(under, yaml_nodes.Mapping):
        return under
    if not isinstance(under, yaml_nodes.Mapping) or not isinstance(over, yaml_nodes.Mapping):
        return over
    items = {**under.items, **{key: merged(under.items.get(key), node) for key, node in over.items.items()}}
    return yaml_nodes.Mapping(over.line, items, {**under.keys, **over.keys})


def _named(tree: yaml_nodes.Mapping, reading: Reading) -> dict[str, Node]:
    """What is said of each account, by its name."""
    node = tree.items.get("accounts")
    if not isinstance(node, yaml_nodes.Mapping) or not node.items:
        given = next(key for key in ACCOUNT_KEYS if key in tree.keys)
        text = "accounts: name each account, with what is its own: `accounts: {one: {}, two: {broker: alpaca}}`"
        reading.mistakes.append((tree.keys[given], text))
        return {}
    named = {}
    for name, its in node.items.items():
        if not _NAME.fullmatch(name) or name in RESERVED:
            reading.mistakes.append((node.keys[name], f"accounts.{shown_text(name)}: {_WHAT_NAME}; `all` is none"))
        else:
            named[name] = its
    return named


def _not_its_own(name: str, node: yaml_nodes.Mapping) -> Iterator[tuple[int, str]]:
    for key in SHARED:
        if key in node.items:
            yield node.keys[key], f"accounts.{name}.{key}: it is the console's, and the same for all accounts: put it outside of `accounts`"


def _preferred(tree: yaml_nodes.Mapping, named: Mapping[str, Any], reading: Reading) -> str:
    first = next(iter(named), "")
    node = tree.items.get("preferred")
    if node is None:
        return first
    return _one_of(named, node, "preferred", reading) or first


def _preferred_for(tree: yaml_nodes.Mapping, named: Mapping[str, Any], reading: Reading) -> dict[str, str]:
    node = tree.items.get("preferred_for")
    if node is None or (isinstance(node, Scalar) and node.blank):
        return {}
    if not isinstance(node, yaml_nodes.Mapping):
        reading.mistakes.append((node.line, "preferred_for: a mapping of symbols to accounts belongs here"))
        return {}
    found = {}
    for written, its in node.items.items():
        symbol = written.upper()
        if not is_symbol(symbol):
            reading.mistakes.append((node.keys[written], f"preferred_for.{shown_text(written)}: the name must be {is_symbol.__doc__}"))
        found[symbol] = _one_of(named, its, f"preferred_for.{shown_text(written)}", reading)
    return found


def _one_of(named: Mapping[str, Any], node: Node, key: str, reading: Reading) -> str:
    name = reading.value(str, node, key)
    if name is not None and named and name not in named:
        reading.mistakes.append((node.line, f"{key} is {shown_text(name, quoted=True)}; allowed: {' or '.join(named)}"))
    return name or ""


def _shared_files(settings: Mapping[str, Settings]) -> Iterator[str]:
    """Beside an account's database lie its latch, its log and its socket, named after it."""
    owners: dict[Path, str] = {}
    for name, its in settings.items():
        assert its.database is not None
        place = its.database.resolve().with_suffix("")
        if place in owners:
            yield (
                f"accounts.{name}.database: {shown_text(str(its.database))} is the file of the account {owners[place]} too, and no two "
                "share one: give each its own, or none, and they are named by themselves"
            )
        owners.setdefault(place, name)


def shared_accounts(settings: Mapping[str, Settings], environment: Mapping[str, str] = os.environ) -> Iterator[str]:
    """Two that trade one account at a broker would take each other's orders for a stranger's."""
    owners: dict[tuple[Any, ...], str] = {}
    unnamed: dict[tuple[Any, ...], str] = {}
    for name, its in settings.items():
        for place, what in _places(its, environment):
            if place in owners:
                yield f"accounts.{name}: {owners[place]} is at {its.broker} with the same {what}: no two trade one account there"
            owners.setdefault(place, name)
        if its.broker == "ib":
            # Who names no number has the log-in's only account, which is then the other's too.
            at = _ib_at(its, environment)
            other = unnamed.get(at) if its.ib.account else owners.get(("ib", "named", *at))
            if other is not None:
                yield f"accounts.{name}: {other} is at the same TWS or Gateway, and one of the two names no ib.account: name it in both"
            if its.ib.account:
                owners.setdefault(("ib", "named", *at), name)
            else:
                unnamed.setdefault(at, name)


def _places(settings: Settings, environment: Mapping[str, str]) -> Iterator[tuple[tuple[Any, ...], str]]:
    """What makes an account at a broker that account, and by which setting two differ."""
    match settings.broker:
        case "alpaca":
            yield ("alpaca", settings.account, settings.alpaca.keys.upper()), "alpaca.keys"
            if settings.alpaca.account:
                yield ("alpaca", "number", settings.alpaca.account), "alpaca.account"
        case "ib":
            at = _ib_at(settings, environment)
            client_id = settings.ib.client_id or environment.get("IB_CLIENT_ID", "").strip() or IbConfig().client_id
            if settings.ib.account:
                # Whichever way leads there: TWS and Gateway can be logged in to one account.
                yield ("ib", "account", settings.ib.account), "ib.account"
            else:
                yield ("ib", "account", *at), "ib.host, ib.port and ib.account"
            yield ("ib", "client", *at, str(client_id)), "ib.host, ib.port and ib.client_id"


def _ib_at(settings: Settings, environment: Mapping[str, str]) -> tuple[str, str]:
    """The host and the port as its adapter will have them."""
    host = settings.ib.host or environment.get("IB_HOST", "").strip() or IbConfig().host
    port = settings.ib.port or environment.get("IB_PORT", "").strip() or next(iter(PORTS[settings.account]))
    return IbConfig().host if host.lower() == "localhost" else host.lower(), str(port)
