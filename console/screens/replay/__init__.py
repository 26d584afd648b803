"""A recording watched on the console's own panels."""
