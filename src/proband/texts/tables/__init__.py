"""Questions to tables: an engine writes SQL, and one SELECT at a time runs in a process that can do nothing else."""
