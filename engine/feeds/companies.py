"""The names behind well-known symbols, for a search by name. A symbol that is not here is found by its letters alone."""

from __future__ import annotations

COMPANIES = {
    "AAPL": "Apple",
    "MSFT": "Microsoft",
    "IBM": "International Business Machines",
    "NVDA": "Nvidia",
    "AMZN": "Amazon",
    "GOOG": "Alphabet (Google)",
    "TSLA": "Tesla",
    "JPM": "JPMorgan Chase",
    "FB": "Meta Platforms (Facebook)",
}
