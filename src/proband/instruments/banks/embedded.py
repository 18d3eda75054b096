"""Embedded banks: facts of four domains that need no download."""

import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module

from proband.errors import DesignError
from proband.instruments.banks.bank import Bank, Question
from proband.instruments.facts.fact import Fact, Topic
from proband.seeds import rng_for, uniform_for

EMBEDDED: Mapping[str, str] = {
    "facts": "Facts of four domains: geography, chemistry, languages, computing",
    "geography": "Countries: capitals, regions, neighbours, currencies, internet domains, calling codes",
    "chemistry": "Chemical elements: symbols, numbers, groups, periods, families, electron configurations",
    "languages": "Languages: own names, scripts, weekdays, codes, where they are official",
    "computing": "Computing: status codes of the web, source files, names of characters",
}
"""Names of the embedded banks, with titles."""
DOMAINS = tuple(name for name in EMBEDDED if name != "facts")
OPTIONS = 4
SEED = 2024  # of the banks: they are the same for every study


@cache
def embedded_bank(name: str) -> Bank:
    """One of the banks that need no download: four options a question, and a sentence that states the fact.

    The wrong options are of the right one's kind, near it where the data allow (a capital of the same region, an
    element with a neighbouring number), never another name of it or another right answer. They are drawn by the
    question's place; within a topic every letter is right equally often. A fact that can be asked both ways is asked
    once. The data are those of the installed packages, which `Bank.source` names: other versions, another hash.

    Parameters
    ----------
    name : str
        ``facts`` (all four domains) or one of its domains; see `EMBEDDED`.

    Raises
    ------
    DesignError
        If there is no such bank.

    Examples
    --------
    >>> question = embedded_bank("chemistry")["chemistry/periods/Fe"]
    >>> question.text, question.choices[question.answer]
    ('In which period of the periodic table does iron stand?', 'period 4')
    """
    if name not in EMBEDDED:
        raise DesignError(f"there is no embedded bank {name!r}; there are {', '.join(EMBEDDED)}")
    topics = [topic for domain in (DOMAINS if name == "facts" else (name,)) for topic in _topics(domain)]
    return Bank(
        name=name,
        questions=tuple(question for topic in topics for question in _questions(topic)),
        title=EMBEDDED[name],
        source="; ".join(dict.fromkeys(topic.source for topic in topics)),
        licence="; ".join(dict.fromkeys(topic.licence for topic in topics)),
    )


def _topics(domain: str) -> list[Topic]:
    # Each loads a package with data, so only when it is asked for.
    found: list[Topic] = import_module(f"proband.instruments.facts.{domain}").topics()
    return found


def _questions(topic: Topic) -> Iterator[Question]:
    asked: dict[str, tuple[Fact, list[str]]] = {}
    for fact in topic.facts:
        id = f"{topic.domain}/{topic.name}/{fact.key}".replace(" ", "-")
        wrong = _wrong(id, fact)
        # Else too few things of its kind, e.g. a currency that all neighbours share.
        if len(wrong) == OPTIONS - 1:
            asked[id] = fact, wrong
    # Dealt rather than drawn: a letter that is right more often is a confound of what is trained on the bank.
    first = int(rng_for(SEED, "first letter", topic.name).integers(OPTIONS))
    dealt = sorted(asked, key=lambda id: uniform_for(SEED, "letter", id))
    answers = {id: (first + place) % OPTIONS for place, id in enumerate(dealt)}
    for id, (fact, wrong) in asked.items():
        yield Question(
            id=id,
            text=fact.question,
            choices=(*wrong[: answers[id]], fact.answer, *wrong[answers[id] :]),
            answer=answers[id],
            domain=topic.domain,
            topic=topic.name,
            explanation=fact.statement,
        )


def _wrong(id: str, fact: Fact) -> list[str]:
    taken = {_plain(fact.answer), *map(_plain, fact.also_right)}
    chosen: list[str] = []
    for pool in (fact.near, fact.others):
        # Drawn from a sorted pool: the order of the data does not count.
        for place in rng_for(SEED, "wrong", id).permutation(len(free := sorted(set(pool)))):
            if len(chosen) == OPTIONS - 1:
                break
            if _plain(free[place]) not in taken:
                taken.add(_plain(free[place]))
                chosen.append(free[place])
    return chosen


def _plain(text: str) -> str:
    """A text by which spellings of one name are equal: without case, accents and signs (which alone may differ)."""
    letters = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if c.isalnum())
    return letters or text
