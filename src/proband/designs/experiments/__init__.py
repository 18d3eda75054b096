"""What an experiment is made of beside its factors: versions of its material, spans, checks, questions afterwards."""
