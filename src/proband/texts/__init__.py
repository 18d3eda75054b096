"""Coding of texts: the kind, its coders, and what people's codes are needed for."""
