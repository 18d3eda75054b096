"""Found on A, locked, and tested on B, which is opened once."""

import hashlib
import json
import math
import os
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from proband.designs.hypotheses import Direction
from proband.errors import DataError, DesignError, strange_choice
from proband.estimates import Estimate
from proband.files import text_of
from proband.literature.hypotheses.bank import Bank, Keeping
from proband.literature.hypotheses.features import FEATURES, Rule, Surface, first_rules, further_rules
from proband.literature.hypotheses.record import Hypothesis
from proband.literature.hypotheses.rows import Alike, Rows, read_rows, split_rows
from proband.measures import adjust_p, clustered_mean
from proband.models.dictionaries import Dictionary
from proband.seeds import rng_for
from proband.texts.gold.project import fingerprint
from proband.texts.gold.tables import rows_in, write_table, write_text

Told = tuple[Sequence[str], Sequence[str | None]]  # outcomes as a hypothesis speaks of them, and what it says
Verdict = Literal["held", "not held", "cannot be told"]
OPENING, OPENED = ("data", "lock", "rows", "time"), ("lock", "row")


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How hypotheses are found on A and tested on B; all of it is locked before B is opened.

    Attributes
    ----------
    data : str
        File of the rows, seen from the folder of the hypotheses.
    outcome, texts, id, unit, share, seed, alike
        As `read_rows` and `split_rows` take them.
    words : str
        File of a dictionary whose codes are features too; empty for none.
    adjust : {"holm", "bh"}
        Holm's family-wise error, or the false-discovery rate of Benjamini and Hochberg.
    alpha : float
        Size of the family of tests, or expected share of false ones among those that hold.
    found_at : float
        Largest p value on A, one-sided and not adjusted, with which a hypothesis is put to the test.
    most : int
        Hypotheses that are put to the test.
    """

    data: str
    outcome: str
    texts: tuple[str, ...] = ()
    id: str = ""
    unit: str = ""
    share: float = 0.5
    seed: int = 1
    alike: Alike = "refuse"
    words: str = ""
    adjust: Literal["holm", "bh"] = "holm"
    alpha: float = 0.05
    found_at: float = 0.05
    most: int = 20

    def __post_init__(self) -> None:
        if strange := strange_choice(self):
            raise DesignError(strange)
        if not 0 < self.alpha < 1 or not 0 < self.found_at <= 1 or self.most < 1:
            raise DesignError(
                f"alpha {self.alpha} and found_at {self.found_at} are probabilities, most {self.most} at least 1"
            )

    def sides(self, folder: Path) -> tuple[Rows, Rows, str]:
        """Rows of A and of B, and the hash of all."""
        # The folder need not be there yet, and a path that goes through it is the same without.
        rows = read_rows(
            os.path.normpath(folder / self.data), self.outcome, texts=self.texts, id=self.id, unit=self.unit
        )
        return *split_rows(rows, share=self.share, seed=self.seed, alike=self.alike), rows.content_hash


@dataclass(frozen=True, kw_only=True)
class Decided:
    """One hypothesis on both sides.

    Attributes
    ----------
    hypothesis : Hypothesis
        What is said.
    on_a, on_b : Estimate
        Agreement beyond chance.
    accuracy_a, accuracy_b : float
        Share of rows of which it says the right thing, among those of which it says anything.
    covered : int
        Rows of B of which it says anything.
    adjusted : float or None
        P value on B, one-sided since the direction was locked, adjusted for all that were tested.
    verdict : str
        Held: adjusted at most alpha.
    """

    hypothesis: Hypothesis
    on_a: Estimate
    accuracy_a: float
    on_b: Estimate
    accuracy_b: float
    covered: int
    adjusted: float | None
    verdict: Verdict


def beyond_chance(truth: Sequence[str], said: Sequence[str | None], units: Sequence[str]) -> Estimate:
    """How much more often a prediction is right than it would be were it independent of the outcome.

    ``P(said = truth) - sum_k P(said = k) P(truth = k)``, the numerator of Cohen's kappa, over the rows of which
    something is said. Its standard error is that of the mean of the rows' influences, ``hit - P(truth = said_i) -
    P(said = truth_i) + sum_k P(said = k) P(truth = k)``, clustered by unit; `p_value` is of independence, two-sided.

    Parameters
    ----------
    truth, said : sequence of str
        Outcome and prediction of every row; None where nothing is said.
    units : sequence of str
        What is independent.

    Raises
    ------
    DataError
        If nothing is said of any row.

    References
    ----------
    Cohen (1960), Educ. Psychol. Meas. 20, 37-46. doi:10.1177/001316446002000104

    Examples
    --------
    >>> print(round(beyond_chance(["a", "a", "b", "b"], ["a", "a", "b", "a"], ["1", "2", "3", "4"]).value, 3))
    0.25
    """
    rows = [(t, s, unit) for t, s, unit in zip(truth, said, units, strict=True) if s is not None]
    if not rows:
        raise DataError("nothing is said of any row; there is nothing to test")
    n = len(rows)
    of_truth, of_said = ({label: sum(row[k] == label for row in rows) / n for label in {row[k] for row in rows}}
                         for k in (0, 1))  # fmt: skip
    chance = sum(share * of_said.get(label, 0.0) for label, share in of_truth.items())
    influences = [(t == s) - of_truth.get(str(s), 0.0) - of_said.get(t, 0.0) + chance for t, s, _ in rows]
    found = clustered_mean(influences, [unit for _, _, unit in rows], is_share=False, target="data")
    # Rows are no small sample of shares: what is warned of rare outcomes is about answers of 0 and 1.
    return replace(found, estimand="agreement of what is said with the outcome, beyond chance")


def one_sided(found: Estimate) -> float | None:
    """P value of agreement at chance or below; None where there is no test."""
    if found.p_value is None:
        return None
    return found.p_value / 2 if found.value > 0 else 1 - found.p_value / 2


def accuracy(told: Told) -> tuple[float, int]:
    """Share of right predictions among all, and how many there are."""
    pairs = [(t, s) for t, s in zip(*told, strict=True) if s is not None]
    return (sum(t == s for t, s in pairs) / len(pairs) if pairs else math.nan), len(pairs)


def kept_on(
    a: Rows, *, keeping: Keeping, dictionary: Dictionary | None = None, seed: int = 1
) -> tuple[dict[str, Told], list[Rule], int]:
    """A bank of rules of features, kept on A without any model.

    Returns
    -------
    told, rules, n : mapping, list of Rule, int
        By a rule's text, outcomes and predictions on A; the rules in the bank at its end; how many were proposed.
    """
    surface = Surface(a, dictionary)
    rules = {rule.text: rule for rule in first_rules(surface)}
    told: dict[str, Told] = {name: surface.predicted(rule) for name, rule in rules.items()}
    bank = Bank(keeping)
    bank.add(list(rules))
    for row in rng_for(seed, "hypotheses", "bank").permutation(len(a)).tolist():
        bank.judged(row, {name: (told[name][0][row], told[name][1][row]) for name in bank.tallies})
        if erred := bank.erred():
            for rule in further_rules(surface, erred, list(rules.values()), keeping.fresh):
                rules[rule.text], told[rule.text] = rule, surface.predicted(rule)
                bank.add([rule.text])
    return told, [rules[name] for name in bank.tallies], len(rules)


def found_on(a: Rows, told: Mapping[str, Told], terms: Terms) -> dict[str, Estimate]:
    """Which of some predictions agree with the outcomes of A beyond chance, the surest first."""
    found = {}
    for name, (truth, said) in told.items():
        if all(each is None for each in said):
            continue
        estimate = beyond_chance(truth, said, a.units)
        p = one_sided(estimate)
        if p is not None and p <= terms.found_at:
            found[name] = estimate
    return dict(sorted(found.items(), key=lambda pair: one_sided(pair[1]) or 0.0)[: terms.most])


def hypothesis_of(rule: Rule, a: Rows, terms: Terms, time: str) -> Hypothesis:
    """A rule in words, with what would show it to be wrong."""
    direction: Direction = "differs" if rule.form == "beside" else "more"
    if rule.form == "beside":
        variables = f"the word {'before' if rule.place < 0 else 'behind'} {rule.feature!r}", a.outcome
    else:
        kind, _, name = rule.feature.partition(": ")
        more = FEATURES[rule.feature][0] if rule.feature in FEATURES else f"words of {name}"
        more = f"the word {name!r}" if kind == "word" else more
        of = list(a.texts)
        where = f" in {of[0]} than in {of[1]}" if rule.form == "pair" else f" (above {rule.cut:g})" * bool(rule.cut)
        variables = more + where, f"{a.outcome} {rule.label!r}"
    return Hypothesis(
        independent=variables[0], dependent=variables[1], direction=direction,
        mechanism="the outcome is that word" if rule.form == "beside" else "", population=f"rows like {a.name}",
        falsifier="In rows that were not looked at, it agrees with the outcome no more often than by chance.",
        test=f"Agreement beyond chance in B, clustered by {terms.unit or 'row'}, one-sided, adjusted: {terms.adjust}.",
        strategy="surface", proposer="rules", time=time, rule=rule.text,
        seen=(f"A: {len(a)} rows of {a.name}, outcome and texts",),
    )  # fmt: skip


def write_lock(path: Path, terms: Terms, content: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """Write down what will be tested on B and how, before it is opened; what was opened before stays opened.

    Raises
    ------
    DesignError
        If B of these data was opened from this folder.
    """
    refuse_opened(path.parent, content, lock="")
    lock = {"terms": terms.__dict__ | {"texts": list(terms.texts)}, "content": content, **told}
    lock["hash"] = fingerprint(lock)
    write_text(path, json.dumps(lock, indent=2, ensure_ascii=False) + "\n")
    return lock


def read_lock(path: Path) -> dict[str, Any]:
    """A lock as it was written.

    Raises
    ------
    DesignError
        If there is none, or it was edited.
    """
    if not path.exists():
        raise DesignError(f"{path}: no lock; `proband hypothesize find` writes it when it has looked at A")
    try:
        lock: dict[str, Any] = json.loads(text_of(path, what="lock", error=DataError))
        held = lock.pop("hash")
    except (ValueError, AttributeError, KeyError):
        raise DesignError(f"{path}: no lock that can be read; find hypotheses anew, on other data") from None
    if fingerprint(lock) != held:
        raise DesignError(f"{path}: edited since it was locked; bring it back: what is tested on B is what was locked")
    return lock | {"hash": held}


def refuse_opened(folder: Path, content: str, lock: str, b: Rows | None = None) -> None:
    """Refuse to open B of some data when it was opened under another lock, or rows of it in a file since edited.

    Raises
    ------
    DesignError
        If it was.
    """
    opened = {row["row"] for row in rows_in(folder / "opened.csv", OPENED) if row["lock"] != lock}
    seen = [id for id, row in zip(b.ids, _digests(b), strict=True) if row in opened] if b is not None else []
    for row in rows_in(folder / "openings.csv", OPENING):
        if row["data"] == content and row["lock"] != lock:
            raise DesignError(
                f"{folder / 'openings.csv'}: B of these rows was opened on {row['time']} under the lock "
                f"{row['lock'][:12]}; what was seen once is no test any more: bring rows that nobody has looked at"
            )
    if seen:
        raise DesignError(
            f"{folder / 'opened.csv'}: {len(seen)} rows of B, such as {seen[0]!r}, have words that were opened as B "
            "before, in these rows or others; what was seen once is no test any more: bring rows that nobody has "
            "looked at"
        )


def _digests(b: Rows) -> list[str]:
    """Of each row its words, by which it is known again in an edited file, whatever its columns are called."""
    return [hashlib.blake2b(json.dumps(texts).encode(), digest_size=8).hexdigest() for texts in b.told_alike]


def open_b(folder: Path, lock: Mapping[str, Any], b: Rows) -> None:
    """Note that B is opened; who was stopped after that goes on under the same lock.

    Raises
    ------
    DesignError
        If it was opened under another lock.
    """
    refuse_opened(folder, lock["content"], lock["hash"], b)
    opened = rows_in(folder / "openings.csv", OPENING)
    if not any(row["lock"] == lock["hash"] for row in opened):
        now = {"data": lock["content"], "lock": lock["hash"], "rows": str(len(b)), "time": now_as_text()}
        rows = [{"lock": lock["hash"], "row": row} for row in dict.fromkeys(_digests(b))]
        write_table(folder / "opened.csv", OPENED, [*rows_in(folder / "opened.csv", OPENED), *rows])
        write_table(folder / "openings.csv", OPENING, [*opened, now])


def decided(
    b: Rows, hypotheses: Sequence[Hypothesis], told: Mapping[str, Told], on_a: Mapping[str, tuple[Estimate, float]],
    terms: Terms,
) -> tuple[Decided, ...]:  # fmt: skip
    """Every locked hypothesis on B, adjusted for all of them.

    Parameters
    ----------
    b : Rows
        Rows that no proposer has seen.
    hypotheses : sequence of Hypothesis
        As locked.
    told, on_a : mapping
        By id: outcomes and predictions on B; agreement and accuracy on A.
    terms : Terms
        How they are adjusted.
    """
    on_b = {h.id: _on_b(told[h.id], b.units) for h in hypotheses}
    raw = {id: p for id, found in on_b.items() if (p := one_sided(found)) is not None}
    # What cannot be tested was planned too, and counts in the family as a test that found nothing.
    family: dict[Hashable, float] = {id: raw.get(id, 1.0) for id in on_b}
    adjusted = adjust_p(family, terms.adjust).adjusted
    found = []
    for hypothesis in hypotheses:
        estimate, p = on_b[hypothesis.id], adjusted[hypothesis.id] if hypothesis.id in raw else None
        share, covered = accuracy(told[hypothesis.id])
        verdict: Verdict = "cannot be told" if p is None else "held" if p <= terms.alpha else "not held"
        found.append(
            Decided(
                hypothesis=hypothesis, on_a=on_a[hypothesis.id][0], accuracy_a=on_a[hypothesis.id][1], on_b=estimate,
                accuracy_b=share, covered=covered, adjusted=p,
                verdict=verdict,
            )
        )  # fmt: skip
    return tuple(found)


def _on_b(told: Told, units: Sequence[str]) -> Estimate:
    try:
        return beyond_chance(*told, units)
    except DataError as error:
        return Estimate(value=math.nan, estimand="agreement beyond chance", target="data", n_units=0,
                        interval_method="none", warnings=(str(error),))  # fmt: skip


def voted(told: Mapping[str, Told], weights: Mapping[str, float], labels: Mapping[str, str], b: Rows) -> float:
    """Accuracy of the outcome that most weight speaks for, over all rows of B; ties go to the first in the alphabet.

    `labels` are the outcomes that predictions of yes and no are about; without one a prediction is an outcome itself.
    """
    right = 0
    for k, label in enumerate(b.labels):
        scores = dict.fromkeys(b.levels, 0.0)
        for name, (_, said) in told.items():
            for level in b.levels:
                of = labels.get(name, "")
                is_for = said[k] == level if not of else (said[k] == "yes") == (level == of)
                scores[level] += weights[name] * (said[k] is not None and is_for)
        right += max(scores, key=lambda level: scores[level]) == label
    return right / len(b)


def now_as_text() -> str:
    """The time, to the second, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
