"""Agreement: repeats, conditions that should not matter, or several roles, taken as raters of the same places."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proband.analyses.answers import answers, cautions, factors, measured, substantive, tabled, told
from proband.analyses.section import Analysis, Cell, CellForm, Section
from proband.errors import DataError, DesignError
from proband.estimates import Estimate
from proband.instruments.items import Item
from proband.measures import agreement_summary, alt_test, cohen_kappa, dawid_skene, krippendorff_alpha
from proband.runs.run import Run

REWORDINGS = ("wording", "paraphrase", "phrasing")  # factors of a user's own that are not meant to change an answer
_CHAPTER = "Agreement"
_MOST_RATERS = 6  # that are compared pair by pair
_EPSILON = 0.15  # what the authors of the alternative annotator test suggest for skilled coders
_DRAWN = (
    "Answers are drawn from the engine's probabilities, so a model that never changes its mind disagrees with itself "
    "as far as its probabilities are spread."
)


@dataclass(frozen=True, kw_only=True)
class Raters:
    """Who or what answered the same places: `column` tells raters apart, `at` the places."""

    name: str
    column: str
    labels: tuple[str, ...]
    at: tuple[str, ...]


def raters(run: Run) -> list[Raters]:
    """Every way in which the places of a run were answered several times."""
    table = run.table()
    design = run.manifest.get("design") or {}
    varied = factors(run)
    alike = {*design.get("settings", {}), *REWORDINGS}
    columns = [factor.column for factor in varied if factor.column != "arm"]
    found = []
    if table["replicate"].n_unique() > 1:
        labels = tuple(str(k) for k in sorted(table["replicate"].unique()))
        found.append(Raters(name="repeats", column="replicate", labels=labels, at=("subject", "round", *columns)))
    for factor in varied:
        if factor.name in alike:
            at = ("subject", "round", "replicate", *(c for c in columns if c != factor.column))
            found.append(Raters(name=factor.name, column=factor.column, labels=factor.levels, at=at))
    roles = tuple(dict.fromkeys(member.role for member in run.roster if member.role))
    alone = table.group_by("unit", "role").agg(pl.col("subject").n_unique())["subject"].max() == 1
    if len(roles) > 1 and alone and table["round"].max() == 0:
        found.append(Raters(name="roles", column="role", labels=roles, at=("unit", "replicate", *columns)))
    return [who for who in found if any(_codes(run, item, who, table) is not None for item in run.items.values())]


def needs(run: Run) -> str | None:
    """The same place answered more than once."""
    if not run.dispositions():
        return "nothing was answered yet"
    if raters(run) or _coders(run):
        return None
    return "nothing was answered twice: there are no repeats, no settings that vary, and no two roles at one place"


def sections(run: Run) -> Sequence[Section]:
    """For each sort of rater: agreement by item, pair by pair, and, of three or more, who errs how often."""
    table = answers(run)
    found: list[Section] = []
    for who in raters(run):
        coded = {item: codes for item in run.items.values() if (codes := _codes(run, item, who, table)) is not None}
        found.append(_summary(who, coded, is_drawn=table["probs"].null_count() < table.height))
        if 2 <= len(who.labels) <= _MOST_RATERS:
            found.append(_pairs(who, coded))
        # Repeats of one engine share its errors, which the model of independent coders takes for the truth.
        if len(who.labels) >= 3 and who.name != "repeats":
            found.append(_errors(who, coded))
    return [*found, *_coders(run)]


def _codes(run: Run, item: Item, who: Raters, table: pl.DataFrame) -> NDArray[np.float64] | None:
    """Places by raters, NaN where one gave no valid answer; None where no place has two answers."""
    if item.form not in ("choice", "scale", "number"):
        return None
    part = table.filter(pl.col("item") == item.id, pl.col("status") == "valid")
    places: dict[Hashable, NDArray[np.float64]] = {}
    place_of = {label: k for k, label in enumerate(who.labels)}
    cells = part.select(who.column, "answer" if item.options else "value", *who.at)
    for rater, code, *place in cells.iter_rows():
        if str(rater) in place_of and code is not None and not (item.options and code in item.dont_know):
            row = places.setdefault(tuple(place), np.full(len(place_of), np.nan))
            row[place_of[str(rater)]] = code
    codes = np.array(list(places.values())).reshape(-1, len(place_of))
    return codes if ((~np.isnan(codes)).sum(axis=1) >= 2).any() else None


def _agreement(item: Item, codes: NDArray[np.float64]) -> tuple[Estimate | None, Estimate, Estimate | None]:
    """Raw agreement, Krippendorff's alpha and Gwet's AC1; of numbers alpha only."""
    what = f"agreement on {item.id}"
    if not item.options:
        return None, measured(lambda: krippendorff_alpha(codes, "interval", target="model"), what), None
    level: Literal["ordinal", "nominal"] = "ordinal" if item.form == "scale" else "nominal"
    try:
        found = agreement_summary(codes, list(substantive(item)), measured=level, target="model")
    except (DesignError, DataError) as error:
        reason = Estimate(value=np.nan, estimand=what, target="model", n_units=0, warnings=(str(error),))
        return reason, reason, reason
    return found.raw, found.alpha, found.ac1


def _summary(who: Raters, coded: dict[Item, NDArray[np.float64]], *, is_drawn: bool) -> Section:
    rows: list[tuple[Cell, ...]] = []
    alphas: dict[str, Estimate] = {}
    for item, codes in coded.items():
        raw, alpha, ac1 = _agreement(item, codes)
        alphas[item.id] = alpha
        rows.append((item.id, len(codes), raw, alpha, ac1))
    known = {id: alpha for id, alpha in alphas.items() if not np.isnan(alpha.value)}
    sentences = [f"Raters are the {len(who.labels)} {_plural(who)}: {', '.join(who.labels)}."]
    if known:
        low, high = (find(known, key=lambda id: known[id].value) for find in (min, max))
        sentences.append(
            f"Krippendorff's alpha reaches from {told(known[low])} ({low}) to {told(known[high])} ({high})."
            if low != high
            else f"Krippendorff's alpha on {low} is {told(known[low])}."
        )
    return Section(
        name=f"agreement-{who.name}",
        heading=f"Agreement over {_plural(who)}",
        chapter=_CHAPTER,
        sentences=tuple(sentences),
        table=tabled(
            {"item": "text", "places": "count", "same answer": "share", "alpha": "number", "AC1": "number"},
            rows,
            f"Agreement over {_plural(who)}",
        ),
        keys={"raters": who.name},
        notes=(
            "Alpha is 1 for perfect agreement and 0 for what chance gives. Where nearly all answers are alike it is "
            "low however seldom raters differ; AC1 is not.",
            *((_DRAWN,) if is_drawn else ()),
        ),
        warnings=cautions((id, alpha) for id, alpha in alphas.items()),
    )


def _plural(who: Raters) -> str:
    return who.name if who.name in ("repeats", "roles") else f"levels of {who.name}"


def _pairs(who: Raters, coded: dict[Item, NDArray[np.float64]]) -> Section:
    """Cohen's kappa of every two raters, with partial credit where options are ordered."""
    rows: list[tuple[Cell, ...]] = []
    for item, codes in coded.items():
        if not item.options:
            continue
        place = {k: i for i, k in enumerate(substantive(item))}
        for a, b in combinations(range(len(who.labels)), 2):
            both = codes[~np.isnan(codes[:, [a, b]]).any(axis=1)][:, [a, b]]
            table = np.zeros((len(place), len(place)))
            for first, second in both:
                table[place[int(first)], place[int(second)]] += 1
            weights = "quadratic" if item.form == "scale" else None
            kappa = measured(lambda table=table, w=weights: cohen_kappa(table, w, target="model"), "kappa")  # type: ignore[misc]
            rows.append((item.id, who.labels[a], who.labels[b], len(both), kappa))
    return Section(
        name=f"agreement-{who.name}-pairs",
        heading=f"Pairs of {_plural(who)}",
        chapter=_CHAPTER,
        table=tabled(
            {"item": "text", "rater": "text", "other rater": "text", "places": "count", "kappa": "number"},
            rows,
            "Cohen's kappa of every two raters, with quadratic weights on rating scales",
            is_folded=True,
        ),
        keys={"raters": who.name},
    )


