"""Coding: every question of a codebook put to every coder about every document, as a design on the common loop."""

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from proband.designs.design import Design, Key
from proband.designs.lazy import LazyTrials
from proband.errors import DesignError, Gathering
from proband.identity import Pairs, place_id
from proband.instruments.items import Instrument, Item
from proband.records import Place, Response, ShowCard, Trial
from proband.roster import Roster
from proband.seeds import place_digest
from proband.subjects.corpora import Corpus, LongTexts, escape_control_tokens
from proband.texts.backtest import BackTest
from proband.texts.coders import Coder, Face, faces_of
from proband.texts.documents import Documents

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, kw_only=True)
class Coding(Design):
    """Documents coded by one or several coders under a codebook.

    A place's subject is the document, its item the question; its condition names the coder and, where there are
    several, the order of the codes and the window of the document. The coder is also the trial's `answerer`.

    Attributes
    ----------
    codebook : Instrument
        What is asked; usually a `Codebook`.
    corpus : Corpus
        What it is asked about. Words stand in requests, and nowhere else.
    coders : tuple of Coder
        Who answers, and how each is asked.
    long : LongTexts
        What is done with documents that are too long.
    prior_correction : bool
        Whether the mean log score of each code over the corpus is taken off before a code is chosen: what a coder
        says of any text is then no evidence about this one. A rule of the protocol, carried out by `codes_of`.
    backtest : BackTest or None
        A series that codes are tested on.

    Raises
    ------
    DesignError
        If two coders have one name, a question cannot be put to a coder as it is to be asked, or a document is longer
        than is allowed; the item, coder or document is named.
    """

    kind: ClassVar[str] = "coding"
    sits_by: ClassVar[str] = "coder"
    is_about_people: ClassVar[bool] = False

    codebook: Instrument
    corpus: Corpus
    coders: tuple[Coder, ...] = (Coder(name="coder"),)
    seed: int = 1
    title: str = ""
    long: LongTexts = field(default_factory=LongTexts)
    prior_correction: bool = False
    backtest: BackTest | None = None

    def __post_init__(self) -> None:
        found = Gathering()
        with found.part():
            place_digest(self.seed)  # refuses a seed that is no integer
        names = [coder.name for coder in self.coders]
        with found.part():
            if not names or len(set(names)) < len(names):
                raise DesignError(f"coders {', '.join(names) or 'none'}: give one or more, each a name of its own")
            if self.long.measured != "characters":
                raise DesignError("long texts of a corpus are measured in characters: several engines may read it")
        for coder in self.coders:
            with found.part():
                faces_of((coder,), self.codebook)
        found.settle()
        len(self.trials({}))  # refuses documents that are too long

    @property
    def unit(self) -> str:  # type: ignore[override]
        """What is independent: the document, or what the corpus names."""
        return self.corpus.unit or "document"

    @property
    def name(self) -> str:
        """Title of the study, or the codebook's."""
        return self.title or self.codebook.id

    @cached_property
    def items(self) -> Mapping[str, Item]:
        """Questions by id."""
        return {item.id: item for item in self.codebook.items}

    @cached_property
    def faces(self) -> list[tuple[Face, int]]:
        """What is asked about every document, with its replicate."""
        return faces_of(self.coders, self.codebook)

    def roles(self) -> tuple[str, ...]:
        """The coders."""
        return tuple(coder.name for coder in self.coders)

    def size(self) -> int:
        """Number of trials."""
        return len(self._trials)

    def trials(self, answered: Mapping[str, Response]) -> Sequence[Trial]:
        """Everything that is asked, document by document."""
        return self._trials

    @cached_property
    def _trials(self) -> "CodingTrials":
        return CodingTrials(self)

    def card(self, trial: Trial) -> ShowCard:
        """What a person who codes sees: the codebook to look up, the document, and the question with its codes."""
        item, reply = self.items[trial.place.item], trial.reply
        return ShowCard(
            text=item.text, stem=item.stem, before=dict(trial.facts)["document"], about=self.codebook.preamble,
            form=item.form, options=reply.options, labels=reply.labels, lower=item.lower, upper=item.upper,
            total=item.total, unit=item.unit,
        )  # fmt: skip

    def roster(self) -> Roster:
        """Every document with its unit, and what the corpus says of it."""
        return self._documents

    @cached_property
    def _documents(self) -> Documents:
        return Documents(self.corpus)

    def n_units(self) -> int:
        """Authors, sources or documents."""
        return self._documents.n_units

    def notes(self) -> tuple[str, ...]:
        """Who codes how, and what is done with long documents and with questions that follow from others."""
        told = []
        for coder in self.coders:
            orders = max((len(coder.orders(item, face.method)) for face, _ in self.faces if face.coder is coder
                          for item in (face.item,)), default=1)  # fmt: skip
            how = f"{orders} orders of the codes" if orders > 1 else "one order of the codes"
            told.append(f"Coder {coder.name}: {coder.answer_by}, {how}.")
        if (n := self._trials.n_shown) > len(self.corpus):
            told.append(f"{len(self.corpus):,} documents make {n:,} windows; their codes are put together by "
                        f"{self.long.combine}.")  # fmt: skip
        if any(item.ask_if for item in self.codebook.items):
            told.append("Questions that follow from others are asked of every document; codes that do not apply are "
                        "left out afterwards.")  # fmt: skip
        if self.prior_correction:
            told.append("The mean log score of each code over the corpus is taken off (prior correction).")
        return tuple(told)

    def describe(self) -> Mapping[str, object]:
        """Everything that defines the coding; of the corpus what identifies it, not its words."""
        levels: dict[str, dict[str, None]] = {"coder": dict.fromkeys(self.roles())}
        for face, _ in self.faces:
            for name, level in face.levels:
                levels.setdefault(name, {})[level] = None
        if self._trials.most_windows > 1:
            levels["window"] = {str(k): None for k in range(1, self._trials.most_windows + 1)}
        return {
            "design": "coding",
            "title": self.name,
            "instrument": self.codebook.id,
            "instrument_title": self.codebook.title,
            "instrument_hash": self.codebook.hash,
            "instrument_source": self.codebook.source,
            "items": len(self.codebook.items),
            "corpus": self.corpus.name,
            "corpus_hash": self.corpus.content_hash,
            "documents": len(self.corpus),
            "unit": self.unit,
            "coders": {coder.name: _settings(coder) for coder in self.coders},
            "settings": {name: list(found) for name, found in levels.items()},
            "varied": sorted(levels),
            "long": asdict(self.long),
            "prior_correction": self.prior_correction,
            "rules": {item.id: {"item": item.ask_if.item, "options": list(item.ask_if.options)}
                      for item in self.codebook.items if item.ask_if},
            "seed": self.seed,
            **({} if self.backtest is None else {"backtest": self.backtest.as_dict()}),
        }  # fmt: skip


