"""How far a measurement repeats itself."""
