"""Where TWS is, as whom it is spoken to, and which account: from the config or the environment. Paper and live never mix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from engine.brokers.base import BrokerError
from engine.model.settings import AccountKind, IbRegion, IbSettings

PORTS: dict[AccountKind, dict[int, str]] = {"paper": {7497: "TWS", 4002: "Gateway"}, "live": {7496: "TWS", 4001: "Gateway"}}
"""Where IB's own programs listen, and for whom. Another port is a tunnel's, or a test's, and the account's number alone tells."""
KILL_ABOVE = (100, 1_100, 2_100)
"""Kill's client id is the console's and so much more, where none is set. One may be in use, as by the prices of another account."""
_PAPER_ACCOUNT = "D"
"""Every paper account's number begins with it (DU, DF for advisors), no live one does."""


class IbConfig(Struct, frozen=True):
    host: str = "127.0.0.1"
    port: int = 7497
    client_id: int = 17
    """Never 0 and always the same: another id does not see this one's orders."""
    account: str = ""
    """Empty where the log-in has one alone, and that is on paper."""
    kind: AccountKind = "paper"
    numbers: Path | None = None
    """The file that remembers which numbers orders had."""
    kill_id: int = 0
    """The client id kept for `tradeconsole kill`, which connects beside a console that does not answer; 0 where none is set."""

    region: IbRegion = "america"

    @property
    def at(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def kill_client_ids(self) -> tuple[int, ...]:
        """The one that is set, or else some of which each is tried where those before it are in use."""
        return (self.kill_id,) if self.kill_id else tuple(self.client_id + above for above in KILL_ABOVE)


def is_paper(number: str) -> bool:
    return number.startswith(_PAPER_ACCOUNT)


def place(environment: Mapping[str, str], settings: IbSettings, kind: AccountKind = "paper") -> IbConfig:
    """Where TWS is and as whom it is spoken to, whoever is logged in there. Raises BrokerError in words."""
    default = IbConfig()
    port = settings.port or _number(environment, "IB_PORT", next(iter(PORTS[kind])), 65_535)
    client_id = settings.client_id or _number(environment, "IB_CLIENT_ID", default.client_id, 2**31 - 1)
    return IbConfig(
        settings.host or environment.get("IB_HOST", "").strip() or default.host, port, client_id, kind=kind, region=settings.region
    )


def ib_config(environment: Mapping[str, str], settings: IbSettings, kind: AccountKind = "paper") -> IbConfig:
    """What the config says, or else IB_HOST, IB_PORT, IB_CLIENT_ID, IB_KILL_CLIENT_ID and IB_PAPER_ACCOUNT. Raises BrokerError in words."""
    config = place(environment, settings, kind)
    port = config.port
    kill_id = settings.kill_client_id or 0
    if not kill_id and environment.get("IB_KILL_CLIENT_ID", "").strip():
        kill_id = _number(environment, "IB_KILL_CLIENT_ID", 0, 2**31 - 1)
    if kill_id == config.client_id:
        raise BrokerError(f"IB_KILL_CLIENT_ID, or ib.kill_client_id, is {kill_id}, which is the console's own: kill needs another.")
    said, account = "ib.account", settings.account
    if not account and kind == "paper":
        said, account = "IB_PAPER_ACCOUNT", environment.get("IB_PAPER_ACCOUNT", "").strip()
    if kind == "live" and not account:
        raise BrokerError("A live account is traded by its number alone: none was given.")
    for other, names in PORTS.items():
        if other != kind and (name := names.get(port)):
            right = next(number for number, program in PORTS[kind].items() if program == name)
            where = "ib.port" if settings.port else "IB_PORT"
            raise BrokerError(f"{where} is {port}, where {name} trades {other}: this is a {kind} account, and {right} is its port.")
    if account and is_paper(account) is not (kind == "paper"):
        raise BrokerError(f"{said} is {account}, which is no {kind} account: DU or DF begins those on paper, and no other.")
    return replace(config, account=account, kill_id=kill_id)


def account_of(config: IbConfig, accounts: Sequence[str]) -> str:
    """The account to trade, of those that the log-in has. Raises BrokerError in words, above all where it is of the other kind."""
    if config.account:
        if config.account not in accounts:
            its = ", ".join(accounts)
            raise BrokerError(
                f"The log-in at {config.at} has no account {config.account}; it has {its}. Quit, and start again with one of these."
            )
        account = config.account
    elif len(accounts) != 1:
        raise BrokerError(
            f"The log-in at {config.at} has several accounts ({', '.join(accounts)}): set ib.account, or IB_PAPER_ACCOUNT, to one of them."
        )
    else:
        account = accounts[0]
    if is_paper(account) is not (config.kind == "paper"):
        told = "paper" if is_paper(account) else "live"
        to = "on paper" if config.kind == "paper" else "live"
        raise BrokerError(f"{account} at {config.at} is a {told} account, and this is a {config.kind} one: log in to TWS or Gateway {to}.")
    return account


def _number(environment: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = environment.get(name, "").strip() or str(default)
    if not (text.isdecimal() and 1 <= int(text) <= most):
        raise BrokerError(f"{name} is {text!r}: it must be a whole number from 1 to {most}.")
    return int(text)
