"""Verdicts on the claims of a study of knowledge interventions, beside what else the training sets differ in."""

from collections.abc import Sequence

from proband.analyses.intervention_columns import number, table_of, text
from proband.analyses.section import Section
from proband.tuning.analysis.claims import Verdict
from proband.tuning.analysis.findings import Findings
from proband.tuning.analysis.pooling import ALL_BASES

VERDICTS = "Verdicts on the claims"
_UNTRAINED = "No pair of arms of the paper was trained."
_UNCHECKED = "The training sets were not given to the analysis, so nothing can be said of what else they differ in."
_DIFFER = "what else the sets differ in"


def verdict_sections(findings: Findings) -> list[Section]:
    """Claims by tests as one matrix, then a section for each claim, then every base and domain by itself."""
    if not findings.verdicts:
        return [Section(name="verdicts", heading=VERDICTS, chapter=VERDICTS, sentences=(_UNTRAINED,))]
    pooled = whole(findings)
    notes = (
        f"Verdicts are not adjusted for being {len(pooled)}: where nothing is true, about one in 40 is called "
        "supported by chance. Whether published gains are percentage points or relative is not known.",
    )
    found = [_matrix(findings, pooled, Section(name="verdicts", heading="All claims", notes=notes))]
    if findings.plan["bases"]:
        by_base = [one for one in findings.verdicts if one.base != ALL_BASES]
        found.append(_matrix(findings, by_base, Section(name="verdicts-bases", heading="Each base model by itself")))
    found += [_claim(findings, group) for group in _by_claim(pooled).values()]
    return [*found, *_strata(pooled)]


def whole(findings: Findings) -> list[Verdict]:
    """The verdicts on the study as a whole: of the one base model, or of all."""
    return [one for one in findings.verdicts if one.base in ("", ALL_BASES)]


def _by_claim(verdicts: Sequence[Verdict]) -> dict[tuple[str, str], list[Verdict]]:
    groups: dict[tuple[str, str], list[Verdict]] = {}
    for one in verdicts:
        groups.setdefault((one.claim.id, one.base), []).append(one)
    return groups


def _matrix(findings: Findings, verdicts: Sequence[Verdict], like: Section) -> Section:
    # As numbers, so that a narrow terminal names the test of each.
    fields = [
        number(
            test,
            lambda group, test=test: next((_outcome(v) for v in group if v.test == test), None),  # type: ignore[misc]
        )
        for test in dict.fromkeys(one.test for one in verdicts)
    ]
    table = table_of(
        list(_by_claim(verdicts).values()),
        [
            text("claim", lambda group: group[0].claim.text.removesuffix(".")),
            text("base model", lambda group: group[0].base if group[0].base != ALL_BASES else None),
            *fields,
            text(_DIFFER, lambda group: _confounds(findings, group[0])),
        ],
        "claims of the paper by test, over all domains" if len(findings.plan["domains"]) > 1 else "claims, by test",
    )
    return Section(name=like.name, heading=like.heading, chapter=VERDICTS, table=table, notes=like.notes)


def _outcome(verdict: Verdict) -> str:
    """Verdict and size, as the matrix has them."""
    value = verdict.estimate.value
    if value != value:
        return verdict.outcome
    return f"{verdict.outcome}, {_sized(verdict, value, '+')}"


def _sized(verdict: Verdict, value: float, sign: str = "") -> str:
    is_share = verdict.claim.unit == "points"
    return f"{100 * value:{sign}.1f} points" if is_share else f"{value:{sign}.3f} nats"


def _confounds(findings: Findings, verdict: Verdict) -> str:
    return "; ".join(verdict.confounds) or ("nothing that was checked" if findings.confounds else "not checked")


def _claim(findings: Findings, group: Sequence[Verdict]) -> Section:
    claim = group[0].claim
    notes = [f"Rule: {group[0].rule}."]
    for one in group:
        if one.detectable is not None:
            notes.append(f"{one.test}: would have found {_sized(one, one.detectable)} in 80 of 100 such studies")
        notes += [f"{one.test}: {note}" for note in one.notes]
    return Section(
        name=f"claim-{claim.id}",
        heading=claim.id.replace("-", " ").replace("self aligning", "self-aligning").capitalize(),
        chapter=VERDICTS,
        sentences=(claim.text, f"What else the sets differ in: {_confounds(findings, group[0])}."),
        table=table_of(
            group,
            (
                text("test"),
                text("verdict", "outcome"),
                number(f"here, {claim.unit}", "estimate", form="points" if claim.unit == "points" else "number"),
                number("domains alike, p", "heterogeneity", form="p"),
                text("published", lambda one: claim.published.get(one.test, "").replace(" %", "\u00a0%")),
            ),
            f"{claim.pair[0]} against {claim.pair[1]}",
        ),
        notes=tuple(notes),
    )


def _strata(verdicts: Sequence[Verdict]) -> list[Section]:
    rows = [(one, name, found) for one in verdicts for name, found in one.by_stratum.items()]
    if not rows:
        return []
    fields = (
        text("claim", lambda row: row[0].claim.text),
        text("test", lambda row: row[0].test),
        text("where", lambda row: row[1]),
        number("points", lambda row: row[2] if row[0].claim.unit == "points" else None, form="points"),
        number("nats", lambda row: row[2] if row[0].claim.unit == "nats" else None),
    )
    note = "Domains alike: Cochran's Q of these numbers. Where bases or domains share questions, the test is careful."
    return [
        Section(
            name="claims-apart",
            heading="Every domain by itself",
            chapter=VERDICTS,
            table=table_of(rows, fields, "what each claim rests on, by domain", is_folded=True),
            notes=(note,),
        )
    ]


def confound_sections(findings: Findings) -> list[Section]:
    """For every pair of arms what differs, in words, and on demand every check with its rule."""
    chapter = "Confounds"
    if not findings.confounds:
        return [Section(name="confounds", heading=chapter, sentences=(_UNCHECKED,))]
    found = []
    for arm, against in dict.fromkeys((one.arm, one.against) for one in findings.confounds):
        here = [one for one in findings.confounds if (one.arm, one.against) == (arm, against)]
        flagged = [one for one in here if one.is_flagged]
        name, heading = f"confounds-{arm}-{against}", f"{arm} against {against}"
        sides = (text(arm, "mine"), text(against, "theirs"))
        checks = len({one.check for one in here})
        found += [
            Section(
                name=name,
                heading=heading,
                chapter=chapter,
                sentences=() if flagged else (f"These sets differ in none of {checks} checks.",),
                table=table_of(flagged, (text("what differs", "told"), text("domain"), *sides), "what differs")
                if flagged
                else None,
            ),
            Section(
                name=f"{name}-all",
                heading=f"{heading}, every check",
                chapter=chapter,
                table=table_of(
                    here,
                    (
                        text("check"),
                        text("domain"),
                        *sides,
                        text("result", lambda one: "differs" if one.is_flagged else "passes"),
                    ),
                    "all that was compared besides what the claim is about",
                    is_folded=True,
                ),
                notes=tuple(dict.fromkeys(f"{one.check}: {one.rule}" for one in here)),
            ),
        ]
    return found
