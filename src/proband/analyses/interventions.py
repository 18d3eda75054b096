"""What a study of knowledge interventions found, as sections: verdicts beside confounds, and every table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from proband.analyses.section import Cell, Column, Figure, Section, Table, limits, marks
from proband.estimates import Estimate
from proband.tuning.analysis.accuracy import ALL_DOMAINS
from proband.tuning.analysis.claims import Verdict
from proband.tuning.analysis.consistency import OTHER_SEED, Consistency
from proband.tuning.analysis.findings import Findings

VERDICTS = "Verdicts on the claims"
_UNTRAINED = "No pair of arms of the paper was trained."
_PAPER = "As in the paper: one run, the first seed, no interval."
_EXPERIMENT_4 = "Consistency with the base model (Experiment IV)"
_FLOORS = (
    "The floors say what these numbers are without any change of knowledge: the base model against itself under the "
    f"other prompt, and one training against another with a new seed (“{OTHER_SEED}”). A change no larger than theirs "
    "is no sign that knowledge changed."
)
_MIXED: Mapping[str, object] = {"x_title": "share of the model's own answers", "x_format": "%"}


@dataclass(frozen=True, slots=True)
class _Field:
    """A column, and how its cell is read from a row."""

    column: Column
    of: Callable[[Any], Cell]


def sections_of(findings: Findings) -> list[Section]:
    """Everything that the analysis found, verdicts first."""
    parts = (_verdicts, _differences, _accuracies, _ratios, _consistencies, _confidences, _forgetting, _confounds)
    return [section for part in parts for section in part(findings)]


def _text(name: str, of: str | Callable[[Any], Cell] = "") -> _Field:
    return _number(name, of, form="text")


def _number(name: str, of: str | Callable[[Any], Cell] = "", *, form: Any = "number") -> _Field:
    attribute = of or name
    read = attribute if callable(attribute) else lambda row: getattr(row, attribute)
    side: Any = "model" if form in ("share", "points") else ""
    return _Field(Column(name=name, form=form, side=side), read)


def _table(rows: Sequence[Any], fields: Sequence[_Field], caption: str, *, is_folded: bool = False) -> Table:
    """Rows as the fields read them; a column that holds nothing is left out."""
    cells = [[field.of(row) for field in fields] for row in rows]
    kept = [k for k, _ in enumerate(fields) if any(row[k] not in (None, "") for row in cells)]
    return Table(
        columns=tuple(fields[k].column for k in kept),
        rows=tuple(tuple(row[k] for k in kept) for row in cells),
        caption=caption,
        is_folded=is_folded,
    )


def _by_test(rows: Sequence[Any]) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = {}
    for row in rows:
        groups.setdefault(row.test, []).append(row)
    return groups


def _p(row: Any) -> Cell:
    found: Estimate = row.estimate
    return found if found.p_value is not None else None


def _verdicts(findings: Findings) -> list[Section]:
    """Claims by tests, and then a section for each claim."""
    by_claim: dict[str, list[Verdict]] = {}
    for one in findings.verdicts:
        by_claim.setdefault(one.claim.id, []).append(one)
    if not by_claim:
        return [Section(name="verdicts", heading=VERDICTS, chapter=VERDICTS, sentences=(_UNTRAINED,))]
    tests = dict.fromkeys(one.test for one in findings.verdicts)
    fields = [
        _text(test, lambda group, test=test: next((v.outcome for v in group if v.test == test), None))  # type: ignore[misc]
        for test in tests
    ]
    overview = Section(
        name="verdicts",
        heading="All claims",
        chapter=VERDICTS,
        table=_table(
            list(by_claim.values()),
            [_text("claim", lambda group: group[0].claim.text), *fields],
            "claims of the paper, by test",
        ),
        notes=(
            f"Verdicts are not adjusted for being {len(findings.verdicts)}: where nothing is true, about one in 40 is "
            "called supported by chance. Whether published gains are percentage points or relative is not known.",
        ),
    )
    return [overview, *(_verdict(findings, group) for group in by_claim.values())]


def _verdict(findings: Findings, group: Sequence[Verdict]) -> Section:
    claim = group[0].claim
    unit = claim.unit
    unchecked = "nothing that was checked" if findings.confounds else "not checked"
    notes = [f"Rule: {group[0].rule}."]
    for one in group:
        if one.detectable is not None:
            size = f"{one.detectable:.3f} nats" if unit == "nats" else f"{100 * one.detectable:.1f} points"
            notes.append(f"{one.test}: would have found {size} in 80 of 100 such studies")
        notes += [f"{one.test}: {note}" for note in one.notes]
    return Section(
        name=f"claim-{claim.id}",
        heading=claim.text,
        chapter=VERDICTS,
        table=_table(
            group,
            (
                _text("test"),
                _text("verdict", "outcome"),
                _number(f"here, {unit}", "estimate", form="points" if unit == "points" else "number"),
                _text("published", lambda one: claim.published.get(one.test, "").replace(" %", "\u00a0%")),
                _text("what else the sets differ in", lambda one: "; ".join(one.confounds) or unchecked),
            ),
            f"{claim.pair[0]} against {claim.pair[1]}",
        ),
        notes=tuple(notes),
    )


def _place(one: Any) -> tuple[str, ...]:
    return (one.arm, getattr(one, "against", ""), one.domain, one.test, one.ask)


def _as_published(rows: Sequence[Any]) -> Callable[[Any], Cell]:
    """The value that the paper's method gives for a row; it has no interval by design."""
    found = {_place(one): one.estimate.value for one in rows if one.method == "ren2024"}
    return lambda one: found.get(_place(one))


