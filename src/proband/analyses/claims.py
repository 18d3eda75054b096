"""What is claimed about coded documents: by people's codes, by a coder's, and corrected."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from proband.analyses.answers import cautions, listed, tabled, told
from proband.analyses.section import Analysis, Cell, CellForm, Figure, Section, limits
from proband.errors import DataError
from proband.estimates import Estimate
from proband.files import text_of
from proband.runs.run import Run
from proband.texts.gold.codings import Claimed, claimed, is_claimed
from proband.texts.gold.evidence import Finding, examine
from proband.texts.gold.project import VALIDATION

_CHAPTER = "Claims"
_FORMS: dict[str, CellForm] = {"of": "text", "people's codes": "count"}
_NUMBERS = ("by people alone", "by the coder alone", "corrected")
_FEW = 300  # codes below which a slope from unequal probabilities was found to be two points short
_ASSUMED = (
    "Documents were drawn for people with the probabilities that are stated, and gold is what people agreed on or "
    "decided. The coder may be wrong in any way."
)
_REFUSED = (
    "Gold is no probability sample, so nobody can say which documents it stands for: nothing is corrected. The numbers "
    "describe the coder's codes, and may be far from people's."
)


def needs(run: Run) -> str | None:
    """A project of gold around the run, with claims."""
    if not is_claimed(run):
        return "the run lies in no project with gold and claims; `proband code STUDY.toml` makes one"
    return None if run.dispositions() else "nothing was coded yet"


def sections(run: Run) -> Sequence[Section]:
    """Every claim three times, and how the coder did on the hold-out."""
    held = claimed(run)
    found = [examine(claim, held.evidence) for claim in held.claims]
    return [*_validated(run), *(_section(finding, held) for finding in found)]


def _section(finding: Finding, held: Claimed) -> Section:
    claim, numbers = finding.claim, finding.numbers
    rows: list[tuple[Cell, ...]] = []
    for label, number in numbers.items():
        if held.is_sampled:
            n = number.human.n_units or None
            rows.append((label, n, number.human, number.uncorrected, number.corrected, round(number.saved)))
        else:
            rows.append((label, None, None, number.uncorrected, None, None))
    doubts = [] if held.is_sampled else [_REFUSED]
    if held.is_uneven and claim.form in ("trend", "regression") and len(held.evidence.probability) < _FEW:
        doubts.append(
            f"Documents were drawn with unequal probabilities, and fewer than {_FEW} are gold: intervals of slopes are "
            "somewhat short."
        )
    if claim.name in held.unlocked:
        doubts.append("This claim was not in the lock: it was written after the protocol was.")
    if finding.n_uncoded:
        doubts.append(
            f"The coder gave {finding.n_uncoded:,} documents no code. The correction takes the average of the others "
            "as its guess of them; the number by the coder alone leaves them out."
        )
    if finding.n_without_gold and held.is_sampled:
        doubts.append(
            f"People were given {finding.n_without_gold:,} documents that have no gold for this claim. Those with gold "
            "stand for them, within what they were drawn from: right only if they are missing for no reason that has "
            "to do with their codes."
        )
    if finding.n_left_out:
        doubts.append(f"{finding.n_left_out:,} documents are left out, of which a column is empty.")
    told_of = cautions((label, number.corrected) for label, number in numbers.items()) if held.is_sampled else ()
    table = tabled(
        {**_FORMS, **dict.fromkeys(_NUMBERS, "number"), "labels saved": "count"}, rows, f"{claim.name}, three times"
    )
    return Section(
        name="claims-" + "".join(c if c.isalnum() else "-" for c in claim.name.lower()),
        heading=claim.name,
        chapter=_CHAPTER,
        sentences=_sentences(finding) if held.is_sampled else (),
        table=table,
        figure=_figure(finding) if held.is_sampled else None,
        keys={"claim": claim.name},
        notes=(
            f"Coder: {held.coder}. Corrected by gold in {listed(held.parts)}.",
            "By the coder alone: its codes as if they were people's; what most papers print.",
            "Labels saved: people's codes needed on top for this precision without the coder; 0 if it bought nothing.",
        ),
        warnings=(*doubts, *told_of),
        claims=(_ASSUMED if held.is_sampled else _REFUSED,),
        methods=(
            "Codes were corrected by a probability sample of documents coded by people: shares by PPI++ (Angelopoulos, "
            "Duchi & Zrnic 2023), unequal probabilities, documents of one unit, differences and regressions by DSL "
            "(Egami et al. 2023).",
        )
        if held.is_sampled
        else (),
    )


def _sentences(finding: Finding) -> tuple[str, ...]:
    said: list[str] = []
    for label, number in list(finding.numbers.items())[-3:]:
        if math.isnan(number.corrected.value):
            continue
        what = finding.claim.name if label == "all" else f"{finding.claim.name}, {label}"
        said.append(
            f"{what}: {told(number.corrected)} corrected; {told(number.human)} by people alone, "
            f"{told(number.uncorrected)} by the coder alone. The coder saved {number.bought}."
        )
    return tuple(said)


def _figure(finding: Finding) -> Figure | None:
    """The course over time, or the three numbers beside each other."""
    sides = {"people alone": "people", "coder alone": "model", "corrected": ""}
    if finding.courses:
        rows = [
            {"x": float(label), "series": side, **_limits(number, side, "y")}
            for label, number in finding.numbers.items()
            if label in finding.courses
            for side in sides
        ]
        rows = [row for row in rows if row["y"] is not None]
        caption = f"{finding.claim.outcome} over {finding.claim.over}"
        return Figure(form="lines", rows=tuple(rows), caption=caption, options={"x_title": finding.claim.over})
    marks = [
        {"label": label, "side": which, **_limits(number, side, "value")}
        for label, number in finding.numbers.items()
        if label != "intercept"
        for side, which in sides.items()
    ]
    marks = [mark for mark in marks if mark["value"] is not None]
    return Figure(form="intervals", rows=tuple(marks), caption=f"{finding.claim.name}, with 95 % intervals")


def _limits(number: Any, side: str, value: str) -> Mapping[str, object]:
    found: Estimate = {"people alone": number.human, "coder alone": number.uncorrected}.get(side, number.corrected)
    return limits(found, value)


def _validated(run: Run) -> list[Section]:
    """How the coder did on the hold-out, as `validate` wrote it down."""
    path = run.path.parent / VALIDATION
    if not path.exists():
        return []
    try:
        held = json.loads(text_of(path, what="validation", error=DataError))
        rows = [
            (item, of["accuracy"]["n_units"], estimate_of(of["accuracy"]), estimate_of(of["kappa"]))
            for item, of in held["items"].items()
        ]
        confusions = [_confusion(item, of) for item, of in held["items"].items()]
        opening, part, n = held["opening"], held["part"], held["documents"]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DataError(
            f"{path}: not what `proband code STUDY.toml validate` wrote; let it write the file again"
        ) from None
    again = [f"The hold-out was opened {opening} times: these are not the numbers of a sample that nobody had seen."]
    forms: dict[str, CellForm] = {"item": "text", "documents": "count", "accuracy": "share", "kappa": "number"}
    return [
        Section(
            name="claims-validation",
            heading="How the coder did where it was checked",
            chapter=_CHAPTER,
            sentences=(f"{held['coder']} on {n} documents of the part {part}.",),
            table=tabled(forms, rows, "The coder's codes against gold"),
            notes=("Accuracy: exact interval (Clopper & Pearson).", *confusions),
            warnings=tuple(again if opening > 1 else []),
        )
    ]


def estimate_of(held: Mapping[str, Any]) -> Estimate:
    """A number as a step wrote it down."""
    value = float("nan") if held["value"] is None else float(held["value"])
    plain: dict[str, Any] = {key: tuple(of) if isinstance(of, list) else of for key, of in held.items()}
    return Estimate(**(plain | {"value": value}))


def _confusion(item: str, of: Mapping[str, Any]) -> str:
    """Who is taken for whom, in a line."""
    codes = of["codes"]
    wrong = [
        f"{codes[i]} as {codes[j]} {count}"
        for i, row in enumerate(of["confusion"])
        for j, count in enumerate(row)
        if i != j and count
    ]
    return f"{item}, gold and the coder's code where they differ: {listed(wrong) if wrong else 'none'}."


ANALYSIS = Analysis(
    name="claims",
    about="claims about coded documents: by people's codes alone, by the coder's alone, and corrected",
    needs=needs,
    sections=sections,
    is_quiet=True,
)
