"""Gold: people's codes of a sample of documents, and what is corrected, validated and locked by them."""