def _prompt(findings: Findings) -> _Field:
    """Which prompt a row is about, where there are several."""
    return _text("prompt", lambda one: one.ask if len(findings.plan["asks"]) > 1 else None)


def _differences(findings: Findings) -> list[Section]:
    found = [one for one in findings.contrasts if one.method == "standard"]
    if not found:
        return []
    first = [one for one in found if one.ask == found[0].ask]
    pooled = [one for one in first if one.domain == ALL_DOMAINS] or first
    drawn = {f"{one.arm} − {one.against}, {one.test}": one.estimate for one in pooled}
    fields = (
        _text("difference", lambda one: f"{one.arm} − {one.against}"),
        _text("test"),
        _text("domain"),
        _prompt(findings),
        _number("points", "estimate", form="points"),
        _number("p", _p, form="p"),
        _number("questions", lambda one: one.estimate.n_units, form="count"),
        _number("runs", lambda one: one.estimate.n_clusters, form="count"),
        _number("as in the paper", _as_published(findings.contrasts), form="points"),
    )
    caption = "Differences in accuracy, mean of domains, paired by question and seed; lines are intervals over "
    return [
        Section(
            name="differences",
            heading="Differences between arms (Experiments I and II)",
            table=_table(found, fields, "differences in accuracy, paired by question and seed", is_folded=True),
            figure=Figure(
                form="intervals",
                rows=marks(drawn, "model"),
                caption=f"{caption}questions and runs.",
                options={"x_title": "difference in accuracy", "x_format": "+%", "zero": 0.0},
            ),
            notes=(_PAPER,),
        )
    ]


def _summarised(
    findings: Findings, rows: Sequence[Any], section: Section, fields: Sequence[_Field], caption: str
) -> list[Section]:
    """For each test the rows of the whole study, and, folded, those of its domains, in sections like the given one."""
    found: list[Section] = []
    for test, here in _by_test(rows).items():
        whole = [one for one in here if one.domain == ALL_DOMAINS or len(findings.plan["domains"]) == 1]
        parts = [one for one in here if one not in whole]
        name, heading = f"{section.name}-{test}", f"{section.heading}, {test}"
        like = replace(section, chapter=section.chapter or section.heading)
        # What is said of all tests stands with the first.
        like = replace(like, sentences=(), notes=()) if found else like
        drawn = section.name == "consistency" and any(point.test == test for point in findings.points)
        figure = _scatter(findings, test) if drawn else None
        found.append(replace(like, name=name, heading=heading, table=_table(whole, fields, caption), figure=figure))
        if parts:
            table = _table(parts, (fields[0], _text("domain"), *fields[1:]), caption, is_folded=True)
            name, heading = f"{name}-domains", f"{heading}, by domain"
            found.append(replace(like, name=name, heading=heading, table=table, sentences=(), notes=()))
    return found


