"""Hypotheses from a table of evidence by rules: what was not tried together, what contradicts itself or may moderate.

Each is a question that the table leaves open, with the passages that it is drawn from; none is a finding.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from proband.errors import DataError
from proband.literature.evidence.effects import RATIOS, effect_of
from proband.literature.hypotheses.record import Hypothesis
from proband.literature.records.record import plain
from proband.literature.spans import Span
from proband.texts.gold.tables import read_table

COLUMNS = ("record", "field", "value", "start", "end", "quotation")
TREATMENTS = ("intervention", "treatment", "independent", "exposure", "manipulation")
OUTCOMES = ("measure", "outcome", "dependent")
MODERATORS = ("moderator", "moderators", "population", "design", "country", "setting")
_REACH = 1.96  # standard errors, outside which zero is excluded
_NUMBER = r"[-+\u2212]?\d*\.?\d+"
_RATIO = re.compile(rf"\b(?:{'|'.join(sorted(RATIOS))}|ratio)\b")
_EFFECT = re.compile(rf"({_NUMBER})(?:[^\d\[(]*[\[(][^\d\-+\u2212.]*({_NUMBER})\s*(?:,|;|to)\s*({_NUMBER})\s*[\])])?")


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One field of one record, with the passage that says so."""

    record: str
    field: str
    value: str
    span: Span | None


def read_evidence(path: Path) -> list[Cell]:
    """Cells of a table of evidence: a CSV file with record, field, value, start, end, quotation, and page where known.

    Raises
    ------
    DataError
        If a column is missing, a cell names no record or field, or a place is no number.
    """
    found = []
    for where, row in read_table(path, COLUMNS):
        if not row["record"] or not row["field"]:
            raise DataError(f"{where}: a cell needs its record and its field; fill them in, or take the row out")
        span = None
        if row["quotation"]:
            try:
                start, end = int(row["start"]), int(row["end"])
                page = int(row["page"]) if row.get("page") else None
            except ValueError:
                raise DataError(f"{where}: start, end or page is no whole number; extract this cell again") from None
            span = Span(record=row["record"], start=start, end=end, text=row["quotation"], page=page)
        found.append(Cell(record=row["record"], field=row["field"], value=row["value"], span=span))
    return found


def sign_in(text: str) -> int | None:
    """Whether the effect in a cell is above (1) or below none (-1), or its limits hold none (0); None without one.

    None is zero, and 1 for a ratio.

    Examples
    --------
    >>> sign_in("d = -0.35 [-0.60, -0.10]"), sign_in("OR = 0.6 (95% CI 0.3 to 1.2)"), sign_in("not reported")
    (-1, 0, None)
    """
    if (told := effect_of(text)) is not None:  # with a named measure and level; ratios against 1
        return int(abs(told.value) > _REACH * told.se) * (1 if told.value > 0 else -1)
    found = _EFFECT.search(text.partition("=")[2] or text)
    if found is None:
        return None
    value, low, high = (float((part or "nan").replace("\u2212", "-")) for part in found.groups())
    none = 1.0 if _RATIO.search(text) else 0.0
    return 0 if low <= none <= high else (value > none) - (value < none)


def open_questions(cells: Sequence[Cell], *, time: str = "", most: int = 20) -> tuple[Hypothesis, ...]:
    """What a table of evidence leaves open, the best supported questions first.

    - A *gap*: a treatment and an outcome that at least one record each studies, and none together; those that are
      studied most, apart from each other, come first.
    - A *contradiction*: two records on one treatment and outcome whose effects have opposite signs, limits excluding
      zero where there are any. What they differ in may moderate the effect.
    - A *moderator not tried*: a population, design or moderator that is known of one outcome, and that no record on
      another outcome of the same treatment has.

    Parameters
    ----------
    cells : sequence of Cell
        The table. Fields called intervention (treatment, independent, exposure), measure (outcome, dependent), effect,
        and population, design, moderator, country or setting are used; without one of the first kind, the design stands
        for it.
    time : str
        When, for the records.
    most : int
        Questions at most, taken in turn from the three kinds.

    Raises
    ------
    DataError
        If no record has an outcome.
    """
    by_record: dict[str, dict[str, list[Cell]]] = {}
    for cell in cells:
        if plain(cell.value):
            by_record.setdefault(cell.record, {}).setdefault(plain(cell.field), []).append(cell)
    studies = [_Study(record, fields) for record, fields in by_record.items()]
    if not any(study.outcomes for study in studies):
        raise DataError(
            f"no record of the evidence has a measure or an outcome among its fields "
            f"({', '.join(sorted({cell.field for cell in cells})) or 'none'}); extract one of {', '.join(OUTCOMES)}"
        )
    seen = (f"table of evidence: {len(cells)} cells of {len(by_record)} records",)
    kinds = [list(kind(studies)) for kind in (_contradictions, _gaps, _moderators)]
    turns = [kind[k] for k in range(max(map(len, kinds))) for kind in kinds if k < len(kind)]
    found = [
        Hypothesis(**question, strategy="evidence", proposer="rules", time=time, seen=seen)  # type: ignore[arg-type]
        for question in turns
    ]
    return tuple({hypothesis.id: hypothesis for hypothesis in found}.values())[:most]


