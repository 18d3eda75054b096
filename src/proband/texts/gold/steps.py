"""The steps of a project, each from files to files: what it is made of, and what it does."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from proband.designs.studies import Study, study_from_dict
from proband.errors import DataError, DesignError, meant
from proband.estimates import Estimate
from proband.files import checked, parsed, text_of
from proband.instruments.codebooks import codebook_page
from proband.runs import Run, collect
from proband.runs.locking import hold_to
from proband.runs.progress import Watch
from proband.texts.gold import project as names
from proband.texts.gold.adjudication import adjudicate
from proband.texts.gold.claims import ClaimTable, claims_of
from proband.texts.gold.drawing import by_uncertainty, draw, labels_for
from proband.texts.gold.imports import files_in, read_codes
from proband.texts.gold.parts import AUDIT, DEVELOPMENT, HOLD_OUT, PARTS, parts_of, shares_of
from proband.texts.gold.project import STEPS, Project, Standing, Step, fingerprint
from proband.texts.gold.protocol import check_unseen, learnt_from, lock_protocol, locked, open_hold_out, openings
from proband.texts.gold.settings import GoldTable
from proband.texts.gold.tables import (
    AGREED,
    CODES,
    DECISIONS,
    GOLD,
    SAMPLE,
    Question,
    Row,
    digest,
    question_of,
    rows_in,
    table_text,
)
from proband.texts.gold.told import codes_by_document
from proband.texts.gold.tuning import TRY, Codes, Protocol, best, coded_with, numbered, read_protocol, tries_of
from proband.texts.gold.validation import Validity, validity

TRAINING = ("document", "text", "item", "code")


class Waiting(DesignError):
    """A step waits for a person, and says for what."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a step came to.

    Attributes
    ----------
    step : str
        Its name.
    told : tuple of str
        Sentences for people; the first one stands in the list of steps.
    numbers : mapping
        The same for programs.
    """

    step: Step
    told: tuple[str, ...]
    numbers: Mapping[str, Any] = field(default_factory=dict)


class Work:
    """A study of kind ``[coding]`` and its project.

    Parameters
    ----------
    path : path
        The study file.
    engines : mapping of str to str, optional
        Addresses that replace those of coders in the file.
    again : bool
        Whether files that somebody edited may be overwritten.
    watch : callable, optional
        Called while coders code.

    Raises
    ------
    DesignError
        If the file is no study of this kind, or something in it cannot be carried out.
    """

    def __init__(
        self, path: Path, *, engines: Mapping[str, str] | None = None, again: bool = False, watch: Watch | None = None
    ) -> None:
        self.project, self.again, self.watch = Project(path), again, watch
        text = text_of(path, what="study file", error=DesignError, way_out="write one, or start from examples/manifesto.toml")
        self.data = parsed(text, path, error=DesignError)
        if not isinstance(self.data.get("coding"), dict):
            raise DesignError(f"{path}: no table [coding]; `proband code` takes a study that codes texts")
        if isinstance(self.data.get("engine"), str):
            self.data["engine"] = {"coder": self.data["engine"]}
        for name, address in (engines or {}).items():
            if name not in self.data.get("engine", {}):
                raise DesignError(f"{path}: no coder {name!r}{meant(name, self.coders)}; there are {', '.join(self.coders)}")
            self.data["engine"][name] = address
        self.study = study_from_dict(self.data, where=path)
        coding = self.data["coding"]
        self.table = checked(GoldTable, coding.get("gold", {}), path, error=DesignError, at="coding.gold")
        self.shares = shares_of(self.table.parts)
        claims = [checked(ClaimTable, claim, path, error=DesignError, at="coding.claims") for claim in coding.get("claims", [])]
        self.claims = [claim.model_dump() for claim in claims]
        claims_of(self.claims, self.questions, self.corpus.columns.columns[1:])

    @property
    def coders(self) -> list[str]:
        """Coders of the study, by name."""
        return list(self.data.get("engine", {}))

    @property
    def corpus(self) -> Any:
        """Documents of the study."""
        return self.study.design.corpus  # type: ignore[attr-defined]

    @cached_property
    def questions(self) -> dict[str, Question]:
        """Questions of the codebook that are answered by codes or numbers."""
        items = self.study.design.items.values()
        return {item.id: question_of(item) for item in items if item.options or item.form == "number"}

    @cached_property
    def units(self) -> dict[str, str]:
        """Unit of every document."""
        return {document: self.corpus.unit_of(document) for document in self.corpus.ids}

    def rows(self, name: str, columns: Sequence[str]) -> list[Row]:
        """Rows of a table of the project."""
        return rows_in(self.project.path(name), columns)

    def need(self, name: str, columns: Sequence[str], step: Step) -> list[Row]:
        """Rows of a table that an earlier step writes.

        Raises
        ------
        DesignError
            If it is not there.
        """
        if not self.project.path(name).exists():
            raise DesignError(f"{self.project.path(name)}: not there yet; `proband code {self.project.study} {step}` first")
        return self.rows(name, columns)

    def of(self, coder: str, documents: Sequence[str] | None = None) -> Study:
        """The study cut to one coder, and to some documents."""
        coding = {**self.data["coding"]}
        coding["coders"] = {name: how for name, how in coding.get("coders", {}).items() if name == coder}
        data = {**self.data, "engine": {coder: self.data["engine"][coder]}, "coding": coding}
        study = study_from_dict(data, where=self.project.study)
        if documents is None:
            return study
        design = study.design
        return replace(study, design=replace(design, corpus=self.corpus.take(documents)))  # type: ignore[type-var]

    def settings(self, coder: str) -> str:
        """By which a coder and everything it is shown are known again."""
        address = self.data["engine"][coder]
        learnt = learnt_from(address, self.project.study.parent)
        held = digest(learnt.read_bytes()) if learnt and learnt.exists() else ""
        coding = {key: value for key, value in self.data["coding"].items() if key not in ("gold", "claims", "coders", "corpus")}
        how = self.data["coding"].get("coders", {}).get(coder, {})
        items = [item.as_dict() for item in self.study.design.items.values()]
        book = getattr(self.study.design, "instrument", None)
        return fingerprint([address, held, how, coding, items, getattr(book, "preamble", ""), self.study.design.seed])[:12]

    def coded(self, coder: str, folder: Path, documents: Sequence[str] | None = None, lock: Mapping[str, Any] | None = None) -> Run:
        """Have documents coded by one coder, or go on with it."""
        study = self.of(coder, documents)
        hold_to(lock, study, folder)
        run = collect(study.design, study.cast, folder, watch=self.watch)
        if not run.is_complete:
            raise Waiting(f"{folder}: {run.state}; run the same command again to go on")
        return run

    def protocol(self) -> Protocol:
        """What tuning chose, or what somebody wrote instead.

        Raises
        ------
        DesignError
            If there is none yet.
        """
        path = self.project.path(names.PROTOCOL)
        if not path.exists():
            raise DesignError(f"{path}: not there yet; `proband code {self.project.study} tune` first")
        return read_protocol(text_of(path, what="protocol", error=DesignError), str(path), self.coders, self.questions)

    def inputs(self, step: Step) -> dict[str, str]:
        """What a step is made of now: name -> digest."""
        of, table = self.project.digest_of, self.table
        drawn = {"corpus": self.corpus.content_hash, "seed": str(self.study.design.seed)}
        if step == "draw":
            said = table.model_dump(include={"n", "width", "correlation", "by", "uncertain", "sampling"})
            coder = {table.uncertain: self.settings(table.uncertain)} if table.uncertain in self.coders else {}
            return {**drawn, "settings of the draw": fingerprint(said), **coder}
        if step == "import":
            asked = fingerprint([[q.id, list(q.codes)] for q in self.questions.values()])
            files = {str(source.file): _digest_of(self.project.study.parent / source.file) for source in table.people}
            found = {names.PEOPLE: of(names.PEOPLE), names.SAMPLE: of(names.SAMPLE), "questions": asked, **files}
            return {**found, "settings of people": fingerprint([source.model_dump() for source in table.people])}
        if step == "adjudicate":
            return {names.CODES: of(names.CODES), names.DECISIONS: of(names.DECISIONS), "fewest": str(table.fewest)}
        if step == "split":
            made = {name: of(name) for name in (names.AGREED, names.SAMPLE)}
            return {**made, "parts": fingerprint(self.shares), "seed": drawn["seed"]}
        if step == "tune":
            return {names.GOLD: of(names.GOLD), **{f"coder {name}": self.settings(name) for name in self.coders}, **drawn}
        if step == "lock":
            chosen = self.protocol().coder if self.project.path(names.PROTOCOL).exists() else ""
            coder = {f"coder {chosen}": self.settings(chosen)} if chosen else {}
            claims = {"claims": fingerprint(self.claims)}
            return {name: of(name) for name in (names.PROTOCOL, names.GOLD)} | coder | claims | drawn
        if step == "validate":
            return {name: of(name) for name in (names.LOCK, names.GOLD)}
        if step == "run":
            return {names.LOCK: of(names.LOCK), "corpus": drawn["corpus"]}
        made = {name: of(name) for name in (names.LOCK, names.GOLD, names.VALIDATION, names.TRIES)}
        return {**made, "claims": fingerprint(self.claims), "run": (self.project.record().get("run") or {}).get("told", "")}

    def standings(self) -> dict[Step, Standing]:
        """Where every step stands; whatever comes after one that is not done is not done either."""
        found: dict[Step, Standing] = {}
        for step in STEPS:
            held = self.project.standing(step, self.inputs(step))
            before = next((name for name, standing in found.items() if standing.state in ("stale", "open", "waiting")), None)
            if held.state == "done" and before:
                held = replace(held, state="stale", because=(f"{before} is not done",))
            found[step] = held
        return found

    def do(self, step: Step) -> Done:
        """Carry a step out, and note it.

        Raises
        ------
        Waiting
            If a person is needed first.
        DesignError, DataError
            If what it needs is not there, or does not fit.
        """
        done = _DOING[step](self)
        outputs = tuple(name for name in _WRITTEN[step] if self.project.path(name).exists())
        self.project.done(step, self.inputs(step), outputs, done.told[0])
        return done


def _digest_of(path: Path) -> str:
    return digest(path.read_bytes()) if path.is_file() else ""


def _draw(work: Work) -> Done:
    """Documents for people to code, the sheet to code them on, and the codebook's page."""
    documents, table, project = work.corpus.ids, work.table, work.project
    if table.sampling == "found":
        rows = [{"document": document, "probability": "", "stratum": ""} for document in documents]
        how = "nothing is drawn: people code what they have, which corrects nothing"
    else:
        if (table.n is None) == (table.width is None):
            raise DesignError("coding.gold: say either how many documents people code, n = 100, or width = 0.15")
        n = table.n or labels_for(table.width or 0.0, correlation=table.correlation, n_documents=len(documents))
        strata, spread = _strata(work)
        drawn = draw(documents, n=n, seed=work.study.design.seed, strata=strata, spread=spread)
        rows, how = list(drawn.rows), f"{n} of {len(documents):,} documents, {drawn.how}"
    text = table_text(SAMPLE, rows)
    if project.is_edited("draw", names.SAMPLE, text) and not work.again:
        rows, how = _by_hand(work), "the sample is somebody's own: sample.csv is kept"
    else:
        project.write("draw", names.SAMPLE, text, again=work.again)
    if table.sampling == "drawn":
        columns = ("document", "text", *work.questions)
        sheet = [{"document": row["document"], "text": work.corpus.text(row["document"])} for row in rows]
        project.write("draw", names.SHEET, table_text(columns, sheet), again=work.again)
    book = work.study.design.instrument  # type: ignore[attr-defined]
    project.write("draw", names.PAGE, codebook_page(book), again=True)
    project.path(names.PEOPLE).mkdir(parents=True, exist_ok=True)
    return Done(
        step="draw",
        told=(how, f"give {names.SHEET} and {names.PAGE} to each person who codes, and put what comes back into "
              f"{names.PEOPLE}/, a file a person"),
        numbers={"documents": len(rows), "how": how},
    )  # fmt: skip


