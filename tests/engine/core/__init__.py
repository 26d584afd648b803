"""Tests of the core: no loop, no files."""
