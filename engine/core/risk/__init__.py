"""The gate's checks: small functions, each of one rule, answering PASS, DENY or RESIZE(n) with rule, limit and actual."""