def _by_hand(work: Work) -> list[Row]:
    rows = work.rows(names.SAMPLE, SAMPLE)
    known = set(work.corpus.ids)
    for row in rows:
        if row["document"] not in known:
            raise DataError(f"{names.SAMPLE}: document {row['document']!r} is not in the corpus; take it out")
        try:
            fits = not row["probability"] or 0 < float(row["probability"]) <= 1
        except ValueError:
            fits = False
        if not fits:
            raise DataError(
                f"{names.SAMPLE}: probability {row['probability']!r} of document {row['document']!r} must be above 0 and "
                "at most 1; leave it empty where it is not known, and nothing is corrected"
            )
    return rows


def _strata(work: Work) -> tuple[dict[str, str] | None, dict[str, float] | None]:
    """What documents are drawn from within."""
    table, columns = work.table, work.corpus.columns
    if table.by and table.uncertain:
        raise DesignError("coding.gold: `by` and `uncertain` are two ways to draw; keep one")
    if table.by:
        if table.by not in columns.columns[1:]:
            there = columns.columns[1:]
            raise DesignError(f"coding.gold.by: no column {table.by!r} in the corpus{meant(table.by, there)}; there are "
                              f"{', '.join(there)}")  # fmt: skip
        return dict(zip(columns["document"], map(str, columns[table.by]), strict=True)), None
    if not table.uncertain:
        return None, None
    if table.uncertain not in work.coders:
        raise DesignError(f"coding.gold.uncertain: no coder {table.uncertain!r}{meant(table.uncertain, work.coders)}")
    folder = work.project.path("uncertain") / work.settings(table.uncertain)
    codes = codes_by_document(work.coded(table.uncertain, folder), work.questions)
    unsure = {document: 0.0 for document in work.corpus.ids}
    for of in codes.values():
        for document, (_, probs) in of.items():
            unsure[document] = max(unsure[document], 1 - max(probs.values()) if probs else 0.0)
    return by_uncertainty(unsure)


