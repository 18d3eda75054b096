"""What models know of a quiz that was answered in writing, greedily and sampled."""

from collections import Counter
from collections.abc import Mapping, Sequence

from proband.analyses.answers import Form, tabled
from proband.analyses.quizzed import CHAPTER, Quizzed, mean_over_questions
from proband.analyses.section import Cell, Section
from proband.estimates import Estimate
from proband.measures.knowledge.slick import CATEGORIES
from proband.tuning.probing.sampling import grade, written_counts

Counts = Mapping[str, Sequence[int]]  # question -> right and counted greedy answers, right and counted samples


def written_sections(quizzed: Quizzed) -> tuple[Section, ...]:
    """Accuracy of the written answers, and the grades they give."""
    counts = {place: written_counts(quizzed.rows(place), quizzed.bank) for place in quizzed.places}
    accuracy: list[tuple[Cell, ...]] = []
    grades: list[tuple[Cell, ...]] = []
    notes: dict[str, None] = {}
    for place, domain, ids in quizzed.by_domain(counts):
        known = counts[place]
        named = (*quizzed.cells(place), domain)
        accuracy.append((*named, len(ids), _share(known, ids, 0), _share(known, ids, 2)))
        graded = [known[id] for id in ids if known[id][1] and (known[id][0] or known[id][3])]
        if graded:
            found = grade(graded)
            names = Counter(found.categories)
            grades.append((*named, *(names[grade] for grade in CATEGORIES)))
            notes |= dict.fromkeys(found.warnings[:1] if len(known) == len(ids) else ())
    share: Form = ("share", "model")
    return (
        Section(
            name="knowledge-accuracy",
            heading="Accuracy",
            chapter=CHAPTER,
            table=tabled(
                {**quizzed.forms, "questions": "count", "right, greedy": share, "right, sampled": share},
                accuracy,
                "share of written answers that name the right option, with 95 % interval over questions",
            ),
            notes=("An answer that names no option is a wrong one; one that failed or was cut off is not counted.",),
        ),
        Section(
            name="knowledge-grades",
            heading="Grades of knowledge (SliCK)",
            chapter=CHAPTER,
            table=tabled({**quizzed.forms, **dict.fromkeys(CATEGORIES, "count")}, grades, "questions by grade"),
            notes=(
                "Gekhman et al. (2024): every greedy answer right; some; none, but some sampled one; none at all. A "
                "question without a right greedy answer that was not sampled has no grade.",
                *notes,
            ),
        ),
    )


def _share(counts: Counts, ids: Sequence[str], first: int) -> Estimate | None:
    """Mean over questions of the share of right answers; the greedy ones stand first, the samples third."""
    shares = {id: counts[id][first] / counts[id][first + 1] for id in ids if counts[id][first + 1]}
    how = "sampled" if first else "greedy"
    return mean_over_questions(shares, "share", f"share of {how} answers that are right") if shares else None
