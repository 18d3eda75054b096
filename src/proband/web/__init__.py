"""Pages for people: they call and show, and never compute. What they stand on comes with ``proband[web]``."""