def _import(work: Work) -> Done:
    """People's codes, from their files."""
    folder, table = work.project.path(names.PEOPLE), work.table
    sample = work.need(names.SAMPLE, SAMPLE, "draw")
    sources = [source.source(work.project.study.parent) for source in table.people]
    sources += [_source(path) for path in files_in(folder)]
    if not sources:
        raise Waiting(f"{folder}: no codes yet; put people's files there (CSV, Potato's annotation_output, Label Studio's "
                      "JSON), a file a person, or name files under [[coding.gold.people]]")  # fmt: skip
    found = read_codes(sources, work.questions, [row["document"] for row in sample])
    if not found.rows:
        raise Waiting(f"{folder}: the files hold no codes yet")
    work.project.write("import", names.CODES, table_text(CODES, found.rows), again=work.again)
    coders = sorted({row["coder"] for row in found.rows})
    n_coded = len({row["document"] for row in found.rows})
    said = f"{len(found.rows):,} codes of {n_coded:,} of {len(sample):,} documents by {', '.join(coders)}"
    return Done(step="import", told=(said, *map(str, found.remarks)),
                numbers={"codes": len(found.rows), "coders": coders, "remarks": [str(r) for r in found.remarks]})  # fmt: skip


def _source(path: Path) -> Any:
    from proband.texts.gold.imports import Source

    return Source(path=path)


