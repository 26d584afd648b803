"""Commission and slippage models by the name that the config gives them: built in, or installed by somebody else as an entry point.

A package of its own offers one in the group `tradeconsole.commission` or `tradeconsole.slippage`: a function that is given the config's
`params` as a dict and answers the model, a function as in `engine.core.commission` or `engine.core.slippage`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from engine.core.commission import Commission, fixed, per_cent, tiered
from engine.core.slippage import Slippage, basis_points, by_size, by_volatility
from engine.model.settings import CommissionSettings, SlippageSettings


class CostModelError(ValueError):
    """There is no such model, or it did not accept its parameters. The message says what there is."""


def commission_of(settings: CommissionSettings) -> Commission:
    """The commission model that `settings` name. Raises CostModelError."""
    match settings.model:
        case "fixed":
            return fixed(settings.rate)
        case "per_cent":
            return per_cent(settings.rate, settings.minimum, settings.maximum_pct)
        case "per_share":
            return tiered(settings.rate, (), settings.minimum, settings.maximum_pct)
        case "tiered":
            tiers = [(tier.above, tier.rate) for tier in settings.tiers]
            return tiered(settings.rate, tiers, settings.minimum, settings.maximum_pct)
    model: Commission = _installed("commission", settings.model, settings.params, "fixed, per_cent, per_share and tiered")
    return model


def slippage_of(settings: SlippageSettings) -> Slippage:
    """The slippage model that `settings` name. Raises CostModelError."""
    match settings.model:
        case "basis_points":
            return basis_points(settings.bps)
        case "size":
            return by_size(settings.bps, settings.power)
        case "volatility":
            return by_volatility(settings.range_pct)
    model: Slippage = _installed("slippage", settings.model, settings.params, "basis_points, size and volatility")
    return model


def _installed(kind: str, name: str, params: Mapping[str, Any], built_in: str) -> Any:
    """What the entry point `name` makes of `params`."""
    group = f"tradeconsole.{kind}"
    found = {point.name: point for point in entry_points(group=group)}
    if name not in found:
        others = f"; installed: {', '.join(sorted(found))}" if found else f", and none is installed (entry points {group})"
        raise CostModelError(f"paper.{kind}.model is {name!r}, and there is no such model. Built in are {built_in}{others}.")
    try:
        return found[name].load()(dict(params))
    except Exception as error:
        # Somebody else's code: whatever it raises, the person must read which model it was and what it said.
        raise CostModelError(f"the {kind} model {name!r} could not be used: {type(error).__name__}: {error}") from error
