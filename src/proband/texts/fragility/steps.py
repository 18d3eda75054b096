"""Steps after the claims: the grid with its placebos, documents asked again, and the archive replayed."""

import json
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from proband.designs.studies import Study
from proband.errors import DesignError
from proband.estimates import Estimate
from proband.measures import SpecificationCurve
from proband.runs import Run, collect
from proband.seeds import uniform_for
from proband.texts.codes import codes_of
from proband.texts.fragility import placebos as without
from proband.texts.fragility.grid import Arm, arms_of, studies_of
from proband.texts.fragility.numbers import curves, part, sampled, told_numbers, tried
from proband.texts.fragility.settings import FragilityTable, Placebo
from proband.texts.fragility.stability import averaged, by_factor, same
from proband.texts.gold.codings import Claimed, claimed, codes_by_document
from proband.texts.gold.evidence import Evidence
from proband.texts.gold.from_coders import claims_text, run_folder
from proband.texts.gold.project import CLAIMS, DRIFT, FRAGILITY, drifted, fingerprint
from proband.texts.gold.protocol import locked
from proband.texts.gold.tables import write_text
from proband.texts.gold.tuning import Codes, coded_with
from proband.texts.gold.work import Done, Waiting, Work

_LEAST = 300  # documents of a grid, where nothing is said


def fragility_step(work: Work) -> Done:
    """The claims under every cell of the grid, and placebos."""
    table, (lock, run, held), evidence = work.fragility, _standing(work), _sample(work)
    protocol = lock["protocol"]
    arms, studies = grid_of(work)
    coder = next(of for of in work.design.coders if of.name == protocol["coder"])
    address = work.address(coder.name)
    refused = without.refusals(held.claims, coder, address)
    wanted = without.chosen(table.placebos, refused)
    documents = evidence.documents
    design = replace(work.design, corpus=work.corpus.take(documents), coders=(coder,))
    into = work.project.path(f"fragility-{lock['hash'][:8]}")
    asked = {name: _asked(work, study, into, name) for name, study in studies.items()}
    cells = {
        arm.name: [_codes(asked[arm.levels["wording"]], arm, k, table, held, protocol) for k in range(table.replicates)]
        for arm in arms
    }
    told = {
        "lock": lock["hash"], "claims": work.project.digest_of(CLAIMS), "documents": len(documents),
        "gold": len(evidence.probability), "replicates": table.replicates, "threshold": table.threshold,
        "grid": table.grid, "coder": coder.name, "address": address,
        "runs": {name: str(of.path.relative_to(work.project.folder)) for name, of in asked.items()},
        "arms": [{"name": arm.name, "is_locked": arm.is_locked, "levels": dict(arm.levels)} for arm in arms],
        "items": {item: _stable(item, arms, cells, evidence) for item in held.evidence.codes},
        "numbers": tried(
            held.claims, evidence, list(cells.values()), threshold=table.threshold, seed=work.design.seed,
            is_sampled=held.is_sampled),
        "curves": [_told_curve(key, of) for key, of in curves(held.claims, evidence, cells, work.design.seed).items()],
        "placebos": _placebos(work, wanted, held, evidence, design, into),
        "refused": refused,
    }  # fmt: skip
    text = json.dumps(plain(told), indent=1, ensure_ascii=False) + "\n"
    work.project.write("fragility", FRAGILITY, text, again=True)
    said = f"{len(arms)} cells, {table.replicates} repeats of each, {len(documents)} documents"
    return Done(step="fragility", told=(said,), numbers={"run": str(run.path)})


def grid_of(work: Work) -> tuple[list[Arm], dict[str, Study]]:
    """Cells of the grid, and the studies that ask them, by wording."""
    _, run, _ = _standing(work)
    name, folder = run.levels["coder"][0], work.project.study.parent
    coder = next(of for of in work.design.coders if of.name == name)
    engines = {other: work.address(other) for other in work.coders}
    arms = arms_of(work.fragility, coder, work.address(name), engines, folder)
    design = replace(work.design, corpus=work.corpus.take(_sample(work).documents))
    return arms, studies_of(design, arms, work.fragility.wordings, folder)


def _sample(work: Work) -> Evidence:
    """Documents that are asked, in the order of the corpus."""
    held = _standing(work)[2]
    return sampled(held.evidence, _size(work.fragility, held), work.design.seed)


