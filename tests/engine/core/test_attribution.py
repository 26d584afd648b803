"""Whose positions they are: fills go to the strategy that ordered them, and a person's closing order closes what strategies hold."""

from __future__ import annotations

from decimal import Decimal

from engine.chart import ChartBuilder
from engine.model.market import Dividend, Split
from engine.model.metrics import MetricsView
from engine.model.modes import Mode
from engine.model.orders import Side
from engine.view_builder import Health, ViewBuilder
from tests.engine.core import floor as trading
from tests.engine.core.floor import Floor, facts
from tests.quotes import QuoteFeed

D = Decimal


def floor() -> Floor:
    return Floor(trading.settings(), mode=Mode.FULL_AUTO, prices={"AAPL": 100.0, "MSFT": 400.0})


def bought(the_floor: Floor, strategy: str, quantity: int, price: float = 100.0) -> None:
    side = Side.BUY if quantity > 0 else Side.SELL
    the_floor.propose(f"{strategy}{the_floor.command_id()}", side, abs(quantity), strategy=strategy)
    the_floor.quote("AAPL", price)


def quantities(the_floor: Floor) -> dict[str, Decimal]:
    books = the_floor.core.state.attribution.books
    return {name: cost.quantity for name, book in books.items() if (cost := book.costs.get("AAPL")) and cost.quantity}


def test_each_strategy_holds_what_it_ordered_and_the_person_the_rest() -> None:
    the_floor = floor()
    bought(the_floor, "sma", 100)
    bought(the_floor, "rsi", 50)
    the_floor.buy(7)
    the_floor.quote("AAPL", 100)
    assert quantities(the_floor) == {"sma": 100, "rsi": 50, "": 7}


def test_a_strategys_result_is_its_own() -> None:
    the_floor = floor()
    bought(the_floor, "sma", 100)
    the_floor.quote("AAPL", 110)
    bought(the_floor, "rsi", 100, 110.0)
    bought(the_floor, "sma", -40, 110.0)
    the_floor.quote("AAPL", 120)
    state = the_floor.core.state
    sma = state.attribution.exposure("sma", state.portfolio.holdings)
    rsi = state.attribution.exposure("rsi", state.portfolio.holdings)
    assert facts(sma.net, sma.gross, sma.realised, sma.unrealised, sma.profit) == (7200, 7200, 400, 1200, 1600)
    assert facts(rsi.net, rsi.realised, rsi.unrealised) == (12_000, 0, 1000)
    assert sma.profit + rsi.profit == state.portfolio.realised() + state.portfolio.unrealised()


def test_a_flatten_leaves_no_strategy_with_a_position() -> None:
    the_floor = floor()
    bought(the_floor, "sma", 100)
    bought(the_floor, "rsi", 50)
    the_floor.buy(7)
    the_floor.quote("AAPL", 100)
    the_floor.stop()
    the_floor.flatten()
    the_floor.quote("AAPL", 90)
    assert facts(the_floor.position(), quantities(the_floor)) == (0, {})
    state = the_floor.core.state
    assert state.attribution.exposure("sma", state.portfolio.holdings).realised == -1000


def test_a_persons_sale_closes_the_persons_own_first() -> None:
    the_floor = floor()
    bought(the_floor, "sma", 100)
    the_floor.buy(30)
    the_floor.quote("AAPL", 100)
    the_floor.sell(50)
    the_floor.quote("AAPL", 100)
    assert quantities(the_floor) == {"sma": 80}


def test_a_strategy_that_sells_what_another_bought_closes_that_and_is_not_short_itself() -> None:
    the_floor = floor()
    bought(the_floor, "sma", 100)
    the_floor.buy(10)
    the_floor.quote("AAPL", 100)
    bought(the_floor, "rsi", -60, 110.0)
    assert quantities(the_floor) == {"sma": 50}
    state = the_floor.core.state
    sma = state.attribution.exposure("sma", state.portfolio.holdings)
    assert facts(sma.realised, sma.net) == (500, 5500)


def test_two_strategies_on_one_symbol_never_drift_apart() -> None:
    """Each is told the account's position and sells whatever is there."""
    the_floor = floor()
    for round_ in range(20):
        buyer, seller = ("sma", "rsi") if round_ % 2 else ("rsi", "sma")
        bought(the_floor, buyer, 50)
        bought(the_floor, seller, -50)
    assert quantities(the_floor) == {}
    assert the_floor.position() == 0


def test_a_split_and_a_dividend_reach_every_book_and_add_up() -> None:
    the_floor = floor()
    bought(the_floor, "sma", 15)
    bought(the_floor, "rsi", 19)
    the_floor.market(Split("AAPL", the_floor.at, D(1) / 3, 100.0))
    assert quantities(the_floor) == {"sma": D(5), "rsi": D("6.3333")}
    the_floor.market(Dividend("AAPL", the_floor.at, D("0.333")))
    state = the_floor.core.state
    results = [state.attribution.exposure(name, state.portfolio.holdings) for name in ("sma", "rsi")]
    assert facts(the_floor.position(), sum(row.profit for row in results)) == (
        D("11.3333"),
        state.portfolio.realised() + state.portfolio.unrealised(),
    )


def test_the_view_shows_exposure_by_symbol_and_by_strategy_and_what_did_not_change_is_the_same() -> None:
    the_floor = floor()
    bought(the_floor, "sma", 100)
    the_floor.buy(10, "MSFT")
    the_floor.quote("MSFT", 400)
    builder = ViewBuilder(the_floor.core, "PAPER", ChartBuilder(the_floor.core, QuoteFeed()))
    before = builder.build(Health(), MetricsView(), the_floor.mono)
    assert [facts(row.name, row.net, row.gross) for row in before.exposure_by_symbol] == [("AAPL", 10_000, 10_000), ("MSFT", 4_000, 4_000)]
    assert [facts(row.name, row.net) for row in before.exposure_by_strategy] == [("", 4_000), ("sma", 10_000)]
    the_floor.quote("MSFT", 401)
    after = builder.build(Health(), MetricsView(), the_floor.mono)
    assert after.exposure_by_symbol[0] is before.exposure_by_symbol[0]
    assert after.exposure_by_strategy[1] is before.exposure_by_strategy[1]
    assert after.exposure_by_strategy[0].net == 4_010
