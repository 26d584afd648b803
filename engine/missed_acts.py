"""What companies did while nobody ran the engine: splits and dividends to book at the start."""

from __future__ import annotations

from engine.core.state import State
from engine.feeds.base import Feed, KnowsActs
from engine.model.market import Dividend, Split


def missed_acts(feed: Feed, state: State) -> tuple[list[Split | Dividend], list[str]]:
    """Those since the account's last session of what is held or works. The feed's history is in the new shares already.

    What was traded in that session, on its ex-date, is in the new shares: that act is left, and where something was held before, a
    sentence says so."""
    acts: list[Split | Dividend] = []
    unsure: list[str] = []
    if not state.session or not isinstance(feed, KnowsActs):
        return acts, unsure
    for act in feed.acts_after(state.session):
        holding = state.portfolio.holdings.get(act.symbol)
        if state.portfolio.knows(act) or not ((holding and holding.quantity) or state.book.working(act.symbol)):
            continue
        since = feed.hours.current_or_next(act.at).pre
        traded = [cost for cost, fill in holding.recent if fill.at >= since] if holding and act.ex_date == state.session else []
        if not traded:
            acts.append(act)
        elif traded[0].quantity:
            what = "split" if isinstance(act, Split) else "dividend"
            unsure.append(
                f"{act.symbol}: the {what} of {act.ex_date} is not booked, for it was traded on that day before the feed told of it. "
                "Compare its position and the cash with the broker's statement."
            )
    return acts, unsure
