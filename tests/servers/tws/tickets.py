"""An order as it is kept here, and how one is read from a placeOrder request."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal

from tests.servers.tws.contracts import Stock, asked
from tests.servers.tws.wire import Fields

ZERO = Decimal(0)
DONE = ("Filled", "Cancelled", "ApiCancelled")


@dataclass(slots=True)
class Execution:
    exec_id: str
    time: str
    shares: Decimal
    price: Decimal
    cumulative: Decimal
    average: Decimal
    fee: Decimal


@dataclass(slots=True)
class Terms:
    """What a placeOrder says, and what of it may be modified."""

    action: str
    quantity: Decimal
    type: str
    limit: Decimal | None
    aux: Decimal | None
    tif: str
    oca_group: str = ""
    oca_type: int = 0
    account: str = ""
    order_ref: str = ""
    transmit: bool = True
    parent_id: int = 0
    outside_rth: bool = False
    trail_stop: Decimal | None = None
    trail_pct: Decimal | None = None
    what_if: bool = False


@dataclass(slots=True)
class Ticket:
    client_id: int
    order_id: int
    perm_id: int
    stock: Stock
    terms: Terms
    status: str = "PendingSubmit"
    why_held: str = ""
    filled: Decimal = ZERO
    cost: Decimal = ZERO
    fees: Decimal = ZERO
    triggered: bool = False
    transmitted: bool = False
    told: bool = True
    """Whether its news go out; after an `unanswered` they do not, until somebody asks."""
    copies: int = 0
    completed: str = ""
    executions: list[Execution] = field(default_factory=list)

    @property
    def done(self) -> bool:
        return self.status in (*DONE, "Inactive")

    @property
    def remaining(self) -> Decimal:
        return self.terms.quantity - self.filled

    @property
    def sign(self) -> int:
        return 1 if self.terms.action == "BUY" else -1

    @property
    def average(self) -> Decimal:
        """As TWS tells it: a double, so not to the last digit."""
        return Decimal(repr(float(self.cost / self.filled))) if self.filled else ZERO


def read_order(fields: Fields) -> tuple[int, list[Stock], str, Terms]:
    """(order id, stocks that its contract may mean, the symbol named, terms) of a placeOrder."""
    order_id = fields.number()
    stocks, symbol = asked(fields)
    fields.skip(2)  # secIdType, secId
    terms = Terms(fields.text(), fields.decimal() or ZERO, fields.text(), fields.decimal(), fields.decimal(), fields.text())
    terms.oca_group, terms.account = fields.text(), fields.text()
    fields.skip(2)  # openClose, origin
    terms.order_ref, terms.transmit, terms.parent_id = fields.text(), fields.flag(), fields.number()
    fields.skip(4)  # blockOrder, sweepToFill, displaySize, triggerMethod
    terms.outside_rth = fields.flag()
    fields.skip(1)  # hidden
    fields.skip(1 + 3 + 4 + 1)  # sharesAllocation; discretionaryAmt, goodAfterTime, goodTillDate; fa*; modelCode
    fields.skip(3)  # shortSaleSlot, designatedLocation, exemptCode
    terms.oca_type = fields.number()
    fields.skip(2 + 3 + 3)  # rule80A, settlingFirm; allOrNone, minQty, percentOffset; eTradeOnly, firmQuoteOnly, nbboPriceCap
    fields.skip(1 + 5)  # auctionStrategy; startingPrice, stockRefPrice, delta, stockRangeLower, stockRangeUpper
    fields.skip(1 + 4)  # overridePercentageConstraints; volatility, volatilityType, deltaNeutralOrderType, deltaNeutralAuxPrice
    fields.skip(2)  # continuousUpdate, referencePriceType
    terms.trail_stop, terms.trail_pct = fields.decimal(), fields.decimal()
    fields.skip(3 + 3 + 1 + 4 + 1 + 1 + 1)  # scale*; table and times; hedgeType; clearing; delta neutral; algoStrategy; algoId
    terms.what_if = fields.flag()
    return order_id, stocks, symbol, terms


def modified(old: Terms, new: Terms) -> Terms:
    """The terms after a modification. Who it hangs together with stays as it was where the new ones say nothing of it."""
    return replace(
        new,
        oca_group=new.oca_group or old.oca_group,
        oca_type=new.oca_type or old.oca_type,
        parent_id=new.parent_id or old.parent_id,
        trail_stop=new.trail_stop if new.trail_stop is not None else old.trail_stop,
    )
