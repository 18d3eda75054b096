"""A generated world of facts and a small model trained on it, so that what the model knows is known."""
