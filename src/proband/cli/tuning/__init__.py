"""Verbs of knowledge interventions: probe, intervene, train, evaluate, align."""
