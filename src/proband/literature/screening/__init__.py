"""Screening: which records are read next, what is decided of each, and when enough was read."""
