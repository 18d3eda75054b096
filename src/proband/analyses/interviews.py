"""Interviews: what of the guide was asked and how, what repeats itself, and what a scripted witness gave away."""

from collections.abc import Mapping, Sequence

from proband.analyses.answers import percent, tabled
from proband.analyses.plays import mean_of
from proband.analyses.section import Analysis, Cell, CellForm, Section
from proband.estimates import Estimate
from proband.interviews.asking import SILENT
from proband.interviews.course import Course
from proband.interviews.design import Sitting
from proband.interviews.scoring import Score, advice, score_of
from proband.interviews.transcripts import courses
from proband.interviews.turns import MEANT, TURN_KINDS
from proband.interviews.witness import OPENERS
from proband.runs.run import Run

_CHAPTER = "Interviews"
_MOST_LISTED = 60  # turns
_MOST_SCORED = 30  # interviews
_MOST_ADVICE = 8
Courses = Mapping[Sitting, Course]


def needs(run: Run) -> str | None:
    """Interviews that have begun."""
    if run.kind != "interview":
        return "there are no interviews in it; runs of kind [interview] have them"
    return None if run.dispositions() else "nothing was answered yet"


def sections(run: Run) -> Sequence[Section]:
    """The score of a training first, then coverage by topic, kinds of turns, and the turns one by one."""
    found = courses(run)
    if not found:
        return []
    scores = {sitting: score_of(course) for sitting, course in found.items()}
    is_training = any(course.witness is not None for course in found.values())
    score = [_score(found, scores), _facts(found)] if is_training else []
    return [*score, _coverage(found, scores, run), _kinds(scores), _turns(found)]


def _score(found: Courses, scores: Mapping[Sitting, Score]) -> Section:
    """Facts found, false ones planted, share of open turns; and advice."""
    forms: dict[str, CellForm] = {"interview": "text", "facts found": "count", "of": "count", "planted": "count"}
    forms |= {"open turns": "share", "turns": "count"}
    rows = [
        (sitting.name, s.found, s.n_facts, s.planted, s.open_share, sum(s.kinds.values()))
        for sitting, s in scores.items()
    ]
    own = list(scores.values())
    share = mean_of([s.found / s.n_facts for s in own], "share of facts found", is_share=True)
    planted = sum(s.planted for s in own)
    first, course = next(iter(scores.values())), next(iter(found.values()))
    opened = "-" if first.open_share is None else f"{first.open_share:.0%}"
    told = (
        f"Facts found: {first.found} of {first.n_facts}; false facts planted: {planted}; open turns: {opened}."
        if len(own) == 1
        else f"{len(own)} interviews: facts found {percent(share)}; false facts planted: {planted} in all."
    )
    strange = sum(s.told is not None and s.text != s.told.text for course in found.values() for s in course.said)
    said = [f"Advice. {line}" for line in advice(course)[:_MOST_ADVICE]] if len(own) == 1 else []
    return Section(
        name="interviews-score",
        heading="What the witness gave away",
        chapter=_CHAPTER,
        sentences=(told, *said),
        table=tabled(forms, rows[:_MOST_SCORED], "Score by interview", digits=2),
        notes=(
            "A fact counts when its own kind of question opened it. What is not so and was agreed to is planted, each "
            "thing once.",
            "Open turns: open and cued ones among the turns that ask something.",
        ),
        warnings=(f"{strange} answers are not of the witness's script, so no fact counts in them; was it edited?",)
        * (strange > 0),
        lead=told,
    )


def _facts(found: Courses) -> Section:
    """Every fact, what opens it, and how often and when it was found."""
    witness = next(course.witness for course in found.values() if course.witness is not None)
    rows: list[tuple[Cell, ...]] = []
    for fact in witness.facts:
        turns = [course.facts[fact.name] for course in found.values() if fact.name in course.facts]
        rows.append(
            (fact.name, OPENERS[fact.opens], len(turns), turns[0].number if len(found) == 1 and turns else None)
        )
    forms: dict[str, CellForm] = {"fact": "text", "opened by": "text", "found": "count", "on turn": "count"}
    agreed = [
        f"Planted on turn {turn.number} of {sitting.name}: “{turn.text}”"
        for sitting, course in found.items()
        for turn in course.planted.values()
    ]
    return Section(
        name="interviews-facts",
        heading="Facts one by one",
        chapter=_CHAPTER,
        sentences=tuple(agreed[:_MOST_ADVICE]),
        table=tabled(forms, rows, f"Of {len(found)} interview{'s' * (len(found) > 1)}"),
    )


