"""A backtest as it is written down: what it was run with, what was ordered, what filled. Bars are kept beside, once for all runs."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from engine.backtest.account import fills_of
from engine.backtest.data import Data
from engine.backtest.errors import BacktestError
from engine.backtest.looks import Look, Looks
from engine.backtest.player import Orders
from engine.backtest.profile import Profile
from engine.backtest.result import Result, result_of
from engine.backtest.timeline import Timeline
from engine.feeds.actions import Action
from engine.feeds.bar_columns import BarColumns
from engine.feeds.calendar import Calendar
from engine.model.orders import Fill
from engine.replay.indicators import pack_answers, unpack_answers
from engine.replay.packing import unpack_bars
from engine.replay.recording import ReplayError
from engine.replay.trees import from_tree
from engine.secrets import Redactor
from engine.strategies.base import Draft

OUTLINE, ORDERS, FILLS, LOOKS, ANSWERS, EFFECTS = "outline", "orders", "fills", "looks", "answers", "effects"
"""What the pieces of a backtest's file are called."""
OTHERWISE: Final = (
    "This backtest was made by another version of tradeconsole, which filled its orders otherwise. Run it once more to replay it; its "
    "figures are kept as they are."
)
_BLOCK: Final = 1_000
T = TypeVar("T")

Piece = tuple[str, bytes]


class Outline(Struct, frozen=True):
    """`bars` names each symbol's, in the order of the run; `strategies` are their names with the symbols of each."""

    source: str
    calendar: str
    first: int
    bars: tuple[tuple[str, str], ...]
    actions: tuple[Action, ...]
    profile: dict[str, Any]
    strategies: tuple[tuple[str, tuple[str, ...]], ...]
    params: dict[str, dict[str, Any]]
    orders: int
    fills: int


class Written(Struct, frozen=True):
    """One `Orders` without its player, which `player` names by its place."""

    player: int
    drafts: list[Draft]
    callback: str
    symbol: str
    at: int
    last: int


def bars_key(bars: BarColumns) -> str:
    """Names these bars: the same for the same numbers, whatever symbol and file they are of."""
    seen = hashlib.blake2b(digest_size=16)
    for column in bars.columns:
        seen.update(column.tobytes())
    return seen.hexdigest()


def pieces_of(result: Result, ordered: Sequence[Orders], looks: Looks | None = None) -> tuple[list[Piece], dict[str, BarColumns]]:
    """The pieces of the file, in order, the same bytes for the same run; and the bars that it names. `looks` are those of the run, where
    what its indicators stood at is to be kept."""
    data, profile = result.data, result.profile
    bars = {bars_key(series): series for series in data.bars.values()}
    keys = {id(series): key for key, series in bars.items()}
    named = tuple((symbol, keys.get(id(series)) or bars_key(series)) for symbol, series in data.bars.items())
    players: dict[str, int] = {}
    strategies: list[tuple[str, tuple[str, ...]]] = []
    for orders in ordered:
        if orders.player.name not in players:
            players[orders.player.name] = len(players)
            strategies.append((orders.player.name, tuple(orders.player.symbols)))
    outline = Outline(
        data.name,
        data.calendar.name,
        data.first,
        named,
        data.actions,
        msgspec.to_builtins(profile),
        tuple(strategies),
        {name: dict(params) for name, params in result.params.items()},
        len(ordered),
        len(result.fills),
    )
    written = [Written(players[o.player.name], o.drafts, o.callback, o.symbol, o.at, o.last) for o in ordered]
    pieces = [(OUTLINE, _packed(outline))]
    pieces += [(ORDERS, _packed(block)) for block in _blocks(written)]
    pieces += [(FILLS, _packed(block)) for block in _blocks(result.fills)]
    if looks is not None:
        pieces += [(LOOKS, _packed(block)) for block in _blocks(looks.taken)]
        clean = Redactor.of(os.environ).clean_tree
        for (strategy, symbol), each in looks.answers.items():
            pieces.append((ANSWERS, pack_answers(strategy, symbol, replace(each, values=clean(each.values)))))
    return pieces, bars


