"""Batteries of linguistics."""
