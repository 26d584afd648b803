"""What can be traded here: a few stocks, one symbol that means two of them, and how each is written into a message."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from tests.servers.tws.wire import Fields


@dataclass(frozen=True, slots=True)
class Stock:
    con_id: int
    symbol: str
    primary: str
    name: str
    price: Decimal
    currency: str = "USD"
    listed: bool = True
    smart: bool = True
    """Whether IB's own routing takes orders for it; one that it does not take trades at its exchange alone."""

    @property
    def exchange(self) -> str:
        return "SMART" if self.smart else self.primary

    @property
    def name_here(self) -> str:
        """By which a test calls it, and a book lists it: its symbol, of several with one symbol the first's."""
        symbol = self.symbol.replace(" ", ".")
        first = next(stock for stock in STOCKS if stock.symbol == self.symbol)
        return symbol if self is first else f"{symbol}@{self.primary}"

    def contract(self, exchange: str | None = None) -> list[object]:
        """The eleven fields that stand for it in orders, executions and positions."""
        exchange = self.exchange if exchange is None else exchange
        return [self.con_id, self.symbol, "STK", "", 0, "", "", exchange, self.currency, self.symbol, self.symbol]


STOCKS = (
    Stock(265598, "AAPL", "NASDAQ", "APPLE INC", Decimal(100)),
    Stock(272093, "MSFT", "NASDAQ", "MICROSOFT CORP", Decimal(200)),
    Stock(8314, "IBM", "NYSE", "INTL BUSINESS MACHINES CORP", Decimal(150)),
    Stock(72063691, "BRK B", "NYSE", "BERKSHIRE HATHAWAY INC-CL B", Decimal(400)),
    Stock(270639, "INTC", "NASDAQ", "INTEL CORP", Decimal(30)),
    Stock(5437, "TWO", "NYSE", "TWO OF A NAME CORP", Decimal(50)),
    Stock(5438, "TWO", "AMEX", "TWO OF A NAME HOLDINGS", Decimal(60)),
    Stock(5439, "SAP", "IBIS", "SAP SE", Decimal(200), "EUR"),
    Stock(5440, "SAP", "TSE", "SAP SE CDR", Decimal(30), "CAD"),
    Stock(5441, "GONE", "NYSE", "GONE FROM THE EXCHANGE CORP", Decimal(5), listed=False),
    Stock(5442, "ARB", "NYSE", "ARBOR TRUST", Decimal(20)),
    Stock(5443, "ARB", "LSE", "ARBUTHNOT METALS PLC", Decimal(70), smart=False),
)
BY_ID = {stock.con_id: stock for stock in STOCKS}


def known(symbol: str, con_id: int = 0, currency: str = "", primary: str = "", exchange: str = "") -> list[Stock]:
    """The stocks that a contract with these fields may mean."""
    found = [BY_ID[con_id]] if con_id in BY_ID else []
    if not con_id:
        found = [
            stock
            for stock in STOCKS
            if stock.symbol == symbol and currency in ("", stock.currency) and primary.split(".")[0] in ("", stock.primary)
        ]
    return [stock for stock in found if exchange in ("", stock.primary) or (stock.smart and exchange == "SMART")]


def called(name: str) -> Stock:
    """The stock that a test means. Raises ValueError."""
    (stock,) = [stock for stock in STOCKS if stock.name_here == name.replace(" ", ".")]
    return stock


def asked(fields: Fields) -> tuple[list[Stock], str]:
    """Reads the twelve fields of a contract: the stocks that it may mean, and the symbol that was named."""
    con_id, symbol, kind = fields.number(), fields.text(), fields.text()
    fields.skip(4)  # expiry, strike, right, multiplier
    exchange, primary, currency = fields.text(), fields.text(), fields.text()
    local = fields.text()
    fields.skip(1)  # trading class
    found = known(symbol or local, con_id, currency, primary, exchange) if kind in ("STK", "") else []
    return [stock for stock in found if stock.listed], symbol


def details(request: int, stock: Stock) -> list[object]:
    """A contractDetails message."""
    hours = "20261127:0930-20261127:1600;20261130:0930-20261130:1600"
    exchanges = ",".join(dict.fromkeys((stock.exchange, stock.primary)))
    return [
        *(10, request, stock.symbol, "STK", "", 0, "", stock.exchange, stock.currency, stock.symbol, "NMS", stock.symbol, stock.con_id),
        *("0.01", "", "LMT,MKT,STP,STPLMT,TRAIL,MOC,LOC,OPG,IOC,GTC", exchanges, 1, 0, stock.name, stock.primary, ""),
        *("Technology", "Computers", "Computers", "US/Eastern", hours, hours, "", 0, 0),
        *(1, "", "", "26", "", "COMMON", "0.0001", "0.0001", "100"),
    ]
