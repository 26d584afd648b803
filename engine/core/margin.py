"""What the account may owe and what it may buy: initial and maintenance margin, buying power, and when a margin call stands.

In per cent of market values, as the rules for securities accounts put them:

- Initial margin, what new positions must be covered with, is half of their value, long or short: Regulation T of the Federal Reserve,
  12 CFR 220.12(a) and (c) (the 150 % that it asks for a short sale are the sale's own proceeds and this half).
- Maintenance margin, what must be covered as long as they are held, is 25 % of long and 30 % of short value: FINRA rule 4210(c)(1) and
  (3). Of a short position in shares under 16.67 dollars the rule asks 5 dollars a share instead, under 5 dollars all of the
  value or 2.50 a share, and a broker may ask more of any position: raise the settings to what yours asks.
- No initial margin is lower than the maintenance margin of the same position: FINRA rule 4210(b).

Equity beyond the initial margin buys; it follows the market both ways. Regulation T's special memorandum account, which keeps what it
once had, is not modelled: the buying power here is never more than a broker's.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from msgspec import Struct

from engine.model.money import HUNDRED, ZERO
from engine.model.settings import MarginSettings

CASH_ACCOUNT: Final = MarginSettings()


class Figures(Struct, frozen=True):
    """The account in numbers: `gross` is the value of all positions, shorts counted as positive, `net` the same with shorts counted as
    negative, `reserved` the value of all that working orders may add to them.
    """

    equity: Decimal
    gross: Decimal
    reserved: Decimal
    net: Decimal = ZERO
    margin: MarginSettings = CASH_ACCOUNT

    @property
    def exposure(self) -> Decimal:
        return self.gross + self.reserved

    @property
    def initial(self) -> Decimal:
        """The equity that positions and working orders must be covered with; in a cash account, all of their value."""
        return self.exposure * self._rate

    @property
    def maintenance(self) -> Decimal:
        """The equity that positions must be covered with as long as they are held; zero in a cash account, which owes nothing."""
        if not self.margin.enabled:
            return ZERO
        long, short = (self.gross + self.net) / 2, (self.gross - self.net) / 2
        return (long * self.margin.maintenance_pct + short * self.margin.short_maintenance_pct) / HUNDRED

    @property
    def excess(self) -> Decimal:
        """Equity beyond the maintenance margin: what the market may take before a margin call."""
        return self.equity - self.maintenance

    @property
    def margin_call(self) -> bool:
        """Whether equity is under the maintenance margin: positions must be reduced, or money brought."""
        return self.excess < 0 and self.maintenance > 0

    @property
    def buying_power(self) -> Decimal:
        """What new positions may cost. What works has set its cushion aside too: it may fill at a worse price than it was reserved at."""
        return self.equity / self._rate - self.gross - self.reserved * self.cushion

    @property
    def cushion(self) -> Decimal:
        """What an order is multiplied with before buying power is asked for it: a market order may fill above the price it was judged at,
        a quote or a close that is a moment old, and every order brings fees."""
        return 1 + self.margin.cushion_pct / HUNDRED

    @property
    def _rate(self) -> Decimal:
        margin = self.margin
        if not margin.enabled:
            return Decimal(1)
        return max(margin.initial_pct, margin.maintenance_pct, margin.short_maintenance_pct) / HUNDRED
