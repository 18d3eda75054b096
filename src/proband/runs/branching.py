"""Branches: a run that begins with another's responses up to a point."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from proband.designs.design import Design
from proband.designs.process import Fold, Marking, Stalled, as_fold
from proband.errors import DesignError, TreatmentChanged
from proband.records import Place, Response
from proband.runs.run import Run
from proband.store.directory import RunDirectory
from proband.store.journal import Journal


def branch(
    parent: str | Path | Run,
    into: str | Path,
    *,
    through_round: int,
    design: Design | None = None,
    keep_past: bool = False,
) -> Path:
    """Begin a run with a parent's responses up to a round; `collect` goes on from there and asks nobody again.

    The answer to "what if the rules had changed after round 5?": collect the changed design into the
    branch. What was inherited keeps the requests it was really answered under, and `collect` refuses a design that
    would have put them in other words, because what follows would go on from another past.

    Parameters
    ----------
    parent : path or Run
        The run to branch from.
    into : path
        A new run directory.
    through_round : int
        Last round that is shared, counting from 1; rounds after it are not copied.
    design : Design, optional
        What will go on there; its past is compared here and now, and only what it asks is copied. Of societies the
        states are compared as well.
    keep_past : bool
        Whether to go on from that past all the same, though the design words it otherwise: everybody then answers
        later rounds as if the earlier ones had been played under the new rules. Kept in the run's manifest.

    Returns
    -------
    pathlib.Path
        `into`, ready for `collect`.

    Raises
    ------
    DesignError
        If `into` already holds responses, or the parent has none up to that round, or not as many rounds.
    TreatmentChanged
        If `design` would have had another past; the first difference is named.
    """
    run = parent if isinstance(parent, Run) else Run(parent)
    directory = RunDirectory(into)
    origin = str(run.path)
    rounds = (run.manifest.get("design") or {}).get("rounds")
    if isinstance(rounds, int) and through_round > rounds:
        raise DesignError(f"{origin}: there is no round {through_round} to branch after; there are {rounds}")
    with run.directory.reader() as source, directory.writer() as journal:
        if len(journal):
            raise DesignError(f"{into}: already holds {len(journal)} responses; branch into a new folder")
        shared = (
            [response for response in source.responses() if _round_of(response.place) <= through_round]
            if design is None
            else _same_past(source, design, through_round, origin)
        )
        if not shared and run.items:
            raise DesignError(f"{origin}: no responses up to round {through_round}; rounds count from 1")
        facts = {key: value for key in ("seed", "reader") if (value := source.meta(key)) is not None}
        noted = {"run": origin, "through_round": through_round, "keep_past": keep_past}
        journal.note(parent=json.dumps(noted), **facts)
        journal.inherit(source, shared, origin=origin)  # in one transaction: a branch has all of it or nothing
    return directory.path


def _round_of(place: Place) -> int:
    """The round that a place belongs to; of a survey inside a world, the one that it follows."""
    return int(dict(place.condition).get("wave", place.round))


def _same_past(source: Journal, design: Design, through_round: int, origin: str) -> list[Response]:
    """What a design takes over from a run, if all that it asks up to a round was asked there in the same words."""
    shared: list[Response] = []
    marks = source.marks()
    for fold in map(as_fold, design.processes()):
        asked = list(fold.start())
        while asked:
            _compare_marks(fold, marks, through_round, origin)
            past = [trial for trial in asked if _round_of(trial.place) <= through_round]
            known = source.answers([trial.place for trial in past])
            asked = []
            for trial in past:
                is_cell = not trial.place.round and _is_after(fold, through_round)
                if is_cell or (trial.id not in known and "wave" in dict(trial.place.condition)):
                    continue
                if trial.id not in known:
                    raise TreatmentChanged(
                        f"{origin}: {trial.id!r} was never asked there, and this design asks it in round "
                        f"{_round_of(trial.place)} or before: it has another past. Let only rounds after "
                        f"{through_round} differ, e.g. by an [[arm]] with from_round = {through_round + 1}"
                    )
                response = known[trial.id][0]
                if (response.request, response.rule) != (trial.request.hash, trial.reply.rule):
                    raise TreatmentChanged(
                        f"{origin}: {trial.id!r} was asked there in other words than this design has, so what follows "
                        f"would go on from another past. Let only rounds after {through_round} differ, e.g. by an "
                        f"[[arm]] with from_round = {through_round + 1}"
                    )
                shared.append(response)
                with suppress(Stalled):
                    asked += fold.advance(response)
        _compare_marks(fold, marks, through_round, origin)
    return shared


def _is_after(fold: Fold, round: int) -> bool:
    """Whether a society has come beyond a round, so that a cell, which has no round, is no part of its past."""
    return getattr(fold, "round", 0) > round


def _compare_marks(fold: Fold, marks: Mapping[str, str], through_round: int, origin: str) -> None:
    for name, digest in fold.marks() if isinstance(fold, Marking) else ():
        is_past = int(name.rpartition(" ")[2]) <= through_round
        if is_past and marks.get(name, digest) != digest:
            raise TreatmentChanged(
                f"{origin}: {name}: the society was in another state there, so this design has another past. Let only "
                f"rounds after {through_round} differ, e.g. by an [[arm]] with from_round = {through_round + 1}"
            )
