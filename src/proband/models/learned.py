"""A coder that learns from few labels: regressions on vectors of texts, never fitted on what they answer."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from proband.errors import EngineError
from proband.models.codes import CodeRow, document_of, given_of, place_of, rows_hash
from proband.models.engine import Ability, BaseEngine, Cost, Vectors
from proband.models.fits import RULE, STRENGTHS, Fit, Target, fitted
from proband.models.vectors import AT_ONCE
from proband.records import Completion, Trial
from proband.seeds import uniform_for

FOLDS = 10
_BEGINNING = 40  # characters by which a text is known again
_LEAST = 10  # documents of an item from which anything is learned
NEEDS = ("document", "text", "item", "code")
_DOCUMENTS_PER_SECOND = 50


class LearnedEngine(BaseEngine):
    """Codes documents as people coded others: one model an item, fitted on the vectors of a gold file's texts.

    A document that is in the gold file is answered by a fit without its fold, so that errors on gold are those on
    documents that nobody coded. Folds are drawn by document, or by unit where the file has them: what one author wrote
    stays together.

    Parameters
    ----------
    encoder : callable
        Opens what makes the vectors; it is opened when they are first needed, and closed with this engine.
    gold : sequence of CodeRow
        Codes of documents with their texts; several rows for several codes of one document.
    address : str
        How a study names this engine.
    source : str
        Where the gold is from, for messages.
    folds : int
        How many parts the gold documents are in.
    seed : int
        Of the draw of the folds.

    Raises
    ------
    EngineError
        If gold documents have no text, or two texts.
    """

    abilities: frozenset[Ability] = frozenset({"given"})

    def __init__(
        self,
        encoder: Callable[[], BaseEngine],
        gold: Sequence[CodeRow],
        *,
        address: str,
        source: str,
        folds: int = FOLDS,
        seed: int = 0,
    ) -> None:
        if folds < 2:
            raise EngineError(f"{address}: folds is {folds}; a fit without a document's own fold needs at least 2")
        self.address, self.source, self.folds, self.seed = address, source, folds, seed
        self._open = encoder
        self.gold = tuple(gold)
        self.texts: dict[str, str] = {}
        self._fold: dict[str, int] = {}
        self._fold_of_text: dict[str, int] = {}
        self._codes: dict[str, dict[str, list[str]]] = {}  # by item and document
        together = _together([(row.unit or row.text, row.text) for row in gold])
        for row in gold:
            if not row.text.strip() or self.texts.setdefault(row.document, row.text) != row.text:
                found = "two texts" if row.text.strip() else "no text"
                raise EngineError(
                    f"{source}, line {row.line}: document {row.document!r} has {found}; give each document its one text"
                )
            # By unit and by text: a second document with the same words is in the same fold, and so is all of its unit.
            fold = int(folds * uniform_for(seed, "learned", together[row.text]))
            self._fold[row.document] = self._fold_of_text[row.text] = fold
            self._codes.setdefault(row.item, {}).setdefault(row.document, []).append(row.code)
        self._fits: dict[tuple[str, int], Fit] = {}

    @property
    def lane(self) -> str:  # type: ignore[override]
        """The encoder's, which does the work."""
        return self._encoder.lane

    @cached_property
    def _encoder(self) -> BaseEngine:
        return self._open()

    @cached_property
    def _vectors(self) -> tuple[Mapping[str, int], Vectors]:
        """Where each gold document stands, and the vectors of all."""
        return {document: k for k, document in enumerate(self.texts)}, self._encoder.embed(list(self.texts.values()))

    def check(self, trials: Sequence[Trial]) -> None:
        """Refuse items that nothing can be learned about, and gold whose text is not the document's."""
        for trial in {trial.place.item: trial for trial in reversed(trials)}.values():
            self._target(trial)
        self._encoder.embed([*self.texts.values()][:1])  # refuses where it cannot
        for trial in trials:
            text, subject = document_of(trial, self.address), trial.place.subject
            if not text.strip():
                raise EngineError(f"document {subject!r} is blank, and {self.address} reads its text; leave it out")
            # Of a long document a trial may hold a part.
            if text.strip()[:_BEGINNING] not in self.texts.get(subject, text):
                raise EngineError(
                    f"{self.source}: document {subject!r} has another text there than in the study; one of the two "
                    "has another document under that id"
                )

    def answer(self, trials: Sequence[Trial]) -> Iterator[tuple[Trial, Completion]]:
        """Answer every trial, as many together as vectors are stored together."""
        left = iter(trials)
        while part := list(islice(left, AT_ONCE)):
            texts = list(dict.fromkeys(document_of(trial, self.address) for trial in part))
            vectors = dict(zip(texts, self._encoder.embed(texts), strict=True))
            groups: dict[tuple[str, int], list[Trial]] = {}
            for trial in part:
                known = self._fold_of_text.get(document_of(trial, self.address), -1)
                fold = self._fold.get(trial.place.subject, known)
                groups.setdefault((trial.place.item, fold), []).append(trial)
            for (_, fold), group in groups.items():
                fit = self._fit(group[0], fold)
                rows = np.array([vectors[document_of(trial, self.address)] for trial in group])
                yield from zip(group, _completions(group[0], fit(rows)), strict=True)

    def _target(self, trial: Trial) -> Target:
        """What is learned about an item, by gold document."""
        item, where = trial.place.item, f"{self.source} (gold)"
        codes = self._codes.get(item, {})
        if len(codes) < _LEAST:
            raise EngineError(
                f"{self.source}: {len(codes)} documents are coded on item {item!r}, and {_LEAST} are the least to "
                "learn from; code more (50 to 200 are usual)"
            )
        if len({self._fold[document] for document in codes}) < 2:
            raise EngineError(
                f"{self.source}: all documents that are coded on item {item!r} are in one fold, by their units, so "
                "no fit is without them; code documents of several units"
            )
        reply = trial.reply
        values: list[int | float | tuple[int, ...]] = []
        for document, given in codes.items():
            if reply.form in ("choice", "scale"):
                if len(given) > 1:
                    raise EngineError(
                        f"{where}: document {document!r} has {len(given)} codes on item {item!r}; gold is one, so "
                        "adjudicate first"
                    )
                values.append(place_of(given[0], trial, where))
            elif reply.form in ("multiple", "number"):
                values.append(given_of(given, trial, where)[0])  # type: ignore[arg-type]
            else:
                raise EngineError(f"item {item!r} of form {reply.form!r} cannot be learned; take it out of this coder")
        if len(set(values)) < 2:
            raise EngineError(
                f"{self.source}: all documents have the same code on item {item!r}; nothing can be told apart"
            )
        return Target(form=reply.form, n_options=len(reply.options), documents=tuple(codes), values=tuple(values))

    def _fit(self, trial: Trial, fold: int) -> Fit:
        """What was learned about an item without a fold; without none for a document that is not in the gold."""
        key = trial.place.item, fold
        if key not in self._fits:
            target = self._target(trial)
            place, vectors = self._vectors
            kept = [k for k, document in enumerate(target.documents) if self._fold[document] != fold]
            rows = vectors[[place[target.documents[k]] for k in kept]]
            groups = [self._fold[target.documents[k]] for k in kept]
            self._fits[key] = fitted(rows, [target.values[k] for k in kept], groups, target)
        return self._fits[key]

    def cost(self, trials: Sequence[Trial]) -> Cost:
        """No tokens are paid for here; seconds as if no vector were known yet."""
        return Cost(seconds=len({trial.place.subject for trial in trials}) / _DOCUMENTS_PER_SECOND, price=0.0)

    def fingerprint(self) -> Mapping[str, str]:
        """Gold, encoder, and how it is learned from."""
        import sklearn

        encoder = {f"encoder {key}": value for key, value in self._encoder.encoder_fingerprint().items()}
        return {
            "engine": "learned",
            "gold": rows_hash(self.gold),
            "fits": RULE,
            "strengths": " ".join(f"{c:g}" for c in STRENGTHS),
            "folds": f"{self.folds}, seed {self.seed}",
            "scikit-learn": sklearn.__version__,
            **encoder,
        }

    def close(self) -> None:
        """Close the encoder."""
        if encoder := self.__dict__.pop("_encoder", None):
            encoder.close()


