"""Interviews: an interviewer and those who are interviewed, turn by turn."""
