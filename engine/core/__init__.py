"""The heart without I/O: gate, order book, portfolio, approvals, matching. Imports `engine.model` alone; time is handed in."""
