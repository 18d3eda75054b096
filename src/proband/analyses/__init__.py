"""What is told of a run: analyses, one file each, that give sections."""
