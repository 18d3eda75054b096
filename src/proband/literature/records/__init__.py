"""Records of publications: read from files, duplicates merged, counted as they go."""
