"""Themes: codes that are found in the texts themselves, edited in a file, and told with the passages that have them."""
