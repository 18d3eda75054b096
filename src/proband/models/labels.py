"""Decisions that people made of records before: out of a table, or out of a column of the records' own file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from proband.errors import EngineError, meant
from proband.files import table_rows, text_of
from proband.models.codes import folded
from proband.models.engine import Ability, BaseEngine
from proband.records import Completion, Trial

LABEL, EXCLUDING = "label", "excluding"  # facts of a trial: its record's decision, and the codes that keep it out
_SAID = {
    **dict.fromkeys(("include", "included", "1", "1.0", "yes", "true", "relevant", "in"), True),
    **dict.fromkeys(("exclude", "excluded", "0", "0.0", "no", "false", "irrelevant", "out"), False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A decision of one record, and by what."""

    is_included: bool
    criterion: str = ""
    reason: str = ""


def said(decision: str, where: str) -> bool:
    """What a cell says: in or out; anything else is refused."""
    found = _SAID.get(folded(decision))
    if found is None:
        raise EngineError(f"{where}: decision {decision!r} is none; write include or exclude (or 1 and 0)")
    return found


def read_labels(path: str | Path, by: str = "") -> dict[str, Label]:
    """Decisions by record: columns record, decision, and where there are any criterion, reason, by.

    Raises
    ------
    EngineError
        If the table is not as it must be, a decision is none, a record has two, or several people decided and none is
        named.
    """
    path = Path(path)
    text = text_of(path, what="table of decisions", error=EngineError)
    found: dict[str, Label] = {}
    people: dict[str, None] = {}
    for where, row in table_rows(text, path, ("record", "decision"), error=EngineError):
        people[row.get("by", "")] = None
        if not row["decision"] or (by and row.get("by", "") != by):
            continue
        if not (record := row["record"]):
            raise EngineError(f"{where}: a decision of no record; fill in its id")
        label = Label(is_included=said(row["decision"], where), criterion=row.get("criterion", ""),
                      reason=row.get("reason", ""))  # fmt: skip
        if found.setdefault(record, label) != label:
            way_out = f"name whose count: labels:{path}?by=NAME" if len(people) > 1 else "leave one of them"
            raise EngineError(f"{where}: record {record!r} has two decisions; {way_out}")
    if not found:
        one = f" by {by!r}{meant(by, people)}" if by else ""
        raise EngineError(f"{path}: no decision{one} in it")
    return found


class LabelsEngine(BaseEngine):
    """Gives decisions that were made before; a record without one has no answer, and counts nowhere.

    Parameters
    ----------
    labels : mapping of str to Label, or None
        By record; None where trials bring theirs, out of the column that the study names.
    source : str
        Where they are from.
    """

    abilities: frozenset[Ability] = frozenset({"given"})

    def __init__(self, labels: Mapping[str, Label] | None, *, source: str, address: str) -> None:
        self.labels, self.source, self.address = labels, source, address

    def check(self, trials: Sequence[Trial]) -> None:
        """Refuse decisions that are none, and reasons that are no codes of the criteria."""
        for trial in trials:
            self._given(trial)

    def answer(self, trials: Sequence[Trial]) -> Iterator[tuple[Trial, Completion]]:
        """Look every trial up."""
        for trial in trials:
            index = self._given(trial)
            if index is None:
                yield trial, Completion(error=f"no decision of record {trial.place.subject!r} in {self.source}")
            else:
                yield trial, Completion(given=(index, "valid"))

    def _given(self, trial: Trial) -> int | None:
        """The code that a decision is on a criterion: the one that keeps the record out, or the first that does not."""
        facts = dict(trial.facts)
        if EXCLUDING not in facts:
            raise EngineError(f"{self.address} decides of records; use it in a study of kind [screening]")
        if self.labels is not None:
            label = self.labels.get(trial.place.subject)
        elif LABEL not in facts:
            raise EngineError(f'{self.address} takes decisions out of a column of the records; name it: column = "..."')
        else:
            cell = facts[LABEL].strip()
            where = f"record {trial.place.subject!r}"
            label = Label(is_included=said(cell, where)) if cell else None
        if label is None:
            return None
        out = [folded(code) for code in facts[EXCLUDING].split("\n")]
        reply = trial.reply
        codes = {folded(shown): index for shown, index in zip(reply.options, reply.order, strict=True)}
        kept = [at for code, at in codes.items() if code not in out and at not in reply.dont_know]
        is_other = label.criterion and folded(label.criterion) != folded(trial.place.item)
        if label.is_included or is_other:
            return min(kept)
        if not label.reason:
            return min(codes[code] for code in out)
        if folded(label.reason) not in out:
            raise EngineError(
                f"{self.source}: record {trial.place.subject!r} is out for {label.reason!r}, which keeps nothing out "
                f"on criterion {trial.place.item!r}; there are {', '.join(facts[EXCLUDING].split(chr(10)))}"
            )
        return codes[folded(label.reason)]

    def fingerprint(self) -> Mapping[str, str]:
        """Where decisions are from, and a hash of them."""
        told = "" if self.labels is None else repr(sorted((k, repr(v)) for k, v in self.labels.items()))
        return {"engine": "labels", "source": self.source, "labels": blake2b(told.encode(), digest_size=16).hexdigest()}
