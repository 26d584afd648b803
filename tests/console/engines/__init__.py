"""The engine types and their factory."""
