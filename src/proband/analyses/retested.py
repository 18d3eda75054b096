"""Accuracy for persons beside how well persons repeat themselves, where people were asked twice."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from proband.analyses.answers import Form, cautions, percent, tabled, told
from proband.analyses.asked import Asked, asked_of
from proband.analyses.section import Analysis, Cell, Section
from proband.errors import DataError, DesignError
from proband.estimates import Estimate
from proband.measures import NormalisedAccuracy, normalised_accuracy
from proband.measures.likeness.items.retested import agreement_by_person
from proband.runs.run import Run

_ALL = "all items"
_FORMS: dict[str, Form] = {
    "items": "text", "model": ("share", "model"), "people again": ("share", "people"), "commonest answer": "share",
    "model over people": ("number", "model"), "mean of persons' ratios": ("number", "model"),
    "beyond the commonest": ("number", "model"),
}  # fmt: skip

Given = Mapping[str, Mapping[str, object]]  # item -> person -> answer


def needs(run: Run) -> str | None:
    """People who were asked twice, and a model that stands for them."""
    if run.people is None or run.people.people is None:
        return "people were not asked twice; `[people]` names columns with second answers as `again`"
    return None if run.dispositions() else "nothing was answered yet"


def sections(run: Run) -> Sequence[Section]:
    """One section a condition: every item, and all of them together beside them."""
    by_condition: dict[tuple[str, ...], list[Asked]] = {}
    for asked in asked_of(run):
        by_condition.setdefault(tuple(asked.condition.values()), []).append(asked)
    again = _second(run)
    found = [_section(condition, parts, again) for condition, parts in by_condition.items()]
    return [section for section in found if section is not None]


def _second(run: Run) -> Given:
    table = run.people.people.table() if run.people is not None and run.people.people is not None else run.table()
    valid = table.filter(table["status"] == "valid")
    found: dict[str, dict[str, object]] = {}
    for item, subject, answer in valid.select("item", "subject", "answer").iter_rows():
        found.setdefault(item, {})[subject] = answer
    return found


def _section(condition: tuple[str, ...], parts: Sequence[Asked], again: Given) -> Section | None:
    first: dict[str, dict[str, object]] = {}
    model: dict[str, dict[str, object]] = {}
    for asked in parts:
        known = again.get(asked.item.id, {})
        ours = {str(s): asked.kept[a] for s, a in asked.ours.items() if str(s) in known}
        # The option a model gives most weight to is its one answer, as a person has one.
        picks = {str(s): asked.kept[max(range(len(p)), key=p.__getitem__)] for s, p in asked.model.items()}
        both = ours.keys() & picks.keys()
        if both:
            first[asked.item.id] = {s: ours[s] for s in sorted(both)}
            model[asked.item.id] = {s: picks[s] for s in sorted(both)}
    if not first:
        return None
    rows: list[tuple[Cell, ...]] = []
    doubts: list[tuple[str, Estimate]] = []
    last: NormalisedAccuracy | None = None
    for name in (*first, _ALL) if len(first) > 1 else first:
        kept = first if name == _ALL else {name: first[name]}
        try:
            last = _normalised(kept, model, again)
        except (DataError, DesignError) as error:
            why = Estimate(value=math.nan, estimand=name, target="human", n_units=0, warnings=(str(error),))
            rows.append((name, why, *[None] * 5))
            doubts.append((name, why))
            continue
        # Of one item a person's ratio is 0, 1 or undefined: its mean says nothing.
        of_persons = last.mean_of_ratios if len(kept) > 1 else None
        ratios = (last.ratio_of_means, of_persons, last.beyond_chance)
        rows.append((name, last.accuracy, last.retest, _commonest(kept), *ratios))
        doubts += [(name, last.ratio_of_means)]
    said = [
        f"Over {'these items' if len(first) > 1 else next(iter(first))} the model gives persons' first answers in "
        f"{percent(last.accuracy)} of cases, and persons give them again in {percent(last.retest)}: "
        f"{told(last.ratio_of_means)} of what they reach themselves."
    ] if last else []  # fmt: skip
    where = f" ({', '.join(condition)})" if condition else ""
    return Section(
        name="-".join(["retested", *condition]),
        heading=f"Beside people asked twice{where}",
        chapter="Closeness to people",
        sentences=tuple(said),
        table=tabled(_FORMS, rows, "Agreement with persons' first answers"),
        notes=(
            "A model's answer is its most probable option. Model over people is a ratio, which may exceed 1; "
            "beyond the commonest takes from both what everybody's most frequent answer reaches.",
            *((f"The row {_ALL} stands beside the items it is made of.",) if len(first) > 1 else ()),
        ),
        warnings=cautions(doubts),
    )


def _normalised(first: Given, model: Given, again: Given) -> NormalisedAccuracy:
    accuracy, retest = agreement_by_person(first, model), agreement_by_person(first, again)
    usual = {item: dict.fromkeys(given, Counter(given.values()).most_common(1)[0][0]) for item, given in first.items()}
    chance, persons = agreement_by_person(first, usual), sorted(accuracy)
    values = [[share[person] for person in persons] for share in (accuracy, retest, chance)]
    return normalised_accuracy(values[0], values[1], chance=values[2])


def _commonest(first: Given) -> float:
    hits = [Counter(given.values()).most_common(1)[0][1] / len(given) for given in first.values()]
    return sum(hits) / len(hits)


ANALYSIS = Analysis(
    name="retested",
    about="accuracy for persons as a share of how well they repeat themselves, where people were asked twice",
    needs=needs,
    sections=sections,
    is_quiet=True,
)
