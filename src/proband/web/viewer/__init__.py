"""The viewer: pages of runs, read only."""
