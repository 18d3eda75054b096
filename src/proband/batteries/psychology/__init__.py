"""Batteries of psychology."""
