"""Texts with planted themes: sentences made of the words of a theme, several to a document."""

import numpy as np

from proband.subjects.corpora import read_corpus
from proband.texts.gold.tables import write_table

THEMES = {
    "late": "late delay waited hour timetable minutes",
    "dirt": "dirty smell filthy rubbish seats toilet",
    "price": "ticket fare expensive price cost pay",
    "staff": "guard kind conductor helped friendly polite",
}
PADDING = ["today", "again", "honestly", "this week", "for me", "on my line", "with my son", "in winter"]


def letters(folder, n=40, seed=0, themes=THEMES):
    """A corpus of letters by authors of two each, and for each the themes it was made of."""
    rng, planted, rows = np.random.default_rng(seed), {}, []
    names = list(themes)
    for k in range(n):
        chosen = rng.choice(len(names), size=rng.integers(1, 4), replace=False)
        sentences = []
        for theme in chosen:
            words = rng.choice(themes[names[theme]].split(), 3, replace=False)
            sentences.append(f"The {words[0]} {words[1]} {rng.choice(PADDING)} {words[2]}.")
        planted[f"l{k}"] = [names[theme] for theme in chosen]
        rows.append({"id": f"l{k}", "text": " ".join(sentences), "who": f"w{k // 2}"})
    write_table(folder / "letters.csv", ["id", "text", "who"], rows)
    return read_corpus(folder / "letters.csv", id="id", unit="who"), planted
