"""Scales made of comparisons: objects that were judged two by two."""
