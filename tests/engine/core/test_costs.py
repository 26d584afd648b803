"""Commission and slippage: each model by hand, and what no model may do."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from console.config import read
from engine.brokers.costs import CostModelError, commission_of, slippage_of
from engine.core.commission import Commission
from engine.core.slippage import Slippage, basis_points, by_size, by_volatility
from engine.model.modes import Level
from engine.model.orders import Side
from engine.model.records import Noted
from engine.model.settings import CommissionSettings, SlippageSettings, Tier
from tests.engine.core.floor import FRICTIONLESS, Floor, facts, settings

D = Decimal
NONE = D(0)


def nobody(text: str) -> None:
    raise AssertionError(text)


TIERS = (Tier(D(1000), D("0.003")), Tier(D(5000), D("0.001")))


@pytest.mark.parametrize(
    ("chosen", "quantity", "cost", "owed"),
    [
        (CommissionSettings(), 100, 10_000, "1.00"),
        (CommissionSettings(), 1, 100, "0.35"),
        (CommissionSettings("fixed", D("4.95")), 10_000, 1_000_000, "4.95"),
        (CommissionSettings("per_share", D("0.005"), D(1), D(1)), 1000, 50_000, "5.00"),
        (CommissionSettings("per_share", D("0.005"), D(1), D(1)), 100, 5_000, "1.00"),
        (CommissionSettings("per_share", D("0.005"), D(1), D(1)), 1000, 250, "2.50"),
        (CommissionSettings("per_share", D("0.005"), D(1), D(1)), 10, 2, "0.02"),
        (CommissionSettings("tiered", D("0.005"), NONE, tiers=TIERS), 1000, 50_000, "5.00"),
        (CommissionSettings("tiered", D("0.005"), NONE, tiers=TIERS), 3000, 50_000, "11.00"),
        (CommissionSettings("tiered", D("0.005"), NONE, tiers=TIERS), 6000, 50_000, "18.00"),
        (CommissionSettings("tiered", D("0.005"), NONE, tiers=TIERS[::-1]), 6000, 50_000, "18.00"),
    ],
)
def test_what_an_order_owes(chosen: CommissionSettings, quantity: int, cost: int, owed: str) -> None:
    assert commission_of(chosen, nobody)(D(quantity), D(cost)) == D(owed)


@pytest.mark.parametrize(
    ("model", "quantity", "volume", "span", "price"),
    [
        (basis_points(10), 1, 1000, 1.0, 100.1),
        (by_size(10, 0.5), 1000, 1000, 1.0, 100.1),
        (by_size(10, 0.5), 250, 1000, 1.0, 100.05),
        (by_size(10, 1.0), 250, 1000, 1.0, 100.025),
        (by_size(10, 0.5), 2000, 1000, 1.0, 100.1),
        (by_size(10, 0.5), 10, 0, 1.0, 100.1),
        (by_volatility(10), 1, 1000, 2.0, 100.2),
        (by_volatility(10), 1, 1000, 0.0, 100.0),
    ],
)
def test_what_slippage_makes_of_a_price(model: Slippage, quantity: float, volume: float, span: float, price: float) -> None:
    assert model(Side.BUY, 100.0, quantity, volume, span) == price
    assert model(Side.SELL, 100.0, quantity, volume, span) == pytest.approx(200 - price)


sizes = st.floats(0, 1e6)


@given(st.sampled_from(Side), st.floats(1e-6, 1e6), sizes, sizes, sizes, st.floats(0, 1000))
def test_slippage_never_improves_a_price_nor_takes_it_to_zero(
    side: Side, price: float, quantity: float, volume: float, span: float, bps: float
) -> None:
    for model in (basis_points(bps), by_size(bps, 0.5), by_volatility(min(bps, 100))):
        slipped = model(side, price, quantity, volume, span)
        assert slipped >= price if side is Side.BUY else 0 < slipped <= price


def test_a_config_file_chooses_the_models(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text(
        "paper:\n"
        "  commission: {model: tiered, rate: 0.0035, minimum: 0.35, maximum_pct: 1, tiers: [{above: 300000, rate: 0.002}]}\n"
        "  slippage: {model: size, bps: 20}\n"
    )
    paper = read(file, {}).paper
    assert paper.commission.tiers == (Tier(D(300_000), D("0.002")),)
    assert facts(commission_of(paper.commission, nobody)(D(400_000), D(4_000_000))) == facts(D("1250.00"))
    assert slippage_of(paper.slippage, nobody)(Side.BUY, 100.0, 1, 4, 0.0) == 100.1


# ---- models of others


class Entry:
    """An installed entry point, as importlib.metadata lists them."""

    def __init__(self, name: str, made: object) -> None:
        self.name = name
        self._made = made

    def load(self) -> object:
        return self._made


def install(monkeypatch: pytest.MonkeyPatch, group: str, *entries: Entry) -> None:
    def entry_points(*, group: str) -> tuple[Entry, ...]:
        return entries if group == wanted else ()

    wanted = group
    monkeypatch.setattr("importlib.metadata.entry_points", entry_points)


def test_an_installed_model_is_found_by_name_and_given_its_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    def mine(params: dict[str, object]) -> Commission:
        return lambda quantity, cost: D(str(params["each"])) * quantity

    install(monkeypatch, "tradeconsole.commission", Entry("mine", mine))
    assert commission_of(CommissionSettings("mine", params={"each": 2}), nobody)(D(3), D(300)) == 6


@pytest.mark.parametrize("entries", [(), (Entry("theirs", None),)])
def test_a_model_that_is_not_there_is_said_with_those_that_are(monkeypatch: pytest.MonkeyPatch, entries: tuple[Entry, ...]) -> None:
    install(monkeypatch, "tradeconsole.slippage", *entries)
    with pytest.raises(CostModelError) as caught:
        slippage_of(SlippageSettings("mine"), nobody)
    others = "installed: theirs." if entries else "and none is installed (entry points tradeconsole.slippage)."
    assert str(caught.value).startswith("paper.slippage.model is 'mine', and there is no such model. Built in are basis_points, size and")
    assert str(caught.value).endswith(others)


def test_a_model_that_fails_over_its_parameters_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "tradeconsole.slippage", Entry("mine", lambda params: params["missing"]))
    with pytest.raises(CostModelError, match="the slippage model 'mine' could not be used: KeyError: 'missing'"):
        slippage_of(SlippageSettings("mine"), nobody)


@pytest.mark.parametrize("answer", [D("NaN"), D("Infinity"), D("-0.01"), 1.5, None, ZeroDivisionError("no rate")])
def test_a_commission_that_is_none_is_complained_about_once_and_the_default_stands_in(
    answer: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, "tradeconsole.commission", Entry("mine", lambda params: lambda quantity, cost: answered(answer)))
    complaints: list[str] = []
    model = commission_of(CommissionSettings("mine"), complaints.append)
    default = commission_of(CommissionSettings(), nobody)
    assert [model(D(100), D(10_000)) for _ in range(3)] == [default(D(100), D(10_000))] * 3
    assert len(complaints) == 1
    assert complaints[0].startswith("The commission model 'mine' failed (")


@pytest.mark.parametrize("answer", [float("nan"), float("inf"), 0.0, -5.0, 99.0, None, "x", OSError("away")])
def test_a_slippage_that_is_none_or_a_gift_is_complained_about_once_and_the_default_stands_in(
    answer: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, "tradeconsole.slippage", Entry("mine", lambda params: lambda *asked: answered(answer)))
    complaints: list[str] = []
    model = slippage_of(SlippageSettings("mine"), complaints.append)
    assert [model(Side.BUY, 100.0, 1, 100, 0.0) for _ in range(3)] == [
        slippage_of(SlippageSettings(), nobody)(Side.BUY, 100.0, 1, 100, 0.0)
    ] * 3
    assert len(complaints) == 1


def answered(answer: object) -> object:
    if isinstance(answer, Exception):
        raise answer
    return answer


def test_paper_fills_on_where_a_model_fails_and_the_log_says_so_once(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "tradeconsole.slippage", Entry("mine", lambda params: lambda *asked: answered(KeyError("AAPL"))))
    the_floor = Floor(settings(paper=replace(FRICTIONLESS, slippage=SlippageSettings("mine"))))
    the_floor.hold(10, 100)
    the_floor.sell(10)
    the_floor.quote("AAPL", 100)
    assert the_floor.position() == 0
    said = [note.text for note in the_floor.of(Noted) if note.level is Level.ERROR]
    assert said == [
        "The slippage model 'mine' failed (KeyError: 'AAPL'). It is asked no more in this run; the default slippage stands in for it."
    ]
