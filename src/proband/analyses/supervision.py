"""What a study of other supervisors, or of several objectives, found, as sections."""

from collections.abc import Mapping
from functools import partial

from proband.analyses.intervention_columns import by_test, number, table_of, text
from proband.analyses.section import Cell, Figure, Section, limits
from proband.estimates import Estimate
from proband.tuning.analysis.accuracy import ALL_DOMAINS
from proband.tuning.analysis.findings import Findings
from proband.tuning.analysis.supervision import Round

_GAP = "Weak to strong"
_ROUNDS = "Own labels, round after round"


def supervision_sections(findings: Findings) -> list[Section]:
    """First what the study is about; nothing where it has neither supervisors nor objectives."""
    return [] if findings.supervision is None else [*_gaps(findings), *_rounds(findings), *_objectives(findings)]


def _gaps(findings: Findings) -> list[Section]:
    found = findings.supervision
    if found is None or not found.gaps:
        return []
    fields = (
        text("arm"),
        text("domain"),
        text("questions", lambda one: f"{one.questions} ({one.n_questions})"),
        number("labeller", "weak", form="share"),
        number("this arm", "supervised", form="share"),
        number("trained on the key", "ceiling", form="share"),
        number("gap recovered", "estimate"),
    )
    notes = (
        "Gap recovered: 0 is no better than the labeller, 1 as good as training on the key. Its interval is over "
        "questions and runs (Fieller); it is left out where the gap is within chance, and the number where there is no "
        "gap. The base model zero-shot was trained on no label: an arm that recovers no more has learned nothing from "
        "its labels. By what the base model knew: what it had right, asked with worked examples, before training.",
        *found.notes,
    )
    sections: list[Section] = []
    for test, every in by_test(found.gaps).items():
        whole = _whole(findings)
        rows = [one for one in every if one.domain == whole]
        parts = [one for one in every if one.domain != whole]
        refused = dict.fromkeys(
            f"{one.questions}: {reason}"
            for one in rows
            if one.estimate.interval is None
            for reason in one.estimate.warnings[-1:]
        )
        sections.append(
            Section(
                name=f"gap-recovered-{test}",
                heading=f"Performance gap recovered, {test}",
                chapter=_GAP,
                table=table_of(rows, fields, f"accuracy on {test} questions, and the share of the gap recovered"),
                notes=notes if not sections else (),
                warnings=tuple(refused),
            )
        )
        if parts:
            sections.append(
                Section(
                    name=f"gap-recovered-{test}-domains",
                    heading=f"Performance gap recovered, {test}, by domain",
                    chapter=_GAP,
                    table=table_of(parts, fields, f"accuracy on {test} questions", is_folded=True),
                )
            )
    return sections


def _rounds(findings: Findings) -> list[Section]:
    found = findings.supervision
    if found is None or not found.rounds:
        return []
    excess = _excess(findings)
    tests = dict.fromkeys(test for one in found.rounds for test in one.tested)
    fields = (
        text("labels"),
        number("round", "number", form="count"),
        number("labels taught", "questions", form="count"),
        number("of them right", "right", form="share"),
        number("changed", form="share"),
        number("confidence", form="share"),
        number("entropy"),
        number("favoured place", "place", form="points"),
        number("right", "accuracy", form="share"),
    )
    tested = (
        text("labels"),
        number("round", "number", form="count"),
        *(number(f"right, {test}", partial(_tested, test=test), form="share") for test in tests),
        *(number(f"excess, {test}", partial(_beyond, excess=excess, test=test), form="points") for test in tests),
    )
    drawn = tuple(
        {"x": one.number, "series": f"{one.labels}: {name}", **limits(value, "y")}
        for one in found.rounds
        for name, value in (("confidence", one.confidence), ("right", one.accuracy))
    )
    return [
        Section(
            name="rounds",
            heading="Beliefs by round",
            chapter=_ROUNDS,
            table=table_of(found.rounds, fields, "on the questions that may be trained on; entropy in nats"),
            figure=Figure(
                form="lines",
                rows=drawn,
                caption="Confidence, and share of right answers, by round of training on own labels.",
                options={"x_title": "round", "y_title": "share", "y_format": "%"},
            ),
            notes=(
                "Round 0 is the base model. Changed: answers that are others than a round before. Favoured place: how "
                "much more often than the key the most chosen place of an option is chosen.",
                *found.notes,
            ),
        ),
        Section(
            name="rounds-tests",
            heading="Tests by round",
            chapter=_ROUNDS,
            table=table_of(found.rounds, tested, "held-out questions; excess over noise alone at equal consistency"),
        ),
    ]


def _objectives(findings: Findings) -> list[Section]:
    found = findings.supervision
    if found is None or not found.objectives:
        return []
    excess = _excess(findings)
    fields = (
        text("objective", "name"),
        number("learned, points", "learned", form="points"),
        number("forgotten, points", "forgotten", form="points"),
        number("KL, nats", "kl"),
        number("excess at home", lambda one: excess.get((one.name, "homogeneous")), form="points"),
        number("excess away", lambda one: excess.get((one.name, "out-of-domain")), form="points"),
        number("seconds"),
        number("tokens computed", lambda one: round(one.tokens), form="count"),
    )
    return [
        Section(
            name="objectives",
            heading="Objectives on one set",
            table=table_of(found.objectives, fields, "what each learned, forgot and moved, against the base model"),
            notes=(
                "Learned: more of the taught answers given on the questions taught. Forgotten: change in accuracy on "
                "questions of other domains; KL(base || tuned) on the same. Excess: accuracy less that of noise alone "
                "at equal consistency. Seconds: of one training.",
                *found.notes,
            ),
        )
    ]


def _excess(findings: Findings) -> Mapping[tuple[str, str], Estimate]:
    """Excess by ranks, over all domains, by arm and test."""
    return {(one.arm, one.test): one.rank for one in findings.excesses if one.domain == _whole(findings)}


def _whole(findings: Findings) -> str:
    """What the domain of rows over all domains is called."""
    domains = findings.plan["domains"]
    return ALL_DOMAINS if len(domains) > 1 else str(domains[0])


def _tested(one: Round, *, test: str) -> Cell:
    return one.tested.get(test)


def _beyond(one: Round, *, excess: Mapping[tuple[str, str], Estimate], test: str) -> Cell:
    return excess.get((f"{one.labels}-{one.number}", test))
