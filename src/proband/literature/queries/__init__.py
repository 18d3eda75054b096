"""Boolean queries: one language, run on records here, written out for four data bases, and made from a question."""
