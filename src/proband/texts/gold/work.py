"""A study of texts with its project: what steps are made of, and how documents are coded for them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from proband.addresses.opening import address_beside
from proband.designs.studies import Study, load_study
from proband.errors import DesignError
from proband.files import checked, is_file, parsed, text_of
from proband.runs import Run, collect
from proband.runs.locking import hold_to
from proband.runs.progress import Watch
from proband.subjects.corpora import Corpus
from proband.texts.design import Coding
from proband.texts.fragility.settings import FragilityTable
from proband.texts.gold import project as names
from proband.texts.gold.claims import ClaimTable, claims_of
from proband.texts.gold.codings import questions_of
from proband.texts.gold.parts import shares_of
from proband.texts.gold.project import LATER, STEPS, Project, Standing, Step, fingerprint
from proband.texts.gold.settings import GoldTable
from proband.texts.gold.tables import Question, Row, digest, read_gold, rows_in
from proband.texts.gold.tuning import Protocol, read_protocol


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

    step: str
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
        way_out = "write one, or start from examples/manifesto.toml"
        text = text_of(path, what="study file", error=DesignError, way_out=way_out)
        coding = parsed(text, path, error=DesignError).get("coding")
        if not isinstance(coding, dict):
            raise DesignError(f"{path}: no table [coding]; `proband code` takes a study that codes texts")
        self.study = load_study(path, engine=engines)
        self.table = checked(GoldTable, coding.get("gold", {}), path, error=DesignError, at="coding.gold")
        self.fragility = checked(
            FragilityTable, coding.get("fragility", {}), path, error=DesignError, at="coding.fragility"
        )
        self.shares = shares_of(self.table.parts)
        given = coding.get("claims", [])
        self.claims = [
            checked(ClaimTable, claim, path, error=DesignError, at="coding.claims").model_dump() for claim in given
        ]
        claims_of(self.claims, self.questions, self.corpus.columns.columns[1:])

    @property
    def design(self) -> Coding:
        """What is coded by whom."""
        if not isinstance(self.study.design, Coding):
            raise DesignError(f"{self.project.study}: no study of kind [coding]")
        return self.study.design

    @property
    def coders(self) -> list[str]:
        """Coders of the study, by name."""
        return list(self.design.roles())

    def address(self, coder: str) -> str:
        """Of a coder's engine, with files as they are found from here: `split` writes one after the study was read."""
        return address_beside(self.study.addresses[coder], self.project.study.parent)

    @property
    def corpus(self) -> Corpus:
        """Documents of the study."""
        return self.design.corpus

    @cached_property
    def questions(self) -> dict[str, Question]:
        """Questions of the codebook that are answered by codes or numbers."""
        return questions_of(self.design.items)

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
            raise DesignError(
                f"{self.project.path(name)}: not there yet; `proband code {self.project.study} {step}` first"
            )
        return self.rows(name, columns)

    def gold(self) -> list[Row]:
        """Gold with its parts, checked.

        Raises
        ------
        DesignError, DataError
            If it is not there; if a row of it is none.
        """
        self.need(names.GOLD, (), "split")
        return read_gold(self.project.path(names.GOLD), self.questions)

    def of(self, coder: str, documents: Sequence[str] | None = None) -> Study:
        """The study cut to one coder, and to some documents."""
        corpus = self.corpus if documents is None else self.corpus.take(documents)
        how = tuple(of for of in self.design.coders if of.name == coder)
        return Study(replace(self.design, corpus=corpus, coders=how), {coder: self.address(coder)})

    def settings(self, coder: str) -> str:
        """By which a coder and everything it is shown are known again, whatever else is in the study."""
        design, address = self.design, self.address(coder)
        parts = map(unquote, re.split("[?&=]", address.partition(":")[2]))
        # What a file holds counts, and not where it lies.
        held = [digest(Path(part).read_bytes()) if is_file(Path(part)) else part for part in parts]
        how = next(asdict(of) for of in design.coders if of.name == coder)
        shown = [design.codebook.hash, asdict(design.long), design.prior_correction, design.seed]
        return fingerprint([address.partition(":")[0], held, how, shown])[:12]

    def coded(
        self, coder: str, folder: Path, documents: Sequence[str] | None = None, lock: Mapping[str, Any] | None = None
    ) -> Run:
        """Have documents coded by one coder, or go on with it.

        With prior correction codes depend on the corpus, so all of it is coded, and not these documents only.
        """
        study = self.of(coder, None if self.design.prior_correction else documents)
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
        drawn = {"corpus": self.corpus.content_hash, "seed": str(self.design.seed)}
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
            return {
                names.GOLD: of(names.GOLD),
                **{f"coder {name}": self.settings(name) for name in self.coders},
                **drawn,
            }
        if step == "lock":
            chosen = self.protocol().coder if self.project.path(names.PROTOCOL).exists() else ""
            coder = {f"coder {chosen}": self.settings(chosen)} if chosen else {}
            claims = {"claims": fingerprint(self.claims)}
            return {name: of(name) for name in (names.PROTOCOL, names.GOLD)} | coder | claims | drawn
        if step == "validate":
            return {name: of(name) for name in (names.LOCK, names.GOLD)}
        if step == "run":
            return {names.LOCK: of(names.LOCK), "corpus": drawn["corpus"]}
        if step in LATER:
            tried = {"settings of fragility": fingerprint(self.fragility.model_dump())} if step == "fragility" else {}
            return {name: of(name) for name in (names.LOCK, names.CLAIMS)} | tried
        made = {name: of(name) for name in (names.LOCK, names.GOLD, names.VALIDATION, names.TRIES)}
        return {
            **made,
            "claims": fingerprint(self.claims),
            "run": (self.project.record().get("run") or {}).get("told", ""),
        }

    def standings(self) -> dict[Step, Standing]:
        """Where every step stands; whatever comes after one that is not done is not done either."""
        return self.project.standings(STEPS, self.inputs)

    def later(self) -> dict[Step, Standing]:
        """Where the steps stand that nothing waits for."""
        return {step: self.project.standing(step, self.inputs(step)) for step in LATER}


def _digest_of(path: Path) -> str:
    return digest(path.read_bytes()) if path.is_file() else ""