class _Study:
    """One record of the table by the roles of its fields."""

    def __init__(self, record: str, fields: Mapping[str, list[Cell]]) -> None:
        self.record, self.fields = record, fields
        self.treatments = self._of(TREATMENTS) or self._of(("design",))
        self.outcomes = self._of(OUTCOMES)
        self.moderators = {name: self._of((name,)) for name in MODERATORS if name in fields}
        self.effect = next((cell for cell in fields.get("effect", ()) if sign_in(cell.value) is not None), None)
        self.sign = (sign_in(self.effect.value) or 0) if self.effect is not None else 0

    def _of(self, names: Iterable[str]) -> dict[str, Cell]:
        return {plain(cell.value): cell for name in names for cell in self.fields.get(name, ())}

    def pairs(self) -> Iterator[tuple[str, str]]:
        return ((treatment, outcome) for treatment in self.treatments for outcome in self.outcomes)


def _spans(*cells: Cell | None) -> tuple[Span, ...]:
    return tuple(dict.fromkeys(cell.span for cell in cells if cell is not None and cell.span is not None))


def _gaps(studies: Sequence[_Study]) -> Iterator[dict[str, object]]:
    together = {pair for study in studies for pair in study.pairs()}
    treatments = {name: cell for study in reversed(studies) for name, cell in study.treatments.items()}
    outcomes = {name: cell for study in reversed(studies) for name, cell in study.outcomes.items()}
    often = Counter(name for study in studies for name in (*study.treatments, *study.outcomes))
    open_ = [(t, o) for t in treatments for o in outcomes if (t, o) not in together and t != o]
    for treatment, outcome in sorted(open_, key=lambda pair: (-often[pair[0]] * often[pair[1]], pair)):
        one, other = treatments[treatment], outcomes[outcome]
        yield {
            "independent": one.value, "dependent": other.value, "direction": "differs",
            "falsifier": f"No difference in {other.value} with and without {one.value}, within what would matter.",
            "test": f"An experiment on {one.value} with {other.value} as outcome: no record has both.",
            "spans": _spans(one, other),
        }  # fmt: skip


def _contradictions(studies: Sequence[_Study]) -> Iterator[dict[str, object]]:
    for one, other in combinations(studies, 2):
        shared = sorted({*one.pairs()} & {*other.pairs()})
        if not shared or one.sign * other.sign >= 0:
            continue
        treatment, outcome = shared[0]
        apart = [name for name in one.moderators if name in other.moderators
                 and not {*one.moderators[name]} & {*other.moderators[name]}]  # fmt: skip
        values = tuple(
            " or ".join(next(iter(study.moderators[name].values())).value for study in (one, other)) for name in apart
        )
        cell, result = one.treatments[treatment], one.outcomes[outcome]
        effects = [study.effect for study in (one, other) if study.effect is not None]
        yield {
            "independent": cell.value, "dependent": result.value, "direction": "differs",
            "moderators": tuple(f"{name}: {value}" for name, value in zip(apart, values, strict=True)),
            "mechanism": f"{one.record} found {effects[0].value}, {other.record} {effects[1].value}",
            "falsifier": "The same effect, in size and sign, on both sides of what the two records differ in"
            + (f" ({', '.join(apart)})." if apart else "."),
            "test": "One study with both sides of it, and the interaction as what is tested.",
            "spans": _spans(cell, result, *effects),
        }  # fmt: skip


def _moderators(studies: Sequence[_Study]) -> Iterator[dict[str, object]]:
    known: dict[tuple[str, str], Cell] = {}
    for study in studies:
        for name, values in study.moderators.items():
            known |= {(name, value): cell for value, cell in values.items() if (name, value) not in known}
    for treatment, outcome in dict.fromkeys(pair for study in studies for pair in study.pairs()):
        those = [study for study in studies if (treatment, outcome) in study.pairs()]
        # Of one record nobody knows what would come of it again; from two on a moderator is worth the asking.
        if len(those) < 2:
            continue
        tried = {(name, value) for study in those for name, values in study.moderators.items() for value in values}
        cell, result = those[0].treatments[treatment], those[0].outcomes[outcome]
        for (name, value), moderator in known.items():
            if (name, value) in tried or treatment == value:
                continue
            yield {
                "independent": cell.value, "dependent": result.value, "direction": "differs",
                "moderators": (f"{name}: {moderator.value}",),
                "falsifier": f"The same effect where {name} is {moderator.value} as in {len(those)} records so far.",
                "test": f"A study of {cell.value} on {result.value} in which {name} is {moderator.value}.",
                "spans": _spans(cell, result, moderator),
            }  # fmt: skip
