"""Data, no code: the days on which New York trades other hours than usual, or not at all."""
