"""Batteries of economics."""
