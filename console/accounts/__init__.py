"""Several accounts in one console, each with a trading system of its own."""
