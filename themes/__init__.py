"""Theme files and their loader. Users add their own beside them."""