def _accuracies(findings: Findings) -> list[Section]:
    fields = (
        _text("arm"),
        _prompt(findings),
        _number("right", "estimate", form="share"),
        _number("one run", _as_published(findings.accuracies), form="share"),
    )
    return _summarised(
        findings,
        [one for one in findings.accuracies if one.method == "standard"],
        Section(name="accuracy", heading="Accuracy", notes=(_PAPER.replace("As in the paper", "One run"),)),
        fields,
        "share of right answers, with 95 % interval over questions and runs",
    )


def _ratios(findings: Findings) -> list[Section]:
    chapter = "Share of own answers (Experiment III)"
    fields = (
        _text("domain"),
        _number("own answers", "ratio", form="share"),
        _number("right", "accuracy", form="share"),
        _number("over ratio 0, points", "gain", form="points"),
        _number("KL, nats", "kl"),
    )
    found = []
    for test, points in _by_test(findings.curve).items():
        accuracy, kl = (
            tuple({"x": one.ratio, "series": one.domain, **limits(getattr(one, of), "y")} for one in points)
            for of in ("accuracy", "kl")
        )
        found += [
            Section(
                name=f"ratios-{test}",
                heading=f"Accuracy, {test}",
                chapter=chapter,
                table=_table(points, fields, "accuracy and divergence by share of own answers", is_folded=True),
                figure=Figure(
                    form="lines",
                    rows=accuracy,
                    caption=f"Accuracy on {test} questions by share of questions that teach the model its own answer; "
                    "0 is incompatible, 1 self-aligning. Lines at points: 95 % intervals.",
                    options={**_MIXED, "y_title": "accuracy", "y_format": "%"},
                ),
            ),
            Section(
                name=f"ratios-{test}-divergence",
                heading=f"Divergence, {test}",
                chapter=chapter,
                figure=Figure(
                    form="lines",
                    rows=kl,
                    caption="How far beliefs moved: KL(base || tuned), both under the prompt of the evaluation.",
                    options={**_MIXED, "y_title": "KL from the base model (nats)"},
                ),
            ),
        ]
    best = (
        _text("test"),
        _number("over ratio 0, points", "over_0", form="points"),
        _number("over ratio 1, points", "over_1", form="points"),
        _text("chosen", lambda one: ", ".join(f"{r:g} ({100 * share:.0f} %)" for r, share in one.chosen.items())),
    )
    if findings.best:
        found.append(
            Section(
                name="ratios-best",
                heading="The best ratio between the ends",
                chapter=chapter,
                table=_table(findings.best, best, "accuracy at the best ratio, less that at either end"),
                notes=(
                    "The best of several noisy ratios looks too good; here it is chosen on other questions and other "
                    "runs than it is judged by.",
                ),
            )
        )
    return found


def _consistencies(findings: Findings) -> list[Section]:
    def arm(one: Consistency) -> str:
        is_floor = one.arm.startswith("base") or one.reference == OTHER_SEED
        return f"{one.arm} (floor)" if is_floor else one.arm

    def against(one: Consistency) -> str:
        return one.reference if one.method == "standard" else f"{one.reference} ({one.method})"

    named = (_text("arm", arm), _text("against", against))
    consistency = Section(name="consistency", heading="Consistency", chapter=_EXPERIMENT_4, sentences=(_FLOORS,))
    distance = Section(name="divergence", heading="Divergence", chapter=_EXPERIMENT_4)
    partial = (
        _text("test"),
        _text("method"),
        _number("correlation", "estimate"),
        _number("p", _p, form="p"),
        _number("mixtures", lambda one: one.estimate.n_units, form="count"),
        _text("within domains", _within),
    )
    found = [
        *_summarised(
            findings,
            findings.consistencies,
            consistency,
            (*named, _number("ranks", "rank"), _number("same choice", "agreement", form="share")),
            "mean rank correlation of the options' probabilities; share with the same most probable option",
        ),
        *_summarised(
            findings,
            findings.consistencies,
            distance,
            (*named, _number("KL", "kl"), _number("KL back", "reverse_kl"), _number("JS", "js")),
            "KL(before || after), KL(after || before) and Jensen-Shannon divergence, in nats",
        ),
    ]
    if findings.partials:
        notes = [f"{one.test}, {one.method}: {text}" for one in findings.partials for text in one.estimate.warnings]
        section = Section(
            name="partial-correlation",
            heading="Partial rank correlation of consistency and accuracy",
            chapter=_EXPERIMENT_4,
            table=_table(findings.partials, partial, "over domains and mixtures, base accuracy held equal"),
            notes=tuple(notes),
        )
        found.append(section)
    return found


