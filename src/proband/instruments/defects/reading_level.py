"""How many years of school an English text asks for; offline, with no list of words."""

import re


def syllables(word: str) -> int:
    """Groups of vowels of a word; a silent e at the end is none of its own, save after l ("table")."""
    return max(1, len(re.findall(r"[aeiouy]+", re.sub(r"(?<=[^aeiouyl])e$", "", word.lower()))))


def reading_grade(text: str) -> float:
    """Years of school that an English text asks for; syllables are counted as groups of vowels.

    References
    ----------
    Kincaid, Fishburne, Rogers & Chissom (1975), Derivation of new readability formulas, Research Branch Report 8-75.
    doi:10.21236/ADA006655

    Examples
    --------
    >>> round(reading_grade("The cat sat on the mat. It was warm."), 1)
    -2.0
    """
    words = re.findall(r"[a-z]+(?:'[a-z]+)?", text.lower())
    if not words:
        return 0.0
    sentences = max(1, len(re.findall(r"[.!?]+(?=\s|$|[\"'”])", text)))
    return 0.39 * len(words) / sentences + 11.8 * sum(map(syllables, words)) / len(words) - 15.59