def _settings(coder: Coder) -> dict[str, object]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(coder).items()}


class CodingTrials(LazyTrials):
    """The trials of a corpus, made when looked at: documents, their windows, and every face of every question."""

    def __init__(self, coding: Coding) -> None:
        self.coding = coding
        self._faces = coding.faces
        corpus, most = coding.corpus, coding.long.most
        found = Gathering()
        # Only what has more bytes than characters are allowed can be too long; the others are not read.
        counts = array("l", [1]) * len(corpus)
        self.most_windows = 1
        for place, row in enumerate(corpus.rows):
            if corpus.texts.size(row) > most:
                with found.part():
                    counts[place] = len(self._shown(place))
                    self.most_windows = max(self.most_windows, counts[place])
        found.settle()
        self._ends = array("l") if self.most_windows == 1 else array("l", _accumulated(counts))
        self.n_shown = self._ends[-1] if self._ends else len(corpus)

    def __len__(self) -> int:
        return self.n_shown * len(self._faces)

    def _shown(self, place: int) -> tuple[str, ...]:
        """What is shown of a document: its text, or its windows."""
        corpus = self.coding.corpus
        text = escape_control_tokens(corpus.texts[corpus.rows[place]])
        most = self.coding.long.most
        return (text,) if len(text) <= most else self.coding.long.parts(text, where=f"document {self._ids[place]!r}")

    @cached_property
    def _ids(self) -> "pl.Series":
        return self.coding.corpus.columns["document"]

    def _from(self, start: int) -> Iterator[tuple[str, str, int, int]]:
        """Document, words, number of the window (0 where there is one), and the face to begin with."""
        shown, face = divmod(start, len(self._faces))
        document = bisect_right(self._ends, shown) if self._ends else shown
        window = shown - (self._ends[document - 1] if self._ends and document else 0) if self._ends else 0
        for place in range(document, len(self.coding.corpus)):
            windows = self._shown(place)
            for k in range(window, len(windows)):
                yield self._ids[place], windows[k], k + 1 if len(windows) > 1 else 0, face
                face = 0
            window = 0

    def made_from(self, start: int) -> Iterator[Trial]:
        """The trials from an index on."""
        seed = self.coding.seed
        for id, text, window, first in self._from(start):
            facts = (("document", text),)
            for face, replicate in self._faces[first:] if first else self._faces:
                place = Place(subject=id, item=face.item.id, condition=_levels(face, window), replicate=replicate)
                request = face.request(text, place.id, seed)
                yield Trial(
                    place=place,
                    request=request,
                    reply=face.reply(text),
                    answerer=face.coder.name,
                    facts=(*facts, *face.facts) if face.facts else facts,
                )

    def keys(self, start: int, stop: int) -> Iterator[Key]:
        """Keys of the trials from `start` up to `stop`, without their requests."""
        left = stop - start
        for id, text, window, first in self._from(start):
            for face, replicate in self._faces[first:] if first else self._faces:
                if left <= 0:
                    return
                left -= 1
                key = place_id(id, face.item.id, _levels(face, window), 0, replicate)
                hash = face.request(text, key, self.coding.seed).hash if face.is_drawn else face.hash(text)
                yield key, hash, face.rule


def _levels(face: Face, window: int) -> Pairs:
    return (*face.levels, ("window", str(window))) if window else face.levels


def _accumulated(counts: Sequence[int]) -> Iterator[int]:
    total = 0
    for count in counts:
        total += count
        yield total
