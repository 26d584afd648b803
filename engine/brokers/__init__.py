"""Where orders go: one protocol (`base`), one file a broker. A client library is imported inside the adapter that uses it."""
