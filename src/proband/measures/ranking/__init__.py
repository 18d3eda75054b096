"""Which of many engines is best, and what cannot be told apart."""
