"""What the embedded model buys in estimating population shares and a regression: the non-voters survey of 2020.

    python examples/nonvoters_correction.py nonvoters_data.csv --into runs/nonvoters-types

The data (CC BY 4.0) are in the folder `non-voters` of FiveThirtyEight's public data repository. Every combination of
sex, ethnicity, education, party and age group that occurs among the respondents is one persona; the model answers
three items as each of them, in both orders of the options, and its probabilities become predictions for
everybody of that kind. Then human answers are hidden and estimated, again and again, with what was hidden known.
"""

import argparse
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from proband import Instrument, Item, Population, Run, Subject, Survey, collect, load_population
from proband.estimates import Estimate
from proband.measures import (
    CorrectedEstimate,
    Ladder,
    Regressors,
    Sampling,
    dsl_mean,
    dsl_ols,
    fidelity,
    ppi_mean,
    ppi_ols,
)
from proband.seeds import rng_for

AGREEMENT = ("Strongly agree", "Somewhat agree", "Somewhat disagree", "Strongly disagree")
INSTRUMENT = Instrument(
    id="nonvoters-three",
    title="Three items after the non-voters poll, in other words",
    items=(
        Item(
            id="who-wins",
            text="Does it really matter who wins the presidential election of 2020, or will things stay much the same?",
            form="choice",
            options=("It really matters", "Things will stay much the same"),
            column="Q5",
        ),
        Item(
            id="racism",
            text="Do you agree or disagree that there is systemic racism in the United States?",
            form="scale",
            options=AGREEMENT,
            column="Q3_1",
        ),
        Item(
            id="police",
            text="How much do you trust the police?",
            form="scale",
            options=("A lot", "Some", "Not much", "Not at all"),
            column="Q8_8",
        ),
    ),
)
TRAITS = ("gender", "race", "educ", "Q30")
AGES = {27: range(18, 40), 50: range(40, 60), 68: range(60, 120)}  # told as the middle of the group
PARTIES = {1: "Republican", 2: "Democrat", 3: "independent", 4: "another", 5: "none"}
SIZES = (100, 200, 400)
N_UNLABELLED = 1500
SHARES = {
    "who-wins": ("it really matters who wins", (0,)),
    "racism": ("agrees that racism is systemic", (0, 1)),
}


@dataclass(frozen=True, kw_only=True)
class Study:
    """Respondents who answered all items: one value each, shape (n_people,)."""

    ids: list[str]
    types: list[str]
    weights: np.ndarray
    answers: Mapping[str, np.ndarray]  # 0-based option
    traits: Mapping[str, list[str]]
    regressors: Mapping[str, np.ndarray]


def respondents(people: Population) -> Study:
    """Those who answered the items and told their party; the rest are left out, not guessed."""
    columns = [item.column for item in INSTRUMENT.items]
    frame = people.frame.with_columns(
        pl.Series("weight_", people.weights), id_=pl.Series([s.id for s in people])
    )
    kept = frame.drop_nulls([*columns, *TRAITS, "ppage"])
    age = kept["ppage"].to_numpy().astype(float)
    told = [next(middle for middle, group in AGES.items() if int(a) in group) for a in age]
    rows = zip(*(kept[c].to_list() for c in TRAITS), told, strict=True)
    party = kept["Q30"].to_numpy().astype(int)
    return Study(
        ids=kept["id_"].to_list(),
        types=["|".join(str(int(v)) if isinstance(v, float) else str(v) for v in row) for row in rows],
        weights=kept["weight_"].to_numpy(),
        answers={item.id: kept[item.column].to_numpy().astype(int) - 1 for item in INSTRUMENT.items},
        traits={
            "party": [PARTIES[int(code)] for code in party],
            "sex": kept["gender"].to_list(),
            "ethnicity": kept["race"].to_list(),
            "education": kept["educ"].to_list(),
            "age": [str(middle) for middle in told],
        },
        regressors={
            "age in decades": (age - 50) / 10,
            "Republican": (party == 1) * 1.0,
            "Democrat": (party == 2) * 1.0,
            "college": (kept["educ"].to_numpy() == "College") * 1.0,
        },
    )


def personas(people: Population, study: Study) -> Population:
    """One subject for every kind of respondent, with the weight of its people."""
    weight: dict[str, float] = {}
    for kind, w in zip(study.types, study.weights, strict=True):
        weight[kind] = weight.get(kind, 0.0) + float(w)
    subjects = []
    for kind in sorted(weight):
        *traits, age = kind.split("|")
        known = dict(zip(TRAITS, traits, strict=True)) | {"ppage": int(age)}
        known["Q30"] = int(known["Q30"])
        subjects.append(Subject(id=kind, traits=known, weight=weight[kind]))
    fields = tuple(f for f in people.fields if f.column in (*TRAITS, "ppage"))
    return Population(
        name="kinds of respondents", subjects=tuple(subjects), fields=fields, source=people.source
    )


