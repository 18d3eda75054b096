"""The kind of study that asks a battery."""
