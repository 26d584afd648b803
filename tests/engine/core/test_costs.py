"""Commission and slippage: each model by hand, and what no model may do."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.config import read
from engine.brokers.costs import CostModelError, commission_of, slippage_of
from engine.core.commission import Commission
from engine.core.slippage import Slippage, basis_points, by_size, by_volatility
from engine.model.orders import Side
from engine.model.settings import CommissionSettings, SlippageSettings, Tier
from tests.engine.core.floor import facts

D = Decimal
NONE = D(0)
TIERS = (Tier(D(1000), D("0.003")), Tier(D(5000), D("0.001")))


@pytest.mark.parametrize(
    ("settings", "quantity", "cost", "owed"),
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
def test_what_an_order_owes(settings: CommissionSettings, quantity: int, cost: int, owed: str) -> None:
    assert commission_of(settings)(D(quantity), D(cost)) == D(owed)


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
    assert facts(commission_of(paper.commission)(D(400_000), D(4_000_000))) == facts(D("1250.00"))
    assert slippage_of(paper.slippage)(Side.BUY, 100.0, 1, 4, 0.0) == 100.1


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
    monkeypatch.setattr("engine.brokers.costs.entry_points", entry_points)


def test_an_installed_model_is_found_by_name_and_given_its_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    def mine(params: dict[str, object]) -> Commission:
        return lambda quantity, cost: D(str(params["each"])) * quantity

    install(monkeypatch, "tradeconsole.commission", Entry("mine", mine))
    assert commission_of(CommissionSettings("mine", params={"each": 2}))(D(3), D(300)) == 6


@pytest.mark.parametrize("entries", [(), (Entry("theirs", None),)])
def test_a_model_that_is_not_there_is_said_with_those_that_are(monkeypatch: pytest.MonkeyPatch, entries: tuple[Entry, ...]) -> None:
    install(monkeypatch, "tradeconsole.slippage", *entries)
    with pytest.raises(CostModelError) as caught:
        slippage_of(SlippageSettings("mine"))
    others = "installed: theirs." if entries else "and none is installed (entry points tradeconsole.slippage)."
    assert str(caught.value).startswith("paper.slippage.model is 'mine', and there is no such model. Built in are basis_points, size and")
    assert str(caught.value).endswith(others)


def test_a_model_that_fails_over_its_parameters_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "tradeconsole.slippage", Entry("mine", lambda params: params["missing"]))
    with pytest.raises(CostModelError, match="the slippage model 'mine' could not be used: KeyError: 'missing'"):
        slippage_of(SlippageSettings("mine"))