def predictions(run: Run, study: Study) -> dict[str, np.ndarray]:
    """Probabilities of every option for every respondent, shape (n_people, n_options), mean of both orders."""
    table = run.table().filter(pl.col("status") == "valid")
    found = {}
    for item in INSTRUMENT.items:
        asked = table.filter(pl.col("item") == item.id)
        of_kind: dict[str, list[np.ndarray]] = {}
        for kind, probs in asked.select("subject", "probs").iter_rows():
            of_kind.setdefault(kind, []).append(np.array(probs))
        found[item.id] = np.stack([np.mean(of_kind[kind], axis=0) for kind in study.types])
    return found


@dataclass(frozen=True, kw_only=True)
class Target:
    """One number to estimate: human values, predictions, and what it is among everybody.

    `best` is the best linear prediction from the personas' traits, fitted to everybody: the most that traits can buy.
    """

    name: str
    human: np.ndarray
    predicted: np.ndarray
    best: np.ndarray
    truth: float
    coefficient: str = ""


def from_traits(study: Study, human: np.ndarray) -> np.ndarray:
    """Weighted least-squares prediction of the human values from dummies of all traits."""
    dummies = [np.ones(len(human))]
    for values in study.traits.values():
        dummies += [np.array([v == level for v in values], dtype=float) for level in sorted(set(values))[1:]]
    x = np.column_stack(dummies)
    root = np.sqrt(study.weights)
    return x @ np.linalg.lstsq(x * root[:, None], human * root, rcond=None)[0]


def targets(study: Study, predicted: Mapping[str, np.ndarray]) -> list[Target]:
    """Two shares and the slopes of trust in the police (4 = a lot)."""
    w = study.weights / study.weights.sum()
    made = []
    for item, (words, options) in SHARES.items():
        human = np.isin(study.answers[item], options) * 1.0
        made.append(
            Target(
                name=words,
                human=human,
                predicted=predicted[item][:, options].sum(axis=1),
                best=from_traits(study, human),
                truth=float(w @ human),
            )
        )
    points = np.array([4.0, 3, 2, 1])
    trust, guessed = points[study.answers["police"]], predicted["police"] @ points
    x = np.column_stack([np.ones(len(w)), *study.regressors.values()])
    slopes = np.linalg.solve((x * w[:, None]).T @ x, (x * w[:, None]).T @ trust)
    for name, slope in zip(study.regressors, slopes[1:], strict=True):
        words = f"trust in the police: {name}"
        made.append(
            Target(
                name=words,
                human=trust,
                predicted=guessed,
                best=from_traits(study, trust),
                truth=float(slope),
                coefficient=name,
            )
        )
    return made


def estimates(
    study: Study, target: Target, chosen: np.ndarray, others: np.ndarray
) -> Iterator[tuple[str, Estimate]]:
    """Classical, PPI++ and DSL, each from the same sample."""
    w, y, f = study.weights, target.human, target.predicted
    sampling = Sampling(weights=w[chosen], weights_unlabelled=w[others])
    arrays = (y[chosen], f[chosen], f[others])
    pi = chosen.size / (chosen.size + others.size)
    ppi: CorrectedEstimate
    if not target.coefficient:
        ppi = ppi_mean(*arrays, sampling=sampling)
        dsl = dsl_mean(*arrays, probabilities=pi, sampling=sampling)
    else:
        regressors = Regressors(
            labelled={name: column[chosen] for name, column in study.regressors.items()},
            unlabelled={name: column[others] for name, column in study.regressors.items()},
        )
        ppi = ppi_ols(*arrays, regressors=regressors, sampling=sampling)[target.coefficient]
        corrected = dsl_ols(*arrays, probabilities=pi, regressors=regressors, sampling=sampling)
        dsl = corrected[target.coefficient]
    yield "human answers only", ppi.classical
    yield "PPI++", ppi
    if not target.coefficient:
        best = target.best
        yield (
            "PPI++, best use of the traits",
            ppi_mean(y[chosen], best[chosen], best[others], sampling=sampling),
        )
    yield "DSL", dsl