def _within(one: Any) -> str:
    found: Estimate = one.estimate
    return ", ".join(f"{name.removeprefix('within ')} {value:.2f}" for name, value in found.baselines.items())


def _scatter(findings: Findings, test: str) -> Figure:
    slopes = [f"{line.domain} {line.slope:+.2f}" for line in findings.lines if line.test == test]
    fitted = f" Slope over the mixtures of a domain: {', '.join(slopes)}." if slopes else ""
    return Figure(
        form="scatter",
        rows=tuple(
            {"x": one.consistency, "y": one.accuracy, "series": one.domain, "label": one.arm}
            for one in findings.points
            if one.test == test
        ),
        caption=f"Consistency with the base model under the same prompt, and accuracy, on {test} questions.{fitted}",
        options={"x_title": "mean rank correlation with the base model", "y_title": "accuracy", "y_format": "%"},
    )


def _confidences(findings: Findings) -> list[Section]:
    calibrated = (
        _text("arm"),
        _number("Brier", "brier"),
        _number("surer than right", "excess", form="points"),
        _number("error", "ece"),
        _number("if perfect", lambda one: one.ece.baselines.get("noise floor")),
    )
    thresholds = dict.fromkeys(part.threshold for one in findings.confidences for part in one.abstention)
    silent = [_text("arm")]
    for threshold in thresholds:
        for name, of in ((f"answered at {threshold:g}", "coverage"), (f"right at {threshold:g}", "accuracy")):
            silent.append(_number(name, lambda one, k=threshold, of=of: _abstained(one, k, of), form="share"))  # type: ignore[misc]
    chapter = "Calibration and abstention"
    return [
        *_summarised(
            findings,
            findings.confidences,
            Section(
                name="calibration",
                heading="Calibration",
                chapter=chapter,
                notes=("Error: calibration error; the column after it is what perfect confidence would show.",),
            ),
            calibrated,
            "whether confidence means what it says; confidence less accuracy in points",
        ),
        *_summarised(
            findings,
            findings.confidences,
            Section(name="abstention", heading="Abstention", chapter=chapter),
            silent,
            "what a model gets right if it answers only where its confidence, above chance, reaches a threshold",
        ),
    ]


def _abstained(one: Any, threshold: float, of: str) -> Cell:
    found: Estimate | None = next((getattr(part, of) for part in one.abstention if part.threshold == threshold), None)
    return found


def _forgetting(findings: Findings) -> list[Section]:
    if not findings.retention:
        return []
    fields = (
        _text("arm"),
        _text("trained on", "domain"),
        _number("change", form="points"),
        _number("lost", form="share"),
        _number("gained", form="share"),
        _number("differ by seed", "reseeded", form="share"),
    )
    note = (
        "Lost: right before, wrong after. Some are lost and gained by chance: the last column is how many differ "
        "between two trainings of the same arm."
    )
    caption = "out-of-domain questions, against the base model under the same prompt"
    return [
        Section(
            name="forgetting",
            heading="Forgetting on unrelated questions",
            table=_table(findings.retention, fields, caption),
            notes=(note,),
        )
    ]


def _confounds(findings: Findings) -> list[Section]:
    chapter = "Confounds"
    if not findings.confounds:
        told = "The training sets were not given to the analysis, so nothing can be said of what else they differ in."
        return [Section(name="confounds", heading=chapter, sentences=(told,))]
    found = []
    for arm, against in dict.fromkeys((one.arm, one.against) for one in findings.confounds):
        here = [one for one in findings.confounds if (one.arm, one.against) == (arm, against)]
        fields = (
            _text("check"),
            _text("domain"),
            _text(arm, "mine"),
            _text(against, "theirs"),
            _text("result", lambda one: "differs" if one.is_flagged else "passes"),
        )
        found.append(
            Section(
                name=f"confounds-{arm}-{against}",
                heading=f"{arm} against {against}",
                chapter=chapter,
                table=_table(here, fields, "what the sets differ in besides what the claim is about"),
                notes=tuple(dict.fromkeys(f"{one.check}: {one.rule}" for one in here)),
            )
        )
    return found
