"""Texts as subjects: a corpus is read, looked over, and made to fit a prompt by stated rules."""

from proband.subjects.corpora.corpus import RESULT_COLUMNS, Corpus, corpus_of
from proband.subjects.corpora.fitting import LongTexts, escape_control_tokens
from proband.subjects.corpora.reading import CorpusReading, read_corpus

__all__ = [
    "RESULT_COLUMNS",
    "Corpus",
    "CorpusReading",
    "LongTexts",
    "corpus_of",
    "escape_control_tokens",
    "read_corpus",
]
