"""Which stock at IB an order trades. A symbol means the one in dollars of that name that IB's own routing takes; but what is held under it
may be another, as one of London that is priced in dollars, and is closed as what it is: sold by its name alone, the other would be sold."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from engine.brokers.base import AmbiguousError
from engine.brokers.ib.facts import CURRENCY, Contract, Held
from engine.brokers.ib.library import Session
from engine.brokers.ib.link import answer
from engine.brokers.ib.orders import no_one_stock, symbol_of, symbol_there
from engine.model.orders import Order
from engine.model.settings import is_symbol


class NotTraded(Exception):  # noqa: N818 - a state of the world
    """Nothing is to be sent; its text says why."""


class Contracts:
    """Lives in the client library's thread. `session` answers the link that there is, or raises AmbiguousError; `account` whose positions
    are ours."""

    def __init__(self, session: Callable[[], Session], account: Callable[[], str]) -> None:
        self._session = session
        self._account = account
        self._meant: dict[str, Contract] = {}
        self._asking: dict[str, asyncio.Lock] = {}
        self._held: dict[str, Contract] = {}
        """What is held under each symbol, by the last comparison."""
        self._looked_at: set[int] = set()

    async def of(self, order: Order) -> Contract:
        """What `order` trades. Raises NotTraded, and AmbiguousError where TWS does not answer."""
        symbol = order.symbol
        held, meant = self._held.get(symbol), await self._means(symbol)
        if held is not None and (isinstance(meant, str) or meant.con_id != held.con_id):
            # That was as of the last comparison, and is too rare to be guessed at.
            now = {each.contract.con_id: each.quantity for each in self.ours(await answer(self._session().positions()))}
            quantity = now.get(held.con_id)
            if quantity is not None:
                is_close = quantity * order.side.sign < 0 and order.quantity <= abs(quantity)
                traded = await answer(self._session().contract(held.con_id))
                if is_close and traded is not None:
                    return traded
                if traded is not None and isinstance(meant, Contract):
                    meant = f"{_another(symbol, traded, meant)}: it can be closed here, and nothing else is traded by that name until then"
        if isinstance(meant, str):
            raise NotTraded(meant)
        return meant

    async def followed(self, told: Sequence[Held]) -> list[Held]:
        """Those of our account's positions, `told` now, that the books are about: of each symbol one. Raises AmbiguousError."""
        followed: dict[str, Held] = {}
        for each in self.ours(told):
            symbol = symbol_of(each.contract.symbol)
            if symbol in followed:
                meant = await self._means(symbol)
                if isinstance(meant, str) or each.contract.con_id != meant.con_id:
                    continue
            followed[symbol] = each
        self._held = {symbol: each.contract for symbol, each in followed.items()}
        return list(followed.values())

    async def others(self) -> list[str]:
        """Of what is held and is another stock than its symbol means, in words, each once. What is asked for that is known then to who
        closes it. Raises AmbiguousError."""
        words = []
        for symbol, held in list(self._held.items()):
            if held.con_id in self._looked_at:
                continue
            self._looked_at.add(held.con_id)
            try:
                meant = await self._means(symbol)
                if isinstance(meant, Contract) and meant.con_id != held.con_id:
                    traded = await answer(self._session().contract(held.con_id)) or held
                    words.append(f"{_another(symbol, traded, meant)}, whose price is shown and counted here. It is closed as what it is")
            except AmbiguousError:
                self._looked_at.discard(held.con_id)
                raise
        return words

    def ours(self, told: Sequence[Held]) -> list[Held]:
        """The stocks in our currency among them."""
        return [each for each in told if each.account == self._account() and each.quantity and is_followed(each.contract)]

    async def _means(self, symbol: str) -> Contract | str:
        """The stock that is meant, or why it is none. Who asks meanwhile waits for the same answer."""
        if symbol != symbol_of(symbol):
            return no_one_stock(symbol, [])
        async with self._asking.setdefault(symbol, asyncio.Lock()):
            if symbol in self._meant:
                return self._meant[symbol]
            found = await answer(self._session().contracts(symbol_there(symbol), CURRENCY))
            if len(found) == 1:
                self._meant[symbol] = found[0]
                return found[0]
            elsewhere: list[Contract] = []
            if not found:
                with contextlib.suppress(AmbiguousError):
                    elsewhere = await answer(self._session().contracts(symbol_there(symbol), ""))
            return no_one_stock(symbol, found, elsewhere)


def is_followed(contract: Contract) -> bool:
    return contract.kind == "STK" and contract.currency == CURRENCY and is_symbol(symbol_of(contract.symbol))


def _another(symbol: str, held: Contract, meant: Contract) -> str:
    return f"The {symbol} that is held is the one at {held.primary or held.exchange}, another stock than {symbol} at {meant.primary}"
