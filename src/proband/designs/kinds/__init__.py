"""Kinds of study, one file each, named by the table of a study file that asks for it."""
