"""Banks of multiple-choice questions with domains."""
