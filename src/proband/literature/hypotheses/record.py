"""What a hypothesis says, where it comes from, what would show it to be wrong, and the file that holds many."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from proband.designs.hypotheses import Direction
from proband.errors import DataError, DesignError, Gathering, strange_choice
from proband.files import Table, checked, in_toml, parsed, text_of
from proband.literature.records.record import plain
from proband.literature.spans import Span
from proband.texts.gold.tables import write_text

Strategy = Literal["plain", "less_likely", "stepwise", "adversarial", "tuned", "surface", "evidence"]
_SAID: Mapping[Direction, str] = {
    "more": "The more {independent}, the more {dependent}",
    "less": "The more {independent}, the less {dependent}",
    "differs": "{dependent} differs with {independent}",
    "none": "{independent} makes no difference to {dependent}",
}


@dataclass(frozen=True, kw_only=True)
class Hypothesis:
    """One statement that may turn out to be wrong, with all that is needed to try it.

    Attributes
    ----------
    independent, dependent : str
        The two variables, in words.
    direction : {"more", "less", "differs", "none"}
        What the dependent one does as the independent one grows.
    falsifier : str
        What would have to be observed for it to be given up.
    mechanism, population : str
        Why it should be so; of whom it is said.
    moderators : tuple of str
        On what it may depend.
    test : str
        Design and analysis that would decide.
    spans : tuple of Span
        Passages that it is drawn from.
    strategy : str
        How it was come by: plain, less_likely, stepwise, adversarial, tuned; surface, of features of texts; evidence,
        by rules from a table of evidence.
    proposer : str
        Address of the engine, name of the person, or rules.
    time : str
        When, as ISO 8601.
    seen : tuple of str
        Which data and passages the proposer had seen by then.
    rule : str
        What it predicts of each row of a table, where it is about one, as `Rule` reads it.
    beside : str
        Id of the likely hypothesis that a less likely one stands against.

    Raises
    ------
    DesignError
        If a variable or the falsifier is empty, or a choice is unknown.
    """

    independent: str
    dependent: str
    direction: Direction
    falsifier: str
    mechanism: str = ""
    population: str = ""
    moderators: tuple[str, ...] = ()
    test: str = ""
    spans: tuple[Span, ...] = ()
    strategy: Strategy = "plain"
    proposer: str = ""
    time: str = ""
    seen: tuple[str, ...] = ()
    rule: str = ""
    beside: str = ""

    def __post_init__(self) -> None:
        if strange := strange_choice(self):
            raise DesignError(f"hypothesis: {strange}")
        for name in ("independent", "dependent"):
            if not plain(getattr(self, name)):
                raise DesignError(f"hypothesis {self.says!r}: no {name} variable; name it")
        if not plain(self.falsifier):
            raise DesignError(
                f"hypothesis {self.says!r}: no falsifier, so nothing could show it to be wrong; say in `falsifier` "
                "what would have to be observed for it to be given up"
            )

    @property
    def says(self) -> str:
        """The statement in one sentence."""
        return _SAID[self.direction].format(independent=self.independent, dependent=self.dependent)

    @property
    def id(self) -> str:
        """The same wherever it stands: `h-` and 8 digits of what it says, not of who says it, or when."""
        parts = (self.independent, self.dependent, self.mechanism, self.population, *sorted(self.moderators))
        told = "\n".join((self.direction, self.rule, *map(plain, parts)))
        return f"h-{hashlib.blake2b(told.encode(), digest_size=4).hexdigest()}"

    def as_dict(self) -> dict[str, Any]:
        """Its fields that say something, as a file holds them."""
        held = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        return {"id": self.id, **{name: value for name, value in held.items() if value}}


class SpanTable(Table):
    """A passage."""

    record: str
    start: int
    end: int
    text: str
    page: int | None = None


class HypothesisTable(Table):
    """One hypothesis in a file."""

    id: str = Field(default="", description="computed; what stands here is not read")
    independent: str = Field(examples=['independent = "smiling"'])
    dependent: str = Field(examples=['dependent = "tips"'])
    direction: Direction = Field(examples=['direction = "more"'])
    falsifier: str = Field(default="", examples=['falsifier = "no higher tips among those who were told to smile"'])
    mechanism: str = ""
    population: str = ""
    moderators: list[str] = []
    test: str = ""
    spans: list[SpanTable] = []
    strategy: Strategy = "plain"
    proposer: str = ""
    time: str = ""
    seen: list[str] = []
    rule: str = ""
    beside: str = ""


def read_hypotheses(path: str | Path) -> tuple[Hypothesis, ...]:
    """Hypotheses of a file: `.toml` with a table ``[[hypothesis]]`` each, or `.jsonl` with one a line.

    Raises
    ------
    DesignError, DataError
        If the file is of another kind; if one names no variable or no falsifier, or has a key that is unknown: all
        of them at once, each with its place.
    """
    path = Path(path)
    text = text_of(path, what="file of hypotheses", error=DataError)
    if path.suffix == ".toml":
        held = parsed(text, path.name, error=DataError)
        if strange := held.keys() - {"hypothesis"}:
            raise DataError(f"{path.name}: {sorted(strange)[0]!r} is no [[hypothesis]]; take it out")
        rows = [(f"{path.name}, hypothesis {k}", row) for k, row in enumerate(held.get("hypothesis", ()), start=1)]
    elif path.suffix == ".jsonl":
        rows = [(f"{path.name}, line {k}", _line(line, f"{path.name}, line {k}"))
                for k, line in enumerate(text.splitlines(), start=1) if line.strip()]  # fmt: skip
    else:
        raise DataError(f"{path}: hypotheses stand in a .toml or a .jsonl file")
    found, gathering = list[Hypothesis](), Gathering()
    for where, row in rows:
        with gathering.part():
            try:
                found.append(_made(checked(HypothesisTable, row, where, error=DesignError)))
            except DesignError as error:
                raise error if where in str(error) else DesignError(f"{where}: {error}") from None
    gathering.settle()
    return tuple(found)


def write_hypotheses(path: str | Path, hypotheses: Iterable[Hypothesis]) -> None:
    """Write a file that `read_hypotheses` reads; `.toml` for people, `.jsonl` for many."""
    path = Path(path)
    if path.suffix not in (".toml", ".jsonl"):
        raise DataError(f"{path}: hypotheses are written to a .toml or a .jsonl file; name it so")
    rows = [hypothesis.as_dict() for hypothesis in hypotheses]
    if path.suffix == ".jsonl":
        write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
        return
    told = ["[[hypothesis]]\n" + "".join(f"{key} = {in_toml(value)}\n" for key, value in row.items()) for row in rows]
    write_text(path, "\n".join(told))


def _line(line: str, where: str) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: no JSON ({error}); write one object in braces a line") from None
    if not isinstance(row, dict):
        raise DataError(f"{where}: {type(row).__name__}, not an object in braces; write one hypothesis a line")
    return row


def _made(table: HypothesisTable) -> Hypothesis:
    held: dict[str, Any] = table.model_dump(exclude={"id", "spans"})
    held = {name: tuple(value) if isinstance(value, list) else value for name, value in held.items()}
    return Hypothesis(**held, spans=tuple(Span(**span.model_dump()) for span in table.spans))
