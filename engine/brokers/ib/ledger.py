"""What TWS has said of each order, whoever placed it, and what that means in our words. No I/O: facts in, updates out.

Quantities and money come from executions, each once by its id; one whose id differs after the last dot alone takes the place of the one
before. TWS tells those of today alone: what an order filled before is what the first of them counts over itself, which as in FIX counts the
order's whole life. Where a status counts more than the executions that are known, its total and average stand for those that are missing;
but not once one was corrected, for then nobody can tell which corrections a status counts already. Nor are fees of earlier days told: what
was paid for what filled then is what the books had of it when this run began.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from engine.brokers.base import Paid
from engine.brokers.ib.facts import Contract, ExecutionTold, FeeTold, OrderFields, OrderTold, StatusTold
from engine.brokers.ib.orders import side_of, symbol_of, terms_of, tif_of, type_of
from engine.model.inputs import BrokerOrder, OrderUpdate
from engine.model.money import ZERO
from engine.model.order_states import OrderEvent
from engine.model.orders import OrderType, Terms, TimeInForce

_OURS = re.compile(r"\d{6}-[0-9a-f]{8}-\d+")
"""Our own order ids. Any other reference is somebody else's, and may be on many orders."""
_CENT_OF_A_CENT = Decimal("0.0001")
_FIRST = ("01", "1", "")
"""How the id of an execution ends that corrects none."""
ENDED = frozenset({"Filled", "Cancelled", "ApiCancelled"})


