"""Makes the engines of several accounts, and of them the one that the screen sees."""

from __future__ import annotations

from console.accounts.config import Accounts
from console.accounts.engines import AccountEngines
from console.build import create_engine
from engine.combined import Combined


def create_engines(accounts: Accounts, combined: Combined) -> AccountEngines:
    """One for each, none of them started; they keep the limits of `combined` together. Raises ValueError as `create_engine` does."""
    engines = {name: create_engine(settings, account=name, seat=combined.seat(name)) for name, settings in accounts.settings.items()}
    return AccountEngines(engines, current=accounts.preferred, preferred=accounts.preferred_for, combined=combined)
