"""Engines propose hypotheses, on the common loop: strategies are conditions, a proposal is a process of few steps.

Where there are rows, every strategy keeps a bank of its own on A: its proposals are judged case by case by an engine,
and where most of those that are asked err, new ones are proposed. B is never shown.
"""

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from proband.designs.design import Design
from proband.designs.process import Answers, Process, Stalled, unfold
from proband.designs.survey.cards import has_prefix
from proband.designs.survey.wording import instruction_text, options_text, question_text
from proband.errors import DesignError
from proband.instruments.extraction import extraction_schema
from proband.instruments.items import Item
from proband.literature.hypotheses import wording
from proband.literature.hypotheses.bank import Bank, Keeping
from proband.literature.hypotheses.proposals import Proposal, proposal_in, seen_by
from proband.literature.hypotheses.record import Hypothesis, Strategy
from proband.literature.hypotheses.rows import Rows
from proband.literature.hypotheses.testing import Terms
from proband.literature.spans import Span
from proband.records import Message, Place, Reply, Request, Response, Trial
from proband.roster import Member, Roster
from proband.seeds import place_digest, rng_for, seed_for

STRATEGIES: tuple[Strategy, ...] = ("plain", "less_likely", "stepwise", "adversarial", "tuned")
PROPOSER, CRITIC, TUNED, JUDGE = "proposer", "critic", "tuned", "judge"
Asked = Generator[Trial | Sequence[Trial], Answers, Any]


@dataclass
class Kept:
    """What a strategy has come to: its proposals in their order, and its bank, where there are rows."""

    proposals: list[Proposal] = field(default_factory=list)
    bank: Bank | None = None
    said: dict[str, dict[int, str | None]] = field(default_factory=dict)  # subject -> row -> outcome foretold


