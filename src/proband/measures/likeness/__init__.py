"""Likeness to people: of items, of structure, and as a ladder."""
