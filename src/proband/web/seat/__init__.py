"""Seats: people take a study in a browser, beside models or alone."""
