"""What models know of a quiz's questions: accuracy, confidence, grades, stability, habits of place, distances."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from proband.analyses.section import Analysis, Cell, Column, Figure, Section, Table
from proband.estimates import Estimate
from proband.instruments.banks.bank import Bank
from proband.measures.correction.probabilities import calibration
from proband.measures.knowledge.crossed import Scale, crossed_mean, table
from proband.measures.knowledge.options import mean_kl, option_rank_consistency, padded, top_option_agreement
from proband.measures.knowledge.slick import CATEGORIES, slick_transitions
from proband.measures.response_bias.labels import a_bias
from proband.runs.run import Run
from proband.tuning.probing.beliefs import Beliefs, bank_of, beliefs_in
from proband.tuning.probing.stability import Retest, halves, retest

CHAPTER = "What models know"
ALL = "all domains"
_MOST_PAIRS = 15  # of models that are set against one another; with more, each is set against the first only
_MOST_MARKS = 40  # of a figure

Place = tuple[str, str]  # model and prompt


@dataclass(frozen=True, eq=False)
class Quizzed:
    """The run of a quiz, with the key and what every model believes under every prompt."""

    run: Run
    bank: Bank

    @cached_property
    def table(self) -> pl.DataFrame:
        """Every response."""
        return self.run.table()

    @cached_property
    def beliefs(self) -> Mapping[Place, Beliefs]:
        """By model and prompt."""
        return beliefs_in(self.run, self.bank)

    @cached_property
    def prompts(self) -> Mapping[str, Mapping[str, Any]]:
        """Settings of the prompts, by name."""
        found: Mapping[str, Mapping[str, Any]] = self.run.manifest["design"]["prompts"]
        return found

    @cached_property
    def named(self) -> tuple[bool, bool]:
        """Whether rows need the name of the model, and that of the prompt."""
        models, asks = zip(*self.beliefs, strict=True)
        return len(set(models)) > 1, len(set(asks)) > 1

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that name model and prompt, where there are several."""
        names = zip(("model", "prompt"), self.named, strict=True)
        return tuple(Column(name=name, form="text") for name, is_shown in names if is_shown)

    def cells(self, place: Place) -> tuple[Cell, ...]:
        """A row's cells under `columns`."""
        return tuple(name for name, is_shown in zip(place, self.named, strict=True) if is_shown)

    def right(self, place: Place, ids: Sequence[str] | None = None) -> dict[str, float]:
        """1 where the most probable option is the right one, else 0, by question."""
        held = self.beliefs[place].beliefs
        return {id: float(held[id].pick == self.bank[id].answer) for id in (held if ids is None else ids)}

    def by_domain(self) -> Iterator[tuple[Place, str, list[str]]]:
        """Model and prompt, domain, and the questions about which there is a belief; all domains last."""
        for place, beliefs in self.beliefs.items():
            domains = {
                d: [q.id for q in self.bank.of(d) if q.id in beliefs.beliefs] for d in self.bank.domains
            }
            if len(domains) > 1:
                domains[ALL] = list(beliefs.beliefs)
            yield from ((place, domain, ids) for domain, ids in domains.items() if ids)


def needs(run: Run) -> str | None:
    """Why a run tells nothing of knowledge; None where it does."""
    design = run.manifest["design"] or {}
    if design.get("design") != "quiz":
        return "it is no quiz: no question has a right answer"
    if bank_of(run) is None:
        return "the key was not kept: runs of version 0.1 do not say which answers are right"
    if run.table()["probs"].null_count() == sum(run.dispositions().values()):
        return "nothing was answered yet with probabilities of the options"
    return None


def sections(run: Run) -> tuple[Section, ...]:
    """Accuracy first, then what bears on how to read it."""
    bank = bank_of(run)
    if bank is None:
        return ()
    found = Quizzed(run, bank)
    made = (_accuracy, _confidence, _grades, _stability, _places, _distances)
    return tuple(section for make in made if (section := make(found)) is not None)


def _mean(scores: Mapping[str, float], scale: Scale, what: str) -> Estimate:
    return crossed_mean([table("all", [scores])], scale, estimand=what)


def _accuracy(quizzed: Quizzed) -> Section:
    rows: list[tuple[Cell, ...]] = []
    marks = []
    for place, domain, ids in quizzed.by_domain():
        right = _mean(quizzed.right(place, ids), "share", f"share of {domain} questions answered right")
        chance = float(np.mean([1 / len(quizzed.bank[id].choices) for id in ids]))
        rows.append((*quizzed.cells(place), domain, len(ids), right, chance))
        low, high = right.interval or (None, None)
        label = ", ".join(str(cell) for cell in (*quizzed.cells(place), domain))
        marks.append({"label": label, "side": "model", "value": right.value, "low": low, "high": high})
    lost = {place: len(found.lost) for place, found in quizzed.beliefs.items() if found.lost}
    what = "share of questions whose most probable option is the right one"
    return Section(
        name="knowledge-accuracy",
        heading="Accuracy",
        chapter=CHAPTER,
        table=Table(
            columns=(
                *quizzed.columns,
                Column(name="domain", form="text"),
                Column(name="questions", form="count"),
                Column(name="right", form="share", side="model"),
                Column(name="by chance", form="share"),
            ),
            rows=tuple(rows),
            caption=f"{what}, with 95 % interval over questions",
        ),
        figure=Figure(form="intervals", rows=tuple(marks), caption=what)
        if 1 < len(marks) <= _MOST_MARKS
        else None,
        notes=("An option's probability is its mean over exemplar sets and orders of the options.",),
        warnings=tuple(
            f"{', '.join(place)}: {n} questions without any readable answer are left out"
            for place, n in lost.items()
        ),
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
                _row_name(quizzed, place),
                float(np.mean(list(confidence.values()))),
                _mean(excess, "difference", "mean confidence less accuracy"),
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
        table=Table(
            columns=(
                Column(name="model" if quizzed.named[0] else "prompt", form="text"),
                Column(name="confidence", form="share"),
                Column(name="less accuracy, points", form="points"),
                Column(name="calibration error", form="number"),
                Column(name="if perfect", form="number"),
            ),
            rows=tuple(rows),
            caption="does confidence mean what it says: above 0, a model is surer than it is right",
        ),
        notes=(
            "The calibration error is above 0 by chance alone; the last column is what perfect confidence shows.",
        ),
    )


