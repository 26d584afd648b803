"""The pages of backtests: the list of those that are kept, a report, two side by side, and the form that begins one."""
