"""Hypotheses: proposed from evidence and from data, told apart, rated, tested on other data, and made into studies."""
