"""Fidelity of a run to people as a ladder: marginal, subgroup, joint, individual, effect."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from proband.errors import DataError
from proband.measures.likeness.ladder.answers import Source, asked_items, conditions_of, read_source
from proband.measures.likeness.ladder.crossings import FEWEST_ITEMS, FEWEST_PEOPLE, effect_rows, joint_rows
from proband.measures.likeness.ladder.matching import sheets_of
from proband.measures.likeness.ladder.people import By, Column, Sampling, cast_of, design_text
from proband.measures.likeness.ladder.rungs import individual_rows, marginal_rows, small_groups, subgroup_rows
from proband.measures.likeness.ladder.sheets import RUNGS, LadderRow, LadderSettings, Rung, Sheet


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """What `fidelity` found: how far up the ladder the run was tested, and what it reached on every rung.

    - `rows`: in the order of the rungs; a row without an item is a mean over items, or about all of them.
    - `not_tested` (mapping of rung to reason): a claim on such a rung has nothing behind it.
    - `missing_nulls` (mapping of null row to reason): null rows that could not be made.
    - `left_out` (mapping of item or group to reason): what was there but could not be compared.
    - `n_subjects`, `n_people_only`, `n_model_only`: subjects on both sides; people the run did not ask, who are held
      out; subjects without a human answer.
    - `design`: the survey design behind intervals and floors.
    - `nulls`: where the majority, marginal-only and demographics-only rows come from.
    """

    rows: tuple[LadderRow, ...]
    not_tested: Mapping[str, str]
    missing_nulls: Mapping[str, str]
    left_out: Mapping[str, str]
    n_subjects: int
    n_people_only: int
    n_model_only: int
    design: str
    nulls: str
    warnings: tuple[str, ...] = ()

    @property
    def tested(self) -> tuple[Rung, ...]:
        """Rungs with at least one row."""
        return tuple(rung for rung in RUNGS if rung not in self.not_tested)

    def rung(self, name: Rung, *, summary: bool = False) -> tuple[LadderRow, ...]:
        """Rows of one rung; with `summary` only those about all items together, or the only item there is."""
        rows = tuple(row for row in self.rows if row.rung == name)
        if not summary:
            return rows
        of_all = tuple(row for row in rows if not row.item)
        return of_all or rows

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON; what is undefined or infinite is None."""
        plain: dict[str, object] = {
            name: dict(value) if isinstance(value, Mapping) else list(value) if isinstance(value, tuple) else value
            for name in self.__dataclass_fields__
            if name != "rows"
            for value in (getattr(self, name),)
        }
        plain["tested"] = list(self.tested)
        plain["rows"] = [
            {
                "rung": row.rung,
                "statistic": row.statistic,
                "item": row.item,
                "group": row.group,
                "condition": dict(row.condition),
                **row.estimate.as_dict(),
                "baselines": {n: v if math.isfinite(v) else None for n, v in row.estimate.baselines.items()},
            }
            for row in self.rows
        ]
        return plain


def fidelity(
    run: Any,
    people: Any,
    by: By | None = None,
    weights: Column | None = None,
    strata: Column | None = None,
    psu: Column | None = None,
) -> Ladder:
    """How close a run's answers are to people's, rung by rung, each with null rows and a noise floor.

    ====================  =========================================================  =========================
    rung                  question                                                   statistic
    ====================  =========================================================  =========================
    marginal              are the shares of each item right?                         total variation, W1
    subgroup              are they right within subgroups?                           the same, by group
    joint                 do answers to different items go together?                 difference of correlations
    individual            is the single person's answer foreseen?                    agreement, Brier, log score
    effect                do the conditions of an experiment work as in people?      difference of effects
    ====================  =========================================================  =========================

    A lower rung says nothing of a higher one. Null rows are the same statistic for answers that know nothing
    (``uniform``), only the most frequent answer (``majority``), only people's shares (``marginal_only``), only
    people's traits (``demographics_only``: multinomial logits of the answers on the traits, fitted to other people)
    or for the model without a persona (``no_persona``, where the run has it). The floor is what people's own sampling
    makes under the same weights, strata and units: a model at the floor cannot be told from the truth.

    Weights count as given: that they were raked is not in the intervals. With null rows from halves of these
    same people (no held-out people), majority, marginal-only and demographics-only distances hold the noise
    of two halves and come out too large, by up to the noise floor. Do not use it to compare *engines*: test
    their difference on the same subjects.

    Parameters
    ----------
    run, people : frame, mapping of columns, or object with ``table()``
        One row per response with columns ``subject``, ``item`` and ``answer`` (0-based option index) and, for a
        model, ``probs`` (a probability for each option) instead or beside it; ``status`` where rows may be no valid
        answers, ``value`` (scale points) where options are ordered. Objects may also have ``weights``, ``items`` and
        ``traits``. Rows are joined by subject and item. Every further column of the run that varies is a condition of
        the design; a further column of people is that condition where the run has it too, else a trait. People who
        were not asked through the run are held out: they make the null rows.
    by : str, sequence of str, or mapping of subject to group, optional
        Trait columns that define subgroups, of people or run.
    weights, strata, psu : column name or mapping of subject to value, optional
        Survey design of people: positive design weights, strata, primary sampling units (nested in strata).
        Default weights: those of `people` or `run`, where they have any.

    Returns
    -------
    Ladder
        Intervals: linearised (per item) or from 1,000 rescaled bootstrap replicates of sampling units (means
        over items, correlations), at 95 %.

    Raises
    ------
    DataError, MissingDataError
        If there are no human answers, nobody or nothing is on both sides, a stratum has a single unit, or a column is
        not there or contradicts itself; if a subject with answers has no weight, stratum or unit.

    References
    ----------
    Rao & Wu (1988), J. Am. Stat. Assoc. 83, 231-241. doi:10.1080/01621459.1988.10478591
    Argyle et al. (2023), Political Analysis 31, 337-351. doi:10.1017/pan.2023.2
    Santurkar et al. (2023), arXiv:2303.17548. Fang & Santos (2019), doi:10.1093/restud/rdy049

    Examples
    --------
    >>> subjects = [f"s{i}" for i in range(120) for _ in range(2)]
    >>> items = ["vote", "trust"] * 120
    >>> people = {"subject": subjects, "item": items, "answer": [i // 2 % 3 % 2 for i in range(240)]}
    >>> run = {"subject": subjects, "item": items, "probs": [[0.6, 0.4]] * 240}
    >>> ladder = fidelity(run, people)
    >>> ladder.tested
    ('marginal', 'individual')
    >>> row = ladder.rung("marginal", summary=True)[0]
    >>> print(round(row.estimate.value, 3), round(row.nulls["uniform"], 3), round(row.noise_floor, 3))
    0.067 0.167 0.034
    """
    sources = read_source(run, "run"), read_source(people, "people")
    survey = Sampling(by=by, weights=weights, strata=strata, psu=psu)
    return _climb(*sources, survey, LadderSettings())


