"""What all tests share: a machine that is slow for a moment fails none of them."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("any machine", settings.default, deadline=None)
settings.load_profile("any machine")
