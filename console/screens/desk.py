"""Carries out what a person wants of the engine: asks what must be asked first, hands it over, and tells what came of it.

Questions, and what an order line or a ticket can mean, are imported when one is asked or carried out, behind the first picture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

from console.accounts.engines import AccountEngines, accounts_named, engine_of, view_of
from console.screens.answers import Answers
from console.trading_engine import TradingEngine
from engine.model import Intent, Level, Mode, Side, TradingState, View
from engine.model.effects import Reply
from engine.model.money import ZERO
from engine.model.settings import ConfirmSettings
from engine.model.signals import SignalState
from engine.model.views import OrderRow, PositionRow, SignalRow
from widgets import numbers
from widgets.banner import progress
from widgets.text import clean

if TYPE_CHECKING:
    from console.meanings import PlaceOrder, PlacePair, ReplaceOrder
    from console.screens.dialog import Dialog
    from console.screens.questions import Typed
    from console.ticket.form import Ready

RECALL = "Up in the order line recalls it"

Ask: TypeAlias = "Callable[[Dialog[Any], Callable[[Any], None]], object]"
"""Opens a dialog; its answer goes to the function."""


class Desk:
    """`clock` is monotonic seconds, `say` tells a person something until the next key, `keys` names the key of each action.

    No method waits for anything.
    """

    def __init__(
        self, engine: TradingEngine, clock: Callable[[], float], ask: Ask, say: Callable[[str, Level], None], keys: Mapping[str, str]
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._ask = ask
        self._say = say
        self._key_of = keys
        self.confirm = ConfirmSettings()
        """What a person is asked before. May be changed at any time."""
        self._answers = Answers()
        self._submitted: tuple[str, Intent | PlacePair, str] | None = None
        """The last order by its command's id and with its account, until it is answered."""
        self._ticketed: tuple[str, Callable[[Reply], None]] = "", lambda reply: None
        """The last command that came from a ticket by its id, until it is answered, and who is told where it is refused."""
        self._repeated: tuple[Intent | PlacePair, str] | None = None
        """The last order, where the engine took it for a repetition: entered once more it is meant."""
        self._stopping = ""
        """The last stop by its command's id, until the broker's own word on it was told."""

    def news(self, view: View) -> tuple[str, Level] | None:
        """What the engine answered since the last call, in words."""
        news = self._orders_news(view)
        command_id, refused = self._ticketed
        if command_id and (reply := _answer_to(command_id, view)) is not None:
            self._ticketed = "", refused
            if not reply.ok:
                refused(reply)
        return news or self._standstill(view)

    def _standstill(self, view: View) -> tuple[str, Level] | None:
        """Once every broker has confirmed the stop: what was said of it while it was asked is true no more."""
        stops = [(each, each.stop) for each in view.accounts or (view,) if each.stop is not None and each.stop.verified]
        if not self._stopping or len(stops) < max(1, len(view.accounts)) or _answer_to(self._stopping, view) is None:
            return None
        self._stopping = ""
        words = " ".join(f"{clean(each.name)}: {progress(stop, each)}" if each.name else progress(stop, each) for each, stop in stops)
        return f"EMERGENCY STOP: {words}", Level.INFO

    def _orders_news(self, view: View) -> tuple[str, Level] | None:
        news = self._answers.news(view, self._clock())
        refused = self._refused(view)
        if refused is None:
            return news
        from engine.core.risk.rules import Rule

        wish, reply = refused
        if reply.verdict is not None and reply.verdict.rule == Rule.REPETITION:
            # Recalling it is a yes that no held Enter gives.
            self._repeated = wish
            return f"Not sent: the same order went {reply.verdict.actual} ago. Again? {RECALL}, and Enter sends it.", Level.WARNING
        return None if news is None else (f"{news[0]}  {RECALL}.", news[1])

    def _refused(self, view: View) -> tuple[tuple[Intent | PlacePair, str], Reply] | None:
        """The last order, where it was refused since the last call."""
        if self._submitted is None:
            return None
        command_id, wish, account = self._submitted
        reply = _answer_to(command_id, view)
        if reply is None:
            return None
        self._submitted = None
        return None if reply.ok else ((wish, account), reply)

    def stopped(self, command_id: str) -> None:
        """The emergency stop was pressed, and the gate is closed."""
        what, gates = "EMERGENCY STOP", "the gate is closed"
        if isinstance(self._engine, AccountEngines):
            what, gates = f"EMERGENCY STOP of {accounts_named(self._engine.names)}", "the gates are closed"
        self._say(f"{what}: {gates}, and everything that works is being cancelled.", Level.ERROR)
        self._answers.expect(command_id, "EMERGENCY STOP", self._clock())
        self._stopping = command_id

    def stood_still(self, seconds: float) -> None:
        """The process was suspended for so long, the engine with it: what happened at the broker meanwhile is asked for."""
        text = f"The console was suspended for {seconds:,.0f} s, its engine and the stop with it"
        for name in self._engine.names if isinstance(self._engine, AccountEngines) else ("",):
            engine = engine_of(self._engine, name)
            engine.note(Level.WARNING, "console", f"{text}.")
            self._sent(engine.sync(), f"{text}, and was compared with the broker", name)

    def _sent(self, command_id: str, what: str, account: str = "") -> str:
        """Answers the command's id. It went to `account`, where there are several and it was another than the current one."""
        if isinstance(self._engine, AccountEngines) and not what.endswith(whose := f" on {account or self._engine.current}"):
            what = f"{what}{whose}"
        self._answers.expect(command_id, what, self._clock())
        return command_id

    def _of(self, view: View) -> str:
        """The account of `view`, as a title says it."""
        return f" of {clean(view.name)}" if view.name else ""

    # ---- the order line's commands

    def carry_out(self, command: object, normal: str, view: View) -> None:
        """A command of the order line, known to a person by its `normal` form."""
        from console import meanings

        account = meanings.account_of(command)
        if isinstance(command, meanings.OnAccount):
            command = command.meaning
        engine, its = engine_of(self._engine, account), view_of(view, account)
        match command:
            case meanings.PlaceOrder(intent=intent, preview=True):
                self._sent(engine.preview(intent), normal, account)
            case meanings.PlaceOrder() | meanings.PlacePair() | meanings.ReplaceOrder() if self.confirm.order_line:

                def answered(yes: bool | None) -> None:
                    if yes:
                        self._send(command, normal, account)
                    else:
                        self._say(f"Not sent. {RECALL}.", Level.INFO)

                from console.screens.questions import ask_send

                self._ask(ask_send(normal, self._clock), answered)
            case meanings.PlaceOrder() | meanings.PlacePair() | meanings.ReplaceOrder():
                self._send(command, normal, account)
            case meanings.CancelOrders(order_id=order_id, symbol=symbol):
                self._sent(engine.cancel(order_id=order_id, symbol=symbol), normal, account)
            case meanings.ChangeMode(mode=mode):
                self._set_mode(mode, its)
            case meanings.FlattenAll():
                self.flatten(its if account else view)
            case meanings.CompareWithBroker():
                self._sent(engine.sync(), normal, account)
            case meanings.AcceptPosition(symbol=symbol):
                self._accept(symbol, its)
            case _:
                raise TypeError(f"the order line means something that cannot be carried out: {command!r}")

    def _send(self, command: PlaceOrder | PlacePair | ReplaceOrder, normal: str, account: str) -> None:
        from console import meanings

        match command:
            case meanings.PlaceOrder(intent=intent):
                self._submit(intent, normal, account)
            case meanings.PlacePair() as pair:
                self._submit(pair, normal, account)
            case meanings.ReplaceOrder(order_id=order_id, terms=terms):
                self._sent(engine_of(self._engine, account).replace(order_id, terms), normal, account)

    def ticketed(self, ready: Ready, refused: Callable[[Reply], None]) -> None:
        """What a person confirmed in a ticket. `refused` is told where the engine does not take it."""
        from console import meanings
        from console.ticket.form import ApproveSignal

        match ready.does:
            case meanings.PlaceOrder(intent=intent):
                command_id = self._submit(intent, ready.normal, ready.account)
            case meanings.ReplaceOrder(order_id=order_id, terms=terms):
                command_id = self._sent(self._engine.replace(order_id, terms), f"edit {ready.normal}")
            case ApproveSignal(signal_id=signal_id, edit=edit):
                command_id = self._sent(self._engine.approve(signal_id, edit), f"approve {ready.normal}")
        self._ticketed = command_id, refused

    def _submit(self, wish: Intent | PlacePair, normal: str, account: str) -> str:
        confirmed = (wish, account) == self._repeated
        engine = engine_of(self._engine, account)
        if isinstance(wish, Intent):
            command_id = engine.submit(wish, confirmed=confirmed)
        else:
            from engine.model.inputs import GroupKind

            command_id = engine.submit_group(GroupKind.OCO, wish.first, wish.second, confirmed=confirmed)
        self._submitted, self._repeated = (command_id, wish, account), None
        return self._sent(command_id, normal, account)

    # ---- what is watched

    def watch(self, symbol: str) -> str:
        """Answers the command's id."""
        return self._sent(self._engine.watch(symbol), f"watch {symbol}")

    def unwatch(self, symbol: str) -> None:
        self._sent(self._engine.unwatch(symbol), f"let go of {symbol}")

    # ---- signals

    def approve(self, row: SignalRow | None) -> None:
        if self.waits(row):
            self._sent(self._engine.approve(row.id), f"approve {row.side} {row.symbol}")

    def approve_all(self, rows: Sequence[SignalRow]) -> None:
        if not rows:
            self._say(f"No signal is marked; {self._key_of['mark']} marks one.", Level.WARNING)
        for row in rows:
            self._sent(self._engine.approve(row.id), f"approve {row.side} {row.symbol}")

    def reject(self, row: SignalRow | None) -> None:
        if self.waits(row):
            self.reject_all([row])

    def reject_all(self, rows: Sequence[SignalRow], done: Callable[[], None] = lambda: None) -> None:
        """One reason for all of them, which is asked for; `done` is called once it was given."""
        from console.screens.questions import Reason, listed

        def answered(typed: Typed | None) -> None:
            if typed is not None:
                done()
                for row in rows:
                    self._sent(self._engine.reject(row.id, typed.reason), f"reject {row.side} {row.symbol}")

        title = "Reject the signal" if len(rows) == 1 else f"Reject {len(rows)} signals"
        text = listed([f"{row.side} {numbers.quantity(row.quantity)} {row.symbol}, by {row.strategy}" for row in rows])
        self._ask(Reason(title, text, self._clock), answered)

    def waits(self, row: SignalRow | None) -> TypeGuard[SignalRow]:
        """Whether the signal waits for a yes. Where not, it is said."""
        if row is None:
            self._say("No signal waits here.", Level.WARNING)
        elif row.state is not SignalState.WAITING:
            self._say(f"This signal waits no more: {row.state.lower()}.", Level.WARNING)
        return row is not None and row.state is SignalState.WAITING

    # ---- orders

    def works(self, row: OrderRow) -> bool:
        """Whether the order can still be cancelled or replaced. Where not, it is said."""
        if row.state.is_final:
            self._say(f"#{row.number} has ended: {row.state.words}.", Level.WARNING)
        return not row.state.is_final

    def cancel(self, rows: Sequence[OrderRow]) -> None:
        """Those of them that work; of the others it is said that they have ended."""
        working = [row for row in rows if not row.state.is_final]
        ended = len(rows) - len(working)
        if not rows:
            self._say("There is no order to cancel.", Level.WARNING)
        elif len(rows) == 1:
            self.works(rows[0])
        elif not working:
            self._say(f"All {ended} marked orders have ended: there is nothing to cancel in them.", Level.WARNING)
        for row in working:
            others = f" ({ended} of those marked had ended)" if ended else ""
            self._sent(self._engine.cancel(order_id=row.id), f"cancel #{row.number}{others}")

    def cancel_symbol(self, symbol: str) -> None:
        # An empty symbol would mean every order there is.
        if symbol:
            self._sent(self._engine.cancel(symbol=symbol), f"cancel {symbol}")

    def close(self, rows: Sequence[PositionRow], view: View) -> None:
        """Asks whether to close these positions, and then closes of each what is held by then, never more than was asked about."""

        def answered(yes: bool | None) -> None:
            if not yes:
                return
            now = self._engine.view()
            held = {(row.account, row.symbol): row.quantity for each in now.accounts or (now,) for row in each.positions}
            for row in rows:
                there = held.get((row.account, row.symbol), ZERO)
                quantity = min(abs(row.quantity), abs(there))
                if not quantity or (there > 0) != (row.quantity > 0):
                    self._say(f"{row.symbol} was not closed: it is not held any more.", Level.WARNING)
                    continue
                side = Side.SELL if row.quantity > 0 else Side.BUY
                engine = engine_of(self._engine, row.account)
                self._sent(engine.close_position(row.symbol, side, quantity), f"close {row.symbol}", row.account)

        from console.screens.questions import ask_close

        self._ask(ask_close(rows, view, self._clock), answered)

    def flatten(self, view: View) -> None:
        from console.screens.questions import TypedWord

        def typed(answer: Typed | None) -> None:
            if answer is not None:
                engine = self._engine if view.accounts else engine_of(self._engine, view.name)
                what = f"flatten on {view.name}" if view.name and not view.accounts else "flatten"
                self._answers.expect(engine.liquidate_all(), what, self._clock())

        lines = [(f"{clean(each.name)}: " if each.name else "") + (_held(each) or "none is known now") for each in view.accounts or (view,)]
        does = "Stops trading, cancels every order, and closes every position at the market, reduce-only:"
        text = does + ("\n" if view.accounts else " ") + "\n".join(lines) + "."
        title = f"Flatten {len(view.accounts)} accounts" if view.accounts else f"Flatten {clean(view.name)}".rstrip()
        self._ask(TypedWord(title, text, "FLATTEN", self._clock), typed)

    # ---- mode

    def choose_mode(self, view: View) -> None:
        from console.screens.questions import RESUME, choose_mode

        if view.account.state is TradingState.HALTED:
            self._resume(view)
            return

        def chosen(answer: str | None) -> None:
            if answer == RESUME.value:
                self._resume(view)
            elif answer in {row.name for row in view.breakers}:
                self._reset(answer, view)
            elif answer is not None and answer != view.account.mode:
                self._set_mode(Mode(answer), view)

        self._ask(choose_mode(view, self._clock), chosen)

    def _set_mode(self, mode: Mode, view: View) -> None:
        from console.screens.questions import TypedWord

        if view.account.state is TradingState.HALTED:
            self._resume(view)
            return
        if mode is not Mode.FULL_AUTO:
            self._sent(engine_of(self._engine, view.name).set_mode(mode), f"mode {mode}", view.name)
            return

        def typed(answer: Typed | None) -> None:
            if answer is not None:
                self._sent(engine_of(self._engine, view.name).set_mode(mode), f"mode {mode}", view.name)

        text = "In FULL_AUTO every signal is sent without your yes, within the limits."
        self._ask(TypedWord(f"FULL_AUTO{self._of(view)}", text, "FULL_AUTO", self._clock), typed)

    def _reset(self, name: str, view: View) -> None:
        from console.screens.questions import TypedWord

        def typed(answer: Typed | None) -> None:
            if answer is not None:
                self._sent(engine_of(self._engine, view.name).reset_breaker(name, answer.reason), f"reset {name}", view.name)

        why = next(row.reason for row in view.breakers if row.name == name)
        self._ask(
            TypedWord(
                f"Reset {name}{self._of(view)}",
                f"It tripped: {why}.\nOnce none holds, trading goes on in MANUAL.",
                "RESET",
                self._clock,
                reason=True,
            ),
            typed,
        )

    def _accept(self, symbol: str, view: View) -> None:
        from console.screens.questions import TypedWord

        differs = next((words for words in view.mismatches if f" {symbol}, our books" in words), "")
        if not differs:
            self._say(f"Of {symbol} the broker holds what our books say: there is nothing to accept.", Level.WARNING)
            return

        def typed(answer: Typed | None) -> None:
            if answer is not None:
                what = f"accept {symbol}"
                self._sent(engine_of(self._engine, view.name).accept_position(symbol, answer.reason), what, view.name)

        text = (
            f"{differs}.\nThe broker's figure is booked, at the price that its cash tells or else at its average, and {symbol} takes "
            "entries again. Nothing is sent. Look first at the broker's own page for what became of the difference."
        )
        self._ask(TypedWord(f"Accept the broker's {symbol}{self._of(view)}", text, "ACCEPT", self._clock, reason=True), typed)

    def _resume(self, view: View) -> None:
        from console.screens.questions import TypedWord

        def typed(answer: Typed | None) -> None:
            if answer is not None:
                self._sent(engine_of(self._engine, view.name).resume(answer.reason), "resume", view.name)

        text = f"Trading is {view.account.state}: {view.account.reason or 'no reason given'}.\nResuming from a stop leads to MANUAL."
        self._ask(TypedWord(f"Resume trading{self._of(view)}", text, "RESUME", self._clock, reason=True), typed)


def _held(view: View) -> str:
    return ", ".join(f"{numbers.quantity(row.quantity)} {clean(row.symbol)}" for row in view.positions)


def _answer_to(command_id: str, view: View) -> Reply | None:
    return next((reply for reply in view.replies if reply.command_id == command_id), None)
