"""Other material for the same experiment: stimuli, an isomorph in fresh words, paraphrases, whole vignettes."""

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from proband import files
from proband.designs.survey.cards import Questionnaire
from proband.errors import DesignError, meant
from proband.instruments.items import Instrument, Item
from proband.instruments.pipes import pipes_in

PLACEBO = "placebo"  # name of the level that should not matter
PUBLISHED, ISOMORPH = "published", "isomorph"
STIMULUS, VERSION, WORDING = "stimulus", "version", "wording"
RESERVED = (STIMULUS, VERSION, WORDING)


@dataclass(frozen=True, kw_only=True)
class Stimuli:
    """Texts of which every subject sees some: a random factor.

    Attributes
    ----------
    texts : mapping
        Stimulus -> column -> text that ``{stimulus:column}`` becomes.
    per_subject : int
        How many a subject sees; all of them are seen equally often in every arm.
    crossed : bool
        Whether a subject sees each of its stimuli under every level of the within-subject factors; if not, its stimuli
        are divided among these levels, and which stimulus comes under which level goes round.
    """

    texts: Mapping[str, Mapping[str, str]]
    per_subject: int = 1
    crossed: bool = False

    def __post_init__(self) -> None:
        if len(self.texts) < 2 or not 1 <= self.per_subject <= len(self.texts):
            raise DesignError(
                f"{len(self.texts)} stimuli, of which a subject sees {self.per_subject}; give two texts or more, and "
                "per_subject from 1 to all of them"
            )
        for name, columns in self.texts.items():
            if lacking := [column for column in self.columns if column not in columns]:
                raise DesignError(f"stimulus {name!r} has no {lacking[0]!r}, which others have; give every one a text")

    @property
    def columns(self) -> tuple[str, ...]:
        """Everything that a stimulus has a text for."""
        return tuple(dict.fromkeys(column for columns in self.texts.values() for column in columns))


@dataclass(frozen=True, kw_only=True)
class Isomorph:
    """The same structure in fresh words, which nobody can have read before.

    Attributes
    ----------
    items : mapping
        Item id -> wording that replaces `text`, with the same pipes.
    stems : mapping
        Item id -> lead-in that replaces `stem`.
    options : mapping
        Item id -> texts that replace its options, in the same order.
    factors : mapping
        Factor -> level -> text that replaces the level's.
    """

    items: Mapping[str, str]
    stems: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Sequence[str]] = field(default_factory=dict)
    factors: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def of(self, asked: Questionnaire, told: Callable[[str], str]) -> Questionnaire:
        """A questionnaire in these words, texts of levels as `told` gives them: with their marks, or without.

        Raises
        ------
        DesignError
            If an item, factor or level is not there, an item that carries a manipulation has no fresh wording, or
            nothing is fresh about it.
        """
        instrument = asked.instrument
        for given in (self.items, self.stems, self.options):
            check_known(given, [item.id for item in instrument.items], "isomorph", "item")
        check_known(self.factors, asked.factors, "isomorph", "factor")
        items = tuple(self._item(item) for item in instrument.items)
        factors = {}
        for name, levels in asked.factors.items():
            fresh = self.factors.get(name, {})
            check_known(fresh, levels, f"isomorph: factor {name!r}", "level")
            factors[name] = {**levels, **{level: told(text) for level, text in fresh.items()}}
        return replace(asked, instrument=replace(instrument, items=items), factors=factors)

    def _item(self, item: Item) -> Item:
        carries = any(kind != "subject" for kind, _ in pipes_in(item.text))
        if item.id not in self.items:
            if carries:
                raise DesignError(
                    f"isomorph: item {item.id!r} carries a manipulation and has no wording; write it anew"
                )
            return item
        text = self.items[item.id]
        if normal(text) == normal(item.text):
            raise DesignError(
                f"isomorph: item {item.id!r} is identical to the original; tell the same structure in fresh words"
            )
        _check_same_pipes(item, text, "isomorph")
        options = tuple(self.options.get(item.id, item.options))
        if len(options) != len(item.options):
            raise DesignError(
                f"isomorph: item {item.id!r} has {len(item.options)} options, and {len(options)} are given"
            )
        return replace(item, text=text, stem=self.stems.get(item.id, item.stem), options=options)


