"""Whether a model knows the experiment: does it name the hypothesis or the study, and can it complete the material."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from proband.analyses.answers import answers, measured, percent, tabled, told
from proband.analyses.section import Analysis, Cell, Section
from proband.estimates import Estimate
from proband.measures import clustered_mean, share_estimates
from proband.runs.run import Run

_MOST_QUOTED = 2
_MOST_CHARACTERS = 160


def needs(run: Run) -> str | None:
    """Questions about the experiment, and answers to them."""
    known = _asked(run)
    if not known:
        return "nobody was asked what the study is about; [experiment.awareness] asks"
    return None if answers(run)["item"].is_in(list(known["roles"])).any() else "these questions were not answered yet"


def overlap(written: str, printed: str) -> float:
    """How much of a printed text somebody wrote: longest common subsequence of words, over the words printed.

    Examples
    --------
    >>> overlap("saved, and 400 people will die", "400 people will die")
    1.0
    >>> overlap("something else", "400 people will die")
    0.0
    """
    ours, theirs = (re.findall(r"\w+", text.casefold()) for text in (written, printed))
    before = np.zeros(len(theirs) + 1, dtype=int)
    for word in ours:
        matched = np.append(0, before[:-1] + np.array([word == other for other in theirs], dtype=int))
        before = np.maximum.accumulate(np.maximum(before, matched))
    return float(before[-1] / len(theirs)) if theirs else 0.0


def sections(run: Run) -> Sequence[Section]:
    """One row for all, each version and each arm: who names the study, and what is completed beside the control."""
    known = _asked(run)
    named, kept = _named(known), list[tuple[str, Estimate, Estimate, Estimate]]()
    # A reply that was cut off still shows what it knows.
    table = answers(run).filter(
        pl.col("item").is_in(list(known["roles"])), pl.col("status").is_in(["valid", "truncated"])
    )
    table = table.with_columns(pl.coalesce("label", "text").alias("label"))
    groups = [("all", table)]
    for name in ("version", "arm"):
        if name in table.columns and table[name].n_unique() > 1:
            order = run.levels.get(name, tuple(run.roster.arms))
            groups += [(level, table.filter(pl.col(name) == level)) for level in order]
    for where, part in groups:
        of = {role: part.filter(pl.col("item") == id) for id, role in known["roles"].items()}
        kept.append(
            (
                where,
                measured(lambda of=of: _share(of["about"], named), "share that names the study"),  # type: ignore[misc]
                measured(lambda of=of: _overlap(of["completion"], known["rest"]), "overlap"),  # type: ignore[misc]
                measured(lambda of=of: _overlap(of["control"], known["control"]), "overlap"),  # type: ignore[misc]
            )
        )
    rows: list[tuple[Cell, ...]] = [(where, share.n_units, share, own, control) for where, share, own, control in kept]
    usual = table.filter(pl.col("item").is_in([id for id, role in known["roles"].items() if role == "usual"]))
    return [
        Section(
            name="awareness",
            heading="Does the model know this experiment?",
            sentences=(_in_words(*kept[0][1:]),),
            table=tabled(
                {
                    "of": "text", "asked": "count", "names the study": ("share", "model"),
                    "completes it": ("number", "model"), "completes the control": ("number", "model"),
                },
                rows,
                "Asked afterwards, in conversations of their own",
            ),
            notes=(
                f"An answer names the study if it has one of: {', '.join(known['words'])}.",
                "Completed is the longest common subsequence of words, over the words of the second half.",
                *(f"Asked what most people answer: “{_short(text)}”" for text in usual["label"].head(_MOST_QUOTED)),
            ),
        )
    ]  # fmt: skip


def _asked(run: Run) -> Mapping[str, Any]:
    return (run.manifest.get("design") or {}).get("awareness") or {}


def _named(known: Mapping[str, Any]) -> re.Pattern[str]:
    """Any of the words that name the study, at the beginning of a word."""
    return re.compile("|".join(rf"\b{re.escape(word.strip())}" for word in known["words"] if word.strip()), re.I)


def _share(part: pl.DataFrame, named: re.Pattern[str]) -> Estimate:
    says = [int(bool(named.search(text or ""))) for text in part["label"]]
    if part["unit"].n_unique() < part.height:
        return clustered_mean(says, part["unit"].to_list())
    return share_estimates(says, 2, target="model")[1]


def _overlap(part: pl.DataFrame, printed: Mapping[str, str] | str) -> Estimate:
    """Mean overlap with the second half: one text, or one for every condition in a place's id."""
    found = [
        overlap(text or "", printed if isinstance(printed, str) else printed[trial.split("/")[2]])
        for text, trial in part.select("label", "trial").iter_rows()
    ]
    return clustered_mean(found, part["unit"].to_list())


def _in_words(share: Estimate, own: Estimate, control: Estimate) -> str:
    return (
        f"Of {share.n_units} who were asked, {percent(share)} named the hypothesis or the study. Of the second half of "
        f"the material the model wrote {told(own)}, of a text that it cannot know {told(control)}."
    )


def _short(text: str | None) -> str:
    words = " ".join((text or "").split())
    return words if len(words) <= _MOST_CHARACTERS else f"{words[:_MOST_CHARACTERS]}..."


ANALYSIS = Analysis(
    name="awareness",
    about="whether the model names the hypothesis or the study, and completes its material word for word",
    needs=needs,
    sections=sections,
)
