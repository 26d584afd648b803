"""Past bars from Yahoo."""

from engine.feeds.yahoo.history import YahooHistory as YahooHistory
