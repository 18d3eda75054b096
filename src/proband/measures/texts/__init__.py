"""Statistics of texts: saturation, codes that come together, scores of texts beside scales."""
