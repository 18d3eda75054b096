"""What a study of knowledge interventions found, as sections: verdicts beside confounds, and every table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from proband.analyses.intervention_columns import Field, by_test, number, place, table_of, tested, text
from proband.analyses.intervention_steps import step_sections
from proband.analyses.intervention_verdicts import confound_sections, verdict_sections
from proband.analyses.section import Cell, CellForm, Figure, Section, limits, marks
from proband.analyses.supervision import supervision_sections
from proband.estimates import Estimate
from proband.tuning.analysis.accuracy import ALL_DOMAINS
from proband.tuning.analysis.consistency import OTHER_SEED, Consistency
from proband.tuning.analysis.findings import Findings

_PAPER = "As in the paper: one run, the first seed, no interval."
_EXPERIMENT_4 = "Consistency with the base model (Experiment IV)"
_FLOORS = (
    "The floors say what these numbers are without any change of knowledge: the base model against itself under the "
    f"other prompt, and one training against another with a new seed (“{OTHER_SEED}”). A change no larger than theirs "
    "is no sign that knowledge changed."
)
_CHOSEN = (
    "The best of several noisy ratios looks too good; here it is chosen on other questions and other runs than it is "
    "judged by."
)
_NOISE = (
    "Gaussian noise on the base model's own option probabilities lowers consistency and accuracy together. Excess is "
    "accuracy less that of noise at equal consistency; 0 is what noise alone would show."
)
_MIXED: Mapping[str, object] = {"x_title": "share of the model's own answers", "x_format": "%"}


@dataclass(frozen=True, slots=True)
class _Abstained:
    """What one arm answers, and gets right, at one threshold of confidence."""

    arm: str
    domain: str
    test: str
    base: str
    threshold: float
    coverage: Estimate
    accuracy: Estimate


def sections_of(findings: Findings) -> list[Section]:
    """Everything that the analysis found, verdicts first."""
    parts = (
        supervision_sections,
        verdict_sections,
        _differences,
        _accuracies,
        _ratios,
        _consistencies,
        _beyond_noise,
        _confidences,
        _fit,
        _forgetting,
        step_sections,
        confound_sections,
    )
    return [section for part in parts for section in part(findings)]


def _place(one: Any) -> tuple[str, ...]:
    return (one.arm, getattr(one, "against", ""), one.base, one.domain, one.test, one.ask)


def _as_published(rows: Sequence[Any]) -> Callable[[Any], Cell]:
    """The value that the paper's method gives for a row; it has no interval by design."""
    found = {_place(one): one.estimate.value for one in rows if one.method == "ren2024"}
    return lambda one: found.get(_place(one))


def _prompt(findings: Findings) -> Field:
    """Which prompt a row is about, where there are several."""
    return text("prompt", lambda one: one.ask if len(findings.plan["asks"]) > 1 else None)


