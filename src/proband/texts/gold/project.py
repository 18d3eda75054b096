"""The folder of a project, the steps from codebook to claim, and what is stale because something before it changed."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

from proband.errors import DataError, DesignError
from proband.files import bytes_of, text_of
from proband.texts.gold.tables import digest, write_text

Step = Literal[
    "draw",
    "import",
    "adjudicate",
    "split",
    "tune",
    "lock",
    "validate",
    "run",
    "correct",
    "fragility",
    "drift",
    "replay",
]
State = Literal["done", "stale", "open", "waiting"]
S = TypeVar("S", bound=str)

STEPS: Mapping[Step, str] = {
    "draw": "draw documents for people to code, each with a known probability",
    "import": "take in people's codes",
    "adjudicate": "decide where people disagree",
    "split": "divide gold into development, hold-out and audit",
    "tune": "try every coder on development",
    "lock": "write the protocol down",
    "validate": "open the hold-out",
    "run": "code the corpus",
    "correct": "say what is claimed, corrected",
}
LATER: Mapping[Step, str] = {
    "fragility": "try the claims under other ways of asking",
    "drift": "ask some documents again, later",
    "replay": "say the same from what is stored, asking nobody",
}
"""Steps that nothing else waits for; `--go` leaves them out."""
SAMPLE, SHEET, PAGE = "sample.csv", "sheet.csv", "codebook.html"
PEOPLE, CODES = "people", "codes.csv"
DECISIONS, AGREED = "decisions.csv", "agreed.csv"
GOLD, TRAINING = "gold.csv", "training.csv"
TRIES, PROTOCOL, LOCK = "tries.csv", "protocol.toml", "lock.json"
OPENINGS, VALIDATION = "openings.csv", "validation.json"
CLAIMS, CORRECTED = "claims.json", "corrected.csv"
FRAGILITY, DRIFT = "fragility.json", "drift.json"
_RECORD = "steps.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a step stands.

    Attributes
    ----------
    state : {"done", "stale", "open", "waiting"}
        "stale": done, and something it was made of changed; "waiting": for a person.
    because : tuple of str
        What changed, or what is waited for.
    edited : tuple of str
        Its files that were edited since it wrote them, which is allowed.
    told : str
        What it came to, in a sentence.
    """

    state: State
    because: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    told: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


class Project:
    """A folder beside a study file, in which every step leaves plain files.

    Parameters
    ----------
    study : path
        The study file; ``manifesto.toml`` has its project in ``manifesto-gold/``.
    """

    verb: ClassVar[str] = "code"
    ending: ClassVar[str] = "gold"
    names: ClassVar[tuple[str, ...]] = (*STEPS, *LATER)

    def __init__(self, study: str | Path) -> None:
        self.study = Path(study)
        self.folder = self.study.with_name(f"{self.study.stem}-{self.ending}")

    def path(self, name: str) -> Path:
        """Of a file of the project."""
        return self.folder / name

    def digest_of(self, name: str) -> str:
        """By which a file, or a folder of files, is known again; empty where there is none."""
        path = self.path(name)
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if file.is_file())
            return digest(" ".join(f"{file.relative_to(path)} {digest(file.read_bytes())}" for file in files))
        return digest(bytes_of(path, what="file", error=DataError)) if path.exists() else ""

    def record(self) -> dict[str, Any]:
        """What the steps have written down: of each its inputs and outputs, by digest."""
        path = self.path(_RECORD)
        if not path.exists():
            return {}
        try:
            held = json.loads(text_of(path, what="record", error=DataError))
            return {
                str(step): {**of, "inputs": dict(of["inputs"]), "outputs": dict(of["outputs"])}
                for step, of in held.items()
            }
        except (ValueError, AttributeError, TypeError, KeyError):
            raise DataError(
                f"{path}: it no longer holds what the steps wrote; remove it: every step is then done anew, from the "
                "files that are there"
            ) from None

    def standing(self, step: str, inputs: Mapping[str, str]) -> Standing:
        """Whether a step is done, and with what is there now.

        Parameters
        ----------
        step : str
            Its name.
        inputs : mapping of str to str
            What it would be made of now: name -> digest.
        """
        held = self.record().get(step)
        if held is None:
            return Standing(state="open")
        lost = [name for name in held["outputs"] if not self.digest_of(name)]
        changed = [name for name in {**held["inputs"], **inputs} if held["inputs"].get(name) != inputs.get(name)]
        edited = tuple(
            name for name, was in held["outputs"].items() if name not in lost and self.digest_of(name) != was
        )
        because = (*(f"{name} changed" for name in changed), *(f"{name} is gone" for name in lost))
        return Standing(state="stale" if because else "done", because=because, edited=edited, told=held.get("told", ""))

    def standings(self, steps: Iterable[S], inputs: Callable[[S], Mapping[str, str]]) -> dict[S, Standing]:
        """Where every step stands; whatever comes after one that is not done is not done either."""
        found: dict[S, Standing] = {}
        for step in steps:
            held = self.standing(step, inputs(step))
            before = next((name for name, standing in found.items() if standing.state != "done"), None)
            if held.state == "done" and before:
                held = replace(held, state="stale", because=(f"{before} is not done",))
            found[step] = held
        return found

    def done(self, step: str, inputs: Mapping[str, str], outputs: tuple[str, ...], told: str) -> None:
        """Note that a step is done, with what it was made of and what it wrote."""
        held = self.record()
        held[step] = {"inputs": dict(inputs), "outputs": {name: self.digest_of(name) for name in outputs}, "told": told}
        ordered = {name: held[name] for name in self.names if name in held}
        write_text(self.path(_RECORD), json.dumps(ordered, indent=2, ensure_ascii=False) + "\n")

    def is_edited(self, step: str, name: str, text: str) -> bool:
        """Whether a file holds what neither the step wrote nor would write now: somebody's edit."""
        path = self.path(name)
        if not path.exists():
            return False
        written = (self.record().get(step) or {"outputs": {}})["outputs"].get(name)
        return self.digest_of(name) not in (written, digest(text))

    def write(self, step: str, name: str, text: str, *, again: bool = False) -> None:
        """Write a file of a step; what somebody edited is overwritten only when told to.

        Raises
        ------
        DesignError
            If it was edited.
        """
        if not again and self.is_edited(step, name, text):
            raise DesignError(
                f"{self.path(name)}: edited since `proband {self.verb} {self.study} {step}` wrote it, and the step "
                "would now write something else; give --again to overwrite the edit, or undo what changed before it"
            )
        write_text(self.path(name), text)


def fingerprint(value: object) -> str:
    """By which settings are known again."""
    return digest(json.dumps(value, sort_keys=True, ensure_ascii=False, default=str))


def drifted(path: Path) -> dict[str, bool]:
    """Folders of documents that were asked again, and whether they are complete.

    Raises
    ------
    DataError
        If the file is not what the step wrote.
    """
    if not path.exists():
        return {}
    try:
        held = json.loads(text_of(path, what="record", error=DataError))
        return {str(name): bool(is_whole) for name, is_whole in held.items()}
    except (ValueError, AttributeError):
        raise DataError(f"{path}: not what `proband code STUDY.toml drift` wrote; remove it, and ask again") from None
