"""Plays back what was recorded of a backtest or of a session: reads, never trades, and knows no live engine."""
