"""`tradeconsole backtest`: a strategy over past bars, as a report to read and as files for other programs."""
