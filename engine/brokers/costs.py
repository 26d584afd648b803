"""Commission and slippage models by the name that the config gives them: built in, or installed by somebody else as an entry point.

A package of its own offers one in the group `tradeconsole.commission` or `tradeconsole.slippage`: a function that is given the config's
`params` as a dict and answers the model, a function as in `engine.core.commission` or `engine.core.slippage`. It runs inside the engine,
at each fill, and must answer at once. One that raises, or answers what is no cost, is asked no more in that run: what the default of the
same setting costs stands in for it, and that is complained about once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from math import isfinite
from typing import Any, TypeAlias

from engine.core.commission import Commission, fixed, per_cent, tiered
from engine.core.slippage import Slippage, basis_points, by_size, by_volatility
from engine.model.money import LARGEST, cents
from engine.model.orders import Side
from engine.model.settings import CommissionSettings, SlippageSettings

Complain: TypeAlias = Callable[[str], None]


class CostModelError(ValueError):
    """There is no such model, or it did not accept its parameters. The message says what there is."""


def commission_of(settings: CommissionSettings, complain: Complain) -> Commission:
    """The commission model that `settings` name; `complain` is told where it fails later on. Raises CostModelError."""
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
    name = settings.model
    model: Commission = _installed("commission", name, settings.params, "fixed, per_cent, per_share and tiered")
    default = commission_of(CommissionSettings(), complain)

    def owed(quantity: Decimal, cost: Decimal) -> Decimal:
        nonlocal model
        if model is default:
            return default(quantity, cost)
        try:
            told = model(quantity, cost)
            if not (isinstance(told, Decimal) and told.is_finite() and 0 <= told <= LARGEST):
                raise ValueError(f"it answered {told!r}, which is no commission: a Decimal, zero or above")
            return cents(told)
        except Exception as error:  # noqa: BLE001 - somebody else's code: a fill must be booked whatever it does
            complain(_failed("commission", name, error))
            model = default
            return default(quantity, cost)

    return owed


def slippage_of(settings: SlippageSettings, complain: Complain) -> Slippage:
    """The slippage model that `settings` name; `complain` is told where it fails later on. Raises CostModelError."""
    match settings.model:
        case "basis_points":
            return basis_points(settings.bps)
        case "size":
            return by_size(settings.bps, settings.power)
        case "volatility":
            return by_volatility(settings.range_pct)
    name = settings.model
    model: Slippage = _installed("slippage", name, settings.params, "basis_points, size and volatility")
    default = slippage_of(SlippageSettings(), complain)

    def slip(side: Side, price: float, quantity: float, volume: float, span: float) -> float:
        nonlocal model
        if model is default:
            return default(side, price, quantity, volume, span)
        try:
            # numpy's floats would print with their type's name.
            told = float(model(side, price, quantity, volume, span))
            if not (isfinite(told) and told > 0 and (told - price) * side.sign >= 0):
                raise ValueError(f"it answered {told!r} for a {side} at {price!r}, which is no price, or a better one")
            return told
        except Exception as error:  # noqa: BLE001 - somebody else's code: an order must fill whatever it does
            complain(_failed("slippage", name, error))
            model = default
            return default(side, price, quantity, volume, span)

    return slip


def _failed(kind: str, name: str, error: Exception) -> str:
    what = f"{type(error).__name__}: {error}"
    return f"The {kind} model {name!r} failed ({what}). It is asked no more in this run; the default {kind} stands in for it."


def _installed(kind: str, name: str, params: Mapping[str, Any], built_in: str) -> Any:
    """What the entry point `name` makes of `params`."""
    from importlib.metadata import entry_points

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
