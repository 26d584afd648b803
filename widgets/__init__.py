"""The panels. A widget draws a view and posts a message; it knows no broker, no database, no config. Imports `engine.model` and themes."""
