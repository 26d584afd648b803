"""A TWS or Gateway for tests, in a process of its own on the loopback: the protocol that ib_insync speaks, and bad manners on command.

    python -m tests.servers.tws [--port 17497] [--control 0] [--for 3600]

listens as TWS does, and on its standard input takes the commands of `control`, one a line: `price AAPL 190.5`, `code 1100`, `mute`, `help`.
"""