class Entry:
    """One order."""

    __slots__ = (
        "asked", "cancel_asked", "cancelled_there", "client_id", "contract", "corrected", "executions", "fees", "fetched_for", "fields",
        "first", "had", "id", "last_told", "objection", "order_id", "perm_id", "rejected", "seen_unfilled", "status", "told_average",
        "told_filled", "was_paid", "why_held",
    )  # fmt: skip

    def __init__(self, order_id: int, client_id: int, perm_id: int) -> None:
        self.id = ""
        """The engine's id for it, empty before TWS has told enough."""
        self.perm_id = perm_id
        self.client_id = client_id
        self.order_id = order_id
        self.contract: Contract | None = None
        self.fields: OrderFields | None = None
        self.status = ""
        self.why_held = ""
        self.told_filled = ZERO
        self.told_average = ZERO
        self.executions: dict[str, ExecutionTold] = {}
        self.first: ExecutionTold | None = None
        """The one that was told to have the least before it."""
        self.fetched_for = ZERO
        """The count for which executions that were missing were asked for."""
        self.fees: dict[str, tuple[tuple[int, str], Decimal]] = {}
        """By the id of an execution without its revision: which revision's was told last, and the fee."""
        self.was_paid: Sequence[Paid] = ()
        """What the books had of it when this run began."""
        self.corrected = False
        """An execution took another's place, so figures may go down."""
        self.seen_unfilled = False
        """It had filled nothing when we first heard of it, so all that it fills is in executions."""
        self.rejected = ""
        """TWS's words, where it refused the order when it was new."""
        self.objection = ""
        """TWS's words against it or what was asked of it, while it is not known what came of that."""
        self.asked: OrderFields | None = None
        """What a modification that is not answered asks for."""
        self.had: Terms | None = None
        """The terms before it."""
        self.cancel_asked = False
        self.cancelled_there = False
        """Somebody cancelled it, by hand or for another order of its group: its time did not end."""
        self.last_told: OrderUpdate | None = None

    @property
    def ended(self) -> bool:
        return bool(self.rejected) or self.status in ENDED

    @property
    def terms(self) -> Terms | None:
        return None if self.fields is None else terms_of(self.fields)

    def asks(self, fields: OrderFields) -> None:
        """A modification goes out now."""
        self.asked, self.had, self.objection = fields, self.terms, ""

    def heed(self, filled: Decimal, *, whole: bool = False) -> None:
        """Takes a modification whose answer was lost for carried out where what `filled` shows it: more than the old terms allow, or, where
        that is the `whole`, all of the new ones, which are for fewer."""
        asked, fields = self.asked, self.fields
        if asked is None or fields is None:
            return
        if fields.quantity < filled <= asked.quantity or (whole and filled == asked.quantity < fields.quantity):
            self.fields = asked

    @property
    def misses_executions(self) -> bool:
        """Whether TWS counts more than it has told."""
        return self._known()[0] < self.told_filled

    def contradicts(self, told: ExecutionTold) -> bool:
        """Whether an execution cannot be one of this order: of another stock, or of the other side."""
        if self.fields is None or self.contract is None or self.contract.kind != "STK":
            return False
        return side_of(self.fields) != told.action or self.contract.con_id != told.contract.con_id

    # ---- figures

    def figures(self) -> tuple[Decimal, Decimal, Decimal]:
        """(shares, what they cost, fees) so far."""
        shares, cost = self._known()
        counted = self.told_filled
        if counted > shares and not self.corrected and self._may_fill(counted):
            average = self.told_average or max((e.average for e in self.executions.values()), default=ZERO)
            whole = (counted * average).quantize(_CENT_OF_A_CENT)
            shares, cost = counted, max(whole, cost)
        return shares, cost, self._fees()

    def _may_fill(self, counted: Decimal) -> bool:
        """Whether a count may stand for executions that were not told: for more than the order is for there must be those. One that was
        placed by its value is for no number of shares."""
        most = [each.quantity for each in (self.fields, self.asked) if each is not None and each.quantity]
        return not most or counted <= max(most)

    def on_fee(self, told: FeeTold) -> None:
        """The fee of an execution that takes another's place takes that of the other's: until it is told the old one stands."""
        base, _, revision = told.exec_id.rpartition(".")
        if base not in self.fees or self.fees[base][0] <= _nth(revision):
            self.fees[base] = _nth(revision), told.fee

    def _fees(self) -> Decimal:
        """Those that TWS told, and what the books had of what it tells no more."""
        told = sum((fee for _, fee in self.fees.values()), ZERO)
        if not self.was_paid:
            return told
        executions = self.executions.values()
        before = self._before() if self.first is not None else self.told_filled
        until = earlier = ZERO
        for shares, fees in self.was_paid:
            since, until = until, until + shares
            if since >= before:
                break
            earlier += fees
            if until > before:
                # It was booked together with some of what is told today.
                inside = [e for e in executions if before < e.cumulative <= until]
                earlier -= sum((self._fee(e) or ZERO for e in inside), ZERO)
        # While a fee is still to come, what the books had may have it already.
        is_whole = all(self._fee(e) is not None for e in executions)
        return told + earlier if is_whole else max(told + earlier, sum((fees for _, fees in self.was_paid), ZERO))

    def has_fee(self, execution: ExecutionTold) -> bool:
        return self._fee(execution) is not None

    def _fee(self, execution: ExecutionTold) -> Decimal | None:
        _, fee = self.fees.get(execution.exec_id.rpartition(".")[0], (None, None))
        return fee

    def _before(self) -> Decimal:
        """What it filled on earlier days, by the first execution of today."""
        first = self.first
        return max(first.cumulative - first.shares, ZERO) if first is not None and not self.seen_unfilled else ZERO

    def _known(self) -> tuple[Decimal, Decimal]:
        """(shares, what they cost) by the executions."""
        executions = self.executions.values()
        shares, cost = sum((e.shares for e in executions), ZERO), sum((e.shares * e.price for e in executions), ZERO)
        first = self.first
        if self.seen_unfilled or first is None:
            return shares, cost
        before = self._before()
        paid = (first.cumulative * first.average - first.shares * first.price).quantize(_CENT_OF_A_CENT)
        return shares + before, cost + (max(paid, ZERO) if before else ZERO)

    # ---- in our words

    def event(self) -> OrderEvent | None:
        """What its status means, None for one that nobody mapped: it stays as it was then, and is asked for."""
        if self.rejected:
            return OrderEvent.REJECT
        filled = self.figures()[0]
        match self.status:
            case "PendingSubmit" | "ApiPending" | "PreSubmitted":
                held = "child" in self.why_held or "locate" in self.why_held
                return OrderEvent.FILL_PART if filled else OrderEvent.HOLD if held else OrderEvent.ACCEPT
            case "Submitted" | "PendingCancel":
                return OrderEvent.FILL_PART if filled else OrderEvent.WORK
            case "Inactive":
                return OrderEvent.HOLD
            case "Filled":
                whole = self.fields is None or filled >= self.fields.quantity
                return OrderEvent.FILL_ALL if whole else OrderEvent.FILL_PART
            case "Cancelled" | "ApiCancelled":
                return OrderEvent.EXPIRE if self._expired() else OrderEvent.CANCEL
        return None

    def _expired(self) -> bool:
        """IB has no word for it: an order for a time that ended while nobody asked for that."""
        tif = TimeInForce.GTC if self.fields is None else tif_of(self.fields)
        return tif is not TimeInForce.GTC and not self.cancel_asked and not self.cancelled_there

    def update(self, event: OrderEvent | None = None, reason: str = "") -> OrderUpdate | None:
        """News of it as it stands, None where TWS has not told enough to make any. While a modification is not answered, terms that are the
        old ones are none: nobody knows whether they hold."""
        event = event or self.event()
        if event is None or not self.id:
            return None
        filled, cost, fees = self.figures()
        trails = self.fields is not None and type_of(self.fields) is OrderType.TRAILING_STOP
        return OrderUpdate(
            self.id,
            event,
            str(self.perm_id) if self.perm_id else "",
            filled,
            cost,
            fees,
            reason=reason or self.rejected,
            terms=None if self.ended or (self.asked is not None and self.terms == self.had) else self.terms,
            stop=self.fields.trail_stop if trails and self.fields is not None else None,
            corrected=self.corrected,
        )

    def listed(self) -> BrokerOrder | None:
        """The same as a broker lists it."""
        update, fields, contract = self.update(), self.fields, self.contract
        if update is None or fields is None or contract is None:
            return None
        terms = terms_of(fields)
        return BrokerOrder(
            order_id=self.id,
            broker_id=update.broker_id,
            symbol=symbol_of(contract.symbol),
            side=side_of(fields),
            quantity=fields.quantity,
            type=type_of(fields),
            limit=terms.limit,
            stop=terms.stop,
            event=update.event,
            filled=update.filled,
            cost=update.cost,
            fees=update.fees,
            reason=update.reason,
            tif=tif_of(fields),
            trail=terms.trail,
            trail_pct=terms.trail_pct,
            extended_hours=fields.outside_rth,
        )


