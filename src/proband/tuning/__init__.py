"""Probe what a model knows, intervene on its training data, train, evaluate and relate."""
