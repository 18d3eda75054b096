"""Societies: worlds of agents whose answers change what they are asked next, resumable, forkable, at any size."""
