"""The literature: records, queries, screening, evidence with spans, hypotheses."""
