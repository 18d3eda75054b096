"""Mixed models of crossed factors: where answers vary, whatever is missing, and how many of what would be enough."""
