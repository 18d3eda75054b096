"""The words screeners get beside criteria and record; a changed word here is a changed treatment."""

FRAMING = (
    "You screen records of publications for a literature review. Read the criteria and the record, and answer the "
    "question about the record."
)