def _coverage(found: Courses, scores: Mapping[Sitting, Score], run: Run) -> Section:
    """By topic: questions asked, turns, words; and how much of the guide was asked at all."""
    guide = next(iter(found.values())).guide
    rows: list[tuple[Cell, ...]] = []
    for topic in guide.topics:
        asked = [sum(q in c.asked for q in topic.questions) / len(topic.questions) for c in found.values()]
        turns = [sum(turn.topic == topic.name for turn in course.turns) for course in found.values()]
        words = [course.words[topic.name] for course in found.values()]
        over = None if topic.words is None else sum(n > topic.words for n in words)
        rows.append((topic.name, _mean(asked, is_share=True), _mean(turns), _mean(words), topic.words, over))
    forms: dict[str, CellForm] = {"topic": "text", "questions asked": "share", "turns": "number", "words": "number"}
    forms |= {"budget": "count", "above it": "count"}
    covered = _mean([s.asked / s.n_questions for s in scores.values()], is_share=True)
    missed = {q: sum(q not in course.asked for course in found.values()) for q in guide.questions}
    left = [f"Not asked in {n} of {len(found)}: “{q}”" for q, n in missed.items() if n]
    open_ = sum(not course.is_over for course in found.values())
    silent = sum(course.fell_silent for course in found.values())
    return Section(
        name="interviews-coverage",
        heading="What was asked of the guide",
        chapter=_CHAPTER,
        sentences=(f"Questions that must be asked, and were: {percent(covered)}.", *left[:_MOST_ADVICE]),
        table=tabled(forms, rows, "Means over interviews", digits=1, side="model"),
        notes=(
            "A turn asks a question of the guide when one of its own has three in five of the meaningful words. Words "
            "are those of whoever was interviewed.",
        ),
        warnings=(
            *(f"{open_} interviews are not over",) * (open_ > 0 and not run.is_complete),
            *(f"{silent} interviews ended because whoever asks said nothing",) * (silent > 0),
        ),
        lead=f"Of the guide's questions, {percent(covered)} were asked.",
    )


def _mean(values: Sequence[float], *, is_share: bool = False) -> Estimate:
    return mean_of(values, "mean over interviews", is_share=is_share)


def _kinds(scores: Mapping[Sitting, Score]) -> Section:
    """Turns of interviewers by kind, and what repeats itself."""
    own = list(scores.values())
    n = sum(sum(s.kinds.values()) for s in own)
    rows: list[tuple[Cell, ...]] = []
    for kind in TURN_KINDS:
        count = sum(s.kinds[kind] for s in own)
        rows.append((kind.replace("_", "-"), count, count / n if n else None, MEANT[kind]))
    again, answers = sum(s.repeated for s in own), sum(s.repeated_answers for s in own)
    return Section(
        name="interviews-turns",
        heading="How it was asked",
        chapter=_CHAPTER,
        sentences=(
            f"{n} turns of interviewers; {sum(s.taking_up for s in own)} take up words of an answer, {again} repeat an "
            f"earlier turn. {answers} answers repeat an earlier one.",
        ),
        table=tabled({"kind": "text", "turns": "count", "share": "share", "it": "text"}, rows, "Turns by kind"),
        notes=("Kinds are given by rules on words, in English only, and are not always a reader's.",),
        methods=("Interviewers' turns were classed by rules after the protocol of Lamb et al. (2007).",),
    )


def _turns(found: Courses) -> Section:
    rows: list[tuple[Cell, ...]] = []
    for sitting, course in found.items():
        opened = {turn.number: name for name, turn in course.facts.items()}
        for turn in course.turns:
            replies = [said.text or SILENT for said in course.said if said.number == turn.number]
            kind, brought = turn.turned.kind.replace("_", "-"), opened.get(turn.number, "")
            rows.append((sitting.name, turn.number, turn.topic, kind, turn.text, " / ".join(replies), brought))
    forms: dict[str, CellForm] = {"interview": "text", "turn": "count", "topic": "text", "kind": "text"}
    forms |= {"said": "text", "answered": "text", "fact": "text"}
    return Section(
        name="interviews-list",
        heading="Turn by turn",
        chapter=_CHAPTER,
        table=tabled(forms, rows[:_MOST_LISTED], "What was said", is_folded=True),
        notes=(f"The first {_MOST_LISTED} of {len(rows)} turns.",) * (len(rows) > _MOST_LISTED),
    )


ANALYSIS = Analysis(
    name="interviews",
    about="interviews: coverage of the guide, kinds of turns, repetition; of a training, its score and advice",
    needs=needs,
    sections=sections,
    is_quiet=True,
)
