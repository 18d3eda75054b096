"""Parts of a run: each carried out in a folder of its own, and gathered into the run that they are parts of."""

import json
import re
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any

from proband.addresses.opening import is_person, lasting
from proband.designs.design import Design
from proband.designs.part import Part, Share
from proband.designs.studies import Study
from proband.errors import DesignError, StoreError, TreatmentChanged
from proband.instruments.reading import READER
from proband.runs.collection import collect
from proband.runs.progress import Budget, Watch
from proband.runs.run import Run
from proband.store.directory import RunDirectory
from proband.store.gathering import GATHERED, is_gathered
from proband.store.rosters import roster_text

PARTS = "parts"  # name of the folder, inside a run, where its parts are
_FOLDER = re.compile(r"([1-9][0-9]*)-of-([1-9][0-9]*)", re.ASCII)  # one name for each part
_LOOKED = 64  # trials whose prompts stand for all of them, before anything is asked
# What two parts must have in common, and what a message calls it.
_WORDS = {
    "kind": "kind of study",
    "seed": "seed",
    "engine": "engine",
    "reader": "way to read answers",
    "design": "design",
    "items": "items",
    "roster": "who takes part",
    "prompts": "what is sent",
}


def part_folder(into: str | Path, share: Share) -> Path:
    """Where a part of a run is carried out: ``parts/K-of-N`` in its folder."""
    return Path(into) / PARTS / share.folder


def part_of(study: Study, share: Share) -> Study:
    """The study of a part alone, without people's answers, which are collected when the parts are gathered.

    Raises
    ------
    DesignError
        If the design cannot be divided so, or people answer at pages.
    """
    for role, who in study.cast.items():
        is_met = is_person(who) if isinstance(who, str) else who.waits
        if is_met:
            whom = f"the role {role!r}" if role else "the study"
            raise DesignError(
                f"{study.name}: {whom} is played by people, who come when they come, so it cannot be divided; "
                "run it undivided"
            )
    return Study(Part(study.design, share), study.engine)


def begin_part(study: Study, into: str | Path, share: Share, *, made_of: Mapping[str, Any], work: Path | None) -> Path:
    """Make the folder of a part, or look whether it is still that part; `collect` then carries it out there.

    Parameters
    ----------
    study : Study
        The whole.
    into : path
        Folder of the whole run.
    share : Share
        Which part.
    made_of : mapping
        From what the study can be made again, as plain values: path of its file, engines and sample that replace it.
    work : path or None
        Where the part is written, if not in `into`.

    Returns
    -------
    pathlib.Path
        The folder of the part.

    Raises
    ------
    TreatmentChanged
        If this part, or another one of this run, was begun with another study, seed or engine.
    StoreError
        If an undivided run, or parts of another division, are there.
    """
    whole = RunDirectory(into)
    if whole.is_there and not is_gathered(whole):
        raise StoreError(
            f"{whole.path}: an undivided run is there already; go on with it, or give its parts a new folder"
        )
    facts = facts_of(study)
    for other, directory in shares_in(whole.path):
        if other.of != share.of:
            raise StoreError(
                f"{directory.path}: this run is divided into {other.of} parts, and part {share} is of {share.of}; keep "
                f"to --part K/{other.of}, or use a new folder"
            )
        if other != share and directory.journal_path.exists() and (noted := noted_of(directory)) is not None:
            refuse_other(directory, noted["facts"], facts, f"part {other} was begun")
            break  # each was held against another one when it began
    directory = RunDirectory(work or part_folder(into, share))
    if directory.journal_path.exists() and (noted := noted_of(directory)) is not None:
        refuse_other(directory, noted["facts"], facts, f"part {share} was begun")
    else:
        note = {
            "number": share.number, "of": share.of, "proband": version("proband"), "facts": facts, "study": made_of,
        }  # fmt: skip
        with directory.writer() as journal:
            journal.note(part=json.dumps(note))
    return directory.path


def refuse_divided(into: str | Path) -> None:
    """Refuse to ask undivided what is asked in parts: everybody would be asked twice.

    Raises
    ------
    StoreError
        If parts are there that are not gathered yet.
    """
    whole, found = RunDirectory(into), shares_in(Path(into))
    known: Mapping[str, str] | None = {}
    if whole.is_there:
        with whole.reader() as journal:
            known = journal.noted(GATHERED)
    if known is not None and (left := [str(share) for share, _ in found if str(share) not in known]):
        raise StoreError(
            f"{whole.path}: is divided, and part {left[0]} is not gathered yet; go on with --part {left[0]}, gather "
            f"with `proband gather {whole.path}`, or give the undivided run a new folder"
        )


def facts_of(study: Study) -> dict[str, str]:
    """What a study is, fact by fact, short: the same for all its parts, and for as long as nobody edits it."""
    design = study.design
    who = ", ".join(f"{name} {lasting(address)}".strip() for name, address in sorted(study.addresses.items()))
    return {
        "kind": study.kind,
        "seed": str(design.seed),
        "engine": who,
        "reader": READER,
        "design": _digest(json.dumps(design.describe(), sort_keys=True, default=str)),
        "items": _digest(json.dumps({id: item.as_dict() for id, item in design.items.items()}, sort_keys=True)),
        "roster": _digest(roster_text(design.roster())),
        "prompts": _digest("\n".join(_some_prompts(design))),
    }


def _some_prompts(design: Design) -> Iterator[str]:
    if design.is_adaptive and type(design).preview is Design.preview:
        return  # to know its trials would be to go through all of it
    trials = design.preview()
    for k in dict.fromkeys(k * (len(trials) - 1) // (_LOOKED - 1) for k in range(_LOOKED) if len(trials)):
        yield f"{trials[k].id} {trials[k].request.hash}"


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()


def noted_of(directory: RunDirectory) -> dict[str, Any] | None:
    """What a part notes of itself; None where it is none."""
    with directory.reader() as journal:
        found: dict[str, Any] | None = journal.noted("part")
        return found


def refuse_other(directory: RunDirectory, before: Mapping[str, str], now: Mapping[str, str], what: str) -> None:
    """Refuse a part of another study; the first difference is named."""
    for name, words in _WORDS.items():
        if before.get(name) != now[name]:
            told = f" ({before.get(name)}, not {now[name]})" if name in ("kind", "seed", "engine", "reader") else ""
            raise TreatmentChanged(
                f"{directory.path}: {what} with another {words}{told}: the study was edited since, or it is a part of "
                "another one; undo the edit, or use a new folder"
            )


def shares_in(into: Path) -> list[tuple[Share, RunDirectory]]:
    """The parts in a run's folder, in their order.

    Raises
    ------
    StoreError
        If a folder beside them is none.
    """
    folder = into / PARTS
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        match = _FOLDER.fullmatch(path.name)
        if path.name.startswith("."):
            continue
        if match is None or int(match[1]) > int(match[2]):
            raise StoreError(f"{path}: is no part; parts are called K-of-N, e.g. 2-of-4: move it away")
        found.append((Share(int(match[1]), int(match[2])), RunDirectory(path)))
    return sorted(found, key=lambda one: (one[0].of, one[0].number))


def carry_out_part(
    study: Study, folder: Path, *, budget: Budget | None, watch: Watch | None, retry_failed: bool
) -> Run:
    """Collect a part that `begin_part` has begun; `study` is that of `part_of`."""
    return collect(study.design, study.cast, folder, budget=budget, watch=watch, retry_failed=retry_failed)
