"""Where prices come from: one protocol (`base`), one file a source."""