def _differences(findings: Findings) -> list[Section]:
    found = [one for one in findings.contrasts if one.method == "standard"]
    if not found:
        return []
    first = [one for one in found if one.ask == found[0].ask]
    pooled = [one for one in first if one.domain == ALL_DOMAINS] or first
    drawn = {
        f"{one.arm} − {one.against}, {one.test}{f', {one.base}' if one.base else ''}": one.estimate for one in pooled
    }
    fields = (
        text("difference", lambda one: f"{one.arm} − {one.against}"),
        text("test"),
        text("domain"),
        _prompt(findings),
        number("points", "estimate", form="points"),
        number("p", tested, form="p"),
        number("questions", lambda one: one.estimate.n_units, form="count"),
        number("runs", lambda one: one.estimate.n_clusters, form="count"),
        number("as in the paper", _as_published(findings.contrasts), form="points"),
    )
    caption = "Differences in accuracy, mean of domains, paired by question and seed; lines are intervals over "
    return [
        Section(
            name="differences",
            heading="Differences between arms (Experiments I and II)",
            table=table_of(found, fields, "differences in accuracy, paired by question and seed", is_folded=True),
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
    findings: Findings, rows: Sequence[Any], section: Section, fields: Sequence[Field], caption: str
) -> list[Section]:
    """For each test the rows of the whole study, and, folded, those of its domains, in sections like the given one."""
    found: list[Section] = []
    for test, here in by_test(rows).items():
        whole = [one for one in here if one.domain == ALL_DOMAINS or len(findings.plan["domains"]) == 1]
        parts = [one for one in here if one not in whole]
        name, heading = f"{section.name}-{test}", f"{section.heading}, {test}"
        like = replace(section, chapter=section.chapter or section.heading)
        # What is said of all tests stands with the first.
        like = replace(like, sentences=(), notes=()) if found else like
        drawn = section.name == "consistency" and any(point.test == test for point in findings.points)
        figure = _scatter(findings, test) if drawn else None
        found.append(replace(like, name=name, heading=heading, table=table_of(whole, fields, caption), figure=figure))
        if parts:
            table = table_of(parts, (fields[0], text("domain"), *fields[1:]), caption, is_folded=True)
            name, heading = f"{name}-domains", f"{heading}, by domain"
            found.append(replace(like, name=name, heading=heading, table=table, sentences=(), notes=()))
    return found


def _accuracies(findings: Findings) -> list[Section]:
    fields = (
        text("arm"),
        _prompt(findings),
        number("right", "estimate", form="share"),
        number("one run", _as_published(findings.accuracies), form="share"),
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
        text("domain"),
        number("own answers", "ratio", form="share"),
        number("right", "accuracy", form="share"),
        number("over ratio 0, points", "gain", form="points"),
        number("KL, nats", "kl"),
        number("entropy, nats", "entropy"),
    )
    found = []
    for test, points in by_test(findings.curve).items():
        accuracy, kl = (
            tuple({"x": one.ratio, "series": place(one), **limits(getattr(one, of), "y")} for one in points)
            for of in ("accuracy", "kl")
        )
        found += [
            Section(
                name=f"ratios-{test}",
                heading=f"Accuracy, {test}",
                chapter=chapter,
                table=table_of(points, fields, "accuracy and divergence by share of own answers", is_folded=True),
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
    measures: tuple[tuple[str, str, CellForm], ...] = (("accuracy", "points", "points"), ("kl", "nats", "number"))
    for of, unit, form in measures:
        best = (
            text("test"),
            number(f"against ratio 0, {unit}", "over_0", form=form),
            number(f"against ratio 1, {unit}", "over_1", form=form),
            text("chosen", lambda one: ", ".join(f"{r:g} ({100 * share:.0f} %)" for r, share in one.chosen.items())),
        )
        if rows := [one for one in findings.best if one.of == of]:
            what = "accuracy at the best ratio, less that at either end"
            told = what if of == "accuracy" else "KL from the base model at either end, less that at the best ratio"
            found.append(
                Section(
                    name="ratios-best" if of == "accuracy" else "ratios-best-divergence",
                    heading="The best ratio between the ends" if of == "accuracy" else "The least divergence between",
                    chapter=chapter,
                    table=table_of(rows, best, told),
                    notes=(_CHOSEN,) if of == "accuracy" else (),
                )
            )
    return found


def _consistencies(findings: Findings) -> list[Section]:
    def arm(one: Consistency) -> str:
        is_floor = one.arm.startswith("base") or one.reference == OTHER_SEED
        return f"{one.arm} (floor)" if is_floor else one.arm

    def against(one: Consistency) -> str:
        return one.reference if one.method == "standard" else f"{one.reference} ({one.method})"

    named = (text("arm", arm), text("against", against))
    consistency = Section(name="consistency", heading="Consistency", chapter=_EXPERIMENT_4, sentences=(_FLOORS,))
    distance = Section(name="divergence", heading="Divergence", chapter=_EXPERIMENT_4)
    partial = (
        text("test"),
        text("method"),
        number("correlation", "estimate"),
        number("p", tested, form="p"),
        number("mixtures", lambda one: one.estimate.n_units, form="count"),
        text("within domains", _within),
    )
    found = [
        *_summarised(
            findings,
            findings.consistencies,
            consistency,
            (*named, number("ranks", "rank"), number("same choice", "agreement", form="share")),
            "mean rank correlation of the options' probabilities; share with the same most probable option",
        ),
        *_summarised(
            findings,
            findings.consistencies,
            distance,
            (*named, number("KL", "kl"), number("KL back", "reverse_kl"), number("JS", "js")),
            "KL(before || after), KL(after || before) and Jensen-Shannon divergence, in nats",
        ),
    ]
    if findings.partials:
        notes = [f"{one.test}, {one.method}: {text}" for one in findings.partials for text in one.estimate.warnings]
        section = Section(
            name="partial-correlation",
            heading="Partial rank correlation of consistency and accuracy",
            chapter=_EXPERIMENT_4,
            table=table_of(findings.partials, partial, "over domains and mixtures, base accuracy held equal"),
            notes=tuple(notes),
        )
        found.append(section)
    return found


def _within(one: Any) -> str:
    found: Estimate = one.estimate
    return ", ".join(f"{name.removeprefix('within ')} {value:.2f}" for name, value in found.baselines.items())


def _scatter(findings: Findings, test: str) -> Figure:
    """Arms, and for each of their series the line that noise alone would draw, as far as they reach."""
    slopes = [f"{place(line)} {line.slope:+.2f}" for line in findings.lines if line.test == test]
    fitted = f" Slope over the mixtures of a domain: {', '.join(slopes)}." if slopes else ""
    points = [one for one in findings.points if one.test == test]
    series = {place(one) for one in points}
    least = min(one.consistency for one in points)
    noise = [one for one in findings.noise if one.test == test and place(one) in series]
    return Figure(
        form="scatter",
        rows=(
            *({"x": p.consistency, "y": p.accuracy, "series": place(p), "label": p.arm} for p in points),
            *(
                {"x": p.rank, "y": p.accuracy, "series": place(p), "label": "noise alone", "is_line": True}
                for p in noise
                if p.rank >= min(least - 0.1, 0.8)
            ),
        ),
        caption=f"Consistency with the base model under the same prompt, and accuracy, on {test} questions. "
        f"Lines: noise alone on the base model's own probabilities.{fitted}",
        options={"x_title": "mean rank correlation with the base model", "y_title": "accuracy", "y_format": "%"},
    )


def _beyond_noise(findings: Findings) -> list[Section]:
    by_measure = [
        number(f"at equal {name}", of, form="points") for name, of in (("ranks", "rank"), ("KL", "kl"), ("JS", "js"))
    ]
    found = _summarised(
        findings,
        findings.excesses,
        Section(name="excess", heading="Accuracy beyond noise", chapter=_EXPERIMENT_4, sentences=(_NOISE,)),
        (text("arm"), *by_measure),
        "accuracy less that of noise at equal consistency with the base model, in points",
    )
    if findings.steepness:
        found.append(
            Section(
                name="steepness",
                heading="More against less consistent mixtures",
                chapter=_EXPERIMENT_4,
                table=table_of(
                    findings.steepness,
                    (text("test"), text("domain"), number("points", "estimate", form="points")),
                    "excess of the more consistent mixtures, less that of the less consistent ones",
                ),
            )
        )
    return found


def _fit(findings: Findings) -> list[Section]:
    if not findings.fits:
        return []
    fields = (
        text("arm"),
        text("domain"),
        number("taught answers given", "taught", form="share"),
        number("where known", "known", form="share"),
        number("where unknown", "unknown", form="share"),
    )
    note = "Known: the base model's probe had the right answer in some degree; unknown: it was graded Unknown."
    return [
        Section(
            name="fit",
            heading="Fit to the training questions",
            table=table_of(findings.fits, fields, "share of taught answers that are given on own questions"),
            notes=(note,),
        )
    ]


def _confidences(findings: Findings) -> list[Section]:
    calibrated = (
        text("arm"),
        number("Brier", "brier"),
        number("surer than right", "excess", form="points"),
        number("error", "ece"),
        number("if perfect", lambda one: one.ece.baselines.get("noise floor")),
    )
    silent = (
        text("arm"),
        number("threshold"),
        number("answered", "coverage", form="share"),
        number("right", "accuracy", form="share"),
    )
    abstained = [
        _Abstained(one.arm, one.domain, one.test, one.base, part.threshold, part.coverage, part.accuracy)
        for one in findings.confidences
        for part in one.abstention
    ]
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
            abstained,
            Section(name="abstention", heading="Abstention", chapter=chapter),
            silent,
            "what a model gets right if it answers only where its confidence, above chance, reaches a threshold",
        ),
    ]


def _forgetting(findings: Findings) -> list[Section]:
    if not findings.retention:
        return []
    fields = (
        text("arm"),
        text("trained on", "domain"),
        number("change", form="points"),
        number("lost", form="share"),
        number("gained", form="share"),
        number("differ by seed", "reseeded", form="share"),
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
            table=table_of(findings.retention, fields, caption),
            notes=(note,),
        )
    ]