def check_paraphrases(paraphrases: Mapping[str, Sequence[str]], instrument: Instrument) -> int:
    """Refuse wordings that are alike or pipe something else; tells how many there are of each item, with its own."""
    known = {item.id: item for item in instrument.items}
    check_known(paraphrases, known, "paraphrases", "item")
    counts = {len(wordings) for wordings in paraphrases.values()}
    if len(counts) > 1 or 0 in counts:
        raise DesignError(
            f"paraphrases: items have {', '.join(map(str, sorted(counts)))} wordings; give each equally many, because "
            "wording k of every item goes together"
        )
    for id, wordings in paraphrases.items():
        seen = [normal(text) for text in (known[id].text, *wordings)]
        for k, text in enumerate(wordings):
            if seen[k + 1] in seen[: k + 1]:
                raise DesignError(f"paraphrases: wording {k + 1} of item {id!r} is there twice: {text!r}; reword it")
            _check_same_pipes(known[id], text, "paraphrases")
    return 1 + next(iter(counts), 0)


def paraphrased(asked: Questionnaire, paraphrases: Mapping[str, Sequence[str]], wording: int) -> Questionnaire:
    """A questionnaire in one of the wordings; the first is the one that it has."""
    if wording == 1:
        return asked
    items = [
        replace(item, text=paraphrases[item.id][wording - 2]) if item.id in paraphrases else item
        for item in asked.instrument.items
    ]
    return replace(asked, instrument=replace(asked.instrument, items=tuple(items)))


@dataclass(frozen=True)
class Vignettes:
    """One whole text for every combination of levels, its manipulated spans marked; ``{vignette:text}`` in a wording.

    Attributes
    ----------
    factors : tuple of str
        Whose levels a vignette goes with.
    texts : mapping
        Levels, in the order of `factors` -> text.
    """

    factors: tuple[str, ...]
    texts: Mapping[tuple[str, ...], str]

    def text(self, levels: Mapping[str, str]) -> str:
        """The vignette of these levels."""
        key = tuple(levels[name] for name in self.factors)
        if key not in self.texts:
            named = ", ".join(f"{name} = {level}" for name, level in zip(self.factors, key, strict=True))
            raise DesignError(f"no vignette for {named}; write one, or take the level out")
        return self.texts[key]

    @property
    def levels(self) -> dict[str, dict[str, str]]:
        """Factors as an experiment has them, in the order in which their levels come up."""
        found: dict[str, dict[str, str]] = {name: {} for name in self.factors}
        for key in self.texts:
            for name, level in zip(self.factors, key, strict=True):
                found[name][level] = level
        return found


def read_vignettes(path: Path) -> Vignettes:
    """Vignettes of a CSV file: a column ``text``, perhaps ``id``, and a column for every factor."""
    rows = read_rows(path, "vignettes")
    if not rows or "text" not in rows[0] or len(set(rows[0]) - {"id"}) < 2:
        found = ", ".join(rows[0]) if rows else "no rows"
        raise DesignError(f"{path}: columns are {found}; there must be `text` and a column for every factor")
    factors = tuple(name for name in rows[0] if name not in ("id", "text"))
    texts: dict[tuple[str, ...], str] = {}
    for number, row in enumerate(rows, start=2):
        key = tuple(row[name] for name in factors)
        if key in texts or not row["text"].strip():
            what = "a second vignette for" if key in texts else "an empty text for"
            raise DesignError(f"{path}, line {number}: {what} {', '.join(key)}; give every combination one text")
        texts[key] = row["text"]
    return Vignettes(factors, texts)


def read_rows(path: Path, what: str) -> list[dict[str, str]]:
    """The rows of a CSV file with a line of names; a cell that is not there is empty."""
    text = files.text_of(path, what=f"file of {what}", error=DesignError)
    return [{name: value or "" for name, value in row.items() if name} for row in csv.DictReader(text.splitlines(True))]


def normal(text: str) -> str:
    """A text as it is compared: words only, in lower case."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def check_known(
    given: Mapping[str, object] | Sequence[str], known: Mapping[str, object] | Sequence[str], where: str, what: str
) -> None:
    """Refuse a name that is not there."""
    for name in given:
        if name not in known:
            raise DesignError(f"{where}: no {what} {name!r}{meant(name, known)}; there are {', '.join(known)}")


def _check_same_pipes(item: Item, text: str, where: str) -> None:
    wanted, found = (set(pipes_in(words)) for words in (item.text, text))
    if wanted != found:
        kind, name = min(wanted ^ found)
        what = "lacks" if (kind, name) in wanted else "has, other than the original,"
        raise DesignError(f"{where}: a wording of item {item.id!r} {what} {{{kind}:{name}}}; pipe in the same")
