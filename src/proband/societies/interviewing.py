"""Interviews of a run: its societies are gone through again, and agents asked as they were after some round."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from proband.designs.design import Design
from proband.designs.studies import study_from_dict
from proband.errors import DesignError, TreatmentChanged
from proband.instruments.items import Instrument, Item
from proband.records import Response, Trial
from proband.roster import Roster
from proband.societies.design import Society
from proband.societies.life import Arm, Question, Wave, interviews, mark_of
from proband.societies.state import State
from proband.store.directory import RunDirectory


@dataclass(frozen=True, kw_only=True)
class Interviews(Design):
    """What agents of a run are asked after a round; their own run stays as it is.

    Attributes
    ----------
    title : str
        Of the interviews.
    seed : int
        That of the societies.
    instrument : Instrument
        What is asked.
    asked : tuple of Trial
        Everything that is asked.
    members : Roster
        Who lives in the societies.
    """

    title: str
    seed: int
    instrument: Instrument
    asked: tuple[Trial, ...] = field(repr=False)
    members: Roster = field(repr=False)

    @property
    def items(self) -> Mapping[str, Item]:
        """The items of the instrument."""
        return {item.id: item for item in self.instrument.items}

    def trials(self, answered: Mapping[str, Response]) -> Sequence[Trial]:
        """All of them: nobody is asked something because of an answer."""
        return self.asked

    def roster(self) -> Roster:
        """Those who are asked, in the units of the societies."""
        asked = {trial.place.subject for trial in self.asked}
        return Roster([member for member in self.members if member.subject in asked])

    def describe(self) -> Mapping[str, object]:
        """Title, seed and instrument."""
        return {"design": "interviews", "title": self.title, "seed": self.seed, "instrument": self.instrument.id}


def society_of(run: str | Path) -> Society:
    """The societies of a run, made anew from the study file that it keeps.

    Raises
    ------
    DesignError
        If it keeps none, because they were made in Python, or is of another kind.
    """
    with RunDirectory(run).reader() as journal:
        kept: dict[str, Any] = journal.noted("study") or {}
    if not kept.get("study"):
        raise DesignError(f"{run}: it keeps no study file of societies; use interviews_of(run, design=...)")
    where = Path(kept["folder"]) / f"the study of {Path(run).name}"
    design = study_from_dict(kept["study"], where=where, sample=kept.get("sample")).design
    if not isinstance(design, Society):
        raise DesignError(f"{run}: only agents of societies can be asked after a round; this is a {design.kind}")
    return design


def interviews_of(
    run: str | Path,
    instrument: Instrument,
    *,
    at: int,
    agents: Sequence[int] | None = None,
    design: Society | None = None,
) -> Interviews:
    """What the agents of a run would be asked after a round, in every arm that had begun by then.

    Parameters
    ----------
    run : path
        Of societies.
    instrument : Instrument
        What is asked.
    at : int
        After which round; 0 is before the first.
    agents : sequence of int, optional
        Numbers of the agents; all by default.
    design : Society, optional
        Of the run, where it was made in Python.

    Raises
    ------
    DesignError
        If no society came so far, or an item is one of the world's turns.
    TreatmentChanged
        If its answers lead to another state than they did in the run.
    """
    society = society_of(run) if design is None else design
    wave = Wave(after=at, items=instrument.items, agents=None if agents is None else tuple(agents))
    replace(society, waves=(wave,))  # refuses a round that there is not, and items that are turns
    with RunDirectory(run).reader() as journal:
        watcher = _Asking(wave, journal.marks(), Path(run))
        society.replay(journal, watcher)
    if not watcher.asked:
        raise DesignError(
            f"{run}: nobody can be asked after round {at}: no society came so far, or none of these agents is there"
        )
    return Interviews(
        title=f"{society.name}, asked after round {at}", seed=society.seed, instrument=instrument,
        asked=tuple([society.asking.trial(ask, place) for ask, place in watcher.asked]), members=society.roster(),
    )  # fmt: skip


class _Asking:
    """A `Watcher` that asks at a moment."""

    def __init__(self, wave: Wave, marks: Mapping[str, str], run: Path) -> None:
        self.wave, self.marks, self.run = wave, marks, run
        self.asked: list[Question] = []

    def begins(self, arm: Arm, state: State) -> None:
        """Before the first round nothing is over."""
        if self.wave.after == 0 and not arm.name:
            self.is_over(arm, state, 0)

    def is_over(self, arm: Arm, state: State, round: int) -> None:
        """Ask those who are there."""
        if round != self.wave.after:
            return
        mark = mark_of(state.society, arm.name, round)
        if self.marks.get(mark, digest := state.digest()) != digest:
            raise TreatmentChanged(
                f"{self.run}: {mark}: the answers that are stored lead to another state than they did when they were "
                "given: a rule was edited since, or another version of a library computes it otherwise; undo that"
            )
        self.asked += interviews(arm, state, self.wave)
