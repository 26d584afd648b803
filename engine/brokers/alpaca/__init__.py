"""Alpaca: orders and questions by REST in threads of their own, news by the stream of trade updates, and what either lacks by asking."""
