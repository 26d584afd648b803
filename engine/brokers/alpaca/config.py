"""Which account, and with which keys: from the environment or the keyring, never from a file. Paper and live never mix."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress

from msgspec import Struct

from engine.brokers.base import BrokerError
from engine.model.settings import AccountKind, AlpacaSettings, Settings
from engine.secrets import learn

KEYS = (("ALPACA_API_KEY", "ALPACA_SECRET_KEY"), ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY"))
"""Ours, and those that Alpaca's own programs know."""
ADDRESSES = ("ALPACA_BASE_URL", "APCA_API_BASE_URL")
"""Where other programs are told which of Alpaca's hosts to ask. Ours follows none of them, and refuses what contradicts it."""
_KEY_OF: dict[AccountKind, str] = {"paper": "PK", "live": "AK"}
"""What every key of such an account begins with."""
_OTHER: dict[AccountKind, AccountKind] = {"paper": "live", "live": "paper"}
_PAPER_ACCOUNT = "PA"
"""Every paper account's number begins with it, no live one does."""
KEYRING = "tradeconsole"
_WITHOUT_KEYRING = " For that the package keyring must be installed beside this one, and is not: pipx inject tradeconsole keyring."
_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?")


class AlpacaConfig(Struct, frozen=True):
    """`url` is another server than Alpaca's own, `account` the number that the account must have: always given where it is live."""

    key: str
    secret: str
    kind: AccountKind = "paper"
    url: str = ""
    account: str = ""


def is_paper(number: str) -> bool:
    return number.startswith(_PAPER_ACCOUNT)


def alpaca_config(environment: Mapping[str, str], settings: AlpacaSettings, kind: AccountKind = "paper") -> AlpacaConfig:
    """For an account of that kind. Raises BrokerError in words."""
    url, account = settings.url, settings.account
    if url and not _LOOPBACK.fullmatch(url):
        raise BrokerError(f"alpaca.url is {url!r}: no server but one on this machine may stand in for Alpaca, as http://127.0.0.1:8765.")
    if kind == "live" and not account:
        raise BrokerError("A live account is traded by its number alone: none was given.")
    if account and is_paper(account) is not (kind == "paper"):
        raise BrokerError(f"alpaca.account is {account!r}, which is no {kind} account: those on paper begin with PA.")
    for name in ADDRESSES:
        if (address := environment.get(name, "")) and ("paper" in address) is not (kind == "paper") and not url:
            raise BrokerError(f"{name} leads to {address}, and this is a {kind} account: unset it, or set the {kind} address.")
    key, secret = keys_of(environment, settings.keys, kind)
    if key.startswith(_KEY_OF[_OTHER[kind]]):
        raise BrokerError(f"The key is one for a {_OTHER[kind]} account, and this is a {kind} one: set a {kind} key of Alpaca's.")
    return AlpacaConfig(key, secret, kind, url, account)


def keys_of(environment: Mapping[str, str], which: str, *kinds: AccountKind, whose: str = "Alpaca needs") -> tuple[str, str]:
    """The key and its secret that go by the name `which`, of the first of `kinds` that has some. Raises BrokerError in words that begin
    with `whose`."""
    pairs = _named(which)
    for names in pairs:
        key, secret = (environment.get(name, "").strip() for name in names)
        if key and secret:
            return key, secret
        if key or secret:
            raise BrokerError(f"Of the two {names[0]} and {names[1]} only one is set: Alpaca needs both.")
    rings = [f"alpaca-{kind}-{which}" if which else f"alpaca-{kind}" for kind in kinds]
    for ring in rings:
        if (kept := _from_keyring(ring)) is not None:
            return kept
    kept_as = " or ".join(f"{ring}-key and {ring}-secret" for ring in rings)
    raise BrokerError(
        f"{whose} the keys of a {' or '.join(kinds)} account: set {pairs[0][0]} and {pairs[0][1]} in the environment, or keep them in the "
        f"keyring under {KEYRING} as {kept_as}.{'' if _has_keyring() else _WITHOUT_KEYRING}"
    )


def same_keys(accounts: Mapping[str, Settings], environment: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each of the accounts, given by their names, whose key an earlier one has under another name: they are one at Alpaca.
    One without good keys is passed over: it is not opened, which is said then."""
    first: dict[tuple[str, str], str] = {}
    for name, its in accounts.items():
        if its.broker != "alpaca":
            continue
        with suppress(BrokerError):
            key, _ = keys_of(environment, its.alpaca.keys, its.account)
            other = first.setdefault((its.alpaca.url, key), name)
            if other != name:
                names = (each.alpaca.keys or "without a name" for each in (its, accounts[other]))
                yield f"accounts.{name}: alpaca.keys {' and '.join(names)}, of {other}, hold the same key: no two trade one account there"


def _named(which: str) -> tuple[tuple[str, str], ...]:
    """What they are called in the environment. A name of one's own finds no keys but those that are called so: another account's are never
    taken instead."""
    ours, _ = KEYS
    return ((f"{ours[0]}_{which.upper()}", f"{ours[1]}_{which.upper()}"),) if which else KEYS


def _has_keyring() -> bool:
    try:
        import keyring  # type: ignore[import-not-found]  # noqa: F401
    except ImportError:
        return False
    return True


def _from_keyring(ring: str) -> tuple[str, str] | None:
    """What the system's keyring has, where the package that reads it is installed."""
    try:
        import keyring
    except ImportError:
        return None
    try:
        key, secret = (keyring.get_password(KEYRING, f"{ring}-{what}") for what in ("key", "secret"))
    except Exception as error:
        # A keyring that is locked, or has no backend, raises what its backend likes.
        raise BrokerError(f"The keyring cannot be read ({type(error).__name__}: {error}): open it, or set the keys.") from error
    if not (key and secret):
        return None
    learn(key, secret)
    return key, secret
