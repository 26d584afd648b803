"""The page of the order line, `console/docs/order-line.md`: its examples are read, and its mistakes made, by the grammar itself."""

from __future__ import annotations

from collections.abc import Iterable

from console.meanings import MODE_WORDS, PRICES, TIFS, VERBS, Parsed, ParseError
from console.order_line.glossary import WORDS
from tests.console.lines import read
from tests.project_files import ROOT
from widgets.line_notes import Reading, mistake

PAGE = ROOT / "console" / "docs" / "order-line.md"
WIDTH = 100

ORDERS = (
    "buy 100 AAPL",
    "buy 100 AAPL @ 187.50 day",
    "buy 100 AAPL limit ask-0.05 gtc",
    "sell 100 AAPL stop 184 gtc",
    "sell 100 AAPL stop 184 @ 183.50",
    "sell 10 AAPL trail 2.50",
    "buy 10 AAPL @ ask ioc",
    "buy 10 AAPL @ 187 fok",
    "buy 10 AAPL open",
    "sell 10 AAPL @ 190 cls",
    "buy 10 AAPL @ 187 ext",
)
QUANTITIES = (
    "buy $5k MSFT @ bid+0.02",
    "sell half AAPL mkt",
    "sell 25% AAPL @ 190",
    "sell all AAPL trail 1.5%",
    "buy all IBM",
    "close AAPL 50%",
    "close AAPL",
    "sell 10 AAPL reduce",
    "buy AAPL risk 0.5% sl 184",
    "buy AAPL @ 186 risk $500 sl -2%",
)
EXITS = (
    "buy $5k AAPL @ bid+0.02 tp +4% sl -2%",
    "buy 10 AAPL tp 195 sl 184.50 gtc",
    "buy 10 AAPL sl trail 2%",
    "sell 10 MSFT tp -4% sl +2%",
)
WORKING = (
    "replace #12 @ 188.20",
    "replace #12 50 @ 188",
    "replace #14 trail 1.5%",
    "cancel #12",
    "cancel AAPL",
    "cancel *",
    "oco sell 100 AAPL @ 190 stop 180",
    "oco close AAPL @ 190 trail 2% gtc",
)
OTHERS = ("flatten", "mode semi", "preview buy 10 MSFT", "sync", "accept AAPL")
MISTAKES = (
    "buy 100 AAPL 187.50",
    "buy 10 DAY",
    "buy 100 aapl",
    "buy 100 AAPL @ 187 stop 184",
    "buy 100 AAPL @ 187.505",
    "buy 100 AAPL sell 5 MSFT",
    "buy 10 AAPL close",
    "buy 10 AAPL sl +2%",
    "replace #15 50",
    "kill",
)


def table(lines: Iterable[str]) -> str:
    """Each line with its normal form and, where the grammar has one, its note."""
    rows = ["| you write | it means |", "|---|---|"]
    for line in lines:
        found = read(line)
        assert isinstance(found, Parsed), (line, found)
        rows.append(f"| `{line}` | `{found.normal}`{f'<br>{found.note}' if found.note else ''} |")
    return "\n".join(rows)


def mistakes() -> str:
    """What stands on the screen: each line, and under it what is wrong."""
    shown = []
    for line in MISTAKES:
        found = read(line)
        assert isinstance(found, ParseError), line
        assert not found.unfinished, line
        reading = Reading(start=found.start, end=found.end, message=found.message, right=found.right)
        rows = mistake(reading, found.start, found.end - found.start, WIDTH)
        shown += [f"    > {line}", *("      " + "".join(cell.text for cell in row).rstrip() for row in rows), ""]
    return "\n".join(shown).rstrip()


def words() -> str:
    """Every word of the grammar, by what it is."""
    kinds = (
        ("verbs", VERBS),
        ("quantity", ("all", "half", "risk")),
        ("price", ("mkt", "market", "@", "limit", "lmt", "stop", "trail", *PRICES)),
        ("time in force", (*TIFS, "ext")),
        ("exits", ("tp", "sl", "reduce")),
        ("modes", MODE_WORDS),
    )
    rows = ["| | word | stands for |", "|---|---|---|"]
    rows += [f"| {kind if word == some[0] else ''} | `{word}` | {WORDS[word]} |" for kind, some in kinds for word in some]
    return "\n".join(rows)


def page() -> str:
    return f"""# The order line

`:` opens it from any panel. Escape clears the line, and then leaves it.

While you write, the rows under the line say in one normal form what it means, what it costs, what buying power and position are after it,
how far it is from the market, and what the gate says. **Enter sends exactly what stands there**, without a question; only `flatten`,
`accept` and the mode FULL_AUTO ask for a typed word.

- The verb comes first and is written out; an order is never made of a beginning. After the verb the order of words is free.
- Keywords are lower case, symbols upper case. Where a symbol is also a word, `$` marks the symbol: `$DAY`.
- A word that can be read in two ways is a mistake, and both ways are shown.
- One command a line. Nothing joins two, and of a paste the first line is taken and nothing sent.
- The normal form is a line, too, and means the same.

The examples below are read with AAPL quoted 187.51 x 187.53 and 101 of it held, 200 IBM sold short, MSFT at 402.08 x 402.12, and an equity
of 100,000.

## Orders

Without a price an order is at the market, without a time in force it is for the day.

{table(ORDERS)}

A price is a number on the symbol's tick, or `bid`, `ask` or `last`, with `+` and `-` from there; it is counted anew with each quote until
you send it. A stop-limit order is its stop first, then its limit: a stop after a limit could be meant as a stop-loss, and is asked about.
A stop that the market has reached already trades at once, and the row under the line says so. `close` is a verb, so the closing auction is
`cls`.

## How many

{table(QUANTITIES)}

Money is turned into whole shares, or parts of one where the broker trades them, when the order is sent; the row under the line tells how
many that is now. What is counted from a position can only reduce it. A risk is the loss at the stop-loss: as many shares as lose that much
and no more between the entry and `sl`, rounded down; a gap past the stop loses more.

## Exits

`tp` takes the profit and `sl` ends the loss. They wait until the entry fills, cover what it filled, and end with each other.

{table(EXITS)}

Per cent are counted from the entry's average price, and their sign says where the price goes: a short position gains below. Without a sign
the right side is meant.

## Orders that work

An order goes by its number. In these examples `#12` sells 100 AAPL at 190.00, `#14` sells 100 with a trail of 2 %, and `#15` hangs together
with others, so that its price alone can be replaced.

{table(WORKING)}

The quantity of a replace is the whole one, what filled already included. `oco` takes a limit and a stop or a trail for one quantity: what
one fills is taken from the other.

## All else

{table(OTHERS)}

`sync` compares orders and positions with the broker's at once. Where they still differ and no fill explains it, `accept` books what the
broker holds, after the word ACCEPT and a reason, and the symbol takes entries again. Nothing is sent by either.

The emergency stop is a key, `F12` or `^G`, and no word: typed, `stop`, `halt`, `kill` and `panic` tell of it.

## Mistakes

The word that is wrong is underlined, with what would be right. What is only unfinished is no mistake.

{mistakes()}

## Keys

Tab completes the word as far as there is one way to go, and then lists the ways with what they stand for; each further Tab puts in the
next, Shift+Tab the one before. It offers nothing that would be a mistake. Up and Down go through the last 500 lines entered, those
of earlier days too; where you have begun a line, through those that begin like it. A recalled line is sent by your Enter alone. Home, End,
`^E`, `^W`, `^U`, `^K` and Ctrl with the arrows move and cut as in a shell.

## All words

{words()}

This page is made from the grammar by `make readme`.
"""