def _adjudicate(work: Work) -> Done:
    """Unanimous and decided codes; disagreements to be decided."""
    codes = work.need(names.CODES, CODES, "import")
    decided = work.rows(names.DECISIONS, ("document", "item", "code"))
    found = adjudicate(codes, decided, work.questions, work.corpus.text, fewest=work.table.fewest)
    # Decisions are somebody's own, and are all kept.
    work.project.write("adjudicate", names.DECISIONS, table_text(DECISIONS, found.decisions), again=True)
    work.project.write("adjudicate", names.AGREED, table_text(AGREED, found.agreed), again=work.again)
    how = [row["how"] for row in found.agreed]
    said = f"gold of {len(how):,} answers: " + ", ".join(
        f"{how.count(name):,} {name}" for name in ("unanimous", "adjudicated", "single") if how.count(name)
    )
    agreement = [
        f"{item}: " + ", ".join(f"{name} {estimate}" for name, estimate in of.items())
        for item, of in found.agreement.items()
    ]
    numbers = {"open": found.n_open, "gold": {name: how.count(name) for name in dict.fromkeys(how)},
               "agreement": _plain(found.agreement)}  # fmt: skip
    if found.n_open:
        raise Waiting(f"{work.project.path(names.DECISIONS)}: {found.n_open} disagreements wait for a decision; fill in "
                      f"the column code ({said}; {'; '.join(agreement)})")  # fmt: skip
    return Done(step="adjudicate", told=(said, *agreement), numbers=numbers)


