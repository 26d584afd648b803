"""An Alpaca to try the console with, without an account: python -m tests.servers.alpaca [--port N] [--minutes N]"""

from __future__ import annotations

import argparse
import random
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal

from engine.feeds.new_york import SECOND
from tests.servers.alpaca.data import AlpacaDataServer
from tests.servers.alpaca.streams import KEY, SECRET
from tests.servers.yahoo import Share

PRICES = {"AAPL": 190.0, "MSFT": 420.0, "IBM": 170.0}
"""About what they cost; any other symbol costs 100."""
TOLD = """\
A loopback Alpaca listens on {url}, for {minutes:g} minutes: orders, quotes, and past bars. In another terminal:

  export ALPACA_API_KEY={key} ALPACA_SECRET_KEY={secret}
  tradeconsole --config loopback.yaml

with loopback.yaml (and `account: live` in it, where --account is no paper account's number):

  broker: alpaca
  symbols: [{symbols}]
  alpaca: {{url: "{url}"}}
  feed: {{source: alpaca, url: "{url}", calendar: 24/7}}

Prices walk at random, at any hour. Bad manners, one line each:

  curl {url}/control/arm -d '{{"on": "POST /v2/orders", "what": "after_drop"}}'   the next order is taken, its answer lost
  curl {url}/control/arm -d '{{"on": "POST /v2/orders", "what": "504"}}'          also 429 500 503 401 html drop hang, or after_ any of them
  curl {url}/control/arm -d '{{"on": "update", "what": "drop", "times": 3}}'      trade updates: drop, twice, late, strange
  curl {url}/control/set -d '{{"mute": true}}'                                    also deaf, unauthorized, refuse_streams (429), skew_s
  curl {url}/control/cut -d '{{}}'                                                both streams break
  curl {url}/control/market -d '{{"open": false}}'                                no order fills until it is true
  curl {url}/control/trade -d '{{"symbol": "AAPL", "price": 99.5, "size": 10}}'   a trade of your own
  curl {url}/control/halt -d '{{"symbol": "AAPL"}}'                               with "halted": false it trades again
  curl {url}/control/asset -d '{{"symbol": "IBM", "shortable": false}}'           also tradable, fractionable
  curl {url}/control                                                            what is armed, and what was asked
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.servers.alpaca", description=__doc__)
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--account", default="PA3LOOPBACK1", help="its number; one that does not begin with PA is live")
    parser.add_argument("--symbols", default=",".join(PRICES))
    given = parser.parse_args()
    symbols = given.symbols.split(",")
    shares = [Share(symbol, price=PRICES.get(symbol, 100.0)) for symbol in symbols]
    try:
        with AlpacaDataServer(shares, port=given.port) as server:
            server.book.account_number = given.account
            told = TOLD.format(url=server.url, minutes=given.minutes, key=KEY, secret=SECRET, symbols=", ".join(symbols))
            sys.stdout.write(told)
            sys.stdout.flush()
            with suppress(KeyboardInterrupt):
                _trade(server, shares, time.monotonic() + given.minutes * 60)
    except OSError:
        sys.exit(f"Port {given.port} is taken, or not to be had: give another one by --port.")


def _trade(server: AlpacaDataServer, shares: list[Share], ends: float) -> None:
    """Twice a second a trade and a quote of each share, and after each minute its bar."""
    chance = random.Random(7)
    prices = {share.symbol: share.traded(datetime.now(UTC).date(), 0.5) for share in shares}
    server.do(lambda: server.book.prices.update({symbol: Decimal(str(price)) for symbol, price in prices.items()}))
    begun = 0
    while time.monotonic() < ends:
        time.sleep(0.5)
        now = time.time_ns()
        for symbol in prices:
            # From where a trade by hand left it.
            last = float(server.do(lambda symbol=symbol: server.book.prices[symbol]))  # type: ignore[misc]
            prices[symbol] = price = round(last * (1 + chance.gauss(0, 0.0001)), 2)
            server.trade(symbol, price, chance.randint(1, 40))
            server.trade_at(now, symbol, price)
            server.quote_at(now, symbol, round(price - 0.01, 2), round(price + 0.01, 2))
        if (minute := now // (60 * SECOND) * 60 * SECOND) != begun:
            for symbol, price in prices.items() if begun else ():
                server.bar_at(begun, symbol, price)
            begun = minute


if __name__ == "__main__":
    main()
