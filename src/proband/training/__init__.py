"""Training a checkpoint on a set of examples: recipes, encoding, the run itself, and what it will cost."""
