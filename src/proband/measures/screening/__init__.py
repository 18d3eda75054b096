"""Work saved by ranked reading, and when enough was read: tests and audits of recall."""