@dataclass(frozen=True, kw_only=True)
class Proposing(Design):
    """Hypotheses proposed by engines.

    A place's subject is the proposal, its item what is asked for: a hypothesis, thoughts, a critique, or a judgement of
    the case that its condition names. Rounds count the steps of a proposal.

    Attributes
    ----------
    about : str
        The question or topic.
    strategies : tuple of str
        Some of plain, less_likely (against the likely one, which is proposed first), stepwise (thoughts first),
        adversarial (a critic, and a revision, `rounds` times), tuned (another engine, usually with an adapter).
    each : int
        Proposals of each strategy.
    spans : tuple of Span
        Passages that are shown; a record can cite them by number and nothing else.
    rows : Rows or None
        Rows of A, and nothing of B.
    terms : Terms or None
        On which they were split, and what is found is tested.
    keeping : Keeping
        How banks are kept on them; of `looked` rows, `batch` at a time, `shown` of them with each proposal.
    """

    kind: ClassVar[str] = "hypothesize"
    unit: ClassVar[str] = "proposal"
    is_about_people: ClassVar[bool] = False

    about: str
    strategies: tuple[Strategy, ...] = ("plain",)
    each: int = 3
    rounds: int = 1
    spans: tuple[Span, ...] = ()
    rows: Rows | None = None
    terms: Terms | None = None
    keeping: Keeping = field(default_factory=Keeping)
    looked: int = 60
    batch: int = 5
    shown: int = 6
    temperature: float = 0.7
    max_tokens: int = 300
    seed: int = 1
    title: str = ""

    def __post_init__(self) -> None:
        place_digest(self.seed)  # refuses a seed that is no integer
        if not self.about.strip():
            raise DesignError("hypothesize: about is empty; say in a sentence what the hypotheses are to be about")
        if unknown := [name for name in self.strategies if name not in STRATEGIES]:
            raise DesignError(f"hypothesize: no strategy {unknown[0]!r}; there are {', '.join(STRATEGIES)}")
        if not self.strategies or len(set(self.strategies)) < len(self.strategies):
            raise DesignError(f"hypothesize: strategies {', '.join(self.strategies) or 'none'}; give one or more, once")
        numbers = (self.each, self.rounds, self.batch, self.looked, self.shown)
        if min(numbers) < 1 or self.max_tokens < 50 or self.temperature < 0:
            raise DesignError(
                f"hypothesize: each {self.each}, rounds {self.rounds}, batch {self.batch}, looked {self.looked} and "
                f"shown {self.shown} are at least 1, max_tokens {self.max_tokens} at least 50"
            )

    @cached_property
    def items(self) -> Mapping[str, Item]:
        """What is asked for."""
        found = {
            "hypothesis": wording.record_item(len(self.spans)),
            "thoughts": Item(id="thoughts", text=wording.THOUGHTS, form="text"),
            "critique": Item(id="critique", text="What is wrong with it?", form="text"),
        }
        return found | ({"judgement": judgement_item(self.rows)} if self.rows is not None else {})

    def roles(self) -> tuple[str, ...]:
        """Who is asked: a proposer, and what the strategies and rows need beside it."""
        ordinary = any(strategy != "tuned" for strategy in self.strategies)
        needed = {PROPOSER: ordinary, TUNED: "tuned" in self.strategies, CRITIC: "adversarial" in self.strategies,
                  JUDGE: self.rows is not None}  # fmt: skip
        return tuple(role for role, is_needed in needed.items() if is_needed)

    @property
    def _most(self) -> int:
        """Proposals of one strategy at most."""
        if self.rows is None:
            return self.each
        return self.each + self.keeping.fresh * (min(self.looked, len(self.rows)) // self.keeping.errors)

    def roster(self) -> Roster:
        """Every proposal that there can be, in its strategy."""
        return Roster([
            Member(subject=f"{strategy}-{k}", traits={"strategy": strategy})
            for strategy in self.strategies for k in range(1, self._most + 1)
        ])  # fmt: skip

    def size(self) -> int:
        """Number of trials, at most where there are rows."""
        steps = {"plain": 1, "less_likely": 2, "stepwise": 2, "adversarial": 1 + 2 * self.rounds, "tuned": 1}
        judged = 0 if self.rows is None else min(self.looked, len(self.rows)) * self.keeping.acting
        return sum(steps[strategy] * self._most + judged for strategy in self.strategies)

    def processes(self) -> Iterable[Process]:
        """One a strategy where banks are kept, else one a proposal."""
        return self._processes({strategy: Kept() for strategy in self.strategies})

    def _processes(self, kept: Mapping[str, Kept]) -> list[Process]:
        if self.rows is not None:
            return [self._kept_bank(strategy, kept[strategy], self.rows) for strategy in self.strategies]
        return [
            self._alone(strategy, k, kept[strategy]) for strategy in self.strategies for k in range(1, self.each + 1)
        ]

    def kept(self, answered: Mapping[str, Response]) -> Mapping[str, Kept]:
        """What every strategy has come to, by what was answered."""
        found: dict[str, Kept] = {strategy: Kept() for strategy in self.strategies}
        for _ in unfold(self._processes(found), answered):
            pass
        return found

    def _alone(self, strategy: Strategy, k: int, kept: Kept) -> Asked:
        kept.proposals += yield from self._proposed(strategy, k, "")

    def _kept_bank(self, strategy: Strategy, kept: Kept, rows: Rows) -> Asked:
        """Propose, judge row by row, propose again where most of those asked err."""
        bank = kept.bank = Bank(self.keeping)
        order = rng_for(self.seed, "hypotheses", "bank").permutation(len(rows)).tolist()[: self.looked]
        cases = wording.cases_text(rows, order[: self.shown], erred=False)
        yield from self._into(bank, kept, strategy, self.each, cases)
        for start in range(0, len(order), self.batch):
            places = order[start : start + self.batch]
            asked = bank.asked()
            trials = [self._judged(rows, place, idea, kept, strategy) for place in places for idea in asked]
            answers = yield trials
            answered = iter(trials)
            for place in places:
                told = {}
                for idea, trial in zip(asked, answered, strict=False):
                    said = said_of(_whole(answers[trial]), rows.levels)
                    kept.said[idea][place] = said
                    told[idea] = rows.labels[place], said
                bank.judged(place, told)
                if erred := bank.erred():
                    shown = wording.cases_text(rows, erred[-self.shown :], erred=True)
                    yield from self._into(bank, kept, strategy, self.keeping.fresh, shown)

    def _into(self, bank: Bank, kept: Kept, strategy: Strategy, n: int, cases: str) -> Asked:
        """So many proposals more, those that say something new into the bank."""
        for _ in range(n):
            there = {proposal.hypothesis.id for proposal in kept.proposals if proposal.hypothesis}
            numbers = {proposal.subject for proposal in kept.proposals}
            found = yield from self._proposed(strategy, len(numbers) + 1, cases)
            kept.proposals += found
            if (new := found[-1].hypothesis) and new.id not in there:
                kept.said[found[-1].subject] = {}
                bank.add([found[-1].subject])

    def _proposed(self, strategy: Strategy, k: int, cases: str) -> Asked:
        """The steps of one proposal; gives the proposals, the last one being what it comes to."""
        subject, start = f"{strategy}-{k}", wording.context(self.about, self.spans, cases)
        by = TUNED if strategy == "tuned" else PROPOSER
        if strategy == "stepwise":
            thoughts = yield from self._written(subject, "thoughts", f"{start}\n\n{wording.THOUGHTS}", by, strategy, 0)
            return [(yield from self._record(subject, f"{start}\n\n{wording.STEPWISE.format(before=thoughts)}", by,
                                             strategy, 1))]  # fmt: skip
        first = yield from self._record(subject, f"{start}\n\n{wording.PLAIN}", by, strategy, 0)
        if strategy == "less_likely":
            before = wording.told(first.hypothesis)
            asked = f"{start}\n\n{wording.LESS_LIKELY.format(before=before)}"
            beside = first.hypothesis.id if first.hypothesis else ""
            second = yield from self._record(subject, asked, by, strategy, 1, beside=beside)
            return [first, second]
        for round_ in range(1, self.rounds + 1 if strategy == "adversarial" else 1):
            before = wording.told(first.hypothesis)
            asked = f"{start}\n\n{wording.CRITIQUE.format(before=before)}"
            critique = yield from self._written(subject, "critique", asked, CRITIC, strategy, round_)
            asked = f"{start}\n\n{wording.REVISED.format(before=before, critique=critique)}"
            first = yield from self._record(subject, asked, by, strategy, round_)
        return [first]

    def _written(self, subject: str, item: str, asked: str, by: str, strategy: str, round_: int) -> Asked:
        system = wording.CRITIC if by == CRITIC else wording.SYSTEM
        trial = self._trial(subject, item, strategy, round_, by, (Message("system", system), Message("user", asked)))
        answers = yield trial
        return str(_whole(answers[trial]).answer or wording.NOTHING).strip()

    def _record(self, subject: str, asked: str, by: str, strategy: Strategy, round_: int, beside: str = "") -> Asked:
        item = self.items["hypothesis"]
        messages = (Message("system", wording.SYSTEM), Message("user", f"{asked}\n\n{wording.instruction(item)}"))
        trial = self._trial(subject, item.id, strategy, round_, by, messages)
        answers = yield trial
        # The likely one, against which the other is held, is a plain proposal.
        of: Strategy = "plain" if strategy == "less_likely" and round_ == 0 else strategy
        seen = seen_by(self.spans, self.rows.name if self.rows is not None else "")
        return proposal_in(_whole(answers[trial]), of, spans=self.spans, seen=seen, beside=beside)

    def _trial(
        self, subject: str, item: str, strategy: str, round_: int, by: str, messages: tuple[Message, ...]
    ) -> Trial:
        place = Place(subject=subject, item=item, condition=(("strategy", strategy),), round=round_)
        asked = self.items[item]
        request = Request(
            messages=messages, max_tokens=self.max_tokens, temperature=self.temperature,
            # Without a draw of its own every proposal of a strategy would be the same.
            seed=seed_for(self.seed, "write", place.id) if self.temperature > 0 else None,
            schema=extraction_schema(asked) if asked.form == "record" else None,
        )  # fmt: skip
        reply = Reply(form=asked.form, method="written", fields=asked.fields)
        return Trial(place=place, request=request, reply=reply, answerer=by)

    def _judged(self, rows: Rows, row: int, idea: str, kept: Kept, strategy: str) -> Trial:
        hypothesis = next(p.hypothesis for p in reversed(kept.proposals) if p.subject == idea)
        condition = (("case", rows.ids[row]), ("strategy", strategy))
        return judgement(
            rows, row, wording.told(hypothesis), Place(subject=idea, item="judgement", condition=condition)
        )

    def notes(self) -> tuple[str, ...]:
        """What is shown, and what is kept shut."""
        told = [f"{self.each} proposals by each of {', '.join(self.strategies)}."]
        told += [f"{len(self.spans)} passages are shown; a proposal can cite no other."] * bool(self.spans)
        if self.rows is not None:
            told.append(f"Up to {self.looked} of {len(self.rows)} rows of A are judged; B stays closed.")
        return tuple(told)

    def describe(self) -> Mapping[str, object]:
        """Everything that defines it; of the rows what identifies them."""
        told = {**super().describe(), "settings": {"strategy": list(self.strategies)}, "varied": ["strategy"]}
        if self.rows is not None:
            told["rows"] = {"file": self.rows.name, "content": self.rows.content_hash, "A": len(self.rows)}
            told["keeping"] = asdict(self.keeping)
        return told


@dataclass(frozen=True, kw_only=True)
class Judging(Design):
    """What locked hypotheses foretell of every row of B; a place's subject is the hypothesis."""

    unit: ClassVar[str] = "hypothesis"
    is_about_people: ClassVar[bool] = False

    hypotheses: tuple[Hypothesis, ...]
    rows: Rows
    seed: int = 1
    title: str = "Hypotheses on B"

    @property
    def items(self) -> Mapping[str, Item]:
        """The one question."""
        return {"judgement": judgement_item(self.rows)}

    def trials(self, answered: Mapping[str, Response]) -> Sequence[Trial]:
        """Every hypothesis on every row."""
        return [
            judgement(self.rows, row, wording.told(hypothesis),
                      Place(subject=hypothesis.id, item="judgement", condition=(("case", id),)))
            for hypothesis in self.hypotheses for row, id in enumerate(self.rows.ids)
        ]  # fmt: skip

    def told(self, answered: Mapping[str, Response]) -> dict[str, tuple[Sequence[str], list[str | None]]]:
        """By id of a hypothesis, outcomes of all rows and what it says of them; None where the judge gave no answer."""
        found = {h.id: dict[str, str | None]() for h in self.hypotheses}
        for response in answered.values():
            case = dict(response.place.condition)["case"]
            found[response.place.subject][case] = said_of(response, self.rows.levels)
        return {id: (self.rows.labels, [said.get(row) for row in self.rows.ids]) for id, said in found.items()}

    def describe(self) -> Mapping[str, object]:
        """Everything that defines it; of the rows what identifies them."""
        return {"design": "judging", "title": self.title, "hypotheses": [h.as_dict() for h in self.hypotheses],
                "rows": self.rows.content_hash, "seed": self.seed}  # fmt: skip


def judgement_item(rows: Rows) -> Item:
    """What is foretold of a case: one of the outcomes."""
    text = f"By this statement alone, what is {rows.outcome!r} in this case?"
    return Item(id="judgement", text=text, form="choice", options=rows.levels, pinned=(), shows_braces=True)


def judgement(rows: Rows, row: int, told: str, place: Place) -> Trial:
    """What one hypothesis foretells of one row; the row's outcome is not shown."""
    item = judgement_item(rows)
    order = tuple(range(len(item.options)))
    stem = f"Statement: {told}\n\nCase: {wording.case_text(rows, row)}"
    asked = (
        f"{question_text(stem, item.text, options_text(item, order, ()))}\n\n{instruction_text(item, 'option_text')}"
    )
    return Trial(
        place=place,
        request=Request(
            messages=(Message("system", wording.JUDGE), Message("user", asked)),
            continuations=item.options, closes=has_prefix(item.options),
        ),
        reply=Reply(form="choice", method="option_text", options=item.options, order=order, decide="mode"),
        answerer=JUDGE if dict(place.condition).get("strategy") else "",
        facts=(("case", rows.ids[row]), ("outcome", rows.labels[row])),
    )  # fmt: skip


def said_of(response: Response, levels: Sequence[str]) -> str | None:
    """The outcome that was foretold; None where nothing was answered."""
    return levels[response.answer] if response.status == "valid" and isinstance(response.answer, int) else None


def _whole(response: Response) -> Response:
    if response.status == "failed":
        raise Stalled(f"{response.place.id} failed ({response.error}); run it again with --retry-failed")
    return response
