"""Trading: new orders, cancels, the execution mode, flatten."""

from __future__ import annotations

from console.actions.stage import Stage
from console.meanings import symbol_word


class OrderActions:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def do_order_line(self) -> None:
        self._stage.type_order()

    def do_buy(self) -> None:
        self._begin("buy")

    def do_sell(self) -> None:
        self._begin("sell")

    def _begin(self, verb: str) -> None:
        """The order line on the row's symbol, the cursor where the quantity goes."""
        symbol = self._stage.symbol()
        self._stage.type_order()
        self._stage.order_line.prefill(f"{verb}  {symbol_word(symbol)}" if symbol else f"{verb} ", len(verb) + 1)

    def do_cancel(self) -> None:
        if self._stage.seen():
            self._stage.desk.cancel(self._stage.row())

    def do_cancel_symbol(self) -> None:
        if self._stage.seen():
            self._stage.desk.cancel_symbol(self._stage.symbol())

    def do_mode(self) -> None:
        self._stage.desk.choose_mode(self._stage.view)

    def do_flatten(self) -> None:
        self._stage.desk.flatten(self._stage.view)
