"""The history tables: what the journal's records are folded into, for screens and scripts to ask.

`seq` is the number of the journal's entry that a row came from, so every table has the journal's order and pages by it. `daily`,
`totals` and `equity_days` are kept up with each fill and each point of equity; a trade that they count is an order that closed something,
with all that its fills took. `adjustments` are changes of a position that no fill made, `flows` money that no trade explains; `traces`
says which entries tell of an order or a signal. Times are nanoseconds UTC: `at` and its like in market time, `wall` by the wall clock.
Money, prices and quantities are decimals as text.
"""

from __future__ import annotations

from typing import Final

VERSION: Final = 5
"""Raise it with every change of these tables or of how records are folded into them: they are then made again from the journal."""

NAMES: Final = (
    *("runs", "sessions", "orders", "fills", "positions", "daily", "totals", "signals", "equity", "equity_days", "audit", "traces"),
    *("adjustments", "flows"),
)

CREATE: Final = """
CREATE TABLE runs (
    seq INTEGER PRIMARY KEY, run_id TEXT NOT NULL, account TEXT NOT NULL, feed TEXT NOT NULL, cash TEXT,
    started_at INTEGER NOT NULL, ended_at INTEGER
) STRICT;
CREATE INDEX runs_by_id ON runs (run_id);
CREATE INDEX runs_by_time ON runs (started_at);

CREATE TABLE sessions (
    seq INTEGER PRIMARY KEY, run_id TEXT NOT NULL, session TEXT NOT NULL, equity TEXT NOT NULL, at INTEGER NOT NULL,
    loss TEXT, loss_limit TEXT, tripped_at INTEGER
) STRICT;
CREATE INDEX sessions_by_name ON sessions (session);
CREATE INDEX sessions_by_time ON sessions (at);

CREATE TABLE orders (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, number INTEGER NOT NULL, symbol TEXT NOT NULL, side TEXT NOT NULL,
    quantity TEXT NOT NULL, requested TEXT NOT NULL, type TEXT NOT NULL, "limit" TEXT, stop TEXT, tif TEXT NOT NULL,
    source TEXT NOT NULL, strategy TEXT NOT NULL, signal_id TEXT NOT NULL, reduce_only INTEGER NOT NULL, mark TEXT NOT NULL,
    rule TEXT NOT NULL, verdict TEXT NOT NULL, state TEXT NOT NULL, broker_id TEXT NOT NULL, reason TEXT NOT NULL,
    filled TEXT NOT NULL, cost TEXT NOT NULL, fees TEXT NOT NULL, created_at INTEGER NOT NULL, changed_at INTEGER NOT NULL,
    trail TEXT, trail_pct TEXT, extended_hours INTEGER NOT NULL, parent TEXT NOT NULL, oco TEXT NOT NULL, exit_pct TEXT,
    released INTEGER NOT NULL, succeeds TEXT NOT NULL, realised TEXT NOT NULL, closes INTEGER NOT NULL
) STRICT;
CREATE INDEX orders_by_symbol ON orders (symbol);
CREATE INDEX orders_by_time ON orders (created_at);
CREATE INDEX orders_by_symbol_and_time ON orders (symbol, created_at);
CREATE INDEX orders_by_parent ON orders (parent) WHERE parent != '';
CREATE INDEX orders_by_oco ON orders (oco) WHERE oco != '';
CREATE INDEX orders_by_succeeded ON orders (succeeds) WHERE succeeds != '';

CREATE TABLE fills (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL, order_id TEXT NOT NULL, symbol TEXT NOT NULL, side TEXT NOT NULL,
    quantity TEXT NOT NULL, price TEXT NOT NULL, cost TEXT NOT NULL, fees TEXT NOT NULL, realised TEXT NOT NULL,
    rule TEXT NOT NULL, at INTEGER NOT NULL, corrects INTEGER NOT NULL, shares TEXT NOT NULL
) STRICT;
CREATE INDEX fills_by_symbol ON fills (symbol);
CREATE INDEX fills_by_time ON fills (at);
CREATE INDEX fills_by_symbol_and_time ON fills (symbol, at);
CREATE INDEX fills_by_order ON fills (order_id);
CREATE INDEX fills_by_symbol_and_side ON fills (symbol, side);

CREATE TABLE positions (
    symbol TEXT PRIMARY KEY, quantity TEXT NOT NULL, basis TEXT NOT NULL, realised TEXT NOT NULL, fees TEXT NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;

CREATE TABLE daily (
    session TEXT NOT NULL, symbol TEXT NOT NULL, strategy TEXT NOT NULL, fills INTEGER NOT NULL, volume TEXT NOT NULL,
    realised TEXT NOT NULL, fees TEXT NOT NULL, wins INTEGER NOT NULL, losses INTEGER NOT NULL, gained TEXT NOT NULL, lost TEXT NOT NULL,
    PRIMARY KEY (session, symbol, strategy)
) STRICT, WITHOUT ROWID;

CREATE TABLE totals (
    symbol TEXT NOT NULL, strategy TEXT NOT NULL, fills INTEGER NOT NULL, volume TEXT NOT NULL, realised TEXT NOT NULL,
    fees TEXT NOT NULL, wins INTEGER NOT NULL, losses INTEGER NOT NULL, gained TEXT NOT NULL, lost TEXT NOT NULL,
    PRIMARY KEY (symbol, strategy)
) STRICT, WITHOUT ROWID;

CREATE TABLE signals (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, number INTEGER NOT NULL, strategy TEXT NOT NULL, symbol TEXT NOT NULL,
    side TEXT NOT NULL, quantity TEXT NOT NULL, type TEXT NOT NULL, "limit" TEXT, stop TEXT, price TEXT NOT NULL,
    strength REAL, reason TEXT NOT NULL, votes TEXT NOT NULL, raised_at INTEGER NOT NULL, rule TEXT NOT NULL,
    verdict TEXT NOT NULL, state TEXT NOT NULL, decided_by TEXT NOT NULL, decided_reason TEXT NOT NULL, decided_price TEXT,
    order_id TEXT NOT NULL, decided_at INTEGER, tif TEXT NOT NULL, trail TEXT, trail_pct TEXT, bracket TEXT
) STRICT;
CREATE INDEX signals_by_symbol ON signals (symbol);
CREATE INDEX signals_by_time ON signals (raised_at);
CREATE INDEX signals_by_symbol_and_time ON signals (symbol, raised_at);

CREATE TABLE equity (
    seq INTEGER PRIMARY KEY, run_id TEXT NOT NULL, equity TEXT NOT NULL, cash TEXT NOT NULL, realised TEXT NOT NULL,
    unrealised TEXT NOT NULL, at INTEGER NOT NULL, wall INTEGER NOT NULL
) STRICT;
CREATE INDEX equity_by_time ON equity (at);

CREATE TABLE equity_days (
    session TEXT PRIMARY KEY, open TEXT NOT NULL, high TEXT NOT NULL, low TEXT NOT NULL, close TEXT NOT NULL, at INTEGER NOT NULL
) STRICT;

CREATE TABLE audit (
    seq INTEGER PRIMARY KEY, wall INTEGER NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, level TEXT NOT NULL,
    source TEXT NOT NULL, text TEXT NOT NULL, detail TEXT NOT NULL, symbol TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX audit_by_symbol ON audit (symbol);
CREATE INDEX audit_by_symbol_and_time ON audit (symbol, at);
CREATE INDEX audit_info ON audit (seq) WHERE level = 'INFO';

CREATE TABLE traces (
    id TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE adjustments (
    seq INTEGER PRIMARY KEY, symbol TEXT NOT NULL, ratio TEXT NOT NULL, quantity TEXT NOT NULL, price TEXT NOT NULL, at INTEGER NOT NULL
) STRICT;
CREATE INDEX adjustments_by_symbol ON adjustments (symbol);

CREATE TABLE flows (
    seq INTEGER PRIMARY KEY, session TEXT NOT NULL, amount TEXT NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL
) STRICT;

CREATE TABLE projected (
    version INTEGER NOT NULL, projected_to INTEGER NOT NULL
) STRICT;
"""
