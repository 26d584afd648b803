"""Interactive Brokers, by TWS or Gateway.

`library` alone imports ib_insync, and `decoded` makes the plain values of `facts` of what comes over the wire. `ledger` keeps what TWS has
said of each order and says it in our words; `orders` and `codes` hold what a field or a code means. `link` keeps the connection, `client`
lives with it in the library's thread, and `broker` is the engine's side: only plain values cross.
"""