class Run(Struct, frozen=True):
    """A backtest that was read: all it depends on, what filled, and what its indicators stood at now and then."""

    data: Data
    profile: Profile
    params: Mapping[str, Mapping[str, object]]
    ordered: tuple[Orders, ...]
    fills: tuple[Fill, ...]
    looks: Looks


def run_of(pieces: Sequence[Piece], read_bars: Callable[[str], bytes]) -> Run:
    """What `pieces_of` wrote. Raises ReplayError in words where something of it is missing or damaged."""
    from engine.backtest.again import RecordedPlayer

    lost = "Run the backtest once more: it is recorded anew, and its figures are kept in any case."
    outline: Outline | None = None
    written: list[Written] = []
    fills: list[Fill] = []
    looks = Looks()
    try:
        for name, packed in pieces:
            if name == OUTLINE:
                outline = _unpacked(packed, Outline)
            elif name == ORDERS:
                written += _unpacked(packed, list[Written])
            elif name == FILLS:
                fills += _unpacked(packed, list[Fill])
            elif name == LOOKS:
                looks.taken += _unpacked(packed, list[Look])
            elif name == ANSWERS:
                looks.answers.update([unpack_answers(packed)])
        if outline is None or (len(written), len(fills)) != (outline.orders, outline.fills):
            raise ValueError("a part of it is missing")
        bars = _bars(outline, read_bars)
        players = [RecordedPlayer(name, symbols) for name, symbols in outline.strategies]
        ordered = tuple(Orders(players[w.player], w.drafts, w.callback, w.symbol, w.at, w.last) for w in written)
        profile = from_tree(Profile, outline.profile)
        data = Data(outline.source, bars, Calendar(outline.calendar), first=outline.first, actions=outline.actions)
    except (ValueError, OSError, IndexError) as error:
        raise ReplayError(f"This backtest's recording cannot be read: {error}. {lost}") from error
    return Run(data, profile, outline.params, ordered, tuple(fills), looks)


def _bars(outline: Outline, read_bars: Callable[[str], bytes]) -> Mapping[str, BarColumns]:
    bars = {}
    for symbol, key in outline.bars:
        series = unpack_bars(symbol, read_bars(key))
        if bars_key(series) != key:
            raise ValueError(f"the bars of {symbol} are not those it ran over")
        bars[symbol] = series
    return bars


def _blocks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[begin : begin + _BLOCK] for begin in range(0, len(items), _BLOCK))


def _packed(value: Any) -> bytes:
    """A strategy's words and parameters may hold what the environment keeps secret: that is not written down."""
    packed, redactor = msgspec.msgpack.encode(value), Redactor.of(os.environ)
    text = packed.decode("utf-8", "replace")
    if redactor.clean(text) != text:
        packed = msgspec.msgpack.encode(redactor.clean_tree(msgspec.to_builtins(value)))
    return zlib.compress(packed, 6)


def _unpacked(packed: bytes, kind: type[T]) -> T:
    try:
        return msgspec.msgpack.decode(zlib.decompress(packed), type=kind, strict=False)
    except (zlib.error, msgspec.MsgspecError) as error:
        raise ValueError(str(error)) from None


def result_again(run: Run) -> Result:
    """Everything that is said of a run, made from its recording alone: what was ordered is played to the core, and no strategy runs. Raises
    ReplayError where something else fills than was recorded."""
    from engine.backtest.again import played_again

    try:
        account, core = played_again(run.data, run.profile, run.ordered)
    except BacktestError as error:
        raise ReplayError(f"What this backtest's orders came to cannot be worked out: {error}") from error
    if tuple(fills_of(account.booked)) != run.fills:
        raise ReplayError(OTHERWISE)
    bars = run.data.played()
    return result_of(run.data, run.profile, bars, Timeline(bars).moments, account, core, run.params)
