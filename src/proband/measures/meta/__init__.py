"""Effects of several studies, sites, stimuli or engines, pooled, and how far they differ."""
