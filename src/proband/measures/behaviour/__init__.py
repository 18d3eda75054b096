"""How a subject behaves: consistency of its choices, its strategies, and the stability of its traits."""
