"""Ready-made strategies, each a file to use by its name or to copy and change."""
