"""Where TWS is, as whom it is spoken to, and which account: from the environment, and checked so that paper never trades live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from engine.brokers.base import BrokerError

PAPER_PORTS = {7497: "TWS", 4002: "Gateway"}
LIVE_PORTS = {7496: "TWS", 4001: "Gateway"}
_PAPER_ACCOUNT = "D"
"""Every paper account's number begins with it (DU, DF for advisors), no live one does."""


class IbConfig(Struct, frozen=True):
    host: str = "127.0.0.1"
    port: int = 7497
    client_id: int = 17
    """Never 0 and always the same: another id does not see this one's orders."""
    account: str = ""
    """Empty where the log-in has one alone."""
    numbers: Path | None = None
    """The file that remembers which numbers orders had."""

    @property
    def at(self) -> str:
        return f"{self.host}:{self.port}"


def paper_config(environment: Mapping[str, str]) -> IbConfig:
    """From IB_HOST, IB_PORT, IB_CLIENT_ID and IB_PAPER_ACCOUNT. Raises BrokerError in words."""
    default = IbConfig()
    port = _number(environment, "IB_PORT", default.port, 65_535)
    client_id = _number(environment, "IB_CLIENT_ID", default.client_id, 2**31 - 1)
    account = environment.get("IB_PAPER_ACCOUNT", "").strip()
    if port in LIVE_PORTS:
        paper = next(number for number, name in PAPER_PORTS.items() if name == LIVE_PORTS[port])
        raise BrokerError(f"IB_PORT is {port}, where {LIVE_PORTS[port]} trades live: this is a paper account, and {paper} is its port.")
    if account and not account.startswith(_PAPER_ACCOUNT):
        raise BrokerError(f"IB_PAPER_ACCOUNT is {account}, which is no paper account: those begin with DU.")
    return IbConfig(environment.get("IB_HOST", "").strip() or default.host, port, client_id, account)


def paper_account(config: IbConfig, accounts: Sequence[str]) -> str:
    """The account to trade, of those that the log-in has. Raises BrokerError in words, above all where it is a live one."""
    if config.account:
        if config.account not in accounts:
            raise BrokerError(f"The log-in at {config.at} has no account {config.account}; it has {', '.join(accounts)}.")
        account = config.account
    elif len(accounts) != 1:
        raise BrokerError(f"The log-in at {config.at} has several accounts ({', '.join(accounts)}): set IB_PAPER_ACCOUNT to one of them.")
    else:
        account = accounts[0]
    if not account.startswith(_PAPER_ACCOUNT):
        raise BrokerError(f"{account} at {config.at} is a live account, and this is a paper one: log in to TWS or Gateway on paper.")
    return account


def _number(environment: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = environment.get(name, "").strip() or str(default)
    if not (text.isdecimal() and 1 <= int(text) <= most):
        raise BrokerError(f"{name} is {text!r}: it must be a whole number from 1 to {most}.")
    return int(text)
