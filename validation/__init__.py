"""Simulations that hold every interval and test of `proband.measures` to its word; run by `make validate`."""
