"""Tests of the courier, between the core and a broker."""
