"""Parts of a run gathered: looked at, joined, and finished as an undivided run is finished."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from proband.addresses.opening import may_change
from proband.designs.design import Design, Key, Keyed
from proband.designs.part import Share
from proband.designs.studies import Study
from proband.designs.survey.people import PeopleSurvey
from proband.errors import EngineError, NewerRun, StoreError, TreatmentChanged
from proband.models.engine import Ability, BaseEngine
from proband.records import Completion, Trial
from proband.runs.casting import Cast
from proband.runs.collection import carry_out, collect
from proband.runs.frontier import Past
from proband.runs.identity import begin, finish
from proband.runs.parts import PARTS, facts_of, noted_of, refuse_other, shares_in
from proband.runs.progress import Tally
from proband.runs.run import PEOPLE, Run
from proband.store.directory import RunDirectory
from proband.store.gathering import finished, join
from proband.store.journal import Journal

COMPARED = 200_000  # answers that are all held against the design; of more, which would take a minute, so many:
_RUNS, _TOGETHER = 100, 500  # runs of places, evenly spaced
_UNANSWERED = "no part has an answer at {!r}; undo what was edited since the parts were made, or run the parts again"


@dataclass(frozen=True, kw_only=True)
class Parts:
    """All parts of a run, each finished and of one study.

    Attributes
    ----------
    found : sequence of (Share, RunDirectory)
        In their order.
    made_of : mapping
        From what the study can be made again.
    facts : mapping
        What they have in common; see `facts_of`.
    notes : sequence of mapping
        Of each.
    """

    found: Sequence[tuple[Share, RunDirectory]]
    made_of: Mapping[str, Any]
    facts: Mapping[str, str]
    notes: Sequence[Mapping[str, str]]


def parts_of(into: str | Path) -> Parts:
    """The parts of a run that is to be gathered.

    Raises
    ------
    StoreError
        If there are none, one is missing, doubled, not finished, still written, or from a newer version; it is named.
    TreatmentChanged
        If one belongs to another study, seed or engine than the others.
    """
    whole = Path(into)
    found = shares_in(whole)
    if not found:
        raise StoreError(
            f"{whole}: there are no parts; `proband run STUDY --into {whole} --part 1/4` makes the first of 4"
        )
    _refuse_incomplete(whole, found)
    notes, first = [], None
    for share, directory in found:
        finished(directory, str(share), f"`proband run STUDY --into {whole} --part {share}` goes on with it")
        noted = noted_of(directory)
        if noted is None or (noted["number"], noted["of"]) != (share.number, share.of):
            says = "no part at all" if noted is None else f"part {noted['number']}/{noted['of']}"
            raise StoreError(
                f"{directory.path}: says of itself that it is {says}; put back the folder's name, or move it away"
            )
        _refuse_newer(directory, noted["proband"], share)
        first = first or noted
        refuse_other(directory, noted["facts"], first["facts"], f"part {share} was made")
        with directory.reader() as journal:
            notes.append(journal.notes())
    assert first is not None
    return Parts(found=found, made_of=first.get("study") or {}, facts=first["facts"], notes=notes)


def _refuse_incomplete(whole: Path, found: Sequence[tuple[Share, RunDirectory]]) -> None:
    """Refuse parts of two divisions, and a division of which some are not there."""
    n = found[-1][0].of
    if others := [directory.path.name for share, directory in found if share.of != n]:
        raise StoreError(
            f"{whole / PARTS}: {others[0]} stands beside {found[-1][1].path.name}: these are parts of two divisions, "
            "and would be counted twice; keep one division, and move the other away"
        )
    there = {share.number for share, _ in found}
    if missing := [str(k) for k in range(1, n + 1) if k not in there]:
        named = ", ".join(missing[:10]) + (f" and {len(missing) - 10} more" if len(missing) > 10 else "")
        raise StoreError(
            f"{whole / PARTS}: of {n} parts {len(missing)} are missing: {named}; `proband run STUDY --into {whole} "
            f"--part {missing[0]}/{n}` makes the first of them"
        )


def _refuse_newer(directory: RunDirectory, made_by: str, share: Share) -> None:
    here = version("proband")
    if _release(made_by) > _release(here):
        raise NewerRun(
            f"{directory.path}: part {share} was made by Proband {made_by}, and this is {here}; upgrade with "
            "`pip install -U proband`, or gather where it was made"
        )


def _release(text: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", text.partition("+")[0])[:3]))


def gather(
    study: Study, into: str | Path, *, work: Path | None = None, told: Callable[[int], None] = lambda n: None
) -> Run:
    """Join the parts of a run into it, and finish it as an undivided run is finished; nobody is asked.

    The table, the manifest except for its times, and the findings are those of the undivided run. Called again it goes
    on, or finds that everything is done.

    Parameters
    ----------
    study : Study
        The whole.
    into : path
        Folder of the run, with its ``parts``.
    work : path, optional
        Where the run is written, if not in `into`.
    told : callable, optional
        Gets the number of answers that are joined, after every part.

    Raises
    ------
    StoreError
        As `parts_of`; or if the run has answers of its own, or the parts lack some.
    TreatmentChanged
        If the parts are of another study, or their engines differ.
    """
    parts = parts_of(into)
    refuse_other(parts.found[0][1], parts.facts, facts_of(study), "its parts were made")
    notes = _common(parts, study)
    directory = RunDirectory(work or into)
    join(directory, {str(share): found for share, found in parts.found}, told=told)
    with directory.writer() as journal:
        if directory.manifest() is None:
            journal.note(**notes)
        n = len(journal)
    who = Cast(study.cast).addresses
    answering = replace(study, engine={role: _Answered(address) for role, address in who.items()})
    if n <= COMPARED or study.design.is_adaptive or directory.manifest() is not None:
        return carry_out(answering, directory.path)
    if study.people is not None:
        _collect_people(study.people, directory.path / PEOPLE)
    with directory.writer() as journal, Cast(answering.cast) as cast:
        begin(journal, study.design, cast.addresses)
        _compare_some(journal, study.design)
        tally = Tally(total=n, done=n, dispositions=Counter(journal.dispositions()))
        journal.note(state=json.dumps({"state": "complete", "stalled": {}}), tally=tally.noted())
        study.design.keep(journal, directory.path, anew=True)
        finish(directory, journal, study.design, cast)
    return Run(directory.path)


def _collect_people(people: PeopleSurvey, into: Path) -> None:
    """People's answers, and those of their second occasion, as `carry_out` collects them."""
    collect(people, people.engine, into)
    if people.again is not None:
        _collect_people(people.again, into / PEOPLE)


