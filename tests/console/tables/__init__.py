"""Tests of what all tables of the trading screen have in common."""
