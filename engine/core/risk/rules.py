"""The name of every rule of the gate and what it holds, and the ways in which a rule says no."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from engine.model.verdicts import Outcome, Verdict


class Rule(StrEnum):
    """A verdict's `rule`. `holds` is what the rule is about, for a person."""

    holds: str

    def __new__(cls, name: str, holds: str) -> Rule:
        rule = str.__new__(cls, name)
        rule._value_ = name
        rule.holds = holds
        return rule

    SYMBOL = "symbol", "The feed knows the symbol."
    ORDER = "order", "Its numbers are numbers, and its type, prices and time in force belong together."
    BROKER = "broker", "The broker can do it, and takes entries for the account and in the symbol."
    TICK_SIZE = "tick size", "Its prices are one tick or more; they are put on the nearest tick."
    LOT_SIZE = "lot size", "Its quantity is one lot or more; it is cut down to whole lots."
    BRACKET = "bracket", "Its exits lie on the sides where they gain and lose, and it opens a position."
    REDUCE_ONLY = "reduce only", "There is something left to close."
    JOURNAL = "journal", "The journal can be written."
    LINK = "link", "The link to the broker is up."
    STARTING = "starting", "The account was compared with the broker's."
    HALTED = "halted", "Trading is not halted."
    RESEARCH = "research", "The mode is not RESEARCH."
    DISABLED = "strategy disabled", "The strategy is not disabled."
    MISMATCH = "mismatch", "Our books and the broker's agree on the symbol."
    UNKNOWN_ORDER = "unknown order", "No order in the symbol is UNKNOWN."
    REDUCING = "reducing", "No breaker is tripped."
    HALTED_SYMBOL = "halted symbol", "The venue has not halted the symbol."
    HOURS = "hours", "The market is open, or the order may wait for the open."
    PRICE = "price", "The symbol has a price: without one nothing can be said about the order's size."
    STALE_PRICE = "stale price", "The price is fresh while the market is open: recent, not crossed, not one print far from the last."
    COLLAR = "collar", "A limit is not far through the market."
    SELF_TRADE = "self-trade", "It would not trade with an order of our own."
    SHORT_SALE = "short sale", "It sells what is held, unless short selling is on."
    REPETITION = "repetition", "It is not the same order again within moments; a person may confirm that it is meant."
    ORDER_RATE = "order rate", "Its strategy, its symbol and the account have not had too many entries."
    STRATEGY_LOSS = "strategy loss", "Its strategy has not lost too much in this session."
    STRATEGY_BREAKER = "strategy breaker", "No drawdown limit and no circuit breaker of its strategy is tripped."
    SYMBOL_LOSS = "symbol loss", "Its symbol has not lost too much in this session."
    DAILY_LOSS = "daily loss", "The account has not lost too much in this session."
    ORDER_SIZE = "order size", "The order's value is within its share of equity."
    ORDER_NOTIONAL = "order notional", "The order's value is within an amount of money."
    ORDER_QUANTITY = "order quantity", "The order's quantity is within a number of shares."
    POSITION_SIZE = "position size", "The symbol's position, with all that works on this side, is within its share of equity."
    TOTAL_EXPOSURE = "total exposure", "All positions and working entries, shorts counted as positive, are within their share of equity."
    STRATEGY_EXPOSURE = "strategy exposure", "What its strategy holds, with its working entries, is within its share of equity."
    COMBINED_EXPOSURE = "combined exposure", "What all accounts hold and may yet add together is within its share of their equity."
    COMBINED_POSITION = "combined position", "So is what they hold and may yet add in its symbol, on its side."
    NET_EXPOSURE = "net exposure", "Long less short, working entries counted in, is within its share of equity."
    MARGIN_CALL = "margin call", "Equity covers the maintenance margin."
    BUYING_POWER = "buying power", "The account can pay for it, working orders set aside."


def deny(rule: Rule, text: str, limit: str = "", actual: str = "") -> Verdict:
    """A no. `limit` and `actual` are in words with units, `text` is a sentence a trader understands."""
    return Verdict(Outcome.DENY, rule, limit, actual, text)


def cut(rule: Rule, most: Decimal, limit: str, actual: str, text: str) -> Verdict:
    """A no to more than `most` shares, a whole number of lots; a plain no where that is none."""
    if most <= 0:
        return deny(rule, text, limit, actual)
    return Verdict(Outcome.RESIZE, rule, limit, actual, f"{text} {most:f} would pass.", most)
