"""Training sets built from what a model knows: which questions, with which answers."""
