"""Items for a construct, drafted by an engine, kept where the rules find nothing against them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from proband.designs.design import Design
from proband.errors import DesignError
from proband.files import in_toml
from proband.instruments.defects import KINDS, defects_of
from proband.instruments.items import Instrument, Item
from proband.records import Message, Place, Reply, Request, Response, Trial
from proband.runs import Run
from proband.seeds import seed_for

AGREEMENT = ("Strongly disagree", "Disagree", "Neither agree nor disagree", "Agree", "Strongly agree")
_ASKED = (
    "You write items for a questionnaire that measures this: {construct}. People say how much they agree with each "
    "item.\n\nWrite one statement in the first person with which somebody who has {amount} of it would agree. Use "
    "plain words, at most 15. Say one thing only. Use no negation, and no words such as often or many. Reply with the "
    "statement, and nothing else."
)
_AMOUNTS = {1: "much", -1: "little"}
_DRAFTS = 3  # asked for each item that is wanted, because some fail
_FEWEST, _MOST = 3, 25  # words of an item
_ALIKE = 90.0  # of 100, from which two items are one


@dataclass(frozen=True, kw_only=True)
class Drafting(Design):
    """Statements for a construct, half of them for having it and half for lacking it.

    Attributes
    ----------
    construct : str
        What the questionnaire is to measure, in the researcher's words.
    n_items : int
        How many items are wanted; three times as many are drafted.
    seed : int
        Root of all randomness.
    """

    kind: ClassVar[str] = ""
    unit: ClassVar[str] = "draft"
    is_about_people: ClassVar[bool] = False

    construct: str
    n_items: int
    seed: int
    title: str = "Drafts of items"
    items: Mapping[str, Item] = field(default_factory=lambda: {"item": Item(id="item", text="-", form="text")})

    def __post_init__(self) -> None:
        if not self.construct.strip():
            raise DesignError("the construct is empty; say in a few words what the items are to measure")
        if not 1 <= self.n_items <= 100:
            raise DesignError(f"{self.n_items} items are wanted; take 1 to 100")

    def trials(self, answered: Mapping[str, Response]) -> Sequence[Trial]:
        """One a draft."""
        found = []
        for number in range(_DRAFTS * self.n_items):
            place = Place(subject=f"draft-{number + 1}", item="item")
            text = _ASKED.format(construct=self.construct.strip(), amount=_AMOUNTS[key_of(number)])
            request = Request(
                messages=(Message("user", text),),
                max_tokens=48,
                temperature=1.0,
                seed=seed_for(self.seed, "write", place.id),
            )
            found.append(Trial(place=place, request=request, reply=Reply(form="text", method="written")))
        return found


def key_of(number: int) -> int:
    """1 for drafts of having the construct, -1 for those of lacking it: in turns."""
    return 1 if number % 2 == 0 else -1


@dataclass(frozen=True)
class Drafts:
    """What became of drafts: items with their keys, and what was refused with its reason."""

    kept: tuple[tuple[str, int], ...]
    refused: tuple[tuple[str, str], ...]


def drafts_of(run: Run, n_items: int) -> Drafts:
    """The first drafts that pass, as many as are wanted, of both keys alike where there are enough.

    Raises
    ------
    DesignError
        If none passes: what is wrong with each.
    """
    kept: list[tuple[str, int]] = []
    refused: list[tuple[str, str]] = []
    by_number = sorted(run.responses().values(), key=lambda r: int(r.place.subject.removeprefix("draft-")))
    wanted = {1: (n_items + 1) // 2, -1: n_items // 2}
    for number, response in enumerate(by_number):
        key = key_of(number)
        if not wanted[key]:
            continue
        text = cleaned(str(response.answer or ""))
        if wrong := "; ".join(_against(text, [one for one, _ in kept])):
            refused.append((text or f"({response.status})", wrong))
        else:
            kept.append((text, key))
            wanted[key] -= 1
    if not kept:
        said = "; ".join(f"{text!r}: {why}" for text, why in list(dict.fromkeys(refused))[:5])
        raise DesignError(f"none of {len(by_number)} drafts passes ({said}); ask another engine, or write them")
    return Drafts(tuple(kept), tuple(refused))


def cleaned(text: str) -> str:
    """A written draft as an item: its first line, without marks of a list, quotation marks or a name for it.

    >>> cleaned('1. Statement: "I like to be early."')
    'I like to be early.'
    """
    line = next((line for line in text.splitlines() if line.strip()), "")
    line = re.sub(r"^\W*(?:\d+[.)]\s*)?(?:(?:statement|item|sentence)\s*\d*\s*:)?\s*", "", line, flags=re.IGNORECASE)
    line = "".join(letter for letter in line if letter.isprintable())
    return line.strip(" *\"'\u201c\u201d\u2018\u2019`-")


def _against(text: str, kept: Sequence[str]) -> Iterator[str]:
    from rapidfuzz.fuzz import token_sort_ratio

    n_words = len(text.split())
    if not _FEWEST <= n_words <= _MOST:
        yield f"{n_words} words, and an item has {_FEWEST} to {_MOST}"
        return
    if "?" in text or not re.search(r"\b(?:i|my|me|i'm|i've|i'd)\b", text.replace("’", "'"), re.IGNORECASE):
        yield "it is no statement in the first person"
    if "{" in text or "}" in text:
        yield "it has braces"
    if alike := [one for one in kept if token_sort_ratio(one.casefold(), text.casefold()) >= _ALIKE]:
        yield f"it is nearly {alike[0]!r}"
    for found in defects_of(Instrument(id="draft", title="draft", items=(_item("draft", text),))):
        yield f"{KINDS[found.kind].label.lower()}, {found.words!r}: {found.why}"


def _item(id: str, text: str) -> Item:
    return Item(id=id, text=text, form="scale", options=AGREEMENT)


def instrument_text(id: str, construct: str, kept: Iterable[tuple[str, int]], by: str) -> str:
    """An instrument file of drafted items: one scale, keyed both ways, which says that nobody has validated it."""
    items = [(f"{id}-{k}", text, key) for k, (text, key) in enumerate(kept, start=1)]
    plus, minus = ([name for name, _, key in items if key == sign] for sign in (1, -1))
    about = {
        "id": id,
        "title": construct,
        "source": f"Drafted by {by} with proband draft-items; nobody has validated it.",
        "artefacts": "Drafts of a language model. Rules found no defects; people have to be asked before it is used.",
    }
    lines = [f"{name} = {in_toml(value)}" for name, value in about.items()]
    lines += ["", "[defaults]", 'form = "scale"', f"options = {in_toml(list(AGREEMENT))}"]
    for name, text, _ in items:
        lines += ["", "[[items]]", f"id = {in_toml(name)}", f"text = {in_toml(text)}"]
    lines += ["", "[[scales]]", f"id = {in_toml(id)}", f"name = {in_toml(construct)}"]
    lines += [f"plus = {in_toml(plus)}"] * bool(plus) + [f"minus = {in_toml(minus)}"] * bool(minus)
    return "\n".join(lines) + "\n"
