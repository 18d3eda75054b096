"""Codebooks: instruments for documents, in which every code has a definition."""

from proband.instruments.codebooks.codebook import Code, Codebook
from proband.instruments.codebooks.files import catalogue, load_codebook
from proband.instruments.codebooks.page import codebook_page

__all__ = ["Code", "Codebook", "catalogue", "codebook_page", "load_codebook"]