def resample(study: Study, target: Target, n: int, n_resamples: int) -> list[dict[str, object]]:
    """Bias, coverage and width of each method over samples drawn with replacement from the respondents."""
    found: dict[str, list[tuple[float, float, float]]] = {}
    for k in range(n_resamples):
        drawn = rng_for(2020, target.name, n, k).integers(0, len(study.ids), n + N_UNLABELLED)
        for method, estimate in estimates(study, target, drawn[:n], drawn[n:]):
            low, high = estimate.interval or (math.nan, math.nan)
            found.setdefault(method, []).append((estimate.value, low, high))
    classical_width = math.nan
    rows: list[dict[str, object]] = []
    for method, triples in found.items():
        value, low, high = np.array(triples).T
        width = float(np.nanmean(high - low))
        classical_width = width if method == "human answers only" else classical_width
        rows.append(
            {
                "target": target.name,
                "truth": target.truth,
                "n": n,
                "method": method,
                "bias": float(value.mean() - target.truth),
                "coverage": float(np.mean((low <= target.truth) & (target.truth <= high))),
                "width": width,
                "width ratio": width / classical_width,
            }
        )
    return rows


def ladder(study: Study, predicted: Mapping[str, np.ndarray]) -> Ladder:
    """The fidelity ladder over all respondents, by party, under the survey's weights."""
    model, human = [], []
    for item in INSTRUMENT.items:
        keys = {"subject": study.ids, "item": [item.id] * len(study.ids)}
        answers = study.answers[item.id]
        model.append(pl.DataFrame(keys | {"probs": predicted[item.id].tolist()}))
        human.append(pl.DataFrame(keys | {"answer": answers, "value": answers + 1.0} | dict(study.traits)))
    weights = dict(zip(study.ids, study.weights.tolist(), strict=True))
    return fidelity(pl.concat(model), pl.concat(human), by="party", weights=weights)


def ladder_rows(found: Ladder) -> Iterator[dict[str, object]]:
    """Summary rows of every rung that was tested, and the means of each party."""
    for rung in found.tested:
        rows = found.rung(rung) if rung == "subgroup" else found.rung(rung, summary=True)
        for row in rows:
            if rung == "subgroup" and row.item:
                continue
            null = {
                name: row.nulls.get(name, math.nan)
                for name in ("uniform", "marginal_only", "demographics_only")
            }
            words = f"{row.statistic} {row.group}".strip()
            yield (
                {"rung": rung, "statistic": words, "model": row.estimate.value}
                | null
                | {"floor": row.noise_floor}
            )


def weighted_correlation(a: np.ndarray, b: np.ndarray, w: np.ndarray) -> float:
    """Correlation under weights."""
    w = w / w.sum()
    a, b = a - w @ a, b - w @ b
    return float((w @ (a * b)) / math.sqrt((w @ a**2) * (w @ b**2)))


def naive(study: Study, target: Target) -> float:
    """What the predictions alone say."""
    w = study.weights / study.weights.sum()
    if not target.coefficient:
        return float(w @ target.predicted)
    x = np.column_stack([np.ones(len(w)), *study.regressors.values()])
    slopes = np.linalg.solve((x * w[:, None]).T @ x, (x * w[:, None]).T @ target.predicted)
    return float(slopes[1 + list(study.regressors).index(target.coefficient)])


def main() -> None:
    """Collect, resample, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="nonvoters_data.csv (or .csv.gz)")
    parser.add_argument(
        "--into", type=Path, default=Path("runs/nonvoters-types"), help="run folder of the model"
    )
    parser.add_argument("--engine", default="smollm2", help="who answers as the personas")
    parser.add_argument("--resamples", type=int, default=500)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    asked = parser.parse_args()
    people = load_population("nonvoters-2020", data=asked.data)
    study = respondents(people)
    kinds = personas(people, study)
    survey = Survey(instrument=INSTRUMENT, subjects=kinds, seed=2020, order=("as_written", "reversed"))
    run = collect(survey, asked.engine, asked.into)
    predicted = predictions(run, study)
    wanted = targets(study, predicted)
    about = [
        {
            "target": t.name,
            "truth": t.truth,
            "predictions only": naive(study, t),
            "correlation": weighted_correlation(t.human, t.predicted, study.weights),
        }
        for t in wanted
    ]
    rungs = list(ladder_rows(ladder(study, predicted)))
    rows = [row for t in wanted for n in SIZES for row in resample(study, t, n, asked.resamples)]
    if asked.json:
        found = {"people": len(study.ids), "kinds": len(kinds), "ladder": rungs, "about": about, "rows": rows}
        print(json.dumps(found, indent=1))
        return
    print(f"{len(study.ids)} of {len(people)} respondents, {len(kinds)} kinds of personas\n")
    print_table(rungs)
    print_table(about)
    print_table(rows)


def print_table(rows: list[dict[str, object]]) -> None:
    """A markdown table."""
    print("| " + " | ".join(rows[0]) + " |\n|" + "---|" * len(rows[0]))
    for row in rows:
        print("| " + " | ".join(f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values()) + " |")
    print()


if __name__ == "__main__":
    main()