def _split(work: Work) -> Done:
    """Gold with probability and part, and what a learned coder may be fitted on."""
    agreed, sample = work.need(names.AGREED, AGREED, "adjudicate"), work.need(names.SAMPLE, SAMPLE, "draw")
    chance = {row["document"]: row["probability"] for row in sample}
    parts = parts_of([row["document"] for row in agreed], work.units, work.shares, work.study.design.seed)
    gold = [
        {**row, "probability": chance.get(row["document"], ""), "part": parts[row["document"]]} for row in agreed
    ]
    check_gold(gold, names.AGREED)
    work.project.write("split", names.GOLD, table_text(GOLD, gold), again=work.again)
    fitted = [row | {"text": work.corpus.text(row["document"])} for row in gold if row["part"] == DEVELOPMENT]
    work.project.write("split", names.TRAINING, table_text(TRAINING, fitted), again=True)
    counts = {part: len({row["document"] for row in gold if row["part"] == part}) for part in PARTS}
    said = ", ".join(f"{part} {count:,}" for part, count in counts.items())
    return Done(step="split", told=(f"documents: {said}",), numbers={"documents": counts})


def check_gold(rows: Sequence[Row], where: str) -> None:
    """Refuse two rows of gold on one question of one document.

    Raises
    ------
    DataError
        Naming the document.
    """
    seen = set()
    for row in rows:
        key = row["document"], row["item"]
        if key in seen:
            raise DataError(f"{where}: two rows on {key[1]!r} of document {key[0]!r}; a document is gold once: keep one")
        seen.add(key)


def _tune(work: Work) -> Done:
    """Every coder on development; all tries listed, one chosen."""
    gold = [row for row in work.need(names.GOLD, GOLD, "split") if row["part"] == DEVELOPMENT]
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


def _lock(work: Work) -> Done:
    """The protocol, written down and hashed."""
    protocol, gold = work.protocol(), work.need(names.GOLD, GOLD, "split")
    address = work.data["engine"][protocol.coder]
    _check_unseen(work, address, gold)
    used = used_parts(work, protocol.coder)
    written = {
        "coder": protocol.coder,
        "settings": work.settings(protocol.coder),
        "thresholds": dict(protocol.thresholds),
        "corpus": work.corpus.content_hash,
        "gold": fingerprint([[row[name] for name in GOLD] for row in gold]),
        "parts": work.shares,
        "correcting": used,
        "claims": work.claims,
    }
    lock = lock_protocol(work.project, work.of(protocol.coder), written)
    said = [f"locked: {protocol.coder}, hash {lock['hash']}"]
    if (opened := openings(work.project)) and opened[-1]["lock"] != lock["hash"]:
        said.append(f"the hold-out was opened under another lock ({opened[-1]['lock']}); validating again opens it again")
    return Done(step="lock", told=tuple(said), numbers={"hash": lock["hash"], "coder": protocol.coder})


def _check_unseen(work: Work, address: str, gold: Sequence[Row]) -> None:
    texts = {row["document"]: work.corpus.text(row["document"]) for row in gold}
    book = work.study.design.instrument  # type: ignore[attr-defined]
    check_unseen(address, work.project.study.parent, book, gold, texts)


