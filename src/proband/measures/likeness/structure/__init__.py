"""How people and a model correspond beyond one item: effects, spread, structure, coefficients."""
