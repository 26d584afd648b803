"""An Alpaca to try the console with, without an account: python -m tests.servers.alpaca [--port N] [--minutes N]"""

from __future__ import annotations

import argparse
import random
import sys
import time
from decimal import Decimal

from tests.servers.alpaca.server import AlpacaServer
from tests.servers.alpaca.streams import KEY, SECRET

TOLD = """\
A loopback Alpaca listens on {url}, for {minutes} minutes. In another terminal:

  export ALPACA_API_KEY={key} ALPACA_SECRET_KEY={secret}
  tradeconsole --broker alpaca --config loopback.yaml

with loopback.yaml (and `account: live` in it, where --account is no paper account's number):

  broker: alpaca
  alpaca: {{url: "{url}"}}

It trades {symbols} by a random walk. Bad manners, one line each:

  curl {url}/control/arm -d '{{"on": "POST /v2/orders", "what": "after_drop"}}'   the next order is taken, its answer lost
  curl {url}/control/arm -d '{{"on": "POST /v2/orders", "what": "504"}}'          also 429 500 503 401 html drop hang, or after_ any of them
  curl {url}/control/arm -d '{{"on": "update", "what": "drop", "times": 3}}'      trade updates: drop, twice, late, strange
  curl {url}/control/set -d '{{"mute": true}}'                                    also deaf, unauthorized, refuse_streams (429), skew_s
  curl {url}/control/cut -d '{{}}'                                                both streams break
  curl {url}/control/market -d '{{"open": false}}'                                the market closes
  curl {url}/control/trade -d '{{"symbol": "AAPL", "price": 99.5, "size": 10}}'   a trade of your own
  curl {url}/control                                                            what is armed, and what was asked
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--account", default="PA3LOOPBACK1", help="its number; one that does not begin with PA is live")
    parser.add_argument("--symbols", default="AAPL,MSFT,IBM")
    given = parser.parse_args()
    symbols = given.symbols.split(",")
    chance = random.Random(7)
    with AlpacaServer(given.port) as server:
        server.book.account_number = given.account
        server.do(lambda: server.book.prices.update({symbol: Decimal(100) for symbol in symbols}))
        sys.stdout.write(TOLD.format(url=server.url, minutes=given.minutes, key=KEY, secret=SECRET, symbols=", ".join(symbols)))
        sys.stdout.flush()
        ends = time.monotonic() + given.minutes * 60
        try:
            while time.monotonic() < ends:
                time.sleep(0.5)
                symbol = chance.choice(symbols)
                price = server.do(lambda symbol=symbol: server.book.prices[symbol]) + Decimal(chance.choice((-1, 0, 1))) / 50  # type: ignore[misc]
                server.trade(symbol, price, chance.randint(1, 40))
                server.quote(symbol, float(price) - 0.01, float(price) + 0.01, chance.randint(100, 900))
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
