"""A live account is traded only after its number was typed: nobody trades real money by a config that was left over."""

from __future__ import annotations

import sys

from msgspec.structs import replace

from console.options import end
from engine.brokers.alpaca import config as alpaca
from engine.brokers.ib import config as ib
from engine.model.settings import Settings
from widgets.text import clean

OPTION = "--live-account"
_NAMES = {"alpaca": "Alpaca", "ib": "Interactive Brokers"}


def with_typed_account(settings: Settings, given: str | None, *, screen: bool, name: str = "") -> Settings:
    """The settings with the number that the broker's account must have, where it is live; as they are where it is on paper.

    With a screen a person types it, every time. Without one it is `given` as an option. Ends the process, and nothing was started, where
    there is none, where it is another than the config's, and where nothing at that broker is live. `name` is the account's among several.
    """
    if settings.account == "paper":
        if given is not None:
            end(f"{OPTION} is the number of a live account, and this is a paper one: --engine live makes it one. Nothing was started.")
        return settings
    if settings.broker == "paper":
        end("A live account is at a broker, and this one is paper: name it with --broker, or in the config. Nothing was started.")
    if settings.broker not in _NAMES:
        end(f"The broker {settings.broker} trades on paper alone in this console: live accounts are at alpaca or ib. Nothing was started.")
    if screen and given is not None:
        end(f"{OPTION} is for a run without a screen: here the number is typed. Nothing was started.")
    number = _typed(settings, name) if screen else (given or "").strip()
    if not number:
        end(f"A live account is traded after its number is typed{'' if screen else f', or given as {OPTION} NUMBER'}. Nothing was started.")
    configured = settings.alpaca.account if settings.broker == "alpaca" else settings.ib.account
    if configured and number != configured:
        end(f"{number} is not the account of the config, which is {configured}. Nothing was started.")
    is_paper = alpaca.is_paper if settings.broker == "alpaca" else ib.is_paper
    if is_paper(number):
        end(f"{number} is a paper account, and this is to be a live one. Nothing was started.")
    if settings.broker == "alpaca":
        return replace(settings, alpaca=replace(settings.alpaca, account=number))
    return replace(settings, ib=replace(settings.ib, account=number))


def _typed(settings: Settings, name: str) -> str:
    if not sys.stdin.isatty():
        end("A live account's number is typed, and there is nobody at the standard input to type it. Nothing was started.")
    limits = settings.limits
    sys.stdout.write(
        f"\nREAL MONEY. This starts {f'{name}, ' if name else ''}a LIVE account at {_NAMES[settings.broker]}, in {settings.mode}.\n"
        f"Limits: {limits.max_order_pct} % of equity an order, {limits.max_position_pct} % a position, "
        f"{limits.max_daily_loss_pct} % lost in a day.\n"
        f"Its books: {clean(str(settings.database))}\n"
        "Type the account's number to trade it, or press Enter to leave: "
    )
    sys.stdout.flush()
    try:
        return sys.stdin.readline().strip()
    except KeyboardInterrupt:
        sys.stdout.write("\n")
        return ""
