"""Theories of how agents decide: one file each, found by its name."""
