"""What a library says: sentences with what they rest on, what was removed, and what papers report."""

from collections import Counter
from collections.abc import Sequence

from proband.analyses.answers import tabled
from proband.analyses.section import Cell, Section
from proband.literature.evidence.effects import effects_by_measure, pooled
from proband.literature.evidence.exporting import cited_line, matrix, reference
from proband.literature.evidence.extraction import Extraction
from proband.literature.evidence.synthesis import Synthesis
from proband.literature.records.library import Library

_MOST = 40  # removed sentences, and papers, that are shown


def synthesis_sections(found: Synthesis) -> list[Section]:
    """Sentences that stand with their references and the words they rest on; and those that were removed, with why."""
    records = found.cited
    numbers = {record.id: k for k, record in enumerate(records, start=1)}
    rests = [
        (sentence.text, numbers[span.record], span.page, " ".join(span.text.split()))
        for sentence in found.sentences
        for span in found.shown.cited(sentence)
    ]
    told = tuple(cited_line(found, sentence, numbers) for sentence in found.sentences) or (found.silence,)
    sections = [
        Section(
            name="synthesis",
            heading=found.question or "What the records say",
            sentences=told,
            notes=found.told if found.checked else (),
            claims=(
                "It may be said that the records cited say this. Whether they are right, and whether the library holds "
                "all that was published, is another question.",
            ),
            methods=("Every sentence cites spans of abstracts by number; sentences that failed a check are left out.",),
        )
    ]
    if not found.sentences:
        return [*sections, *_removed(found)]
    sections.append(
        Section(name="references", heading="References", table=tabled(
            {"number": "count", "reference": "text"}, [(numbers[r.id], reference(r)) for r in records]))
    )  # fmt: skip
    sections.append(
        Section(name="rests-on", heading="What each sentence rests on", table=tabled(
            {"sentence": "text", "reference": "count", "page": "count", "words": "text"}, rests, is_folded=True))
    )  # fmt: skip
    return [*sections, *_removed(found)]


def _removed(found: Synthesis) -> list[Section]:
    if not found.removed:
        return []
    rows: list[tuple[Cell, ...]] = [(one.sentence.text, one.failed, one.why) for one in found.removed[:_MOST]]
    counts = Counter(one.failed for one in found.removed)
    told = f"{len(found.removed)} of {len(found.checked)} sentences were removed: " + ", ".join(
        f"{n} failed {check!r}" for check, n in counts.items()
    )
    table = tabled({"sentence": "text", "check": "text", "why": "text"}, rows, is_folded=True)
    return [Section(name="removed", heading="Removed", sentences=(f"{told}.",), table=table)]


def evidence_sections(found: Extraction, library: Library) -> list[Section]:
    """Papers by fields; how far extractors agree; effects of one measure pooled, where three papers report one."""
    wide = matrix(found.table, library)
    fields = [field for field in found.fields if field in wide.columns]
    rows: Sequence[tuple[Cell, ...]] = wide.select("reference", *fields).head(_MOST).rows()
    n = len(library)
    filled = {field: wide[field].drop_nulls().len() for field in fields}
    told = ", ".join(f"{field} in {k}" for field, k in filled.items())
    notes = [f"{len(found.dropped)} values were dropped, whose words are not the papers'."] * bool(found.dropped)
    notes += [f"Of {len(found.mute)} papers a reply was no record; they do not count in the agreement."] * bool(
        found.mute
    )
    notes += [f"The first {_MOST} papers are shown."] * (n > _MOST)
    sections = [
        Section(
            name="evidence", heading="What papers report", notes=tuple(notes),
            sentences=(f"{n} papers, by {' and '.join(found.extractors)}: {told or 'nothing was found'}.",),
            table=tabled(dict.fromkeys(("reference", *fields), "text"), rows) if fields else None,
        )
    ]  # fmt: skip
    agreed = []
    if len(found.extractors) > 1:
        agreed = [(field, share, alpha) for field, (share, alpha) in found.agreement().items()]
    if agreed:
        table = tabled({"field": "text", "same": "share", "alpha": "number"}, agreed,
                       "Papers for which all extractors have the same, and Krippendorff's alpha")  # fmt: skip
        sections.append(Section(name="evidence-agreement", heading="Agreement of extractors", table=table))
    for measure, effects in effects_by_measure(found.cells).items():
        if len(effects) >= 3:
            pool = pooled(found.cells, measure)
            table = tabled(
                {"quantity": "text", "estimate": "number"},
                [("mean effect", pool.pooled), ("one more study", pool.prediction), ("variance (tau2)", pool.tau2)],
                f"{measure}, {len(effects)} papers, random effects; ratios as logarithms, correlations as Fisher's z",
            )
            sections.append(Section(name=f"effects-{measure}", heading=f"Effects: {measure}", table=table,
                                    warnings=pool.pooled.warnings))  # fmt: skip
    return sections
