"""What is said of a corpus before anything is asked: copies, near copies, languages."""

from collections import Counter
from importlib.util import find_spec

from proband.files import Remarks
from proband.subjects.corpora.corpus import Corpus
from proband.subjects.corpora.duplicates import Group, exact_duplicates, near_duplicates

_LOOKED_AT = 2_000  # documents whose language is guessed
_BEGINNING = 500  # characters of each
_LETTERS = 20  # fewer are no ground for a guess
_SHOWN = 0.02  # share of a language, below which it may be a mistake of the guess


def look_over(corpus: Corpus, remarks: Remarks, *, near: bool) -> None:
    """Say what is noticed; nothing is changed or left out."""
    exact = exact_duplicates(corpus)
    way_out = "each counts for itself: leave copies out, or name what they share as unit"
    if exact:
        remarks.say(corpus.name, _copies(exact, "the very words of another"), way_out)
    if near:
        twins = {id for group in exact for id in group[1:]}
        groups = [tuple(id for id in group if id not in twins) for group in near_duplicates(corpus)]
        if groups := [group for group in groups if len(group) > 1]:
            remarks.say(corpus.name, _copies(groups, "nearly the words of another"), way_out)
    else:
        remarks.say(corpus.name, f"near duplicates were not looked for among {len(corpus):,} documents")
    remarks.say(corpus.name, languages_told(corpus))


def _copies(groups: "tuple[Group, ...] | list[Group]", what: str) -> str:
    n = sum(len(group) - 1 for group in groups)
    return f"{n} documents have {what}, e.g. {groups[0][0]!r} and {groups[0][1]!r}"


def languages(corpus: Corpus) -> dict[str, float]:
    """Share of each language, by its two letters, among documents that are long enough for a guess.

    The guess is that of py3langid, an extra; of a large corpus 2,000 documents at even distances are looked at.
    """
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    # One of our own, so that its 70 MB are given back.
    classify = LanguageIdentifier.from_model_file(MODEL_FILE).classify
    step = max(1, len(corpus) // _LOOKED_AT)
    texts = (corpus.texts[row][:_BEGINNING] for row in corpus.rows[::step])
    found = Counter(classify(text)[0] for text in texts if sum(map(str.isalpha, text)) >= _LETTERS)
    n = found.total()
    return {language: count / n for language, count in found.most_common()}


def languages_told(corpus: Corpus) -> str:
    """One sentence on the languages of a corpus."""
    if find_spec("py3langid") is None:
        return "its languages were not looked at, for which `pip install 'proband[texts]'` is needed"
    shares = languages(corpus)
    told = [f"{language} {share:.0%}" for language, share in shares.items() if share >= _SHOWN]
    rest = sum(share for share in shares.values() if share < _SHOWN)
    told += [f"other {rest:.0%}"] * (rest >= 0.005)
    return f"languages: {', '.join(told)}" if told else "its documents are too short to tell their language"
