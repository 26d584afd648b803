"""Data, no code: daily bars of five real stocks, their splits, and a README that says where they come from."""
