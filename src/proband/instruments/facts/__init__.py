"""Facts of four domains, from packages with open data, as questions with a right answer and others of its kind."""
