"""Which records are read next: two views of them, words and sentence vectors, and a line through each."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proband.addresses.opening import open_engine
from proband.errors import EngineError
from proband.models.engine import BaseEngine
from proband.seeds import rng_for, seed_for

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

LARGEST = 20  # records of a batch at most; ranking anew more often found nothing sooner on three labelled sets
STRENGTH = 0.11  # C of the line through words
BY_VECTORS = 1.0  # and of that through vectors
MASS = 9.8  # of the included records over that of the excluded, however many there are of either
VECTORS = 0.25  # weight of the vectors' view; words have the rest
AUTO, NONE = "auto", "none"
_DIGITS = 4  # of vectors: the last digits of an encoder depend on what is computed together


@dataclass(frozen=True, eq=False)
class Views:
    """Records as a ranker sees them.

    Attributes
    ----------
    words : sparse matrix, shape (n_records, n_terms)
        Words and pairs of words, weighed by how rare they are.
    vectors : ndarray, shape (n_records, n_dimensions), or None
        Of an encoder, where there is one.
    """

    words: Any
    vectors: NDArray[np.float32] | None = None


def encoder_named(name: str) -> str:
    """Address of the encoder: of ``auto`` that of `minilm` where it is installed, and else ``none``."""
    if name != AUTO:
        return name
    try:
        open_engine("minilm").close()
    except EngineError:
        return NONE
    return "minilm"


def views_by(texts: Sequence[str], encoder: str) -> Views:
    """Both views of some texts, the vectors by the encoder of an address; ``none`` for words alone."""
    if encoder == NONE:
        return views_of(texts)
    engine = open_engine(encoder)
    try:
        return views_of(texts, engine)
    finally:
        engine.close()


def views_of(texts: Sequence[str], encoder: BaseEngine | None = None) -> Views:
    """Both views of some texts, or of words alone where no encoder is given; blank texts are nothing in either."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=1, dtype=np.float64)
    # A word that no text can be without, so that a set of blank texts has a view too.
    terms = words.fit_transform([f"{text} recordtext" for text in texts])
    if encoder is None:
        return Views(terms)
    told = [k for k, text in enumerate(texts) if text.strip()]
    made = encoder.embed([texts[k] for k in told])
    vectors = np.zeros((len(texts), made.shape[1]), dtype=np.float32)
    vectors[told] = np.round(made, _DIGITS)
    return Views(terms, vectors)


def ranked(views: Views, included: Sequence[int], excluded: Sequence[int], *, seed: int) -> Ints:
    """Records that have no label yet, the one that is likeliest to be included first.

    Parameters
    ----------
    views : Views
        Of all records.
    included, excluded : sequence of int
        Rows of the records that were labelled.
    seed : int
        Root of all randomness.

    Returns
    -------
    ndarray of int
        Rows. While nothing is included or nothing excluded, nothing can be told apart: a random order, drawn by place.
    """
    labelled = np.array([*included, *excluded], dtype=np.intp)
    n = views.words.shape[0]
    left = np.setdiff1d(np.arange(n), labelled)
    if not len(left):
        return left
    if not included or not excluded:
        return unranked(n, labelled, seed=seed)
    target = np.repeat([1, 0], [len(included), len(excluded)])
    # What is included weighs `MASS` times as much as what is not, and both together as much as there are records.
    weights = np.where(target == 1, 1.0, len(included) / (MASS * len(excluded)))
    weights *= len(target) / weights.sum()
    seed = seed_for(seed, "screening", len(included), len(excluded)) % 2**31

    def scores(rows: Any, strength: float) -> Floats:
        return _standardised(_across(_line(strength, seed), rows, labelled, target, weights)[left])

    total = (1 - VECTORS) * scores(views.words, STRENGTH)
    if views.vectors is not None:
        total += VECTORS * scores(views.vectors, BY_VECTORS)
    order: Ints = left[np.argsort(-np.round(total, 9), kind="stable")]
    return order


def unranked(n_records: int, labelled: ArrayLike, *, seed: int) -> Ints:
    """Rows without a label in an order that is drawn once, so that it stays as labels come."""
    drawn = rng_for(seed, "screening", "unranked").permutation(n_records)
    return drawn[~np.isin(drawn, labelled)]


def batch_size(n_labelled: int) -> int:
    """Records that are read before they are ranked anew: one at first, when each tells most."""
    return min(LARGEST, 1 + n_labelled // 10)


def _line(strength: float, seed: int) -> Any:
    from sklearn.svm import LinearSVC

    return LinearSVC(C=strength, random_state=seed)


def _across(line: Any, rows: Any, labelled: Ints, target: NDArray[np.int64], weights: Floats) -> Floats:
    """Where all records lie across a line, once it is fitted to the labelled ones."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a few rounds more or less move no record by much
        line.fit(rows[labelled], target, sample_weight=weights)
    found: Floats = line.decision_function(rows)
    return found


def _standardised(scores: Floats) -> Floats:
    found: Floats = (scores - scores.mean()) / (scores.std() or 1.0)
    return found