class Ledger:
    """All orders that TWS has told of, found by its permId, by (client id, order id), or by the engine's id."""

    def __init__(self, was_paid: Mapping[str, Sequence[Paid]] | None = None) -> None:
        self._was_paid = was_paid or {}
        self._by_perm: dict[int, Entry] = {}
        self._by_number: dict[tuple[int, int], Entry] = {}
        self._by_id: dict[str, Entry] = {}
        self._fees: dict[str, FeeTold] = {}
        """Told before the execution that they are for."""

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._by_id.values())

    def find(self, order_id: str) -> Entry | None:
        return self._by_id.get(order_id)

    def by_number(self, client_id: int, order_id: int) -> Entry | None:
        return self._by_number.get((client_id, order_id))

    def by_perm(self, perm_id: int) -> Entry | None:
        return self._by_perm.get(perm_id)

    def sent(self, our_id: str, client_id: int, order_id: int, fields: OrderFields, contract: Contract) -> Entry:
        """An order that goes out now: TWS has said nothing of it yet."""
        # A new one, whatever had its number: TWS may count an order for nothing that was lost on its way.
        entry = self._by_number[client_id, order_id] = self._by_id[our_id] = Entry(order_id, client_id, 0)
        entry.id, entry.fields, entry.contract, entry.seen_unfilled = our_id, fields, contract, True
        return entry

    # ---- what TWS says

    def on_order(self, told: OrderTold) -> Entry:
        entry = self._entry(told.order_id, told.client_id, told.perm_id, told.fields.ref)
        fields = told.fields
        if told.completed and entry.fields is not None:
            # A completed order is told without some of what it was.
            fields = entry.fields
        entry.fields, entry.contract = fields, told.contract
        if told.completed:
            entry.status, entry.why_held = told.status, ""
            entry.told_filled = max(entry.told_filled, told.filled)
            entry.heed(told.filled, whole=told.status == "Filled")
            entry.cancelled_there = entry.cancelled_there or "expire" not in told.words.lower()
        elif entry.status not in ENDED:
            entry.status = told.status or entry.status
        self._name(entry, told.fields.ref)
        return entry

    def on_status(self, told: StatusTold) -> Entry:
        entry = self._entry(told.order_id, told.client_id, told.perm_id)
        if entry.status in ENDED and told.status not in ENDED:
            return entry
        entry.status, entry.why_held = told.status, told.why_held
        entry.seen_unfilled = entry.seen_unfilled or not (told.filled or entry.told_filled or entry.executions)
        if told.filled >= entry.told_filled:
            entry.told_filled, entry.told_average = told.filled, told.average
            entry.heed(told.filled, whole=told.status == "Filled" and not told.remaining)
        return entry

    def on_execution(self, told: ExecutionTold) -> Entry:
        entry = self._entry(told.order_id, told.client_id, told.perm_id, told.ref)
        if entry.contradicts(told):
            raise ValueError(f"an execution of another stock or side is told as one of {entry.id or entry.perm_id}")
        base, _, revision = told.exec_id.rpartition(".")
        before = entry.executions.get(base)
        entry.corrected = entry.corrected or (before is not None and before.exec_id != told.exec_id) or revision not in _FIRST
        if entry.first is None or told.cumulative - told.shares < entry.first.cumulative - entry.first.shares:
            entry.first = told
        if before is not None and _nth(revision) < _nth(before.exec_id.rpartition(".")[2]):
            return entry
        entry.executions[base] = told
        entry.heed(told.cumulative)
        if told.exec_id in self._fees:
            entry.on_fee(self._fees.pop(told.exec_id))
        if entry.contract is None:
            entry.contract = told.contract
        self._name(entry, told.ref)
        return entry

    def on_fee(self, told: FeeTold) -> Entry | None:
        base = told.exec_id.rpartition(".")[0]
        for entry in self._by_perm.values():
            if base in entry.executions:
                entry.on_fee(told)
                return entry
        self._fees[told.exec_id] = told
        return None

    def _entry(self, order_id: int, client_id: int, perm_id: int, ref: str = "") -> Entry:
        number = (client_id, order_id)
        entry = self._by_perm.get(perm_id) if perm_id else None
        if entry is None and order_id > 0:
            entry = self._by_number.get(number)
            if entry is not None and perm_id and entry.perm_id not in (0, perm_id):
                entry = None  # TWS began its order ids anew
            elif entry is not None and _OURS.fullmatch(ref) and _OURS.fullmatch(entry.id) and entry.id != ref:
                entry = None  # the number of one that was lost on its way
        if entry is None and (sent := self._by_id.get(ref)) is not None and not sent.perm_id:
            entry = sent  # TWS never answered it, and a completed order is told without its number
        if entry is None:
            entry = Entry(order_id, client_id, perm_id)
        if perm_id:
            entry.perm_id = perm_id
            self._by_perm[perm_id] = entry
        if order_id > 0 and (entry.order_id <= 0 or (entry.client_id, entry.order_id) == number):
            entry.order_id, entry.client_id = order_id, client_id
            self._by_number[number] = entry
        return entry

    def _name(self, entry: Entry, ref: str) -> None:
        """Our own id where the reference is one, and no other order has it; else one made of the permId, which is IB's own and unique."""
        if entry.id:
            return
        other = self._by_id.get(ref)
        if _OURS.fullmatch(ref) and (other is None or other is entry):
            entry.id = ref
        elif entry.perm_id:
            entry.id = f"ib-{entry.perm_id}"
        else:
            return
        self._by_id[entry.id] = entry
        entry.was_paid = self._was_paid.get(entry.id, ())


def _nth(revision: str) -> tuple[int, str]:
    """Orders the ends of execution ids: 9 comes before 10."""
    return len(revision), revision
