"""Alpaca's market data: past bars by REST, quotes, trades and minute bars by its stream. Needs the keys of an account, free or not."""
