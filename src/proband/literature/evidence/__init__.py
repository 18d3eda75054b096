"""Evidence: forms filled from papers, sentences over spans, and the checks that each of them has to pass."""
