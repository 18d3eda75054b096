"""Batteries of sociology."""
