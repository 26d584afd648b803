"""Backtests: a strategy over years of bars in seconds, through the same core, gate, portfolio and matching as on paper."""
