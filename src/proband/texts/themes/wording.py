"""Words that a group of passages uses more than the others: its name until somebody gives it a better one."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

_WORD = re.compile(r"[^\W\d_][\w'\u2019-]{2,}")
_MANY = 3


def characteristic_words(texts: Sequence[str], of: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """For each group the words that more of its passages have than passages do overall.

    Scored by ``p_g log(p_g / p)``, p_g the share of the group's passages with the word, p that of all; English function
    words are left out.

    Examples
    --------
    >>> characteristic_words(["a late bus", "the late bus", "dirty seats", "the dirty seats"], [1, 1, 2, 2])[1]
    ('bus', 'late')
    """
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    counts: dict[int, Counter[str]] = {group: Counter() for group in sorted(set(of))}
    for text, group in zip(texts, of, strict=True):
        counts[group].update({word.lower() for word in _WORD.findall(text)} - ENGLISH_STOP_WORDS)
    everywhere: Counter[str] = sum(counts.values(), Counter())
    found = {}
    for group, held in counts.items():
        size = sum(1 for other in of if other == group)
        scores = {
            word: n / size * float(np.log((n / size) / (everywhere[word] / len(texts)))) for word, n in held.items()
        }
        ranked = sorted((word for word in held if scores[word] > 0), key=lambda word: (-scores[word], word))
        found[group] = tuple(ranked[:_MANY])
    return found