def _errors(who: Raters, coded: dict[Item, NDArray[np.float64]]) -> Section:
    """How often each rater is right by Dawid and Skene's model, which knows no gold answers."""
    rows: list[tuple[Cell, ...]] = []
    warnings: dict[str, None] = {}
    for item, codes in coded.items():
        if not item.options:
            continue
        try:
            given = np.where(np.isnan(codes), None, codes.astype(object))  # type: ignore[call-overload]
            found = dawid_skene(given, categories=[float(k) for k in substantive(item)])
        except (DesignError, DataError) as error:
            warnings[f"{item.id}: {error}"] = None
            continue
        warnings |= dict.fromkeys(found.warnings)
        right = np.nansum(found.prevalence * np.diagonal(found.confusion, axis1=1, axis2=2), axis=1)
        rows += [(item.id, label, float(share)) for label, share in zip(who.labels, right, strict=True)]
    return Section(
        name=f"agreement-{who.name}-errors",
        heading=f"Errors of {_plural(who)} without gold answers",
        chapter=_CHAPTER,
        sentences=("How often each rater is right, if raters err independently of each other.",),
        table=tabled(
            {"item": "text", "rater": "text", "share right": "share"},
            rows,
            "Share of answers that are right by Dawid and Skene's model",
            is_folded=True,
        ),
        keys={"raters": who.name},
        warnings=("raters that make the same mistakes look nearly perfect here: only gold answers tell", *warnings),
    )


