"""The word `engines` of the command line: the ways to run a strategy, what each supports, and which can be used here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import to_builtins
from msgspec.structs import replace

from console.engines.factory import EngineFactory
from console.options import Options
from engine.engine_types import EngineInfo


def engines(arguments: Sequence[str]) -> int:
    """Lists them; answers 0."""
    options = Options(
        prog="tradeconsole engines",
        description="The ways to run a strategy, what each supports, and which can be used here.",
        epilog="Installed packages add more by entry points of the group tradeconsole.engines.",
        allow_abbrev=False,
    )
    options.add_argument("--json", action="store_true", help="Print it as JSON.")
    options.add_argument("--config", type=Path, metavar="FILE", help="The YAML file to read instead of your own.")
    given = options.parse_args(arguments)
    infos = [info_here(name, given.config) for name in EngineFactory.get_supported_engines()]
    if given.json:
        _print(json.dumps([to_builtins(info) for info in infos], indent=2))
    else:
        for info in infos:
            for line in _in_words(info):
                _print(line)
    return 0


def info_here(name: str, config: Path | None) -> EngineInfo:
    """What the engine says of itself and, of the live one, whether a broker of the config can be reached, which it does not ask."""
    info = EngineFactory.get_engine_info(name)
    if name != "live":
        return info
    from console.engines.live_here import why_not_live

    return replace(info, why_not=why_not_live(config))


def check_compatibility(strategies: Sequence[str], name: str) -> int:
    """Says of each strategy whether it can run in that engine; answers 0 where all can, else 1. Raises StrategyError and EngineError."""
    code = 0
    for file in strategies:
        wanted = EngineFactory.detect_engine_type(file) if name == "auto" else name
        found = EngineFactory.validate_strategy_compatibility(file, wanted)
        why = "; ".join(found.reasons) or EngineFactory.get_engine_info(wanted).why_not
        _print(f"{file}: no, not in {wanted}: {why}" if why else f"{file}: yes, in {wanted}")
        code |= bool(why)
    return code


def _in_words(info: EngineInfo) -> Iterator[str]:
    yield f"{info.name}: {info.summary}"
    if info.tells:
        yield f"  tells        {', '.join(info.tells)}"
        yield f"  orders       {', '.join(info.orders)}"
        yield f"  sends to     {info.sends}"
    yield f"  usable here  {'yes' if info.usable else f'no: {info.why_not}'}"


def _print(text: str) -> None:
    """On standard output; an installed package's words steer no terminal."""
    from console.backtest.command import print_line

    for line in text.split("\n"):
        print_line(line)
