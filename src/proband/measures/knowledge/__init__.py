"""Whether a model still holds what it held before an intervention."""
