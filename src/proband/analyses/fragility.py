"""Fragility: what codes and claims become under other ways of asking, and in placebos."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from proband.analyses.answers import percent, tabled, told
from proband.analyses.claims import estimate_of
from proband.analyses.section import Analysis, Cell, CellForm, Figure, Section, limits
from proband.errors import DataError, DesignError
from proband.files import bytes_of, text_of
from proband.runs.run import Run
from proband.texts.gold.project import CLAIMS, FRAGILITY
from proband.texts.gold.tables import digest

_CHAPTER = "Fragility"
_METHOD = (
    "Claims were recomputed under every cell of a grid of ways to ask, each asked several times; errors of all cells "
    "come from a jackknife over groups of units (Kott 2001)."
)
_PLACES = ("wording", "order", "method", "engine", "temperature")


def needs(run: Run) -> str | None:
    """A grid that was asked about the claims around the run."""
    if run.kind != "coding" or not (run.path.parent / FRAGILITY).exists():
        return "no grid was asked; `proband code STUDY.toml fragility` asks it"
    return None


def sections(run: Run) -> Sequence[Section]:
    """Claims over the grid, codes over the grid, what moved them, placebos."""
    path = run.path.parent / FRAGILITY
    try:
        held = json.loads(text_of(path, what="results of a grid", error=DataError))
        doubts = _doubts(run, held)
        found = [*_claims(held, doubts), *_curves(held), *_codes(held), *_factors(held), *_placebos(held)]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        raise DesignError(
            f"{path}: not what `proband code STUDY.toml fragility` wrote; let it write the file again"
        ) from None
    return found


def _doubts(run: Run, held: Mapping[str, Any]) -> list[str]:
    same = digest(bytes_of(run.path.parent / CLAIMS, what="claims", error=DataError)) == held["claims"]
    return [] if same else ["The claims changed since the grid was asked: `proband code STUDY.toml fragility` again."]


def _claims(held: Mapping[str, Any], doubts: Sequence[str]) -> list[Section]:
    forms: dict[str, CellForm] = {
        "number": "text", "codes": "text", "locked": "number", "mean of the grid": "number", "least": "number",
        "greatest": "number", "sign flips": "share", "conclusion flips": "share", "the same in repeats": "share",
        "cells that agree": "share",
    }  # fmt: skip
    spreads: dict[str, CellForm] = {
        "number": "text", "codes": "text", "between cells": "number", "between repeats": "number",
        "sampling error": "number", "p": "p",
    }  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    far: list[tuple[Cell, ...]] = []
    said, marks = [], []
    for of in held["numbers"]:
        spread, what = of["spread"], _name(of["claim"], of["label"])
        locked, mean = estimate_of(of["locked"]), estimate_of(spread["mean"])
        sign, verdict = (None if spread[k] is None else estimate_of(spread[k]) for k in ("sign", "verdict"))
        rows.append((what, of["side"], locked, mean, spread["low"], spread["high"], sign, verdict,
                     spread["repeats_verdict"], spread["agrees"]))  # fmt: skip
        far.append((what, of["side"], spread["between"], spread["within"], spread["sampling"], spread["p_value"]))
        if of["side"] == "corrected" or held["numbers"][-1]["side"] == "uncorrected":
            marks += [{"label": what, "side": "", **limits(locked)}, {"label": what, "side": "model", **limits(mean)}]
            if spread["agrees"] is not None and sign is not None:
                said.append(
                    f"{what}, {of['side']}: {spread['agrees']:.0%} of the cells come to the locked conclusion; the "
                    f"sign flips in {percent(sign)}."
                )
    n_cells = len(held["arms"])
    return [
        Section(
            name="fragility-claims",
            heading="What is claimed, under other ways of asking",
            chapter=_CHAPTER,
            sentences=(
                f"{n_cells} ways of asking, {held['replicates']} times each, about {held['documents']:,} documents, "
                f"{held['gold']:,} of them coded by people.",
                *said[:6],
            ),
            table=tabled(forms, rows, "Claims over the grid, each cell and repeat counted alike"),
            figure=Figure(
                form="intervals",
                rows=tuple(mark for mark in marks if mark["value"] is not None),
                caption="What was locked, and the mean of the grid",
            ),
            notes=(
                "Locked: the codes of the locked run on the documents of the grid.",
                f"The sign is that of the number; of a share, on which side of {held['threshold']:g} it lies.",
                "The conclusion is above, below, or not to be told from it.",
                "The same in repeats: conclusions that flip when the locked cell is asked again; that much is noise.",
                "Where people coded documents with unequal probabilities, the sample of the grid holds more of those "
                "that were likelier.",
            ),
            warnings=tuple(doubts),
            methods=(_METHOD,),
        ),
        Section(
            name="fragility-variance",
            heading="How far the ways of asking move a claim, beside its sampling error",
            chapter=_CHAPTER,
            table=tabled(spreads, far, "Standard deviations of claims"),
            notes=(
                "Between cells: repeats' share taken off. Sampling error: standard error of the locked number on the "
                "documents of the grid; it knows nothing of the cells.",
                "p: an F test that cells differ no more than repeats do; none where repeats never differ.",
            ),
        ),
    ]


def _name(claim: str, label: str) -> str:
    return claim if label == "all" else f"{claim}: {label}"


def _curves(held: Mapping[str, Any]) -> list[Section]:
    if not held["curves"]:
        return []
    forms: dict[str, CellForm] = {"difference": "text", "median": "number", "p of the median": "p",
                                  "same sign": "share", "significant": "share", "p": "p"}  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    for of in held["curves"]:
        median, sign, significant = (estimate_of(of[key]) for key in ("median", "same_sign", "significant"))
        rows.append((_name(of["claim"], of["label"]), median, median, sign, significant, significant))
    return [
        Section(
            name="fragility-curves",
            heading="All ways of asking at once",
            chapter=_CHAPTER,
            table=tabled(forms, rows, "Specification curves of differences, by the coder's codes alone"),
            notes=(
                "Joint p values compare with groups dealt out to units by chance, the same under every way of asking "
                "(Simonsohn, Simmons & Nelson 2020). These codes are uncorrected: a small p says that codes differ "
                "between groups, not that people's would.",
            ),
        )
    ]


def _codes(held: Mapping[str, Any]) -> list[Section]:
    found = []
    for item, of in held["items"].items():
        varied = [f for f in _PLACES if len({arm["levels"][f] for arm in held["arms"]}) > 1]
        forms: dict[str, CellForm] = {"cell": "text", **dict.fromkeys(varied, "text"), "same as locked": "share",
                                      "same in repeats": "share", "coded": "share"}  # fmt: skip
        rows: list[tuple[Cell, ...]] = []
        for arm in held["arms"]:
            own = of["arms"][arm["name"]]
            name = f"{arm['name']} (locked)" if arm["is_locked"] else arm["name"]
            rows.append((name, *(arm["levels"][f] for f in varied), estimate_of(own["locked"]),
                         estimate_of(own["repeats"]), own["coded"]))  # fmt: skip
        worst = [f"Codes of {document} over the grid: {codes}." for document, _, codes in of["unstable"][:3]]
        found.append(
            Section(
                name=f"fragility-codes-{item}",
                heading=f"Codes under other ways of asking: {item}",
                chapter=_CHAPTER,
                sentences=(
                    f"{percent(estimate_of(of['all']))} of the documents have one code in all cells and repeats.",
                    *worst,
                ),
                table=tabled(forms, rows, "Documents with the code that was locked, and with one code in repeats"),
                keys={"item": item},
                notes=("A cell that agrees with what was locked as often as with its own repeats is the same coder.",),
            )
        )
    return found


def _factors(held: Mapping[str, Any]) -> list[Section]:
    forms: dict[str, CellForm] = {"item": "text", "varied": "text", "across levels": "share", "in repeats": "share",
                                  "beyond repeats": "number"}  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    said = []
    for item, of in held["items"].items():
        for factor, numbers in of["factors"].items():
            across, within, beyond = map(estimate_of, numbers)
            rows.append((item, factor, across, within, beyond))
            low = beyond.interval[0] if beyond.interval else beyond.value
            if low > 0:
                said.append(f"The {factor} moves codes of {item} beyond noise: {told(beyond, 3)}.")
    if not rows:
        return []
    noise = "Repeats were asked once, so noise counts as an effect." if held["replicates"] < 2 else ""
    return [
        Section(
            name="fragility-factors",
            heading="What moves codes",
            chapter=_CHAPTER,
            sentences=tuple(said) or ("Nothing that was varied moves codes beyond what repeats do.",) * (not noise),
            table=tabled(forms, rows, "Documents whose code differs"),
            notes=(
                "Of pairs of cells that differ in this alone. Beyond repeats: half the squared distance between the "
                "probabilities of the codes, 0 on average where all is noise. A temperature is compared with repeats "
                "at the same temperature.",
            ),
            warnings=(noise,) if noise else (),
        )
    ]


def _placebos(held: Mapping[str, Any]) -> list[Section]:
    made, refused = held["placebos"], held["refused"]
    found = []
    if made.get("shuffled"):
        forms: dict[str, CellForm] = {"number": "text", "codes": "text", "mean": "number", "excludes 0": "share"}
        rows: list[tuple[Cell, ...]] = [
            (_name(claim, label), side, mean, estimate_of(of)) for claim, label, side, mean, of in made["shuffled"]
        ]
        bad = [_name(row[0], row[1]) for row in made["shuffled"] if (estimate_of(row[4]).interval or (0,))[0] > 0.05]
        found.append(
            Section(
                name="fragility-shuffled",
                heading="Placebo: texts in other places",
                chapter=_CHAPTER,
                table=tabled(forms, rows, "Claims after texts changed places"),
                notes=("Nothing is left to be found, so 95 % intervals should exclude 0 in 5 of 100 placebos.",),
                warnings=(f"Intervals of {bad[0]} exclude 0 too often: do not trust them here.",) if bad else (),
            )
        )
    if "empty" in made:
        given = [(item, code, share) for item, code, share in made["empty"]]
        forms = {"item": "text", "code": "text", "share": "share"}
        note = "What a coder says of nothing is its taste; it counts wherever the coder is in doubt."
        found.append(
            Section(
                name="fragility-empty",
                heading="Placebo: no text",
                chapter=_CHAPTER,
                table=tabled(forms, given, "Codes of a document without words"),
                notes=(note,),
            )
        )
    if "nothing" in made:
        rows = [(_name(claim, label), estimate_of(of)) for claim, label, of in made["nothing"]]
        note = (
            "The codes were words without meaning. An association of them with a column is one of that column with "
            "whatever else the coder goes by: length, form, names."
        )
        forms = {"number": "text", "found": "number"}
        found.append(
            Section(
                name="fragility-nothing",
                heading="Placebo: a question about nothing",
                chapter=_CHAPTER,
                table=tabled(forms, rows, "Claims with codes that mean nothing") if rows else None,
                notes=(note,),
            )
        )
    why = {name: of for name, of in refused.items() if name not in made}
    if why:
        said = tuple(f"The placebo {name!r} was not made: {of}." for name, of in why.items())
        found.append(Section(name="fragility-refused", heading="Placebos that would say nothing", chapter=_CHAPTER,
                             sentences=said))  # fmt: skip
    return found


ANALYSIS = Analysis(
    name="fragility",
    about="codes and claims under other wordings, orders, methods, engines and temperatures, and placebos",
    needs=needs,
    sections=sections,
    is_quiet=True,
)
