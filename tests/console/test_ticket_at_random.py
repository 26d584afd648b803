"""Whatever keys are pressed in whatever rhythm: nothing leaves a ticket without a yes, and what leaves it is what was shown."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from console.meanings import Parsed, PlaceOrder, ReplaceOrder, context_of, normal_form
from console.order_line import parse
from console.screens.dialog import DEAF_SECONDS
from console.screens.previews import Previews
from console.screens.ticket import TicketDialog
from console.ticket.edit_order import EditOrder
from console.ticket.edit_signal import EditSignal
from console.ticket.form import ApproveSignal, Form, Ready
from console.ticket.new_order import NewOrder
from engine.model import Intent, OrderType, Side, View
from tests.console.fake_engine import FakeEngine
from tests.thorough import tries
from tests.views import order, sample_view, signal
from widgets.ticket import Sheet, Ticket

KEYS = st.one_of(
    st.sampled_from(
        ["tab", "tab", "shift+tab", "enter", "f5", "f5", "up", "down", "left", "right", "pageup", "backspace", "home", "space"]
    ),
    st.sampled_from(list("0123456789.%$yYnablsthgkm+-,")),
    st.sampled_from(["y", "y", "enter", "n"]),
)
PAUSES = st.sampled_from([0.0, 0.01, DEAF_SECONDS, 1.0])
ONE = st.tuples(KEYS, PAUSES, st.booleans()).map(lambda step: [step])
SOME = st.sampled_from(["12", "7", "187.5"]).map(lambda text: [(digit, 0.01, True) for digit in text])
YES = st.tuples(PAUSES, st.booleans()).map(lambda how: [("f5", 0.01, True), ("y", *how)])
STEPS = st.lists(st.one_of(ONE, ONE, SOME, YES), max_size=30).map(lambda parts: [step for part in parts for step in part])
"""Keys with how long after the one before, and whether they were typed after that had been shown: single ones, and some with a meaning."""
EARLIER, LATER = 0.0, float("inf")
"""When a key was typed: before everything, or after it."""


class Alone(TicketDialog):
    """A ticket without an app around it. `shown` is what a person reads."""

    def __init__(self, form: Form, view: View) -> None:
        self.now = 0.0
        self.market = view
        self.given: list[Ready | None] = []
        engine = FakeEngine(view)

        def ask(asked: Intent | ReplaceOrder) -> str:
            return engine.preview(asked) if isinstance(asked, Intent) else engine.preview_replace(asked.order_id, asked.terms)

        super().__init__(form, Previews(ask), lambda: self.market, lambda: self.now)

    def silence(self) -> float:
        return LATER

    def answer(self, result: Any) -> None:
        self.given.append(result)

    @property
    def shown(self) -> Sheet:
        return self._ticket._sheet


@pytest.fixture(autouse=True)
def unpainted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ticket, "redraw", lambda self: None)


def forms() -> st.SearchStrategy[Form]:
    """New ones for every example: what is typed stays in them."""

    def edited(parent: str, **changes: Any) -> Form:
        return EditOrder(order(12, parent=parent, **changes))

    def approved(limit: Decimal | None) -> Form:
        return EditSignal(signal(limit=limit, type=OrderType.LIMIT if limit else OrderType.MARKET))

    legs = st.sampled_from(["", "t1-9"])
    return st.one_of(
        st.builds(NewOrder, st.sampled_from(["AAPL", "TSLA", "IBM", ""]), st.sampled_from(Side)),
        st.builds(edited, legs),
        st.builds(edited, legs, type=st.just(OrderType.STOP), limit=st.none(), stop=st.just(Decimal("184.00"))),
        st.builds(approved, st.sampled_from([None, Decimal("402.00")])),
    )


def moved(view: View, cents: int) -> View:
    shift = cents / 100
    return replace(
        view,
        watch=tuple(row if row.bid is None else replace(row, bid=row.bid + shift, ask=row.ask and row.ask + shift) for row in view.watch),
        positions=tuple(replace(row, quantity=row.quantity + cents) for row in view.positions),
    )


@settings(max_examples=tries(200, 10_000), deadline=None)
@given(forms(), STEPS)
def test_nothing_leaves_without_a_yes_and_what_leaves_is_what_was_shown(form: Form, steps: list[tuple[str, float, bool]]) -> None:
    view = sample_view()
    dialog = Alone(form, view)
    for number, (key, pause, late) in enumerate(steps):
        dialog.now += pause
        dialog.market = moved(view, number % 7)
        before = dialog.shown
        dialog.take_key(key, key if len(key) == 1 else " " if key == "space" else None, LATER if late else EARLIER)
        if dialog.given:
            (ready,) = dialog.given
            assert ready is not None
            assert before.question, "sent while nothing was asked"
            assert (key, late) == ("y", True)
            assert pause >= DEAF_SECONDS, "a yes in the middle of typing"
            assert (ready.normal, ready.changes) == (before.order, before.changes)
            check(ready, dialog)
            return
        if dialog.shown.question and not before.question:
            assert key in ("f5", "enter")
        if before.question and dialog.shown.question:
            assert (dialog.shown.order, dialog.shown.changes) == (before.order, before.changes), "changed while it was asked about"


def check(ready: Ready, dialog: Alone) -> None:
    """What is carried out says the same as its words."""
    match ready.does:
        case PlaceOrder(intent=intent):
            assert ready.normal == normal_form(intent)
            read = parse(ready.normal, context_of(dialog.market))
            assert isinstance(read, Parsed)
            assert read.meaning == PlaceOrder(intent)
        case ReplaceOrder(terms=terms):
            shown = ready.normal.split()
            assert f"{terms.quantity:f}" in shown
            assert all(f"{price:f}" in shown for price in (terms.limit, terms.stop) if price is not None)
        case ApproveSignal(edit=edit):
            assert (edit is None) == (ready.changes == "as it was proposed")
            assert isinstance(ready.asked, Intent)
            assert ready.normal == normal_form(ready.asked)
            assert edit is None or (edit.quantity, edit.type, edit.limit) == (ready.asked.quantity, ready.asked.type, ready.asked.limit)


@settings(max_examples=tries(100, 5_000), deadline=None)
@given(STEPS)
def test_the_keys_go_to_one_field_alone_at_any_moment(steps: list[tuple[str, float, bool]]) -> None:
    dialog = Alone(NewOrder("AAPL", Side.BUY, "+"), sample_view())
    for key, pause, _ in steps:
        dialog.now += pause
        before = {field.name: (field.text, getattr(field, "trails", False)) for field in dialog.shown.fields}
        active = dialog._ticket.active.name
        asked = bool(dialog.shown.question)
        dialog.take_key(key, key if len(key) == 1 else None, EARLIER)
        after = {field.name: (field.text, getattr(field, "trails", False)) for field in dialog.shown.fields}
        changed = {name for name in before.keys() & after.keys() if before[name] != after[name]}
        # Another type may leave no place for a time in force.
        assert changed - {"tif"} <= (set() if asked else {active})
        if dialog.given:
            return