def _compare_some(journal: Journal, design: Design) -> None:
    """Hold answers against the design, so many of them that an edit is seen: each was when its part was asked."""
    trials, past = design.trials(journal), Past(journal)
    if (n := len(journal)) != len(trials):
        raise StoreError(
            f"{journal.path.parent}: the parts have {n:,} answers, and the design {len(trials):,} places; undo what "
            "was edited since they were made, or run them again"
        )
    for k in range(_RUNS):
        start = k * (len(trials) - _TOGETHER) // (_RUNS - 1)
        keys = _keys(trials, start, start + _TOGETHER)
        known = journal.requests_of([id for id, _, _ in keys])
        for key in keys:
            if key[0] not in known:
                raise StoreError(f"{journal.path.parent}: {_UNANSWERED.format(key[0])}")
            past.compare(key, *known[key[0]])


def _keys(trials: Sequence[Trial], start: int, stop: int) -> list[Key]:
    if isinstance(trials, Keyed):
        return list(trials.keys(start, stop))
    return [(trial.id, trial.request.hash, trial.reply.rule) for trial in trials[start:stop]]


def _common(parts: Parts, study: Study) -> dict[str, str]:
    """Notes of the whole that only its parts know: when it began, what really answered, its lock, what it cost."""
    found = {"started": min(notes["started"] for notes in parts.notes)}
    if any("dollars" in notes for notes in parts.notes):
        found["dollars"] = repr(sum(float(notes.get("dollars", 0.0)) for notes in parts.notes))
    for role, address in study.addresses.items():
        key, loose = f"fingerprint:{role}", may_change(address)
        known = [(k, json.loads(notes[key])) for k, notes in enumerate(parts.notes) if key in notes]
        for k, fingerprint in known[1:]:
            (first, one), name = known[0], parts.found[k][0]
            differ = [part for part in sorted({*one, *fingerprint} - loose) if one.get(part) != fingerprint.get(part)]
            if differ:
                raise TreatmentChanged(
                    f"{parts.found[k][1].path}: part {name} was answered by another engine than part "
                    f"{parts.found[first][0]}: its {differ[0]} is {fingerprint.get(differ[0])!r}, not "
                    f"{one.get(differ[0])!r}; run that part anew with the same one"
                )
        if known:
            found |= _fingerprint(role, [fingerprint for _, fingerprint in known], parts.notes)
    locks = {notes.get("lock", "") for notes in parts.notes}
    hashes = {json.loads(lock)["lock"]["hash"] if lock else "" for lock in locks}
    if len(hashes) > 1:
        raise TreatmentChanged(
            f"{parts.found[0][1].path.parent}: some parts are held to a locked plan, and others to none or to "
            "another; run every part with the same --lock"
        )
    if lock := max(locks, key=lambda text: json.loads(text)["answers_before"] if text else -1):
        found["lock"] = lock
    return found


def _fingerprint(role: str, known: Sequence[Mapping[str, str]], notes: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """What answered in the first part, and, as of a run that went on elsewhere, what else did in others."""
    others: dict[str, set[str]] = {}
    for fingerprint in known[1:]:
        for name, was in fingerprint.items():
            if known[0].get(name) != was:
                others.setdefault(name, set()).add(was)
    for told in notes:
        for name, values in json.loads(told.get(f"earlier:{role}", "{}")).items():
            others.setdefault(name, set()).update(values)
    found = {f"fingerprint:{role}": json.dumps(known[0], sort_keys=True)}
    if others:
        found[f"earlier:{role}"] = json.dumps({name: sorted(values) for name, values in others.items()}, sort_keys=True)
    return found


class _Answered(BaseEngine):
    """Stands for an engine whose answers are all there: who is asked after all is told that a part lacks one."""

    answers_by = "request"  # the fingerprint that the parts noted stands
    abilities: frozenset[Ability] = frozenset({"score", "write", "given", "embed"})

    def __init__(self, address: str) -> None:
        self.address = address

    def check(self, trials: Sequence[Trial]) -> None:
        """Refuse whatever is asked."""
        raise StoreError(_UNANSWERED.format(trials[0].id))

    def answer(self, trials: Sequence[Trial]) -> Iterator[tuple[Trial, Completion]]:
        """Nothing."""
        raise EngineError("a gathered run asks nobody")
