"""Other supervisors than the key, and other objectives than the likelihood."""