def _completions(trial: Trial, found: NDArray[np.float64]) -> Iterator[Completion]:
    """What a fit says of documents, as answers to an item: probabilities of options, or numbers."""
    reply = trial.reply
    for row in found:
        if reply.form == "number":
            number = float(row[0]) if reply.lower is None else max(float(row[0]), reply.lower)
            yield Completion(given=(number if reply.upper is None else min(number, reply.upper), "valid"))
        elif reply.form == "multiple":
            yield Completion(given=(tuple(int(k) for k in np.flatnonzero(row >= 0.5)), "valid"))
        else:
            best = int(row.argmax())
            probs = tuple((row / row.sum()).tolist())
            yield Completion(given=(None, "dont_know") if best in reply.dont_know else (best, "valid"), probs=probs)


def _together(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """For each text a name of all that shares its fold: texts of one unit, units that share a text, and so on."""
    leader: dict[str, str] = {}

    def of(name: str) -> str:
        while (above := leader.setdefault(name, name)) != name:
            name = above
        return name

    for unit, text in pairs:
        first, second = of(f"unit {unit}"), of(f"text {text}")
        leader[max(first, second)] = min(first, second)
    units = {of(f"unit {unit}"): unit for unit, _ in sorted(pairs, reverse=True)}
    return {text: units[of(f"text {text}")] for _, text in pairs}
