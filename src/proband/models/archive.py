"""Engines that already know the answers: people in a data file, and past runs."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from proband.errors import DataError, EngineError
from proband.models.engine import Ability, BaseEngine
from proband.records import STATUSES, Answer, Completion, Response, Status, Trial


class PeopleEngine(BaseEngine):
    """People who have answered: trials are met from a data file, by item and subject.

    A person who was not asked an item has no answer to it, and none is made up: design the study so that it
    contains only trials for which `holds` is true.

    Parameters
    ----------
    answers : mapping
        Item id -> subject id -> ``(answer, status)``, in terms of the instrument as written. Conditions are
        not looked at; a replicate above 0 is never held, since nobody was asked twice.
    name : str
        Short name, the address is ``people:NAME``.
    source : str
        Where the answers are from: file, citation.

    Examples
    --------
    >>> votes = {"r1": (0, "valid"), "r2": (None, "refused")}
    >>> PeopleEngine({"vote": votes}, name="anes", source="anes96.csv").address
    'people:anes'
    """

    abilities: frozenset[Ability] = frozenset({"given"})

    def __init__(self, answers: Mapping[str, Mapping[str, tuple[Answer, Status]]], *, name: str, source: str) -> None:
        for item, column in answers.items():
            for subject, (answer, status) in column.items():
                if status not in STATUSES or (answer is None) == (status == "valid"):
                    raise DataError(
                        f"{source}: item {item!r}, subject {subject!r}: answer {answer!r} does not go with "
                        f"status {status!r}; a valid answer has a value, every other status has None"
                    )
        self.answers = answers
        self.source = source
        self.address = f"people:{name}"

    def holds(self, trial: Trial) -> bool:
        """Whether this person was asked this item."""
        place = trial.place
        return place.replicate == 0 and place.subject in self.answers.get(place.item, ())

    def answer(self, trials: Sequence[Trial]) -> Iterator[tuple[Trial, Completion]]:
        """Look every trial up; one that is not held fails, with its reason."""
        for trial in trials:
            if self.holds(trial):
                yield trial, Completion(given=self.answers[trial.place.item][trial.place.subject])
            else:
                yield trial, Completion(error=f"not asked: {_named(trial)} is not in {self.source}")

    def check(self, trials: Sequence[Trial]) -> None:
        """Refuse a design with trials that nobody was asked."""
        absent = [trial for trial in trials if not self.holds(trial)]
        if absent:
            raise EngineError(
                f"{self.address}: {len(absent)} of {len(trials)} trials were never asked, the first is "
                f"{_named(absent[0])}; keep only trials that `holds` says are in {self.source}"
            )

    def fingerprint(self) -> Mapping[str, str]:
        """Source, and a hash of everybody's answers to each item; a further item changes nothing of the others."""
        hashes = {}
        for item, column in self.answers.items():
            state = hashlib.blake2b(digest_size=16)
            for subject in sorted(column):
                state.update(repr((subject, *column[subject])).encode())
            hashes[f"answers to {item}"] = state.hexdigest()
        return {"engine": "people", "source": self.source, **hashes}


class ReplayEngine(BaseEngine):
    """A past run answers again, by place, as long as it would be asked the same.

    Texts and log-probabilities come back as stored, so that reading and scoring are done anew.

    Parameters
    ----------
    responses : mapping of place id to Response
        What the run stored.
    address : str
        ``replay:RUN_DIR``.
    """

    abilities: frozenset[Ability] = frozenset({"given"})

    def __init__(self, responses: Mapping[str, Response], *, address: str) -> None:
        self.responses = responses
        self.address = address

    def answer(self, trials: Sequence[Trial]) -> Iterator[tuple[Trial, Completion]]:
        """Give back what was stored; a trial that is absent or was asked otherwise fails, with its reason."""
        for trial in trials:
            reason = self._mismatch(trial)
            yield trial, Completion(error=reason) if reason else completion_of(self.responses[trial.id])

    def check(self, trials: Sequence[Trial]) -> None:
        """Refuse a design with trials that the run does not hold, or holds under another request."""
        reasons = [reason for trial in trials if (reason := self._mismatch(trial))]
        if reasons:
            raise EngineError(
                f"{self.address}: {len(reasons)} of {len(trials)} trials cannot be replayed: {reasons[0]}; "
                "replay the study as it was run, or ask an engine"
            )

    def _mismatch(self, trial: Trial) -> str:
        """Why a trial cannot be replayed; empty if it can."""
        stored = self.responses.get(trial.id)
        if stored is None:
            return f"no response of {_named(trial)} at {trial.id} in {self.address}"
        if stored.request != trial.request.hash:
            return f"item {trial.place.item!r} was asked otherwise when {self.address} ran (place {trial.id})"
        return ""

    def fingerprint(self) -> Mapping[str, str]:
        """Engines that had answered, and a hash of the requests and what came back."""
        state = hashlib.blake2b(digest_size=16)
        for id_ in sorted(self.responses):
            stored = self.responses[id_]
            kept = (id_, stored.request, stored.status, stored.answer, stored.text, stored.log_probs)
            # Of what was scored or written they follow from what is there already.
            own = stored.log_probs is None and stored.text is None and stored.probs is not None
            state.update(repr((*kept, stored.probs) if own else kept).encode())
        engines = ", ".join(sorted({stored.engine for stored in self.responses.values()}))
        counted = {"n_responses": str(len(self.responses)), "responses": state.hexdigest()}
        return {"engine": "replay", "address": self.address, "answered_by": engines, **counted}

    def close(self) -> None:
        """Close what the responses are read from, if it is a file."""
        getattr(self.responses, "close", lambda: None)()


def completion_of(stored: Response) -> Completion:
    """What an engine had given back, from what was stored of it, so that it can be read again."""
    if stored.status == "failed":
        made = Completion(error=stored.error or "failed in the past run, without a reason")
    elif stored.log_probs is not None:
        made = Completion(log_probs=stored.log_probs, token_counts=stored.token_counts)
    elif stored.text is not None:
        made = Completion(text=stored.text, finish="length" if stored.status == "truncated" else "stop")
    else:
        made = Completion(given=(stored.answer, stored.status), probs=stored.probs)
    spent = {name: getattr(stored, name) for name in ("prompt_tokens", "completion_tokens", "attempts", "is_estimated")}
    return replace(made, **spent)


def _named(trial: Trial) -> str:
    return f"subject {trial.place.subject!r} to item {trial.place.item!r}"
