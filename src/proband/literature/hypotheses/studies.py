"""A hypothesis as a study file: what would decide it, of whom it is asked, and how many are needed."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from proband.errors import DataError, DesignError, meant
from proband.files import in_toml
from proband.literature.hypotheses.record import Hypothesis
from proband.measures import Paired, TwoMeans, TwoShares, sample_size
from proband.measures.experiments.planning import SampleSize
from proband.subjects import load_population
from proband.subjects.corpora import CorpusReading, read_corpus
from proband.texts.tables.tables import read_sheet

Kind = Literal["survey", "experiment", "coding", "society", "test"]
_STEPS = ("Nothing at all", "A little", "Some", "Much", "Very much")
_SD = math.sqrt(2.0)  # of answers spread evenly over five steps, which plans take for people's
_ALPHA = 0.05


@dataclass(frozen=True, kw_only=True)
class Study:
    """How a hypothesis is made into a study.

    Attributes
    ----------
    smallest : float
        Smallest effect that would matter, in standard deviations.
    power : float
        With which it is to be found.
    engine : str
        Address of who answers.
    population : str
        Of a survey, an experiment, a society: one of `proband list populations`, or a file.
    data, text, outcome, by : str
        Of coding and tests: a table, seen from the study file, its column of texts, and the columns of the dependent
        and of the independent variable.
    seed : int
        Of all draws.
    """

    smallest: float = 0.3
    power: float = 0.8
    engine: str = "smollm2"
    population: str = "anes-1996"
    data: str = ""
    text: str = ""
    outcome: str = ""
    by: str = ""
    seed: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.smallest < 5 or not _ALPHA < self.power < 1:
            raise DesignError(
                f"smallest {self.smallest} standard deviations and power {self.power}: the smallest effect that would "
                f"matter is above 0 and below 5, the power above {_ALPHA} and below 1"
            )


def study_text(hypothesis: Hypothesis, kind: Kind, study: Study, folder: Path) -> str:
    """A study file that would decide a hypothesis, as TOML text; its head says the estimand and the power.

    Parameters
    ----------
    hypothesis : Hypothesis
        What is said.
    kind : {"survey", "experiment", "coding", "society", "test"}
        Of study; a test is one on a table that is there.
    study : Study
        Its size and its data.
    folder : path
        Where the file will lie.

    Raises
    ------
    DesignError, DataError
        If it needs more people than the population has, a table that was not named, or a column that is not there.
    """
    head, body = _MADE[kind](hypothesis, study, folder)
    told = {
        "Hypothesis": f"{hypothesis.says} ({hypothesis.id}; {hypothesis.strategy})",
        "Mechanism": hypothesis.mechanism, "Population": hypothesis.population,
        "Moderators": ", ".join(hypothesis.moderators), "Given up if": hypothesis.falsifier, "Test": hypothesis.test,
        "Seen before": "; ".join(hypothesis.seen), **head,
    }  # fmt: skip
    lines = [f"# {name}: {' '.join(value.split())}" for name, value in told.items() if value]
    lines.append("# A draft: read every line of it before anybody is asked, and lock it with `proband lock`.")
    first = f"title = {in_toml(hypothesis.says[:80])}\nseed = {study.seed}\n"
    return "\n".join(lines) + f"\n{first}{body}"


def _wanted(hypothesis: Hypothesis, study: Study) -> float:
    """Power that a test of a difference needs, for a claim of none to be found with the power that is wanted."""
    if hypothesis.direction != "none":
        return study.power
    # Two one-sided tests of size .05 find a true difference of zero where a two-sided one finds the bound with this:
    # z(.95) + z((1 + power) / 2) = z(.975) + z(power'), which scipy's normal gives.
    from scipy.special import ndtr, ndtri

    return float(ndtr(ndtri(1 - _ALPHA) + ndtri((1 + study.power) / 2) - ndtri(1 - _ALPHA / 2)))


def _told(size: SampleSize, hypothesis: Hypothesis, study: Study, what: str) -> str:
    each = " and ".join(map(str, size.groups))
    if hypothesis.direction == "none":
        return (
            f"{each} {what} show an effect of none to be below {study.smallest:g} standard deviations with probability "
            f"{study.power:.2f} (two one-sided tests, alpha {_ALPHA:g})"
        )
    return (
        f"{each} {what} find an effect of {study.smallest:g} standard deviations with probability {study.power:.2f} "
        f"(two-sided, alpha {_ALPHA:g})"
    )


def _two_groups(hypothesis: Hypothesis, study: Study) -> SampleSize:
    return sample_size(TwoMeans(effect=study.smallest), power=_wanted(hypothesis, study))


def _people(size: SampleSize, study: Study, folder: Path) -> str:
    """The table of the population, refused where it has too few."""
    name = study.population
    there = load_population(folder / name if name.endswith(".toml") else name)
    if size.total > len(there):
        raise DesignError(
            f"{size.total:,} subjects are needed, and {name} has {len(there):,}; take a larger population, or say that "
            f"only a larger effect than {study.smallest:g} standard deviations would matter (--smallest)"
        )
    return f"[population]\nuse = {in_toml(name)}\nsample = {size.total}\n"


def _items(*items: tuple[str, str]) -> str:
    rows = "".join(f'  {{ id = "{id}", text = {in_toml(text)} }},\n' for id, text in items)
    defaults = f'{{ form = "scale", options = {in_toml(_STEPS)} }}'
    return f'[instrument]\nid = "measures"\ntitle = "Measures"\ndefaults = {defaults}\nitems = [\n{rows}]\n'


def _braceless(text: str) -> str:
    """Words of a hypothesis in which braces are no pipes."""
    return text.replace("{", "(").replace("}", ")").rstrip(" .")


def _survey(hypothesis: Hypothesis, study: Study, folder: Path) -> tuple[Mapping[str, str], str]:
    size = _two_groups(hypothesis, study)
    items = (
        ("independent", f"Think of yourself: how much is there of this? {_braceless(hypothesis.independent)}"),
        ("dependent", f"And how much is there of this? {_braceless(hypothesis.dependent)}"),
    )
    head = {
        "Estimand": "mean of `dependent` among those above the middle of `independent`, less that among the others, "
        "with its interval; association, not effect",
        "Power": _told(size, hypothesis, study, "subjects"),
    }
    body = f"engine = {in_toml(study.engine)}\n\n{_items(*items)}\n{_people(size, study, folder)}\n[survey]\n"
    return head, body


def _experiment(hypothesis: Hypothesis, study: Study, folder: Path) -> tuple[Mapping[str, str], str]:
    size = _two_groups(hypothesis, study)
    smallest = round(study.smallest * _SD, 3)
    dependent, independent = _braceless(hypothesis.dependent), _braceless(hypothesis.independent)
    item = f"Picture this: {{factor:independent}}. How much would you expect of this? {dependent}"
    head = {
        "Estimand": "mean of `dependent` (1 to 5) where there is much of `independent`, less that where there is none; "
        f"smallest that matters {smallest:g} points, {study.smallest:g} standard deviations of answers spread evenly",
        "Power": _told(size, hypothesis, study, "subjects, by arm,"),
    }
    body = (
        f"engine = {in_toml(study.engine)}\n\n{_items(('dependent', item))}\n{_people(size, study, folder)}\n"
        f"[experiment]\n\n[experiment.factors.independent]\n"
        f"none = {in_toml(f'there is nothing of this: {independent}')}\n"
        f"much = {in_toml(f'there is much of this: {independent}')}\n\n"
        f"[[hypotheses]]\nid = {in_toml(hypothesis.id)}\nsays = {in_toml(hypothesis.says)}\n"
        f'outcome = "dependent"\nfactor = "independent"\nlevel = "much"\nagainst = "none"\n'
        f"direction = {in_toml(hypothesis.direction)}\nsmallest = {smallest:g}\n"
    )
    return head, body


def _coding(hypothesis: Hypothesis, study: Study, folder: Path) -> tuple[Mapping[str, str], str]:
    if not study.data or not study.text:
        raise DesignError("coding is of texts: name their table with --data and their column with --text")
    corpus = read_corpus(folder / study.data, text=study.text, how=CorpusReading(near=False))
    if study.by and study.by not in corpus.columns.columns:
        raise DataError(f"{study.data}: no column {study.by!r} for --by{meant(study.by, corpus.columns.columns)}")
    # Half of the texts with it and half without is the case in which a share takes most texts.
    half = study.smallest / 4
    size = sample_size(TwoShares(share_a=0.5 - half, share_b=0.5 + half), power=_wanted(hypothesis, study))
    questions = "".join(
        f'[[instrument.questions]]\nid = "{id}"\ntext = "Does the text show this?"\n\n'
        f'[[instrument.questions.codes]]\nlabel = "Yes"\ndefinition = {in_toml(f"The text shows it: {what}.")}\n\n'
        f'[[instrument.questions.codes]]\nlabel = "No"\ndefinition = "The text does not show it."\n\n'
        for id, what in (("independent", hypothesis.independent), ("dependent", hypothesis.dependent))
    )
    by = f'about = "independent[Yes]"\nby = {in_toml(study.by)}\n' if study.by else 'about = "independent[Yes]"\n'
    more = "" if study.by else '\n[[coding.claims]]\nabout = "dependent[Yes]"\n'
    head = {
        "Estimand": f"share of texts that show `independent`, by {study.by}, corrected by people's codes" if study.by
        else "shares of texts that show `independent` and `dependent`, corrected by people's codes",
        "Power": f"{size.groups[0]} and {size.groups[1]} texts that people have coded find shares that are "
        f"{2 * half:.0%} apart with probability {size.power:.2f}; the coder's codes of all others add to that",
    }  # fmt: skip
    n = min(size.total, len(corpus))
    body = (
        f"\n[engine]\ncoder = {in_toml(study.engine)}\n\n"
        f'[instrument]\nid = "hypothesis"\ntitle = "Signs of a hypothesis"\nintroduction = "You code texts."\n\n'
        f"{questions}[coding.corpus]\nfile = {in_toml(study.data)}\ntext = {in_toml(study.text)}\n\n"
        f"[coding.gold]\nn = {n}\n\n[[coding.claims]]\n{by}{more}"
    )
    return head, body


def _society(hypothesis: Hypothesis, study: Study, folder: Path) -> tuple[Mapping[str, str], str]:
    size = sample_size(Paired(effect=study.smallest), power=_wanted(hypothesis, study))
    load_population(folder / study.population if study.population.endswith(".toml") else study.population)
    dependent, independent = _braceless(hypothesis.dependent), _braceless(hypothesis.independent)
    head = {
        "Estimand": "mean of `dependent` in the last round in the arm `much`, less that in the same society without it",
        "Power": _told(size, hypothesis, study, "societies, each with both arms,"),
    }
    body = (
        f"engine = {in_toml(study.engine)}\n\n[population]\nuse = {in_toml(study.population)}\nsample = 20\n\n"
        f'[society]\nsocieties = {size.groups[0]}\nrounds = 4\n\n[network]\nkind = "small-world"\ndegree = 4\n\n'
        f'[[variable]]\nname = "dependent"\noptions = {in_toml(_STEPS)}\nstart = {in_toml(_STEPS[2])}\n\n'
        f'[[turn]]\nitem = "dependent"\ntext = {in_toml(f"How much is there of this now? {dependent}")}\n'
        f'sees = ["own", "neighbours"]\n\n[[arm]]\nname = "much"\nfrom_round = 2\n'
        f"message = {in_toml(f'From now on there is much of this: {independent}.')}\n"
    )
    return head, body


def _test(hypothesis: Hypothesis, study: Study, folder: Path) -> tuple[Mapping[str, str], str]:
    rows = _rows(study, folder)
    outcome, by = (_quoted(name) for name in (study.outcome, study.by))
    levels = list(dict.fromkeys(row[study.by] for row in rows))
    if all(_is_number(row[study.by]) for row in rows) and len(levels) > 2:
        statistic, wanted = "correlation", f"SELECT {outcome}, {by} FROM rows"
        ask = f"How strongly do {study.outcome} and {study.by} go together?"
        groups = ""
    elif len(levels) == 2:
        statistic, wanted = "difference", f"SELECT {outcome}, {by} FROM rows"
        ask = (
            f"How much larger is {study.outcome} on average for one of the two values of {study.by} than for the other?"
        )
        groups = f"groups = {in_toml(sorted(map(str, levels)))}\n"
    else:
        raise DataError(f"{study.data}: {study.by!r} has {len(levels)} values; give a column of two, or of numbers")
    if not all(_is_number(row[study.outcome]) for row in rows):
        raise DataError(f"{study.data}: {study.outcome!r} holds words; code them as numbers first")
    size = _two_groups(hypothesis, study)
    head = {
        "Estimand": f"{statistic} of {study.outcome} and {study.by}, with its interval; association, not effect",
        "Power": f"{_told(size, hypothesis, study, 'rows')}; there are {len(rows)}",
    }
    wordings = [ask, f"By the table: {ask[0].lower()}{ask[1:]}"]
    body = (
        f"engine = {in_toml(study.engine)}\n\n[tables]\nfiles = {{ rows = {in_toml(study.data)} }}\n\n"
        f"[[tables.questions]]\nid = {in_toml(hypothesis.id)}\nstatistic = {in_toml(statistic)}\n{groups}"
        f"wordings = {in_toml(wordings)}\nreference = {in_toml(wanted)}\n"
    )
    return head, body


def _rows(study: Study, folder: Path) -> list[dict[str, object]]:
    """Rows of the table that was named, which has the columns that were."""
    if not study.data:
        raise DesignError("a test is on a table: name it with --data, and its columns with --outcome and --by")
    frame = read_sheet(folder / study.data)
    rows, there = frame.to_dicts(), frame.columns
    for role in ("outcome", "by"):
        name = str(getattr(study, role))
        if name not in there:
            known = ", ".join(there) or "none"
            raise DataError(f"{study.data}: no column {name!r} for --{role}{meant(name, there)}; there are {known}")
    return rows


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


_MADE: Mapping[Kind, Callable[[Hypothesis, Study, Path], tuple[Mapping[str, str], str]]] = {
    "survey": _survey, "experiment": _experiment, "coding": _coding, "society": _society, "test": _test,
}  # fmt: skip
