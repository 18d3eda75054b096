"""Probing: what a model knows of a bank's questions."""
