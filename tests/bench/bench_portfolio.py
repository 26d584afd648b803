"""Measures what the portfolio costs: a price and the questions that follow it, with few symbols held and with many, and a fill.

Run as `python -m tests.bench.bench_portfolio`. The goal: a price and its questions cost the same (at most 1.5 times) whether 10 symbols
are held or 1,000. What working the sums out anew each time would cost stands beside it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from decimal import Decimal

from engine.core.attribution import Attribution
from engine.core.portfolio import Portfolio
from engine.model.orders import Fill, Side

TURNS = 20_000
ROUNDS = 5


def held(symbols: int) -> Portfolio:
    portfolio = Portfolio(Decimal(1_000_000))
    for number in range(symbols):
        portfolio.book(fill(number, Side.BUY if number % 3 else Side.SELL))
        portfolio.mark(f"S{number}", 100.0)
    return portfolio


def fill(number: int, side: Side) -> Fill:
    return Fill(f"f{number}", f"o{number}", f"S{number}", side, Decimal(10), Decimal("100.25"), Decimal("1002.5"), Decimal("0.35"), 0)


def marked_and_asked(portfolio: Portfolio, symbols: int) -> Callable[[int], object]:
    names = [f"S{number}" for number in range(symbols)]

    def turn(number: int) -> object:
        portfolio.mark(names[number % symbols], 100.0 + number % 977 / 100)
        return portfolio.equity(), portfolio.gross(), portfolio.unrealised()

    return turn


def anew(portfolio: Portfolio, symbols: int) -> Callable[[int], object]:
    names = [f"S{number}" for number in range(symbols)]

    def turn(number: int) -> object:
        portfolio.mark(names[number % symbols], 100.0 + number % 977 / 100)
        return sum((h.worked_out() for h in portfolio.holdings.values()), portfolio.cash)

    return turn


def booked(portfolio: Portfolio) -> Callable[[int], object]:
    return lambda number: portfolio.book(fill(number % 10, Side.BUY if number // 10 % 2 else Side.SELL))


def attributed(strategies: Attribution) -> Callable[[int], object]:
    return lambda number: strategies.book(fill(number % 10, Side.BUY if number // 10 % 2 else Side.SELL), "sma")


def microseconds(turn: Callable[[int], object], turns: int) -> float:
    """The best of some rounds, in CPU time a turn."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        for number in range(turns):
            turn(number)
        best = min(best, time.process_time() - start)
    return best / turns * 1e6


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main() -> None:
    few, many = (microseconds(marked_and_asked(held(symbols), symbols), TURNS) for symbols in (10, 1_000))
    account = held(10)
    once = microseconds(lambda number: account.mark("S1", 100.0 + number % 977 / 100), TURNS)
    fresh = microseconds(anew(held(1_000), 1_000), 200)
    tell(f"a price alone                                     {once:8.2f} us")
    tell(f"a price, then equity, gross and unrealised: 10    {few:8.2f} us")
    tell(f"                                         1,000    {many:8.2f} us   {many / few:.2f} times 10 (goal: at most 1.5)")
    tell(f"equity of 1,000 worked out anew                   {fresh:8.2f} us   {fresh / many:.0f} times that")
    tell(f"a fill: the account                               {microseconds(booked(held(10)), TURNS):8.2f} us")
    tell(f"        and its strategy                          {microseconds(attributed(Attribution()), TURNS):8.2f} us")


if __name__ == "__main__":
    main()
