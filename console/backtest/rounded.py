"""A result's floats as they are written for others: without the noise that arithmetic leaves behind their last true digit."""

from __future__ import annotations

from typing import Any

_MONEY = frozenset(
    {
        *("equity", "cash", "gross", "held", "profit", "fees", "slippage", "unrealised"),
        *("average_win", "average_loss", "expectancy", "best", "worst"),
    }
)
_PRICES = frozenset({"entry", "exit", "last"})


def rounded(tree: Any, name: str = "") -> Any:
    """`tree` of plain values, each float rounded as what its nearest key, or `name`, says that it is.

    Money is a sum, whose noise is of the size of all that was added up: six decimals, with which cents are exact up to a thousand million.
    A price is a quotient, be it of a cent or of a fortune: twelve digits. All else are fractions and ratios: ten decimals.
    """
    if isinstance(tree, dict):
        return {key: rounded(value, key) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [rounded(value, name) for value in tree]
    if not isinstance(tree, float):
        return tree
    if name in _PRICES:
        return float(f"{tree:.12g}")
    # What was a little below nothing is nothing, and not -0.0.
    return round(tree, 6 if name in _MONEY else 10) + 0.0
