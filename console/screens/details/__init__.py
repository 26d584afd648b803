"""Everything about one row: an order's life, a position's lots, a signal's votes, and for the other panels every field there is."""
