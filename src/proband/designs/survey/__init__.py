"""Surveys: an instrument put to subjects, in words, cards and sheets."""