def _coders(run: Run) -> list[Section]:
    """The alternative annotator test, where several people coded the places that the model coded."""
    if run.people is None:
        return []
    several = [who for who in raters(run.people) if who.name in ("repeats", "roles")]
    if not several:
        return []
    who, theirs, table = several[0], answers(run.people), answers(run)
    rows: list[tuple[Cell, ...]] = []
    sentences, warnings = [], []
    for item in run.items.values():
        if item.form not in ("choice", "scale"):
            continue
        people = theirs.filter(pl.col("item") == item.id, pl.col("status") == "valid")
        own = table.filter(pl.col("item") == item.id, pl.col("status") == "valid")
        model = dict(own.unique("unit", keep="first", maintain_order=True).select("unit", "answer").iter_rows())
        humans: dict[str, list[int | None]] = {unit: [None] * len(who.labels) for unit in model}
        for unit, coder, code in people.select("unit", who.column, "answer").iter_rows():
            if unit in humans:
                humans[unit][who.labels.index(str(coder))] = code
        try:
            found = alt_test(list(model.values()), np.array(list(humans.values()), dtype=object), _EPSILON)
        except (DesignError, DataError) as error:
            warnings.append(f"{item.id}: {error}")
            continue
        verdict = "may" if found.is_passed else "may not"
        sentences.append(f"On {item.id} the model {verdict} stand in for one of {len(found.by_human)} coders.")
        warnings += [found.meaning, *found.warnings]
        rows.append((item.id, len(found.by_human), found.n_units, found.winning_rate, found.advantage))
    forms: dict[str, CellForm] = {"item": "text", "coders": "count", "places": "count"}
    forms |= {"coders it may replace": "share", "as good as a coder": "share"}
    return [
        Section(
            name="agreement-coders",
            heading="The model beside human coders",
            chapter=_CHAPTER,
            sentences=tuple(sentences),
            table=tabled(forms, rows, f"Alternative annotator test, epsilon {_EPSILON}"),
            warnings=tuple(dict.fromkeys(warnings)),
        )
    ]


ANALYSIS = Analysis(
    name="agreement",
    about="agreement of repeats, of settings that should not matter, of roles, and with human coders",
    needs=needs,
    sections=sections,
)
