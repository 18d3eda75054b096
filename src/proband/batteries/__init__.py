"""Batteries: what a model is asked for its portrait, one file each, and the kind of study that asks them."""
