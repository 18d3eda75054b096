"""Steps from gold to claims: coders are tried, one is locked, validated, and codes the corpus."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from proband.errors import DesignError
from proband.texts.gold import project as names
from proband.texts.gold.codings import codes_by_document
from proband.texts.gold.parts import AUDIT, DEVELOPMENT, HOLD_OUT, PARTS
from proband.texts.gold.project import Project, fingerprint
from proband.texts.gold.protocol import check_unseen, lock_protocol, locked, open_hold_out, openings
from proband.texts.gold.tables import GOLD, Question, Row, table_text
from proband.texts.gold.tuning import TRY, Codes, Protocol, best, coded_with, numbered, tries_of
from proband.texts.gold.validation import Validity, validity
from proband.texts.gold.work import Done, Work


def tune_step(work: Work) -> Done:
    """Every coder on development; all tries listed, one chosen."""
    gold = [row for row in work.gold() if row["part"] == DEVELOPMENT]
    settings = {coder: work.settings(coder) for coder in work.coders}
    if not gold:
        if len(work.coders) > 1:
            raise DesignError("no gold is in the part development, so no coder can be chosen; give it a share of "
                              "coding.gold.parts, or keep one coder")  # fmt: skip
        tries, chosen = list[Row](), Protocol(coder=work.coders[0], thresholds={})
    else:
        documents = list(dict.fromkeys(row["document"] for row in gold))
        new = []
        for coder in work.coders:
            cut = fingerprint(documents)[:6]
            run = work.coded(coder, work.project.path("tries") / f"{coder}-{settings[coder]}-{cut}", documents)
            new += tries_of(coder, settings[coder], codes_by_document(run, work.questions), gold, work.questions)
        tries = numbered(work.rows(names.TRIES, TRY), new)
        chosen = best(tries, settings)
    work.project.write("tune", names.TRIES, table_text(TRY, tries), again=True)
    told = []
    if work.project.is_edited("tune", names.PROTOCOL, chosen.text()) and not work.again:
        told = [f"{names.PROTOCOL} was written by somebody and is kept; tuning would choose {chosen.coder}"]
        chosen = work.protocol()
    else:
        work.project.write("tune", names.PROTOCOL, chosen.text(), again=work.again)
    n_tries = len({row["try"] for row in tries})
    scores = [f"{row['coder']}, {row['item']}: accuracy {row['accuracy']}, kappa {row['kappa'] or 'undefined'}"
              for row in tries if not row["threshold"] and settings.get(row["coder"]) == row["settings"]]  # fmt: skip
    said = f"{chosen.coder} is chosen out of {n_tries} {'try' if n_tries == 1 else 'tries'} on development"
    return Done(step="tune", told=(said, *told, *scores),
                numbers={"coder": chosen.coder, "thresholds": dict(chosen.thresholds), "tries": n_tries})  # fmt: skip


def lock_step(work: Work) -> Done:
    """The protocol, written down and hashed."""
    protocol, gold = work.protocol(), work.gold()
    address = work.address(protocol.coder)
    _check_unseen(work, address, gold)
    used = used_parts(work, protocol.coder)
    written = {
        "coder": protocol.coder,
        "settings": work.settings(protocol.coder),
        "thresholds": dict(protocol.thresholds),
        "corpus": work.corpus.content_hash,
        "gold": _known_again(gold),
        "parts": work.shares,
        "correcting": used,
        "claims": work.claims,
    }
    lock = lock_protocol(work.project, work.of(protocol.coder), written)
    said = [f"locked: {protocol.coder}, hash {lock['hash']}"]
    if (opened := openings(work.project)) and opened[-1]["lock"] != lock["hash"]:
        said.append(
            f"the hold-out was opened under another lock ({opened[-1]['lock']}); validating again opens it again"
        )
    return Done(step="lock", told=tuple(said), numbers={"hash": lock["hash"], "coder": protocol.coder})


def _known_again(gold: Sequence[Row]) -> str:
    return fingerprint([[row[name] for name in GOLD] for row in gold])


def _locked_gold(work: Work, lock: Mapping[str, Any]) -> list[Row]:
    gold = work.gold()
    if _known_again(gold) != lock["protocol"]["gold"]:
        raise DesignError(f"{work.project.path(names.GOLD)}: edited since it was locked; undo that, or lock again")
    return gold


def _check_unseen(work: Work, address: str, gold: Sequence[Row]) -> None:
    texts = {row["document"]: work.corpus.text(row["document"]) for row in gold}
    book = work.design.codebook
    check_unseen(address, book, gold, texts)


def used_parts(work: Work, coder: str) -> list[str]:
    """Parts of gold that may correct a coder.

    A coder that was chosen out of several was chosen for what it did on development, also a learned one, which answers
    what it was fitted on by a fit without it.
    """
    tries = {row["try"] for row in work.rows(names.TRIES, TRY)}
    if len(tries) <= 1:
        return [part for part in PARTS if work.shares[part]]
    used = [part for part in (HOLD_OUT, AUDIT) if work.shares[part]]
    if not used:
        raise DesignError(
            f"all gold is development, on which {coder!r} was chosen out of {len(tries)} tries, so nothing is left to "
            "correct it by; give holdout and audit a share of coding.gold.parts"
        )
    return used


def validate_step(work: Work) -> Done:
    """The hold-out, opened once under a lock."""
    lock = locked(work.project)
    gold = _locked_gold(work, lock)
    coder, settings = lock["protocol"]["coder"], lock["protocol"]["settings"]
    if work.settings(coder) != settings:
        raise DesignError("coder or codebook were edited since they were locked; undo that, or lock again")
    _check_unseen(work, work.address(coder), gold)
    part = HOLD_OUT if any(row["part"] == HOLD_OUT for row in gold) else DEVELOPMENT
    rows = [row for row in gold if row["part"] == part]
    if not rows:
        raise DesignError("neither hold-out nor development has gold: nothing can be validated")
    documents = list(dict.fromkeys(row["document"] for row in rows))
    opened = open_hold_out(work.project, lock["hash"], len(documents)) if part == HOLD_OUT else 0
    run = work.coded(coder, work.project.path("validation") / lock["hash"][:12], documents, lock)
    codes = codes_by_document(run, work.questions)
    found = {item: _valid(rows, item, codes, work.questions, lock) for item in {row["item"] for row in rows}}
    numbers = {
        "part": part, "opening": opened, "lock": lock["hash"], "coder": coder, "documents": len(documents),
        "items": {item: _told_validity(of) for item, of in sorted(found.items())},
    }  # fmt: skip
    text = json.dumps(numbers, indent=2, ensure_ascii=False) + "\n"
    work.project.write("validate", names.VALIDATION, text, again=True)
    scores = [f"{item}: accuracy {of.accuracy}, kappa {of.kappa}" for item, of in sorted(found.items())]
    said = (
        f"hold-out opened {'once' if opened == 1 else f'{opened} times'}, {len(documents)} documents, coder {coder}"
        if opened else f"no hold-out: {coder} on development, {len(documents)} documents"
    )  # fmt: skip
    again = [] if opened < 2 else [
        f"this is opening {opened}: numbers of later openings are not those of a sample that nobody has seen"
    ]  # fmt: skip
    return Done(step="validate", told=(said, *scores, *again), numbers=numbers)


def _valid(
    rows: Sequence[Row], item: str, codes: Codes, questions: Mapping[str, Question], lock: Mapping[str, Any]
) -> Validity:
    truth = {row["document"]: row["code"] for row in rows if row["item"] == item}
    given = [codes.get(item, {}).get(document, ("", {})) for document in truth]
    thresholds = lock["protocol"]["thresholds"]
    answers = [coded_with(code, probs, questions[item], thresholds) for code, probs in given]
    return validity(list(truth.values()), answers, questions[item])


def _told_validity(found: Validity) -> dict[str, Any]:
    return {
        "accuracy": found.accuracy.as_dict(),
        "kappa": found.kappa.as_dict(),
        "codes": found.codes,
        "confusion": found.confusion,
        "recall": {code: recall.as_dict() for code, (recall, _) in found.per_code.items()},
        "precision": {code: precision.as_dict() for code, (_, precision) in found.per_code.items()},
    }


def run_step(work: Work) -> Done:
    """The corpus, coded under the lock."""
    lock = locked(work.project)
    folder = run_folder(work.project, lock)
    run = work.coded(lock["protocol"]["coder"], folder, None, lock)
    counts = run.dispositions()
    said = f"{folder.name}: " + ", ".join(f"{count:,} {status}" for status, count in counts.items())
    return Done(step="run", told=(said,), numbers={"run": str(folder), "dispositions": counts})


def run_folder(project: Project, lock: Mapping[str, Any]) -> Path:
    """Where the corpus is coded under a lock."""
    return project.path(f"run-{lock['hash'][:8]}")


def correct_step(work: Work) -> Done:
    """What is claimed, for the analysis that tells it."""
    lock = locked(work.project)
    folder = run_folder(work.project, lock)
    work.project.write("correct", names.CLAIMS, claims_text(work, lock), again=True)
    return Done(step="correct", told=(f"{len(work.claims)} claims about {folder.name}",), numbers={"run": str(folder)})


def claims_text(work: Work, lock: Mapping[str, Any]) -> str:
    """What is claimed, and by which gold it is corrected, as a file."""
    if not work.claims:
        raise DesignError(
            f'{work.project.study}: nothing is claimed; write [[coding.claims]], e.g. about = "ITEM[CODE]"'
        )
    _locked_gold(work, lock)
    used = lock["protocol"]["correcting"]
    held = {
        "coder": lock["protocol"]["coder"],
        "thresholds": lock["protocol"]["thresholds"],
        "parts": used,
        "share": sum(work.shares[part] for part in used),
        "openings": len(openings(work.project)),
        "claims": [claim | {"is_locked": claim in lock["protocol"]["claims"]} for claim in work.claims],
    }
    return json.dumps(held, indent=2, ensure_ascii=False) + "\n"
