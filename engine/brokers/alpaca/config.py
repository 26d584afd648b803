"""Which account, and with which keys: from the environment or the keyring, never from a file. Paper never trades live."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from engine.brokers.base import BrokerError
from engine.secrets import learn

KEYS = (("ALPACA_API_KEY", "ALPACA_SECRET_KEY"), ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY"))
"""Ours, and those that Alpaca's own programs know."""
ADDRESSES = ("ALPACA_BASE_URL", "APCA_API_BASE_URL")
"""Where other programs are told which of Alpaca's hosts to ask. Ours follows none of them, and refuses what contradicts it."""
LIVE_KEY = "AK"
"""Every live key begins with it, a paper one with PK."""
KEYRING = "tradeconsole"
_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?")


class AlpacaConfig(Struct, frozen=True):
    """`url` is another server than Alpaca's own, `account` the number that the account must have, where one is given."""

    key: str
    secret: str
    url: str = ""
    account: str = ""


def paper_config(environment: Mapping[str, str], url: str = "", account: str = "") -> AlpacaConfig:
    """For a paper account. Raises BrokerError in words."""
    if url and not _LOOPBACK.fullmatch(url):
        raise BrokerError(f"alpaca.url is {url!r}: no server but one on this machine may stand in for Alpaca, as http://127.0.0.1:8765.")
    if account and not account.startswith("PA"):
        raise BrokerError(f"alpaca.account is {account!r}, which is no paper account: those begin with PA.")
    for name in ADDRESSES:
        if (address := environment.get(name, "")) and "paper" not in address and not url:
            raise BrokerError(f"{name} leads to {address}, and this is a paper account: unset it, or set the paper address.")
    key, secret = _keys(environment)
    if key.startswith(LIVE_KEY):
        raise BrokerError("The key is one for a live account, and this is a paper one: make a paper key at Alpaca, and set that.")
    return AlpacaConfig(key, secret, url, account)


def _keys(environment: Mapping[str, str]) -> tuple[str, str]:
    for names in KEYS:
        key, secret = (environment.get(name, "").strip() for name in names)
        if key and secret:
            return key, secret
        if key or secret:
            raise BrokerError(f"Of the two {names[0]} and {names[1]} only one is set: Alpaca needs both.")
    kept = _from_keyring()
    if kept is None:
        ours, _ = KEYS
        raise BrokerError(
            f"Alpaca needs the keys of a paper account: set {ours[0]} and {ours[1]} in the environment, or keep them in the keyring "
            f"under {KEYRING} as alpaca-paper-key and alpaca-paper-secret."
        )
    return kept


def _from_keyring() -> tuple[str, str] | None:
    """What the system's keyring has, where the package that reads it is installed."""
    try:
        import keyring  # type: ignore[import-not-found]
    except ImportError:
        return None
    try:
        key, secret = (keyring.get_password(KEYRING, f"alpaca-paper-{what}") for what in ("key", "secret"))
    except Exception as error:
        # A keyring that is locked, or has no backend, raises what its backend likes.
        raise BrokerError(f"The keyring cannot be read ({type(error).__name__}: {error}): open it, or set the keys.") from error
    if not (key and secret):
        return None
    learn(key, secret)
    return key, secret
