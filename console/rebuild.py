"""`tradeconsole rebuild`: makes what the history page shows again from the journal, which has all of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from console.accounts.config import load_accounts, the_account
from console.config import ConfigError, load
from console.options import Options, end, say

_FAILED = 1


def rebuild(arguments: Sequence[str]) -> int:
    """Makes the history anew; answers the exit code. Raises SystemExit with code 2 where the command is wrong or there is no such database.

    0: it is made. 1: it could not be; the journal is as it was.
    """
    options = Options(
        prog="tradeconsole rebuild",
        description="Makes the history tables (orders, fills, trades, days, equity, audit) again from the journal, while no console runs.",
        epilog=(rebuild.__doc__ or "").split("\n\n")[1].strip(),
        allow_abbrev=False,
    )
    options.add_argument("--database", type=Path, metavar="FILE", help="The account's database instead of the config's.")
    options.add_argument("--account", metavar="NAME", help="The one of the config's several accounts that is meant.")
    options.add_argument("--config", type=Path, metavar="FILE", help="The YAML file to read instead of your own.")
    given = options.parse_args(arguments)
    try:
        if given.account is not None:
            settings = the_account(load_accounts(given.config), given.account)
        elif given.database is None and (accounts := load_accounts(given.config)) is not None:
            end(f"the config has {', '.join(accounts.settings)}: name one with --account.")
        else:
            settings = load(given.config)
        database = given.database or settings.database
    except ConfigError as error:
        end(str(error))
    if database is None or not database.exists():
        end(f"there is no database {database}: nothing was made.")
    from engine.model.journal import JournalError
    from storage.projections import rebuild as make_again

    try:
        entries = make_again(database)
    except JournalError as error:
        say(str(error))
        return _FAILED
    say(f"the history of {database} is made again from the {entries:,} entries of its journal.")
    return 0
