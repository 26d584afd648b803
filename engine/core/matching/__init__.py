"""The matching core: how an order trades when there is no real market. Paper and backtest share it.

A bar tells only four prices, so each rule takes the side that flatters least; a fill names its rule's id:

| id | rule |
|---|---|
| `market-open` | A market order fills at the open of the first bar after it was placed, plus slippage. |
| `market-quote` | A market order fills at the far side of the first quote after its latency, plus slippage. |
| `limit-gap` | The bar opens through the limit: fills at the open, which is better than the limit. |
| `limit-through` | The bar trades through the limit: fills at the limit. |
| `limit-touch` | The bar only touches the limit: others queued before us, so a quarter of the volume cap fills, at the limit. |
| `limit-quote` | The far side of the quote reached the limit: fills at the quote. |
| `limit-queue` | Our side of the quote stands at the limit, the last trade was there, and less is shown than before: what went beyond \
those queued ahead of us fills, at the limit. |
| `limit-last` | A new trade beyond the limit: nobody at the limit was left out, so it fills at the limit. |
| `stop-price` | The bar trades through the stop: fills at the stop, plus slippage. |
| `stop-gap` | The bar opens beyond the stop: fills at the open, plus slippage. |
| `stop-open` | A stop that triggered earlier and was not filled whole goes on at the next open, plus slippage. |
| `stop-quote` | The quote reached the stop: fills at the far side of the quote, plus slippage. |
| `stop-limit-price` | The bar trades through the stop of a stop-limit: fills at the stop plus slippage, never beyond the limit. |
| `stop-limit-gap` | The bar opens beyond the stop and within the limit: fills at the open plus slippage, never beyond the limit. |
| `stop-limit-close` | The bar trades through the stop, the limit is not met there, and the close lies through the limit: the price came \
back after the trigger, so it fills at the limit. |
| `trail-price` | The bar reaches where a trailing stop stood at its open: fills there, plus slippage. |
| `trail-close` | The bar closes through where its own high (low, to buy) has moved a trailing stop: fills there, plus slippage. |
| `auction-open` | An order at the open fills at the opening auction's price; on bars at the session's first open. |
| `auction-close` | An order at the close fills at the closing auction's price; on bars at the session's last close. |
| volume cap | All orders of a symbol share one cap: a share of the bar's or the auction's volume, or the size in the quote, less what \
filled at that price since it stands there. The rest \
goes on working; of an order at the open or the close it is cancelled. |
| the worse first | Within a bar market orders go first, then stops, then limits: of a stop and a target in one bar the stop trades. |
| one cancels others | A fill takes its quantity from the other orders of its `oco` at once, and ends those that have nothing left. |
| before the bar | A bar fills only what was placed before it began: at its symbol's last bar, or at the opening of the session. |
| the rest of the bar | Exits that an entry brings along work from its fill on: in all of the bar where it filled at the open, else in \
what of the bar came after the fill. |

A trailing stop follows quotes by the side that triggers it, and bars by their open, then, after the bar, by their high or low: within a
bar the high may have come before the low or after it, and the order that is worse for us counts unless the close proves the other. A bar
that opens beyond it, and a quote that reaches it, fill it as any stop.

The rest of the bar, for the exits of an entry that filled in it:

- At the open (market, a gap, a stop that goes on, the opening auction) all of the bar comes after the fill. An exit whose price the open
  lies beyond fills at the open, as what is sent to a market that stands there does: out where it came in, a stop with slippage. After the
  close nothing comes.
- Within the bar the close comes after the fill, and all beyond the entry's price where the market came to that from the open's side for
  the first time: the low under a limit to buy, the high over a stop to buy. Of what nobody knows when it came, that which hurts counts as
  having come after the fill, and that which helps as before it. So a stop-loss that the bar reaches trades, unless it was reached by the
  open alone, or by what moved a trailing entry's stop; and a target trades only where it is sure: under the close, or over a stop's entry.
- Of both the stop trades. They share what the entry left of the bar's volume: a stop without any goes on at the next open.
- A trailing exit begins at the entry's price, and follows what is sure to have come after it.
- What takes time to the market (latency) works once it is there, if the bar is not over by then; latency counted in bars begins after it.
- It holds for what waits for an entry to fill and closes what that opened. What somebody orders when he hears of the fill is for the next.

On live bars exits are written down and sent a moment after the fill was told: they meet what came after it when they come, each pair
together. What a restart kept from the market was not there; it works from then on.

A stop-limit that was triggered is a limit from then on; in the bar that triggered it only what came after the trigger counts: all of the
bar where it opens beyond the stop, else its close.

An immediate-or-cancel order, and fill-or-kill, trade at the first quote or at the open of the first bar, or not at all.

The queue is a simple model: whoever is displayed at our limit when we come there is ahead of us, leaves or trades first, and nobody who
comes later passes us. It is known from quotes alone; within the spread nobody is ahead.

Slippage alone takes a fill beyond its bar's high or low.

In a halted symbol, outside the session and on a crossed quote nothing trades; a locked market trades. Outside the regular session only
limit orders that ask for the extended hours trade. A symbol that has quotes is matched by them alone; its bars only sum up what the
quotes said. An order's prices become floats once, on entry.
"""

from engine.core.matching.matcher import Matcher
from engine.core.matching.resting import Ended, Execution, Moved, Outcome, Reduced, Resting, Worked

__all__ = ["Ended", "Execution", "Matcher", "Moved", "Outcome", "Reduced", "Resting", "Worked"]
