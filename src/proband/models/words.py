"""Counts of words as vectors: what an encoder has to be better than."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from proband.errors import EngineError
from proband.models.engine import Ability, BaseEngine, Cost, Vectors
from proband.records import Completion, Trial

DIMENSIONS = 1024


class WordsEngine(BaseEngine):
    """Turns texts into counts of their words, hashed to 1,024 dimensions and scaled to length 1; answers nothing.

    English function words are left out. No weights, nothing to install, and nothing known of what words mean: two texts
    are alike as far as they share words. A text of function words alone is a vector of zeros.
    """

    abilities: frozenset[Ability] = frozenset({"embed"})
    answers_by = "request"
    address = "words"

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Vectors of length 1, whatever stands beside a text."""
        from sklearn.feature_extraction.text import HashingVectorizer

        # Counts of one sign could only add up where two words fall together.
        made = HashingVectorizer(n_features=DIMENSIONS, stop_words="english", alternate_sign=True, norm="l2")
        found: Vectors = made.transform(texts).toarray().astype(np.float32)
        return found

    def check(self, trials: Sequence[Trial]) -> None:
        """Refuse every trial."""
        if trials:
            raise EngineError("words turns texts into vectors and answers nothing; use learned:words?gold=FILE")

    def answer(self, trials: Sequence[Trial]) -> Iterator[tuple[Trial, Completion]]:
        """Every trial fails, since `check` refuses it."""
        return ((trial, Completion(error="words answers nothing")) for trial in trials)

    def cost(self, trials: Sequence[Trial]) -> Cost:
        """Nothing."""
        return Cost(seconds=0.0, price=0.0)

    def fingerprint(self) -> Mapping[str, str]:
        """How words are counted."""
        import sklearn

        return {"engine": "words", "dimensions": str(DIMENSIONS), "scikit-learn": sklearn.__version__}
