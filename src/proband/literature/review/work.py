"""A review at work: its study file, its folder, and what every step is made of."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from proband.addresses.opening import address_beside
from proband.designs.studies import Study, load_study
from proband.errors import DataError, DesignError, meant
from proband.files import checked, parsed, text_of
from proband.literature.records.library import Library, read_library
from proband.literature.review import project as names
from proband.literature.review.project import STEPS, ReviewProject, Step
from proband.literature.review.settings import ReviewTable
from proband.literature.screening.design import Screening
from proband.literature.screening.screening import ScreeningTable
from proband.runs.progress import Watch
from proband.texts.gold.project import Standing, fingerprint
from proband.texts.gold.tables import rows_in

APART_COLUMNS = ("one", "other")


class ReviewWork:
    """A study of kind ``[screening]`` with a table ``[review]``, and its folder.

    Parameters
    ----------
    path : path
        The study file.
    engines : str or mapping of str to str, optional
        Addresses that replace those of screeners in the file: one for all, or by role.
    again : bool
        Whether files that somebody edited may be overwritten.
    watch : callable, optional
        Called while engines work.

    Raises
    ------
    DesignError
        If the file is no review, or something in it cannot be carried out.
    """

    def __init__(
        self,
        path: Path,
        *,
        engines: str | Mapping[str, str] | None = None,
        again: bool = False,
        watch: Watch | None = None,
    ) -> None:
        self.project, self.again, self.watch, self.engines = ReviewProject(path), again, watch, engines
        way_out = "write one, or start from examples/nudging.toml"
        self.data = parsed(
            text_of(path, what="study file", error=DesignError, way_out=way_out), path, error=DesignError
        )
        for table in ("screening", "review"):
            if not isinstance(self.data.get(table), dict):
                raise DesignError(
                    f"{path}: no table [{table}]; `proband review` takes a study with [screening], which names the "
                    "records, and [review], which asks the question"
                )
        self.table = checked(ReviewTable, self.data["review"], path, error=DesignError, at="review")
        self.keys = checked(ScreeningTable, self.data["screening"], path, error=DesignError, at="screening")
        if not self.table.question.strip():
            raise DesignError(f"{path}: review.question is empty; ask one, in a sentence")
        if strange := [mark for mark in self.table.leave_out if mark not in self.table.marks]:
            raise DesignError(f"{path}: review.leave_out has {strange[0]!r}, and review.marks has no list of it")

    @cached_property
    def study(self) -> Study:
        """The screening, over the records as they stand in the folder."""
        found = load_study(self.project.study, engine=self.engines)
        if not isinstance(found.design, Screening):
            raise DesignError(f"{self.project.study}: no study of kind [screening]")
        return found

    def screening(self) -> Study:
        """The screening of the candidates, with engines as they are found from here."""
        study = self.study
        assert isinstance(study.design, Screening)
        folder = self.project.study.parent
        addresses = {role: address_beside(address, folder) for role, address in study.addresses.items()}
        return Study(replace(study.design, library=self.candidates), addresses)

    @property
    def files(self) -> list[Path]:
        """Files of records that the study names."""
        return [self.project.study.parent / name for name in self.keys.files]

    def apart(self) -> list[tuple[str, str]]:
        """Pairs of records that somebody said are not one."""
        path = self.project.path(names.APART)
        return [(row["one"], row["other"]) for row in rows_in(path, APART_COLUMNS)] if path.exists() else []

    @cached_property
    def library(self) -> Library:
        """The records as they stand in the folder, where they may have been edited.

        Raises
        ------
        DesignError
            If they were not read yet.
        """
        path = self.needed(names.RECORDS, "records")
        found = read_library(path, duplicates="keep")
        # Who edits a title or a DOI gives a record another id; what was decided of it is then still its own.
        written = {record.other.get("record", id): id for id, record in found.records.items()}
        aliases = {old: new for old, new in written.items() if old not in found.records}
        records = {
            id: replace(record, other={name: said for name, said in record.other.items() if name != "record"})
            for id, record in found.records.items()
        }
        name = self.project.study.stem
        return replace(found, name=name, records=records, aliases=aliases, flow=self.counts())

    @cached_property
    def candidates(self) -> Library:
        """What is to be screened: without what marks take out, and what the query does not find where it narrows."""
        kept = self.left()
        if self.table.query.narrows:
            path = self.needed(names.FOUND, "query")
            found = {self.library.id_of(row["record"]) for row in rows_in(path, ("record",))}
            kept = [id for id in kept if id in found]
        if not kept:
            raise DataError(f"{self.project.folder}: no record is left to screen; look at the query and the marks")
        return self.library.take(kept)

    def left(self) -> list[str]:
        """Ids of the records that no mark takes out."""
        return [id for id, record in self.library.records.items() if not self._mark_of(record.other)]

    def left_out(self) -> dict[str, int]:
        """Mark -> how many records it takes out."""
        marks = [self._mark_of(record.other) for record in self.library.records.values()]
        return {mark: marks.count(mark) for mark in self.table.leave_out}

    def _mark_of(self, columns: Mapping[str, str]) -> str:
        return next((mark for mark in self.table.leave_out if columns.get(mark) in ("true", "1")), "")

    def decisions(self) -> list[dict[str, str]]:
        """What was decided of each record that was read."""
        rows = rows_in(self.needed(names.DECISIONS, "screen"), ("record", "decision"))
        for row in rows:
            if row["decision"] not in ("include", "exclude", ""):
                raise DataError(
                    f"{self.project.path(names.DECISIONS)}: record {row['record']!r} has the decision "
                    f"{row['decision']!r}; write include or exclude, or nothing"
                )
            if self.library.aliases.get(row["record"], row["record"]) not in self.library.records:
                raise DataError(
                    f"{self.project.path(names.DECISIONS)}: record {row['record']!r} is not in {names.RECORDS}"
                    f"{meant(row['record'], list(self.library.records)[:2_000])}; take one of them out, or screen again"
                )
        return [{"criterion": "", "reason": "", **row, "record": self.library.id_of(row["record"])} for row in rows]

    def included(self) -> Library:
        """The records that were included.

        Raises
        ------
        DataError
            If there is none.
        """
        ids = [row["record"] for row in self.decisions() if row["decision"] == "include"]
        if not ids:
            raise DataError(f"{self.project.path(names.DECISIONS)}: nothing is included, so nothing can be summed up")
        return self.library.take(ids)

    def counts(self) -> dict[str, int]:
        """Records of each file, of all, merged, left."""
        path = self.needed(names.COUNTS, "records")
        try:
            return {str(name): int(n) for name, n in json.loads(path.read_text(encoding="utf-8")).items()}
        except (ValueError, AttributeError, TypeError):
            raise DataError(
                f"{path}: not what `proband review {self.project.study} records` wrote; do that step again"
            ) from None

    def needed(self, name: str, step: Step) -> Path:
        """A file that an earlier step writes.

        Raises
        ------
        DesignError
            If it is not there.
        """
        path = self.project.path(name)
        if not path.exists():
            raise DesignError(f"{path}: not there yet; `proband review {self.project.study} {step}` first")
        return path

    def inputs(self, step: Step) -> dict[str, str]:
        """What a step is made of now: name -> digest."""
        of, table = self.project.digest_of, self.table

        def said(*keys: str) -> dict[str, str]:
            told = table.model_dump(include=set(keys))
            return {f"review.{key}": fingerprint(told[key]) for key in keys}

        if step == "records":
            marks = {name: of(str((self.project.study.parent / name).absolute())) for name in table.marks.values()}
            files = {path.name: of(str(path.absolute())) for path in self.files}
            # An empty list of what is kept apart is none.
            return {**files, **marks, names.APART: fingerprint(self.apart()), **said("marks")}
        if step == "query":
            return {names.RECORDS: of(names.RECORDS), **said("query", "leave_out")}
        if step == "rank":
            held = {names.FOUND: of(names.FOUND)} if table.query.narrows else {}
            return {
                names.RECORDS: of(names.RECORDS),
                **held,
                **said("question", "leave_out"),
                "encoder": self.keys.encoder,
            }
        if step == "screen":
            held = {names.FOUND: of(names.FOUND)} if table.query.narrows else {}
            told = {key: fingerprint(self.data.get(key)) for key in ("seed", "engine", "instrument", "screening")}
            told |= {"--engine": fingerprint(self.engines)} if self.engines else {}
            files = {path.name: of(str(path.absolute())) for path in self._screeners_files()}
            return {names.RECORDS: of(names.RECORDS), **held, **told, **files, **said("leave_out")}
        made = {name: of(name) for name in (names.RECORDS, names.DECISIONS)}
        if step == "extract":
            return {**made, **said("form", "extractors")}
        return {**made, names.EVIDENCE: of(names.EVIDENCE), **said("question", "writer", "judge", "sentences")}

    def _screeners_files(self) -> list[Path]:
        """Files that addresses of screeners, and the criteria, name."""
        engine, criteria = self.data.get("engine", ""), self.data.get("instrument", {})
        given = [of.values() if isinstance(of, Mapping) else [of] for of in (engine, self.engines or "")]
        addresses = [address for each in given for address in each]
        rests = [str(address).partition(":")[2].partition("?")[0] for address in addresses]
        named = [*rests, str(criteria.get("use", "")) if isinstance(criteria, dict) else ""]
        paths = [self.project.study.parent / name for name in named if name]
        return [path for path in paths if path.is_file()]

    def standings(self) -> dict[Step, Standing]:
        """Where every step stands; whatever comes after one that is not done is not done either."""
        return self.project.standings(STEPS, self.inputs)
