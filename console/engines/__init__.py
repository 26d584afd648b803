"""The engine types and the factory that makes them."""
