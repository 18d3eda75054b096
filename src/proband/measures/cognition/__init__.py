"""Cognition: models of choice between gambles, of exploration, and of habit and planning, fitted to choices."""