def _climb(run: Source, people: Source, survey: Sampling, settings: LadderSettings) -> Ladder:
    import polars as pl  # heavy, and not needed to import proband.measures

    if "status" in people.frame.columns:
        people = replace(people, frame=people.frame.filter(pl.col("status") == "valid"))
        if people.frame.is_empty():
            raise DataError("people have no valid answer; a claim about people needs them")
    if "replicate" in people.frame.columns:
        people = replace(people, frame=people.frame.filter(pl.col("replicate") == pl.col("replicate").min()))
    items, left_out = asked_items(run, people)
    conditions = conditions_of(run, survey.columns)
    shared = [c for c in conditions if c in people.frame.columns]
    cast = cast_of(run, people, survey, conditions)
    sheets, nobody_reason = sheets_of(run, people, items, cast, (conditions, shared), settings)
    if not sheets:
        raise DataError("no subject answered the same item on both sides; use the same subject names and item ids")
    rows = _rows(sheets, shared)
    rungs = {row.rung for row in rows}
    reasons = _reasons(sheets, shared, survey)
    for sheet in sheets:
        for group in small_groups(sheet):
            left_out[group] = f"fewer than {settings.min_group} people"
    missing = {} if nobody_reason is None else {"no_persona": nobody_reason}
    if cast.predictors is None:
        missing["demographics_only"] = "no traits of people are known; add them as columns of people"
    is_outside = any(sheets[0].is_held_out(k) for k in range(len(items)))
    return Ladder(
        rows=tuple(sorted(rows, key=lambda row: RUNGS.index(row.rung))),
        not_tested={rung: reasons[rung] for rung in RUNGS if rung not in rungs},
        missing_nulls=missing,
        left_out=left_out,
        n_subjects=len(cast.subjects),
        n_people_only=len(cast.outside),
        n_model_only=cast.n_model_only,
        design=design_text(cast),
        nulls=f"{len(cast.outside):,} held-out people" if is_outside else "cross-fitted halves",
        warnings=tuple(cast.warnings),
    )


def _rows(sheets: Sequence[Sheet], shared: Sequence[str]) -> list[LadderRow]:
    rows: list[LadderRow] = []
    rungs: list[Callable[[Sheet], Iterable[LadderRow]]] = [marginal_rows, subgroup_rows, individual_rows]
    for sheet in sheets:
        for climb in rungs:
            rows += climb(sheet)
        if len(sheet.items) >= FEWEST_ITEMS and sheet.n >= FEWEST_PEOPLE:
            rows += joint_rows(sheet)
    if len(sheets) > 1 and shared:
        rows += effect_rows(sheets, shared)
    return rows


def _reasons(sheets: Sequence[Sheet], shared: Sequence[str], survey: Sampling) -> dict[str, str]:
    """Why a rung that has no row has none."""
    least = sheets[0].settings.min_group
    few = f"every subgroup has fewer than {least} people"
    joint = f"at least {FEWEST_ITEMS} items and {FEWEST_PEOPLE} people are needed"
    n_items = len(sheets[0].items)
    if n_items >= FEWEST_ITEMS and sheets[0].n >= FEWEST_PEOPLE:
        joint = "no pair of items has variance on both sides"
    effect = "fewer than 3 effects could be estimated" if shared else "people were not under conditions of the run"
    return {
        "marginal": "fewer than 2 subjects answered an item on both sides",
        "subgroup": few if survey.by is not None else "no subgroups were named; give `by`",
        "joint": joint,
        "individual": "fewer than 2 subjects answered an item on both sides",
        "effect": effect,
    }
