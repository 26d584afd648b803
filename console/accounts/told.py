"""Several accounts as the preferences tell of them: what the config file names, to be changed there by hand."""

from __future__ import annotations

from collections.abc import Iterator

from console.accounts.config import Accounts
from console.preferences import NONE, Written, words

SEVERAL = "several may trade side by side: the section `accounts` of the file names them"


def rows(accounts: Accounts | None, file: str) -> Iterator[Written]:
    """The keys of several accounts, each as `file` has it; the first alone where there is one account."""
    where = file or "a config file"
    how = "By hand, in {} under `{}`; it holds from the next start on."
    if accounts is None:
        yield Written("accounts", "accounts", SEVERAL, says="one", how=how.format(where, "accounts"))
        return
    names = ", ".join(accounts.settings)
    yield Written(
        "accounts",
        "accounts",
        f"{names}: each with an engine, books and limits of its own",
        says=f"{len(accounts.settings)}",
        how=how.format(where, "accounts"),
        lines=tuple(
            f"{name}: broker {its.broker}, {its.account} money, {words(its.mode)}, prices from {its.feed.source}"
            for name, its in accounts.settings.items()
        ),
    )
    yield Written("preferred", "preferred", "the account that is shown first", says=accounts.preferred, how=how.format(where, "preferred"))
    places = [f"{symbol} {account}" for symbol, account in sorted(accounts.preferred_for.items())]
    yield Written(
        "preferred_for",
        "preferred for",
        f"{', '.join(places) or NONE}: where an order for the symbol goes that names no account",
        says=f"{len(places)} symbol{'' if len(places) == 1 else 's'}" if places else NONE,
        how=how.format(where, "preferred_for"),
        lines=tuple(places),
    )