def drift_step(work: Work) -> Done:
    """Some documents asked again under the same lock: goes on with the last asking, or begins another."""
    (lock, run, _), table = _standing(work), work.fragility
    coder = lock["protocol"]["coder"]
    if not table.drift >= 2:
        raise DesignError(f"coding.fragility.drift is {table.drift}; ask 2 documents again, or more")
    order = sorted(work.corpus.ids, key=lambda d: (uniform_for(work.design.seed, "drift", d), d))
    drawn = set(order[: table.drift])
    documents = [d for d in work.corpus.ids if d in drawn]
    held = {name: of for name, of in drifted(work.project.path(DRIFT)).items() if work.project.path(name).is_dir()}
    begun = [name for name, complete in held.items() if not complete]
    name = begun[0] if begun else f"drift-{lock['hash'][:8]}-{len(held) + 1}"
    _note_drift(work, held | {name: False})
    again = work.coded(coder, work.project.path(name), documents, lock)
    _note_drift(work, held | {name: True})
    said = f"{len(documents)} documents asked again, {len(held | {name: True})} times by now"
    return Done(step="drift", told=(said,), numbers={"run": str(run.path), "again": str(again.path)})


def replay_step(work: Work) -> Done:
    """The corpus coded again from what the run stored: every answer the same, and nobody asked."""
    lock = locked(work.project)
    folder = run_folder(work.project, lock)
    coder = lock["protocol"]["coder"]
    into = work.project.path(f"replay-{lock['hash'][:8]}")
    shutil.rmtree(into, ignore_errors=True)  # what an earlier replay left says nothing about the archive of today
    if not Run(folder).is_complete:
        raise DesignError(f"{folder}: not complete; `proband code {work.project.study} run` goes on with it")
    study = work.of(coder)
    run = collect(study.design, {coder: f"replay:{folder}"}, into, watch=work.watch)
    is_same = work.project.path(CLAIMS).read_text(encoding="utf-8") == claims_text(work, lock)
    return Done(
        step="replay",
        told=(f"{run.path.name}: {len(work.corpus):,} documents from {folder.name}",),
        numbers={"run": str(folder), "replayed": str(into), "is_same": is_same},
    )


def _standing(work: Work) -> tuple[dict[str, Any], Run, Claimed]:
    """Lock, the locked run and what is claimed of it."""
    lock = locked(work.project)
    folder = run_folder(work.project, lock)
    if not work.project.path(CLAIMS).exists() or not folder.is_dir():
        raise DesignError(f"{work.project.study}: nothing is claimed yet; `proband code {work.project.study} correct` "
                          "comes first")  # fmt: skip
    run = Run(folder)
    return lock, run, claimed(run)


def _size(table: FragilityTable, held: Claimed) -> int:
    gold, n = len(held.evidence.probability), len(held.evidence.documents)
    if table.documents is not None and not gold < table.documents:
        raise DesignError(
            f"coding.fragility.documents = {table.documents}: {gold} documents of gold correct the claims, and others "
            f"must stand beside them; give more than {gold}"
        )
    return min(n, table.documents or max(_LEAST, 2 * gold))


def _asked(work: Work, study: Study, into: Path, name: str) -> Run:
    """A run of a part of the grid; settings that changed have a folder of their own."""
    found = study.design.describe()
    key = fingerprint([found["coders"], found["instrument_hash"], found["corpus_hash"], dict(study.addresses)])[:8]
    slug = "".join(c if c.isalnum() else "-" for c in name.lower())
    run = collect(study.design, study.cast, into / f"{slug}-{key}", watch=work.watch)
    if not run.is_complete:
        raise Waiting(f"{run.path}: {run.state}; run the same command again to go on")
    return run


def _codes(run: Run, arm: Arm, repeat: int, table: FragilityTable, held: Claimed, protocol: Mapping[str, Any]) -> Codes:
    """Codes of a repeat of a cell, under the thresholds that were locked."""
    each = arm.coder.replicates // table.replicates
    codes = codes_of(run, repeats=range(repeat * each, (repeat + 1) * each)).filter(pl.col("coder") == arm.name)
    questions = held.evidence.questions
    found = codes_by_document(run, questions, codes)
    return {
        item: {d: (coded_with(code, probs, questions[item], protocol["thresholds"]), probs)
               for d, (code, probs) in of.items()}
        for item, of in found.items()
    }  # fmt: skip


def _stable(item: str, arms: Sequence[Arm], cells: Mapping[str, Sequence[Codes]], evidence: Evidence) -> dict[str, Any]:
    """How far codes of one question hold over the grid."""

    def row(codes: Codes) -> list[str | None]:
        return [codes.get(item, {}).get(d, (None, {}))[0] for d in evidence.documents]

    of = {name: np.array([row(codes) for codes in repeats], dtype=object) for name, repeats in cells.items()}
    first = np.array([row(evidence.codes)], dtype=object)
    units = evidence.units
    everything = np.concatenate(list(of.values()))
    whole = [set(column) - {None} for column in everything.T]
    one = np.array([float(len(codes) == 1) if codes else np.nan for codes in whole])
    return {
        "all": averaged(one, units, "share of documents with one code in the whole grid"),
        "arms": {
            arm.name: {
                "locked": averaged(same(of[arm.name], first), units, "agreement with the locked codes"),
                "repeats": averaged(same(of[arm.name], of[arm.name]), units, "agreement of repeats"),
                "coded": int(sum(code is not None for code in of[arm.name].ravel())) / of[arm.name].size,
            }
            for arm in arms
        },
        "factors": by_factor(arms, of, units),
        "unstable": _unstable(evidence.documents, everything),
    }


