"""What moves answers besides the question: labels, positions, styles, wording."""
