"""Numbers that come one after another in time."""
