"""Screening: records read batch by batch, those that are likeliest to be included first, until enough was read."""

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import ClassVar

from proband.designs.design import Design
from proband.designs.process import Answers, Process, Steps
from proband.errors import DesignError
from proband.instruments.items import Instrument, Item
from proband.literature.records.library import Library
from proband.literature.screening.ranker import (
    AUTO,
    LARGEST,
    Views,
    batch_size,
    encoder_named,
    ranked,
    unranked,
    views_by,
)
from proband.literature.screening.settling import (
    INCLUDE,
    Decision,
    Verdict,
    answer_of,
    excluding,
    needs_decider,
    settled,
    verdict_of,
)
from proband.literature.screening.stopping import Stop, costs, usual_rules
from proband.literature.screening.wording import FRAMING
from proband.records import Place, Response, Trial
from proband.roster import Roster
from proband.seeds import place_digest, rng_for
from proband.subjects.corpora import escape_control_tokens
from proband.texts.coders import Coder, Face
from proband.texts.documents import Documents

LONGEST = 8_000  # characters of a record that are shown; of what is longer, e.g. a whole paper, its beginning
Reading = Generator[Sequence[Trial], Answers, dict[int, Decision]]
_EXPECTED = 0.05  # share of the records that is taken to be included while nobody has said