def _unstable(documents: Sequence[str], codes: np.ndarray[Any, Any]) -> list[list[object]]:
    """Documents whose codes differ most over the grid, with how often each was given."""
    found = []
    for document, column in zip(documents, codes.T, strict=True):
        names, counts = np.unique([str(code) for code in column if code is not None], return_counts=True)
        if len(names) > 1:
            shares = sorted(zip((counts / counts.sum()).tolist(), names.tolist(), strict=True), reverse=True)
            found.append([document, shares[0][0], "; ".join(f"{name} {share:.0%}" for share, name in shares)])
    return sorted(found, key=lambda row: (row[1], row[0]))[:10]


def _told_curve(key: tuple[str, str], of: SpecificationCurve) -> dict[str, Any]:
    return {
        "claim": key[0], "label": key[1], "median": of.median, "same_sign": of.same_sign,
        "significant": of.significant,
    }  # fmt: skip


def _placebos(
    work: Work, wanted: Sequence[Placebo], held: Claimed, evidence: Evidence, design: Any, into: Path
) -> dict[str, Any]:
    seed, coder = work.design.seed, design.coders[0]
    cast = {coder.name: work.address(coder.name)}
    found: dict[str, Any] = {}
    if "shuffled" in wanted:
        rows = without.shuffled(held.claims, evidence, seed, is_sampled=held.is_sampled)
        found["shuffled"] = [list(row) for row in rows]
    if "empty" in wanted:
        asked = replace(design, corpus=without.no_text(work.corpus.name), prior_correction=False,
                        coders=(replace(coder, replicates=without.N_EMPTY),))  # fmt: skip
        table = codes_of_each(_asked(work, Study(asked, cast), into, "placebo-empty"))
        found["empty"] = [[item, code, n / without.N_EMPTY] for (item, code), n in table.items()]
    if "nothing" in wanted:
        book = without.about_nothing(work.design.codebook)
        asked = replace(design, codebook=book, coders=(replace(coder, questions=(), replicates=1),))
        run = _asked(work, Study(asked, cast), into, "placebo-nothing")
        found["nothing"] = _nothing(run, held, evidence)
    return found


def codes_of_each(run: Run) -> dict[tuple[str, str], int]:
    """Of a run about one document: how many repeats gave each question each code."""
    found: dict[tuple[str, str], int] = {}
    n = run.table()["replicate"].n_unique()
    for k in range(n):
        for item, code, why in codes_of(run, repeats=[k]).select("item", "code", "why").iter_rows():
            key = item, code if code is not None else f"(none: {why})"
            found[key] = found.get(key, 0) + 1
    return found


def _nothing(run: Run, held: Claimed, evidence: Evidence) -> list[list[object]]:
    """Claims with codes to a question about nothing in the place of codes: those of the same number."""
    questions = held.evidence.questions
    codes: dict[str, dict[str, tuple[str, Mapping[str, float]]]] = {}
    for row in codes_of(run).iter_rows(named=True):
        item = run.items[row["item"]]
        if row["code"] is None:
            continue
        place = (
            item.options.index(row["code"])
            if item.form == "choice"
            else [f"{p:g}" for p in item.points].index(row["code"])
        )
        codes.setdefault(item.id, {})[row["document"]] = questions[item.id].codes[place], {}
    way = replace(part(evidence, np.ones(len(evidence.documents), dtype=bool)), codes=codes)
    return [
        [claim.name, label, number.uncorrected]
        for claim in held.claims
        if without.relates(claim)
        for label, number in told_numbers(claim, way).items()
    ]


def _note_drift(work: Work, held: Mapping[str, bool]) -> None:
    write_text(work.project.path(DRIFT), json.dumps(held, indent=1) + "\n")


def plain(value: Any) -> Any:
    """Results as JSON has them: what is undefined is null."""
    if isinstance(value, Estimate):  # whatever a corrected one knows beside
        return {field.name: plain(getattr(value, field.name)) for field in fields(Estimate)}
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(of) for key, of in value.items()}
    if isinstance(value, list | tuple):
        return [plain(of) for of in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
