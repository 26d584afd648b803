"""Interactive Brokers as a source of prices, by TWS or Gateway, on a connection of its own beside the broker's.

`library` speaks the client library; `line` keeps the connection in a thread of its own, `watch` what is subscribed there and what came of
it, `pacing` how often the past may be asked for. `history` and `feed` are the two sides that the rest of us sees.

The connection is its own, under another client id, so that orders never wait behind prices: TWS counts messages by the connection, and
ends one that sends too many; what is asked too often here costs no cancel there. It also lets paper trade on IB's prices.
"""
