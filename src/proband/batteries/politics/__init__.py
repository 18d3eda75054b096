"""Batteries of politics."""
