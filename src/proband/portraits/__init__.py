"""Portraits: what a model is like as itself, battery by battery, on one page."""
