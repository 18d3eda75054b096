"""What models know of a quiz's questions: accuracy, confidence, grades, stability, habits of place, distances."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from proband.analyses.answers import Form, tabled
from proband.analyses.quizzed import CHAPTER, Place, Quizzed, mean_over_questions
from proband.analyses.section import Analysis, Cell, Column, Figure, Section, Table, marks
from proband.analyses.written import written_sections
from proband.designs.survey.cards import has_prefix
from proband.estimates import Estimate
from proband.instruments.banks.bank import Bank
from proband.measures.correction.probabilities import calibration
from proband.measures.knowledge.crossed import crossed_mean, table
from proband.measures.knowledge.options import mean_kl, option_rank_consistency, padded, top_option_agreement
from proband.measures.knowledge.slick import CATEGORIES, slick_transitions
from proband.measures.response_bias.labels import a_bias
from proband.runs.run import Run
from proband.tuning.probing.beliefs import Beliefs, bank_of
from proband.tuning.probing.stability import Retest, halves, retest

_MOST_PAIRS = 15  # of models that are set against one another; with more, each is set against the first only
_MOST_MARKS = 40  # of a figure


def needs(run: Run) -> str | None:
    """Why a run tells nothing of knowledge; None where it does."""
    design = run.manifest["design"] or {}
    if design.get("design") not in ("quiz", "sampling"):
        return "it is no quiz: no question has a right answer"
    if bank_of(run) is None:
        return "the key was not kept: runs of version 0.1 do not say which answers are right"
    column = "probs" if design["design"] == "quiz" else "answer"
    if run.table()[column].null_count() == run.table().height:
        return "nothing was answered yet"
    return None


def sections(run: Run) -> tuple[Section, ...]:
    """Accuracy first, then what bears on how to read it."""
    bank = bank_of(run)
    if bank is None:
        return ()
    found = Quizzed(run, bank)
    if run.manifest["design"]["design"] == "sampling":
        return written_sections(found)
    made = (_accuracy, _differences, _confidence, _grades, _stability, _places, _distances)
    return tuple(section for make in made if (section := make(found)) is not None)


def _accuracy(quizzed: Quizzed) -> Section:
    rows: list[tuple[Cell, ...]] = []
    drawn: dict[str, Estimate | None] = {}
    for place, domain, ids in quizzed.by_domain(quizzed.held):
        right = mean_over_questions(quizzed.right(place, ids), "share", f"share of {domain} questions answered right")
        chance = float(np.mean([1 / len(quizzed.bank[id].choices) for id in ids]))
        rows.append((*quizzed.cells(place), domain, len(ids), right, chance))
        drawn[", ".join(str(cell) for cell in (*quizzed.cells(place), domain))] = right
    lost = {place: len(found.lost) for place, found in quizzed.beliefs.items() if found.lost}
    what = "share of questions whose most probable option is the right one"
    return Section(
        name="knowledge-accuracy",
        heading="Accuracy",
        chapter=CHAPTER,
        table=tabled(
            {**quizzed.forms, "questions": "count", "right": ("share", "model"), "by chance": "share"},
            rows,
            f"{what}, with 95 % interval over questions",
        ),
        figure=Figure(form="intervals", rows=marks(drawn, "model"), caption=what, options={"x_format": "%"})
        if 1 < len(drawn) <= _MOST_MARKS
        else None,
        notes=(
            "An option's probability is its mean over exemplar sets and orders of the options.",
            *_scored_with_an_end(quizzed),
        ),
        methods=(
            "An answer counts as right where the most probable option is; intervals of shares are score intervals "
            "over questions.",
        ),
        claims=("Intervals are about other questions of this kind, not about other wordings or models.",),
        warnings=tuple(
            f"{', '.join(place)}: {n} questions without any readable answer are left out" for place, n in lost.items()
        ),
    )


def _scored_with_an_end(quizzed: Quizzed) -> list[str]:
    """Questions of which an option is how another begins, where the end of the turn was scored with the options."""
    n = sum(has_prefix(question.choices) for question in quizzed.bank)
    return [
        f"{name}: {n} of {len(quizzed.bank)} questions were scored with an end token, as one option begins like another"
        for name, prompt in quizzed.prompts.items()
        # After worked exemplars in raw text it is their end, a blank line, that is scored instead.
        if n and prompt["answer_by"] != "label" and (not prompt["shots"] or prompt["template"] == "chat")
    ]


def _differences(quizzed: Quizzed) -> Section | None:
    """Models under one prompt, paired question by question."""
    rows: list[tuple[Cell, ...]] = []
    for first, second in _pairs_by_prompt(quizzed):
        both = {id: None for id in quizzed.held[first] if id in quizzed.held[second]}
        for _, domain, ids in quizzed.by_domain({first: both}):
            sides = [table(domain, [quizzed.right(place, ids)]) for place in (second, first)]
            what = f"difference in the share of right answers, {second[0]} less {first[0]}"
            gain = crossed_mean([sides[0].minus(sides[1])], "share difference", estimand=what)
            rows.append((f"{second[0]} − {first[0]}", *((first[1],) if quizzed.named[1] else ()), domain, gain, gain))
    if not rows:
        return None
    forms: dict[str, Form] = {"difference": "text", **({"prompt": "text"} if quizzed.named[1] else {})}
    return Section(
        name="knowledge-differences",
        heading="Differences between models",
        chapter=CHAPTER,
        table=tabled(
            forms | {"domain": "text", "points": "points", "p": "p"},
            rows,
            "differences in right answers, paired by question, with 95 % interval over questions",
        ),
        methods=("Models are compared on the same questions, with Bonett and Price's interval of paired shares.",),
    )


def _confidence(quizzed: Quizzed) -> Section | None:
    rows: list[tuple[Cell, ...]] = []
    for place, beliefs in quizzed.beliefs.items():
        right = quizzed.right(place)
        if len(right) < 2:
            continue
        confidence = {id: belief.confidence for id, belief in beliefs.beliefs.items()}
        excess = {id: confidence[id] - right[id] for id in right}
        error = calibration(list(confidence.values()), list(right.values())).ece
        rows.append(
            (
                quizzed.name(place),
                float(np.mean(list(confidence.values()))),
                mean_over_questions(excess, "difference", "mean confidence less accuracy"),
                error,
                error.baselines["noise floor"],
            )
        )
    if not rows:
        return None
    return Section(
        name="knowledge-confidence",
        heading="Confidence",
        chapter=CHAPTER,
        sentences=("Confidence is the probability of the option that a model finds most probable.",),
        table=tabled(
            {
                "model" if quizzed.named[0] else "prompt": "text",
                **{"confidence": "share", "less accuracy, points": "points"},
                **{"calibration error": "number", "if perfect": "number"},
            },
            rows,
            "does confidence mean what it says: above 0, a model is surer than it is right",
        ),
        notes=("The calibration error is above 0 by chance alone; the last column is what perfect confidence shows.",),
    )


def _grades(quizzed: Quizzed) -> Section:
    rows: list[tuple[Cell, ...]] = []
    for place, domain, ids in quizzed.by_domain(quizzed.held):
        counts = Counter(quizzed.beliefs[place][id].category for id in ids)
        rows.append((*quizzed.cells(place), domain, *(counts[grade] for grade in CATEGORIES)))
    return Section(
        name="knowledge-grades",
        heading="Grades of knowledge",
        chapter=CHAPTER,
        table=tabled({**quizzed.forms, **dict.fromkeys(CATEGORIES, "count")}, rows, "questions by grade"),
        notes=(
            "After SliCK (Gekhman et al. 2024), in multiple-choice form: the right option is the most probable one in "
            "all exemplar sets and orders; in some; in none, but more probable than chance; none of these.",
        ),
    )


def _stability(quizzed: Quizzed) -> Section | None:
    rows: list[tuple[Cell, ...]] = []
    for place, beliefs in quizzed.beliefs.items():
        prompt = quizzed.prompts[place[1]]
        if prompt["draws"] > 1:
            again = _same_pick(quizzed, place, vary="draw", keep="turn")
            grades = _retest(beliefs, quizzed.bank)
            alike, kappa = (grades.agreement, grades.kappa) if grades else (None, None)
            rows.append((*quizzed.cells(place), "exemplars", again, alike, kappa))
        if prompt["orders"] == "cyclic":
            again = _same_pick(quizzed, place, vary="turn", keep="draw")
            rows.append((*quizzed.cells(place), "order of options", again, None, None))
    if not rows:
        return None
    return Section(
        name="knowledge-stability",
        heading="Stability",
        chapter=CHAPTER,
        sentences=("Whether a model chooses the same option when only what should not matter is changed.",),
        table=tabled(
            quizzed.places_forms
            | {"changed": "text", "same choice": "share", "same grade": "share", "kappa": "number"},
            rows,
            "share of pairs of askings with the same most probable option; grades by half of the exemplar sets",
        ),
        notes=("Grades of the even exemplar sets are set against those of the odd ones; kappa has linear weights.",),
    )


def _retest(beliefs: Beliefs, bank: Bank) -> Retest | None:
    """Agreement of the grades by half of the exemplar sets; None where no question was asked with both halves."""
    if len({draw for belief in beliefs.beliefs.values() for draw in belief.draws}) < 2:
        return None
    first, second = halves(beliefs, bank)
    return retest(first, second) if first.beliefs.keys() & second.beliefs.keys() else None


def _same_pick(quizzed: Quizzed, place: Place, *, vary: str, keep: str) -> Estimate | None:
    """Share of pairs of askings of a question with the same first choice, where only one factor differs."""
    picks: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for item, kept, probs in quizzed.scored(place).select("item", keep, "probs").iter_rows():
        picks[item][kept].append(int(np.argmax(probs)))
    same = {
        id: float(np.mean(pairs))
        for id, groups in picks.items()
        if (pairs := [a == b for group in groups.values() for a, b in combinations(group, 2)])
    }
    return (
        mean_over_questions(same, "share", f"share of pairs of askings with another {vary} that choose the same")
        if same
        else None
    )


def _places(quizzed: Quizzed) -> Section | None:
    """How often each letter or place is chosen, beside how often the right option stands there."""
    sizes = Counter(len(question.choices) for question in quizzed.bank)
    n = max(sizes, key=lambda size: (sizes[size], size))
    rows: list[tuple[Cell, ...]] = []
    notes = []
    for place in quizzed.beliefs:
        prompt = quizzed.prompts[place[1]]
        if not prompt["shows_options"]:
            continue
        chosen: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
        keys: list[int] = []
        for item, probs, shown in quizzed.scored(place).select("item", "probs", "shown").iter_rows():
            if len(probs) == n:
                order = list(shown) if shown is not None else list(range(n))
                tops = np.array([probs[k] == max(probs) for k in order], dtype=np.float64)
                chosen[item].append(tops / tops.sum())  # options that tie for the first choice share it
                keys.append(order.index(quizzed.bank[item].answer))
        if not chosen:
            continue
        for k in range(n):
            here = {id: float(np.mean([shares[k] for shares in places])) for id, places in chosen.items()}
            share = mean_over_questions(here, "share", f"share of askings in which place {k + 1} is chosen")
            name = prompt["labels"][k] if prompt["answer_by"] == "label" else str(k + 1)
            rows.append((*quizzed.cells(place), name, share, keys.count(k) / len(keys)))
        if prompt["orders"] == "cyclic":
            first = a_bias(np.array([np.sum(places, axis=0) for places in chosen.values()]))
            p = "" if first.p_value is None else f"; all places alike: p = {first.p_value:.3f}"
            notes.append(f"{quizzed.name(place)}: the first place is {first} away from 1/{n}{p}")
        else:
            notes.append(f"{quizzed.name(place)}: the order was not rotated, so place and content stand together")
    if not rows:
        return None
    return Section(
        name="knowledge-places",
        heading="Letters and places",
        chapter=CHAPTER,
        table=tabled(
            quizzed.places_forms | {"place": "text", "chosen": ("share", "model"), "right option there": "share"},
            rows,
            f"how often each place is chosen, over questions with {n} options",
        ),
        notes=tuple(notes),
    )


def _distances(quizzed: Quizzed) -> Section | None:
    """Models under one prompt, and one model's prompts, set against each other question by question."""
    by_model: dict[str, list[Place]] = defaultdict(list)
    for model, ask in quizzed.beliefs:
        by_model[model].append((model, ask))
    pairs = [*_pairs_by_prompt(quizzed), *(pair for group in by_model.values() for pair in _pairs(group))]
    rows = [row for pair in pairs if (row := _distance(quizzed, *pair)) is not None]
    if not rows:
        return None
    return Section(
        name="knowledge-distances",
        heading="How far beliefs lie apart",
        chapter=CHAPTER,
        sentences=(
            "Two models under one prompt, and one model under two prompts: what a change of the prompt alone does is "
            "the floor below which a difference between models says nothing.",
        ),
        table=Table(
            columns=(
                Column(name="from → to", form="text"),
                Column(name="gain, points", form="points"),
                Column(name="ranks", form="number", digits=2),
                Column(name="KL, nats", form="number"),
                Column(name="same choice", form="share"),
                Column(name="rose", form="count"),
                Column(name="fell", form="count"),
            ),
            rows=tuple(rows),
            caption="gain in right answers, mean rank correlation and divergence of the options' probabilities, grades",
        ),
    )


