"""``proband check``: everything that is wrong with a file that a user wrote or brings."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from proband.addresses.opening import address_beside, check_address
from proband.cli.studying import folder_about, stopped
from proband.cli.talk import emit, out, progress
from proband.designs.kind import KINDS
from proband.designs.studies import load_study
from proband.designs.study_file import SHARED
from proband.designs.survey.arrangement import place_notes
from proband.designs.survey.wording import check_pipes
from proband.errors import DataError, DesignError, Gathering, shown
from proband.files import parsed, text_of
from proband.instruments import load_instrument
from proband.instruments.defects import Defect, defects_of, not_judged
from proband.instruments.files import INSTRUMENTS, is_instrument_table
from proband.instruments.pipes import pipes_in
from proband.reports import findings
from proband.reports.findings import Findings
from proband.reports.terminal import terminal
from proband.subjects.files import inspect_population
from proband.subjects.microdata import inspect_microdata
from proband.texts.questionnaires.reading import reading_sentences, rules_engine, second_reading
from proband.tuning.material import TOY, Material
from proband.tuning.study_file import read_align_file

WRONG = 1
INSTRUMENT = "an instrument"
_LONGEST = 60  # characters of the words that a defect is shown by


def check(
    file: Annotated[
        list[Path],
        typer.Argument(
            help="Study, instrument or population (TOML), instrument (CSV) or data file; or an instrument that ships."
        ),
    ],
    engine: Annotated[
        str | None, typer.Option(help="A second reader of an instrument's items, beside the rules; it is asked.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="What was found on stdout as JSON.")] = False,
) -> None:
    """Say everything that is wrong with files, at once; exit code 1 means that something is.

    Nothing is asked, unless a second reader of questionnaires is named with --engine.

    Example: `proband check examples/anes1996.toml`
    """
    looked = [_look(path) for path in file]
    if engine is not None:
        _refuse_unreadable(looked)
    read = {found.path: _read_again(found.path, engine) for found in looked} if engine is not None else {}
    if json:
        agreement = {str(path): of.as_dict() for path, of in read.items()}
        emit({"files": [found.as_dict() for found in looked], **({"second_reader": agreement} if read else {})})
    else:
        for line in (line for found in looked for line in found.lines()):
            out.print(line, soft_wrap=True, markup=False, highlight=False)
        for of in read.values():
            out.print(terminal(of, out.width, is_whole=True))
    if any(found.problems for found in looked):
        raise typer.Exit(WRONG)


@dataclass(frozen=True)
class Looked:
    """What was found in a file: `problems` are refused, `notes` only said."""

    path: Path
    kind: str
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    defects: tuple[Defect, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        about = {"file": str(self.path), "kind": self.kind, "is_sound": not self.problems}
        told = {**about, "problems": list(self.problems), "notes": list(self.notes)}
        return told | ({"defects": [asdict(found) for found in self.defects]} if self.kind == INSTRUMENT else {})

    def lines(self) -> Iterator[str]:
        """A line for the file, one for each problem, one for each note; each names the file once."""
        count = f"{len(self.problems)} {'problem' if len(self.problems) == 1 else 'problems'}"
        name = shown(self.path)
        yield f"{name}: {self.kind}, {count if self.problems else 'nothing wrong'}"
        notes = (*self.notes, *map(_told, self.defects))
        for what, texts in (("wrong", self.problems), ("note", notes)):
            for text in texts:
                yield f"  {what}: {text.removeprefix(f'{self.path}: ').removeprefix(f'{self.path.name}: ')}"


def _told(defect: Defect) -> str:
    """A defect in a line: where, what, why, and what to do."""
    words = " | ".join(defect.words.split("\n"))
    shown_words = f", {words if len(words) <= _LONGEST else words[:_LONGEST] + '...'!r}" if words else ""
    item = f"item {defect.item!r}" if defect.item else "the whole"
    return f"{item} ({defect.kind.replace('_', ' ')}{shown_words}): {defect.why}; {defect.instead}"


def _look(path: Path) -> Looked:
    """A file, looked at as what it is."""
    found, kind, notes = Gathering(), "no file that can be read", list[str]()
    with found.part():
        kind, look = _kind_of(path)
        notes += look(path, found)
    defects: tuple[Defect, ...] = ()
    if kind == INSTRUMENT and not found.errors:
        instrument = load_instrument(_named(path))
        defects = tuple(defects_of(instrument))
        notes += filter(None, [not_judged(instrument)])
    return Looked(
        path, kind, tuple(dict.fromkeys(p for error in found.errors for p in error.problems)), tuple(notes), defects
    )


def _refuse_unreadable(looked: list[Looked]) -> None:
    for found in looked:
        if found.kind != INSTRUMENT or found.problems:
            what = "has problems; mend them first" if found.kind == INSTRUMENT else f"is {found.kind}"
            raise DesignError(f"{found.path}: a second reader reads instruments, and this {what}; leave out --engine")


def _read_again(path: Path, engine: str) -> Findings:
    """What an engine finds of defects, its agreement with the rules first."""
    instrument = load_instrument(_named(path))
    # Another wording or other rules are another reading: an edited file is read anew, and no run stands in its way.
    rules = rules_engine(defects_of(instrument)).address
    folder = folder_about(f"defects-{path.stem}", engine, instrument.hash, rules)
    with stopped(), progress() as watch:
        run = second_reading(instrument, engine, folder, watch=watch)
    told = findings(run, only=["coder-agreement"])
    first = told.sections[0]
    return replace(told, sections=(replace(first, sentences=(*reading_sentences(run), *first.sentences)),))


def _named(path: Path) -> Path | str:
    """A file, or the name of an instrument that ships, where there is no file of that name."""
    return path.name if str(path) in INSTRUMENTS and not path.exists() else path


Look = Callable[[Path, Gathering], list[str]]


def _kind_of(path: Path) -> tuple[str, Look]:
    """What a file is by its ending and its keys, and how such a file is looked at."""
    if isinstance(_named(path), str):
        return INSTRUMENT, _look_at_instrument
    if path.suffix.lower() != ".toml":
        is_instrument = path.suffix.lower() == ".csv" and is_instrument_table(path)
        return (INSTRUMENT, _look_at_instrument) if is_instrument else ("data", _look_at_data)
    keys = parsed(text_of(path, what="file", error=DesignError), path, error=DesignError)
    if "base" in keys:
        return "a study of knowledge interventions", _look_at_alignment
    if "items" in keys:
        return INSTRUMENT, _look_at_instrument
    if "fields" in keys or (isinstance(keys.get("data"), dict) and "seed" not in keys):
        return "a population", _look_at_population
    if keys.keys() & {"seed", "engine", *SHARED, *KINDS}:
        return "a study", _look_at_study
    raise DesignError(
        f"{path}: neither a study (seed, and a table such as [survey]), nor an instrument (items), nor a population "
        f"(fields and data); it has {', '.join(keys) or 'no keys'}"
    )


def _look_at_study(path: Path, found: Gathering) -> list[str]:
    named = parsed(text_of(path, what="study", error=DesignError), path, error=DesignError).get("engine", ())
    for address in named.values() if isinstance(named, dict) else [named] if isinstance(named, str) else []:
        with found.part():
            check_address(address_beside(str(address), path.parent))
    with found.part():
        return list(load_study(path).design.notes())
    return []


def _look_at_instrument(path: Path, found: Gathering) -> list[str]:
    with found.part():
        instrument = load_instrument(_named(path))
        earlier: list[str] = []
        for item in instrument.items:
            # Whether traits and factors are there is known only with a population and a study.
            named = {kind: [name] for kind, name in pipes_in(item.stem + item.text)}
            with found.part():
                check_pipes(item, {**named, "answer": earlier})
            earlier.append(item.id)
        return [note for item in instrument.items for note in place_notes(item)]
    return []


def _look_at_population(path: Path, found: Gathering) -> list[str]:
    remarks = inspect_population(path)
    found.errors += [DataError(str(remark)) for remark in remarks if remark.is_wrong]
    return [str(remark) for remark in remarks if not remark.is_wrong]


def _look_at_data(path: Path, found: Gathering) -> list[str]:
    remarks = inspect_microdata(path)
    found.errors += [DataError(str(remark)) for remark in remarks if remark.is_wrong]
    return [str(remark) for remark in remarks if not remark.is_wrong]


def _look_at_alignment(path: Path, found: Gathering) -> list[str]:
    file = read_align_file(path)
    material = Material(file=file, folder=path.parent)
    for base in file.every_base:
        if base.base != TOY:
            with found.part():
                check_address(base.base)
    for part in ("probe", "training_prompt", "asks", "base_ask", "arms", "construction"):
        with found.part():
            getattr(material, part)
    sources = [table.source for table in (file.bank, file.benchmark) if table is not None]
    if not found.errors and not any(source.startswith("hub:") for source in sources):
        with found.part():
            material.check()
    return []