def used_parts(work: Work, coder: str) -> list[str]:
    """Parts of gold that may correct a coder.

    A learned coder answers what it was fitted on by a fit without it; any other, once it was chosen out of several, was
    chosen for what it did on development.
    """
    tries = {row["try"] for row in work.rows(names.TRIES, TRY)}
    if learnt_from(work.data["engine"][coder], work.project.study.parent) is not None or len(tries) <= 1:
        return [part for part in PARTS if work.shares[part]]
    used = [part for part in (HOLD_OUT, AUDIT) if work.shares[part]]
    if not used:
        raise DesignError(
            f"all gold is development, on which {coder!r} was chosen out of {len(tries)} tries, so nothing is left to "
            "correct it by; give holdout and audit a share of coding.gold.parts"
        )
    return used


def _validate(work: Work) -> Done:
    """The hold-out, opened once under a lock."""
    lock = locked(work.project)
    gold = work.need(names.GOLD, GOLD, "split")
    coder, settings = lock["protocol"]["coder"], lock["protocol"]["settings"]
    if work.settings(coder) != settings or fingerprint([[row[n] for n in GOLD] for row in gold]) != lock["protocol"]["gold"]:
        raise DesignError("coder, codebook or gold were edited since they were locked; undo that, or lock again")
    _check_unseen(work, work.data["engine"][coder], gold)
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


def _run(work: Work) -> Done:
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


def _correct(work: Work) -> Done:
    """What is claimed, for the analysis that tells it."""
    lock = locked(work.project)
    folder = run_folder(work.project, lock)
    if not work.claims:
        raise DesignError(f"{work.project.study}: nothing is claimed; write [[coding.claims]], e.g. about = \"ITEM[CODE]\"")
    gold = work.need(names.GOLD, GOLD, "split")
    check_gold(gold, names.GOLD)
    used = lock["protocol"]["correcting"]
    held = {
        "coder": lock["protocol"]["coder"],
        "thresholds": lock["protocol"]["thresholds"],
        "parts": used,
        "share": sum(work.shares[part] for part in used),
        "openings": len(openings(work.project)),
        "claims": [claim | {"is_locked": claim in lock["protocol"]["claims"]} for claim in work.claims],
    }
    work.project.write("correct", names.CLAIMS, json.dumps(held, indent=2, ensure_ascii=False) + "\n", again=True)
    return Done(step="correct", told=(f"{len(work.claims)} claims about {folder.name}",), numbers={"run": str(folder)})


def take_in(work: Work, files: Sequence[Path]) -> None:
    """Copy files of people's codes into the project, where they are imported from.

    Raises
    ------
    DataError
        If one is not there, or another of its name is.
    """
    for path in files:
        if not path.exists():
            raise DataError(f"{path}: no such file; check the path")
        to = work.project.path(names.PEOPLE) / path.name
        if to.exists() and not (path.is_file() and to.is_file() and to.read_bytes() == path.read_bytes()):
            raise DataError(f"{to}: there is such a file already, and it is another; rename one of them, or remove it")
        to.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, to)
        else:
            shutil.copyfile(path, to)


def _plain(found: Mapping[str, Mapping[str, Estimate]]) -> dict[str, Any]:
    return {item: {name: estimate.as_dict() for name, estimate in of.items()} for item, of in found.items()}


_DOING: Mapping[Step, Callable[[Work], Done]] = {
    "draw": _draw,
    "import": _import,
    "adjudicate": _adjudicate,
    "split": _split,
    "tune": _tune,
    "lock": _lock,
    "validate": _validate,
    "run": _run,
    "correct": _correct,
}
_WRITTEN: Mapping[Step, tuple[str, ...]] = {
    "draw": (names.SAMPLE, names.SHEET, names.PAGE),
    "import": (names.CODES,),
    "adjudicate": (names.DECISIONS, names.AGREED),
    "split": (names.GOLD, names.TRAINING),
    "tune": (names.TRIES, names.PROTOCOL),
    "lock": (names.LOCK,),
    "validate": (names.VALIDATION, names.OPENINGS),
    "run": (),
    "correct": (names.CLAIMS,),
}