def _pairs_by_prompt(quizzed: Quizzed) -> list[tuple[Place, Place]]:
    groups: dict[str, list[Place]] = defaultdict(list)
    for model, ask in quizzed.beliefs:
        groups[ask].append((model, ask))
    return [pair for group in groups.values() for pair in _pairs(group)]


def _pairs(places: Sequence[Place]) -> list[tuple[Place, Place]]:
    found = list(combinations(places, 2))
    return found if len(found) <= _MOST_PAIRS else [(places[0], other) for other in places[1:]]


def _distance(quizzed: Quizzed, first: Place, second: Place) -> tuple[Cell, ...] | None:
    a, b = quizzed.beliefs[first].beliefs, quizzed.beliefs[second].beliefs
    ids = [id for id in a if id in b]
    if not ids:
        return None
    p, q = (padded([side[id].probs for id in ids]) for side in (a, b))
    right = [quizzed.right(place, ids) for place in (first, second)]
    gain = table("all", [right[1]]).minus(table("all", [right[0]]))
    moved = slick_transitions([a[id].category for id in ids], [b[id].category for id in ids])
    differing = 0 if first[0] != second[0] else 1
    name = f"{first[differing]} → {second[differing]}"
    where = first[1 - differing] if quizzed.named[1 - differing] else ""
    return (
        f"{name} ({where})" if where else name,
        crossed_mean([gain], "share difference", estimand="difference in the share of right answers"),
        option_rank_consistency(p, q),
        mean_kl(p, q, "before_after", "e"),
        top_option_agreement(p, q),
        moved.n_better,
        moved.n_worse,
    )


ANALYSIS = Analysis(
    name="knowledge",
    about="what models know of a quiz: accuracy, confidence, grades, stability, habits of place",
    needs=needs,
    sections=sections,
)
