"""An engine writes sentences over numbered spans; the grammar of its reply lists the numbers it may cite."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from proband.designs.design import Design
from proband.instruments.extraction import json_in
from proband.instruments.items import Item
from proband.literature.evidence.sentences import Sentence, Shown, told
from proband.models.lies import SHOWN
from proband.records import Message, Place, Reply, Request, Response, Trial
from proband.seeds import seed_for
from proband.subjects.corpora import escape_control_tokens

_ITEM = "sentences"
LONGEST = 320  # characters of a sentence
_SYSTEM = (
    "You write sentences about scientific papers. You are shown numbered passages from them, and know nothing else. "
    "Every sentence says only what the passages that it cites say, with their numbers and their negations; what stands "
    "in quotation marks is copied letter by letter. You name no paper, author or year besides."
)
_SYNTHESIS = "Write at most {n} sentences that sum up what the passages say{about}."
_ANSWER = "Question: {question}\n\nAnswer it in at most {n} sentences. Where the passages do not say, give no sentence."
_FORM = 'Reply with JSON: {"sentences": [{"spans": [numbers of the passages that say it], "text": "the sentence"}]}'


@dataclass(frozen=True, kw_only=True)
class Writing(Design):
    """Questions over spans, each put to an engine once.

    Attributes
    ----------
    shown : mapping of str to Shown
        By question, the spans that its sentences may cite. An empty question: a synthesis of all of them.
    n : int
        Sentences, at most.
    is_answer : bool
        Whether questions are to be answered, which may be with nothing, or are what a synthesis is about.
    """

    kind: ClassVar[str] = ""
    unit: ClassVar[str] = "question"
    is_about_people: ClassVar[bool] = False

    shown: Mapping[str, Shown]
    n: int = 6
    is_answer: bool = False
    seed: int = 1
    temperature: float = 0.0
    title: str = "Sentences over spans"
    items: Mapping[str, Item] = field(default_factory=lambda: {_ITEM: Item(id=_ITEM, text="-", form="text")})

    def trials(self, answered: Mapping[str, Response]) -> Sequence[Trial]:
        """One a question."""
        found = []
        for number, (question, shown) in enumerate(self.shown.items(), start=1):
            place = Place(subject=f"question-{number}", item=_ITEM)
            request = Request(
                messages=(Message("system", _SYSTEM), Message("user", self._asked(question, shown))),
                max_tokens=110 * self.n,
                temperature=self.temperature,
                seed=seed_for(self.seed, "write", place.id) if self.temperature else None,
                schema=grammar(len(shown.spans), self.n, least=0 if self.is_answer else 1),
            )
            facts = ((SHOWN, json.dumps(facts_of(shown), ensure_ascii=False)),)
            found.append(Trial(place=place, request=request, reply=Reply(form="text", method="written"), facts=facts))
        return found

    def _asked(self, question: str, shown: Shown) -> str:
        passages = "\n".join(
            f"[{k}] ({escape_control_tokens(told(shown.records[span.record]))}) "
            f"{escape_control_tokens(' '.join(span.text.split()))}"
            for k, span in enumerate(shown.spans, start=1)
        )
        about = f" about this question: {question}" if question else ""
        task = (
            _ANSWER.format(question=question, n=self.n) if self.is_answer else _SYNTHESIS.format(n=self.n, about=about)
        )
        return f"Passages:\n{passages}\n\n{escape_control_tokens(task)}\n{_FORM}"


def grammar(n_spans: int, n_sentences: int, *, least: int = 1) -> str:
    """JSON schema of sentences whose citations are an enumeration of the spans shown.

    >>> '"enum":[1,2,3]' in grammar(3, 2)
    True
    """
    # Spans come first: what a writer says follows from what it cites, and not the other way round.
    cited = {"type": "array", "items": {"enum": list(range(1, n_spans + 1))}, "minItems": 1, "maxItems": 3}
    words = {"type": "string", "minLength": 20, "maxLength": LONGEST}
    sentence = {
        "type": "object", "properties": {"spans": cited, "text": words}, "required": ["spans", "text"],
        "additionalProperties": False,
    }  # fmt: skip
    listed = {"type": "array", "items": sentence, "minItems": least, "maxItems": n_sentences}
    whole = {
        "type": "object",
        "properties": {"sentences": listed},
        "required": ["sentences"],
        "additionalProperties": False,
    }
    return json.dumps(whole, separators=(",", ":"))


def facts_of(shown: Shown) -> list[dict[str, Any]]:
    """What scripted writers may know of spans."""
    return [
        {
            "record": span.record,
            "text": span.text,
            "authors": [author.partition(",")[0] for author in record.authors],
            "year": record.year,
            "venue": record.venue,
        }
        for span in shown.spans
        for record in (shown.records[span.record],)
    ]


def sentences_in(response: Response) -> tuple[list[Sentence], str]:
    """The sentences that a reply is, or why it is none."""
    text = str(response.answer or response.text or "")
    try:
        told = json_in(text, dict)["sentences"]
        sentences = [
            Sentence(text=" ".join(str(one["text"]).split()), spans=tuple(dict.fromkeys(map(int, one["spans"]))),
                     by=response.engine)
            for one in told
        ]  # fmt: skip
    except (ValueError, TypeError, KeyError):
        return (
            [],
            f"{response.engine} gave no sentences over spans ({response.error or response.status}): {text[:60]!r}",
        )
    return [sentence for sentence in sentences if sentence.text], ""
