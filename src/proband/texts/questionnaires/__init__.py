"""Engines on questionnaires: a second reader of defects, drafts of items, pretests and translations."""
