"""Whether personas bring a model closer to the groups of people they describe, and to these more than to others."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from proband.analyses.answers import Form, cautions, tabled, told
from proband.analyses.asked import Asked, asked_of
from proband.analyses.fidelity import few_levels
from proband.analyses.section import Analysis, Cell, Section
from proband.errors import DataError, DesignError
from proband.measures import alignment, steerability
from proband.measures.arrays import Floats
from proband.runs.run import Run

PERSONA, WITHOUT = "persona", "none"
_FEWEST_PEOPLE = 30  # of a group, below which its shares are mostly chance (cells of fewer are suppressed)
_MODEL: Form = ("number", "model")
_FORMS: dict[str, Form] = {
    "group": "text", "people": "count", "without persona": _MODEL, "with persona": _MODEL, "gain": _MODEL, "p": "p"
}  # fmt: skip

Groups = Mapping[str, frozenset[str]]


def needs(run: Run) -> str | None:
    """People's answers, the same model with and without personas, and traits that divide people."""
    if run.people is None:
        return "it needs human answers, and this run has none"
    levels = run.levels.get(PERSONA, ())
    if WITHOUT not in levels or len(levels) < 2:
        return 'steering compares personas with none: ask under both, e.g. persona = ["none", "first"]'
    return None if run.dispositions() else "nothing was answered yet"


def sections(run: Run) -> Sequence[Section]:
    """One section for each trait with few levels."""
    return divided(run, few_levels(run))


def divided(run: Run, by: tuple[str, ...]) -> Sequence[Section]:
    """The same by the traits named."""
    found = [_section(run, trait) for trait in by]
    return [section for section in found if section is not None]


def _section(run: Run, trait: str) -> Section | None:
    assert run.people is not None  # `needs` has looked
    everybody: dict[str, set[str]] = {}
    for subject, known in run.people.traits.items():
        if trait in known:
            everybody.setdefault(str(known[trait]), set()).add(subject)
    contexts = [level for level in run.levels[PERSONA] if level != WITHOUT]
    # An item under one setting of everything else is a question; those without an order have no alignment.
    questions: dict[tuple[Any, ...], dict[str, Asked]] = {}
    for one in asked_of(run):
        if one.positions is not None and one.given:
            rest = tuple(level for name, level in one.condition.items() if name != PERSONA)
            questions.setdefault((one.item.id, rest), {})[one.condition[PERSONA]] = one
    asked = [by for by in questions.values() if len(by) == len(contexts) + 1]
    groups = {name: frozenset(who) for name, who in everybody.items() if _is_enough(who, asked)}
    if len(groups) < 2 or len(asked) < 2:
        return None
    default = {g: np.array([_aligned(by[WITHOUT], g, g, groups) for by in asked]) for g in groups}
    steered = {g: np.array([[_aligned(by[c], g, g, groups) for c in contexts] for by in asked]) for g in groups}
    try:
        crossed = _crossed(asked, contexts[0], groups) if len(contexts) == 1 else None
        found = steerability(default, steered, crossed=crossed)
    except (DataError, DesignError) as error:
        return Section(
            name=f"steering-{trait}", heading=f"Steered by {trait}", chapter="Closeness to people",
            sentences=(f"Steering cannot be told: {error}.",),
        )  # fmt: skip
    rows: list[tuple[Cell, ...]] = [
        (group, len(groups[group]), found.default[group], found.steered[group], gain, gain.p_value)
        for group, gain in found.gain.items()
    ]
    both = found.overall.baselines
    rows.append(("all groups", None, both["default"], both["steered"], found.overall, found.overall.p_value))
    said = [f"Personas change alignment with groups by {trait} by {told(found.overall, 3)} on average."]
    if found.specificity is not None:
        said.append(
            f"{100 * found.specificity.value:.0f} % of groups are closest to the model that was told to be one of them "
            f"({100 * found.specificity.baselines['chance']:.0f} % by chance, p = {found.specificity.p_value:.3f})."
        )
    return Section(
        name=f"steering-{trait}",
        heading=f"Steered by {trait}",
        chapter="Closeness to people",
        sentences=tuple(said),
        table=tabled(_FORMS, rows, f"Alignment with people by {trait}, over {len(asked)} ordered questions"),
        keys={"trait": trait},
        notes=(
            "Alignment is 1 for equal shares, and 0 for the ends of a scale (Santurkar et al. 2023); uniform answers "
            "reach high values as well.",
            *((f"Of {len(contexts)} formats of personas the best counts, chosen on the other half of questions.",)
              if len(contexts) > 1 else ()),
            "The row all groups stands beside its parts.",
        ),
        warnings=cautions((group, gain) for group, gain in found.gain.items()),
    )  # fmt: skip


def _is_enough(who: set[str], asked: Sequence[Mapping[str, Asked]]) -> bool:
    """Whether a group has people enough, and subjects of the run, on every question."""
    return all(
        sum(str(s) in who for s in by[WITHOUT].given) >= _FEWEST_PEOPLE
        and all(any(str(s) in who for s in one.model) for one in by.values())
        for by in asked
    )


def _aligned(one: Asked, told_to_be: str, people: str, groups: Groups) -> float:
    """Alignment of the subjects of one group with the people of one."""
    ours = np.mean([shares for s, shares in one.model.items() if str(s) in groups[told_to_be]], axis=0)
    theirs: Floats = np.zeros(len(one.kept))
    for subject, answer in one.given.items():
        if str(subject) in groups[people]:
            theirs[answer] += one.weights.get(subject, 1.0)
    return alignment(theirs / theirs.sum(), ours / ours.sum(), one.positions).value


def _crossed(asked: Sequence[Mapping[str, Asked]], context: str, groups: Groups) -> Floats:
    return np.array([
        [np.mean([_aligned(by[context], told_to_be, people, groups) for by in asked]) for people in groups]
        for told_to_be in groups
    ])  # fmt: skip


ANALYSIS = Analysis(
    name="steering",
    about="whether personas bring a model closer to the groups they describe: gain in alignment, and specificity",
    needs=needs,
    sections=sections,
    divided=divided,
    is_quiet=True,
)
