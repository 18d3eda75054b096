"""Writing with a model that runs in this process: many replies at once, as free or as bound as asked."""
