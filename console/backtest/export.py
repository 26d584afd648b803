"""A backtest's result as files: one of JSON with everything, or a folder of CSV. The same run writes the same bytes."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import Struct, to_builtins
from msgspec.structs import asdict

from console import __version__
from console.backtest.rounded import rounded
from engine.backtest.curve import Curve
from engine.backtest.result import Result
from engine.backtest.trades import Trade
from engine.strategies.loader import find


def write_json(result: Result, file: Path) -> None:
    """Times are ns UTC; exact numbers are strings. Raises OSError."""
    file.write_text(json.dumps(_tree(result), indent=1, sort_keys=True, default=_plain) + "\n", encoding="utf-8")


def write_csv(result: Result, folder: Path) -> None:
    """trades.csv, fills.csv, equity.csv and months.csv, with times as ISO 8601. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    trades = [rounded(asdict(trade)) for trade in result.trades]
    titles = Trade.__struct_fields__
    _table(folder / "trades.csv", titles, ([_cell(title, trade[title]) for title in titles] for trade in trades))
    fills = (
        (owner, fill.symbol, fill.side, fill.quantity, fill.price, fill.fees, _iso(fill.at), fill.rule, fill.order_id)
        for fill, owner in zip(result.fills, result.owners, strict=True)
    )
    _table(folder / "fills.csv", ["strategy", "symbol", "side", "quantity", "price", "fees", "at", "rule", "order"], fills)
    curve = _columns(result.curve)
    points = zip(*curve.values(), strict=True)
    _table(folder / "equity.csv", list(curve), ((_iso(at), *values) for at, *values in points))
    _table(folder / "months.csv", ["year", "month", "return"], rounded(result.figures.monthly))


def _tree(result: Result) -> dict[str, Any]:
    data, profile = result.data, result.profile
    return {
        "version": __version__,
        "data": {"name": data.name, "symbols": list(data.bars), "calendar": data.calendar.name, "sha256": data.fingerprint()},
        "strategies": [
            {
                "name": name,
                "params": dict(params),
                "sha256": hashlib.sha256(find(strategy.file).read_bytes()).hexdigest(),
                "size_pct": strategy.size_pct,
                "symbols": list(strategy.symbols),
            }
            for (name, params), strategy in zip(result.params.items(), profile.strategies, strict=True)
        ],
        "profile": {
            "fill": profile.fill,
            "latency": asdict(profile.latency),
            "paper": asdict(profile.paper),
            "margin": asdict(profile.margin),
            "limits": None if profile.limits is None else asdict(profile.limits),
        },
        "bars": result.bars,
        "first_at": result.first_at,
        "last_at": result.last_at,
        "final_value": result.final_value,
        "figures": rounded(to_builtins(result.figures)),
        "held": rounded([asdict(holding) for holding in result.held]),
        "trades": rounded([asdict(trade) for trade in result.trades]),
        "fills": [{**asdict(fill), "strategy": owner} for fill, owner in zip(result.fills, result.owners, strict=True)],
        "equity": _columns(result.curve),
        "signals": {"all": result.signals, "denied": dict(result.denied), "cut": dict(result.cut)},
        "orders": {"open": result.open_orders, "ended": dict(result.ended)},
        "notes": dict(result.notes),
        "problems": list(data.problems),
    }


def _columns(curve: Curve) -> dict[str, list[Any]]:
    at, equity, cash, gross = (column.tolist() for column in (curve.at, curve.equity, curve.cash, curve.gross))
    return {"at": at, **rounded({"equity": equity, "cash": cash, "gross": gross})}


def _plain(value: object) -> str | dict[str, Any]:
    if isinstance(value, Struct):
        return asdict(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    raise TypeError(f"{type(value).__name__} has no place in the file")


def _table(file: Path, titles: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(titles)
        writer.writerows(rows)


def _cell(title: str, value: object) -> object:
    return _iso(value) if title.endswith("_at") and isinstance(value, int) else value


def _iso(at: int) -> str:
    """Exact: files of seconds say seconds."""
    seconds, rest = divmod(at, 1_000_000_000)
    told = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"
    return f"{told}.{rest:09d}Z" if rest else f"{told}Z"
