"""Worlds that a study file describes by its tables alone, without code."""