@dataclass(frozen=True, kw_only=True)
class Screening(Design):
    """Records put to screeners under criteria, in the order of a ranker that learns from their decisions.

    A place's subject is the record, its item the criterion, its condition the screener and whether the record was
    ranked or drawn, its round the batch.

    Attributes
    ----------
    library : Library
        The records.
    criteria : Instrument
        What is asked of each; usually a `Codebook`, one question or several.
    screeners : tuple of Coder
        Who reads every record, blind to each other, and how each is asked.
    decider : Coder or None
        Who reads what screeners differ on.
    people : tuple of str
        The screeners who are persons: no machine overturns them.
    excludes : tuple of str
        Codes that keep a record out; see `excluding`.
    known : mapping of str to bool
        Records that were decided before, e.g. the papers a review set out from: whether each is included.
    stop : Stop
        When reading ends.
    audit : int
        Records drawn at random from those left, and read when it has ended.
    batch : int
        Records of a batch at most.
    encoder : str
        Address of what gives sentence vectors; ``auto`` for `minilm` where it is installed, ``none`` for words alone.
    column : str
        Of the records' file, in which decisions stand that the engine ``labelled`` gives.
    expected : int
        Included records that are expected, for what a plan says of costs; 0 for 1 in 20.

    Raises
    ------
    DesignError
        If criteria decide nothing, a known record is not there or all are excluded, a record has neither title nor
        abstract, a machine would decide between people, or numbers are out of range; what is wrong is named.
    """

    kind: ClassVar[str] = "screening"
    unit: ClassVar[str] = "record"
    is_about_people: ClassVar[bool] = False

    library: Library
    criteria: Instrument
    screeners: tuple[Coder, ...] = (Coder(name="screener", order="as_written"),)
    decider: Coder | None = None
    people: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    known: Mapping[str, bool] = field(default_factory=dict)
    stop: Stop = field(default_factory=Stop)
    audit: int = 0
    batch: int = LARGEST
    encoder: str = AUTO
    column: str = ""
    expected: int = 0
    seed: int = 1
    title: str = ""

    def __post_init__(self) -> None:
        place_digest(self.seed)  # refuses a seed that is no integer
        names = [coder.name for coder in self._all]
        if not self.screeners or len(set(names)) < len(names):
            raise DesignError(f"screeners {', '.join(names) or 'none'}: give one or more, each a name of its own")
        if strange := [name for name in self.people if name not in names]:
            raise DesignError(f"screening.people: no screener {strange[0]!r}; there are {', '.join(names)}")
        persons = [coder.name for coder in self.screeners if coder.name in self.people]
        if self.decider is not None and len(persons) > 1 and self.decider.name not in self.people:
            raise DesignError(
                f"{self.decider.name} is no person and would decide between {' and '.join(persons)}; let a person do "
                "that, or leave the decider out: what people differ on then stays in"
            )
        _ = self.out
        if len(self.library) < 2:
            raise DesignError(f"{self.library.name}: {len(self.library)} records; there is nothing to screen")
        if blank := [id for id, record in self.library.records.items() if not record.text.strip()]:
            raise DesignError(
                f"record {blank[0]!r} ({self.library[blank[0]].source}) has neither title nor abstract, as "
                f"{len(blank):,} have; give it a title, or take it out"
            )
        if self.batch < 1 or self.audit < 0 or not 0 <= self.expected <= len(self.library):
            raise DesignError(
                f"screening: batch {self.batch}, audit {self.audit}, expected {self.expected}; a batch has at least 1 "
                f"record, and no more than {len(self.library):,} are expected"
            )
        known = [self.library.id_of(id) for id in self.known]
        if known and not any(self.known.values()):
            raise DesignError(
                f"all {len(known)} known records are excluded, and from these alone nothing can be learned; name one "
                "that is included, or none"
            )
        if len(known) >= len(self.library):
            raise DesignError("every record is known already, so none is left to screen")

    @property
    def name(self) -> str:
        """Title of the study, or the criteria's."""
        return self.title or self.criteria.id

    @property
    def _all(self) -> tuple[Coder, ...]:
        return self.screeners if self.decider is None else (*self.screeners, self.decider)

    @cached_property
    def items(self) -> Mapping[str, Item]:
        """Criteria by id."""
        return {item.id: item for item in self.criteria.items}

    @cached_property
    def out(self) -> Mapping[str, frozenset[int]]:
        """Codes that keep a record out, by criterion."""
        return excluding(self.criteria.items, self.excludes)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The records in their order."""
        return tuple(self.library.records)

    @cached_property
    def encoder_used(self) -> str:
        """Address of the encoder; ``none`` where ranking goes by words alone."""
        return encoder_named(self.encoder)

    @cached_property
    def views(self) -> Views:
        """The records as the ranker sees them; made when first something can be learned."""
        return views_by([record.text for record in self.library.records.values()], self.encoder_used)

    def roles(self) -> tuple[str, ...]:
        """The screeners, and who decides between them."""
        return tuple(coder.name for coder in self._all)

    def size(self) -> int:
        """Number of trials if everything is read, and everything is disputed."""
        each = sum(len(self._faces[coder.name]) for coder in self._all)
        return each * (len(self.library) - len(self.known))

    def roster(self) -> Roster:
        """Every record, with what its file says of it."""
        return Documents(self.library.corpus())

    def n_units(self) -> int:
        """Records."""
        return len(self.library)

    @cached_property
    def _faces(self) -> Mapping[str, tuple[Face, ...]]:
        found = {}
        for coder in self._all:
            faces = []
            for item in coder.asked(self.criteria):
                orders = coder.orders(item, coder.method_for(item, self.criteria))
                for order, places in orders.items():
                    levels = (*((("order", order),) if len(orders) > 1 else ()), ("screener", coder.name))
                    face = Coder(**{**asdict(coder), "framing": coder.framing or FRAMING})
                    faces.append(Face(face, item, self.criteria, order=places, levels=levels))
            found[coder.name] = tuple(faces)
        return found

    def processes(self) -> Iterable[Process]:
        """One: what is read next follows from all that was decided."""
        return [self._course()]

    def _course(self) -> Steps:
        row = {id: k for k, id in enumerate(self.ids)}
        known = {row[self.library.id_of(id)]: is_in for id, is_in in self.known.items()}
        decided = dict(known)
        labels: list[bool] = []
        undecided: set[int] = set()
        n, round_ = len(self.ids) - len(known), 0
        while not self.stop.is_enough(labels, n):
            order = [k for k in self._ranked(decided) if k not in undecided]
            if not order:
                break
            round_ += 1
            batch = order[: min(self.batch, batch_size(len(decided)))]
            found = yield from self._read(batch, round_, "ranked")
            # By id within a batch, as runs are read again: no order that a decision had a part in.
            for k in sorted(batch, key=lambda k: self.ids[k]):
                if (decision := found.get(k)) is None:
                    undecided.add(k)
                    continue
                decided[k] = decision.decision == INCLUDE
                labels.append(decided[k])
        left = [k for k in range(len(self.ids)) if k not in decided and k not in undecided]
        if self.audit and left:
            drawn = rng_for(self.seed, "screening", "audit").permutation(len(left))[: self.audit]
            yield from self._read([left[int(k)] for k in sorted(drawn)], round_ + 1, "audit")

    def _ranked(self, decided: Mapping[int, bool]) -> list[int]:
        """Rows that have no decision, the likeliest to be included first."""
        included = sorted(k for k, is_in in decided.items() if is_in)
        excluded = sorted(k for k, is_in in decided.items() if not is_in)
        if not included or not excluded:  # nothing can be learned yet, so nothing has to be computed
            return [int(k) for k in unranked(len(self.ids), list(decided), seed=self.seed)]
        return [int(k) for k in ranked(self.views, included, excluded, seed=self.seed)]

    def _read(self, rows: Sequence[int], round_: int, drawn: str) -> Reading:
        """Put records to all screeners, and what they differ on to the decider."""
        answers = yield [
            trial for k in rows for coder in self.screeners for trial in self._trials(k, coder, round_, drawn)
        ]
        verdicts = {k: self._verdicts(k, self.screeners, round_, drawn, answers) for k in rows}
        if self.decider is not None:
            open_ = [k for k in rows if needs_decider(verdicts[k], self.people)]
            answers = yield [trial for k in open_ for trial in self._trials(k, self.decider, round_, drawn)]
            for k in open_:
                verdicts[k] |= self._verdicts(k, (self.decider,), round_, drawn, answers)
        decider = "" if self.decider is None else self.decider.name
        found = {k: settled(given, self.people, decider) for k, given in verdicts.items()}
        return {k: decision for k, decision in found.items() if decision is not None}

    def _place(self, k: int, face: Face, round_: int, drawn: str) -> Place:
        condition = (("drawn", drawn), *face.levels)
        return Place(subject=self.ids[k], item=face.item.id, condition=condition, round=round_)

    def _trials(self, k: int, coder: Coder, round_: int, drawn: str) -> list[Trial]:
        record = self.library.records[self.ids[k]]
        text = escape_control_tokens(record.text)[:LONGEST]
        label = (("label", record.other.get(self.column, "")),) if self.column else ()
        facts = (("document", text), *label)
        found = []
        for face in self._faces[coder.name]:
            place = self._place(k, face, round_, drawn)
            out = "\n".join(face.item.options[at] for at in sorted(self.out[face.item.id]))
            found.append(
                Trial(
                    place=place, request=face.request(text, place.id, self.seed), reply=face.reply(text),
                    answerer=coder.name, facts=(*facts, ("excluding", out), *face.facts),
                )
            )  # fmt: skip
        return found

    def _verdicts(
        self, k: int, coders: Sequence[Coder], round_: int, drawn: str, answers: Answers
    ) -> dict[str, Verdict]:
        found = {}
        for coder in coders:
            given: dict[str, list[Response]] = {}
            for face in self._faces[coder.name]:
                response = answers[self._place(k, face, round_, drawn).id]
                given.setdefault(face.item.id, []).append(response)
            one = {item: answer_of([(r.answer, r.status, r.probs) for r in rs]) for item, rs in given.items()}
            if (verdict := verdict_of(self.criteria.items, self.out, one)) is not None:
                found[coder.name] = verdict
        return found

    def notes(self) -> tuple[str, ...]:
        """Who screens, by what it is ranked, and what each rule costs in reading."""
        bare = sum(not record.abstract.strip() for record in self.library.records.values())
        long = sum(len(record.text) > LONGEST for record in self.library.records.values())
        n = len(self.ids) - len(self.known)
        expected = self.expected or max(1, round(_EXPECTED * n))
        told = ["Trials, time and price are those of reading everything: a stopping rule makes them fewer."]
        told += (
            [f"{bare:,} of {len(self.ids):,} records have no abstract and are judged by their title."] if bare else []
        )
        told += [f"Of {long:,} records the first {LONGEST:,} characters are shown."] if long else []
        told.append(f"Reading stops: {self.stop.in_words}.")
        rules = costs(usual_rules(self.stop), n, expected, self.seed)
        told.append(
            f"If {expected:,} of {n:,} are to be included, and are ranked as on labelled sets, of the records is read "
            "(of the included found): "
            + "; ".join(f"{rule.in_words}: {share:.0%} ({recall:.0%})" for rule, share, recall in rules)
            + "."
        )
        return tuple(told)

    def describe(self) -> Mapping[str, object]:
        """Everything that defines the screening; of the records what identifies them, not their words."""
        levels = {"drawn": ["ranked", *(["audit"] if self.audit else [])], "screener": list(self.roles())}
        return {
            "design": "screening",
            "title": self.name,
            "instrument": self.criteria.id,
            "instrument_title": self.criteria.title,
            "instrument_hash": self.criteria.hash,
            "records": len(self.library),
            "library": self.library.name,
            "library_hash": self.library.content_hash,
            "without_abstract": sum(not record.abstract.strip() for record in self.library.records.values()),
            "screeners": {coder.name: asdict(coder) for coder in self.screeners},
            "decider": None if self.decider is None else asdict(self.decider),
            "people": list(self.people),
            "excluding": {item: sorted(out) for item, out in self.out.items()},
            "known": {self.library.id_of(id): is_in for id, is_in in self.known.items()},
            "stop": asdict(self.stop),
            "audit": self.audit,
            "batch": self.batch,
            "encoder": self.encoder_used,
            "settings": levels,
            "varied": sorted(levels),
            "seed": self.seed,
        }