def _grades(quizzed: Quizzed) -> Section:
    rows: list[tuple[Cell, ...]] = []
    for place, domain, ids in quizzed.by_domain():
        counts = Counter(quizzed.beliefs[place][id].category for id in ids)
        rows.append((*quizzed.cells(place), domain, *(counts[grade] for grade in CATEGORIES)))
    return Section(
        name="knowledge-grades",
        heading="Grades of knowledge",
        chapter=CHAPTER,
        table=Table(
            columns=(
                *quizzed.columns,
                Column(name="domain", form="text"),
                *(Column(name=grade, form="count") for grade in CATEGORIES),
            ),
            rows=tuple(rows),
            caption="questions by grade",
        ),
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
        table=Table(
            columns=(
                *quizzed.columns,
                Column(name="changed", form="text"),
                Column(name="same choice", form="share"),
                Column(name="same grade", form="share"),
                Column(name="kappa", form="number"),
            ),
            rows=tuple(rows),
            caption="share of pairs of askings with the same most probable option; grades by half of the exemplar sets",
        ),
        notes=(
            "Grades of the even exemplar sets are set against those of the odd ones; kappa has linear weights.",
        ),
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
    for item, kept, probs in _cells(quizzed, place).select("item", keep, "probs").iter_rows():
        picks[item][kept].append(int(np.argmax(probs)))
    same = {
        id: float(np.mean(pairs))
        for id, groups in picks.items()
        if (pairs := [a == b for group in groups.values() for a, b in combinations(group, 2)])
    }
    return (
        _mean(same, "share", f"share of pairs of askings with another {vary} that choose the same")
        if same
        else None
    )


def _cells(quizzed: Quizzed, place: Place) -> pl.DataFrame:
    """The rows of a run's table that hold probabilities, of one model under one prompt."""
    found = quizzed.table
    is_here = (found["subject"] == place[0]) & (found["ask"] == place[1]) & found["probs"].is_not_null()
    return found.filter(is_here)


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
        chosen: dict[str, list[int]] = defaultdict(list)
        keys: list[int] = []
        for item, probs, shown in _cells(quizzed, place).select("item", "probs", "shown").iter_rows():
            if len(probs) == n:
                order = list(shown) if shown is not None else list(range(n))
                chosen[item].append(order.index(int(np.argmax(probs))))
                keys.append(order.index(quizzed.bank[item].answer))
        if not chosen:
            continue
        for k in range(n):
            here = {id: float(np.mean([where == k for where in places])) for id, places in chosen.items()}
            share = _mean(here, "share", f"share of askings in which place {k + 1} is chosen")
            name = prompt["labels"][k] if prompt["answer_by"] == "label" else str(k + 1)
            rows.append((*quizzed.cells(place), name, share, keys.count(k) / len(keys)))
        if prompt["orders"] == "cyclic":
            shares = [np.bincount(places, minlength=n) for places in chosen.values()]
            first = a_bias(np.array(shares))
            p = "" if first.p_value is None else f"; all places alike: p = {first.p_value:.3f}"
            notes.append(f"{_row_name(quizzed, place)}: the first place is {first} away from 1/{n}{p}")
        else:
            notes.append(
                f"{_row_name(quizzed, place)}: the order was not rotated, so place and content stand together"
            )
    if not rows:
        return None
    return Section(
        name="knowledge-places",
        heading="Letters and places",
        chapter=CHAPTER,
        table=Table(
            columns=(
                *quizzed.columns,
                Column(name="place", form="text"),
                Column(name="chosen", form="share", side="model"),
                Column(name="right option there", form="share"),
            ),
            rows=tuple(rows),
            caption=f"how often each place is chosen, over questions with {n} options",
        ),
        notes=tuple(notes),
    )


def _distances(quizzed: Quizzed) -> Section | None:
    """Models under one prompt, and one model's prompts, set against each other question by question."""
    by_prompt: dict[str, list[Place]] = defaultdict(list)
    by_model: dict[str, list[Place]] = defaultdict(list)
    for model, ask in quizzed.beliefs:
        by_prompt[ask].append((model, ask))
        by_model[model].append((model, ask))
    pairs = [pair for group in (*by_prompt.values(), *by_model.values()) for pair in _pairs(group)]
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


def _row_name(quizzed: Quizzed, place: Place) -> str:
    return ", ".join(str(cell) for cell in quizzed.cells(place)) or place[1]


ANALYSIS = Analysis(
    name="knowledge",
    about="what models know of a quiz: accuracy, confidence, grades, stability, habits of place",
    needs=needs,
    sections=sections,
)
