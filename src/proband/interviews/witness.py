"""A scripted witness: facts that the right question opens, and a stated readiness to take over what it is told."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

from proband.errors import DesignError
from proband.interviews.turns import asked_in, turn_of, words_of
from proband.seeds import uniform_for

if TYPE_CHECKING:
    from proband.interviews.course import Turn

Opener = Literal["open", "cue", "question"]
OPENERS: dict[Opener, str] = {
    "open": "an open invitation",
    "cue": "an invitation that takes up the witness's own word",
    "question": "a direct question",
}
NO_MORE = "That is all I remember."
NOTHING = "I do not know anything about that."
YES, NO, FINE = "Yes, that is right.", "No, it was not like that.", "All right."


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something the witness knows.

    Attributes
    ----------
    name : str
        Unique for its witness.
    text : str
        What the witness says when it is opened.
    opens : {"open", "cue", "question"}
        What opens it: an open invitation, in the order of the facts; an invitation with one of `words`, once the
        witness has used that word; or a direct question with one of `words`.
    words : tuple of str
        Of a cue or question.
    """

    name: str
    text: str
    opens: Opener
    words: tuple[str, ...] = ()

    @property
    def stems(self) -> frozenset[str]:
        """Its words, as they are compared."""
        return frozenset(words_of(" ".join(self.words)))


@dataclass(frozen=True, slots=True)
class Told:
    """What a witness answers: the fact that was opened, or the words of another that it took over."""

    text: str
    fact: str = ""
    planted: frozenset[str] = frozenset()
    begins: bool = False  # whether the story is told in it


@dataclass(frozen=True, kw_only=True)
class Witness:
    """Somebody who is interviewed, and whose truth is known.

    Attributes
    ----------
    facts : tuple of Fact
        What there is to be found.
    story : str
        What the first open invitation brings; its words can be taken up.
    suggestible : float
        Probability of agreeing to a leading turn that says what is not so.

    Raises
    ------
    DesignError
        If there are no facts, two of one name, one without words to say, or one that no question opens.
    """

    facts: tuple[Fact, ...]
    story: str = ""
    suggestible: float = 0.0

    def __post_init__(self) -> None:
        # Nobody says the line break that ends a text of several lines; with it, what is said is no fact of the script.
        object.__setattr__(self, "story", self.story.strip())
        object.__setattr__(self, "facts", tuple(replace(fact, text=fact.text.strip()) for fact in self.facts))
        problems = []
        if not self.facts:
            problems.append("the witness knows nothing; add [[interview.witness.facts]]")
        if not 0 <= self.suggestible <= 1:
            problems.append(f"suggestible is {self.suggestible}; it is a probability, 0 to 1")
        names = [fact.name for fact in self.facts]
        problems += [f"fact {name!r} is there twice" for name in dict.fromkeys(names) if names.count(name) > 1]
        problems += [problem for fact in self.facts if (problem := _wrong(fact))]
        problems = problems or self._shut()
        if problems:
            raise DesignError(*(f"interview.witness: {problem}" for problem in problems))

    def _shut(self) -> list[str]:
        """Facts that no question opens: cued by a word that the witness never says before."""
        open_ = [fact for fact in self.facts if fact.opens != "cue"]
        has_open = bool(self.story)  # told to any open invitation
        said = set(words_of(" ".join([self.story * has_open, *(fact.text for fact in open_)])))
        shut = [fact for fact in self.facts if fact.opens == "cue"]
        while found := [fact for fact in shut if fact.stems & said]:
            said |= set(words_of(" ".join(fact.text for fact in found)))
            shut = [fact for fact in shut if fact not in found]
        return [
            f"no question opens fact {fact.name!r}: it is cued by {' or '.join(map(repr, fact.words))}, which the "
            "witness never says before; put the word into the story or another fact, or open it otherwise"
            for fact in shut
        ]

    @property
    def known(self) -> frozenset[str]:
        """All words of what is so."""
        texts = [part for fact in self.facts for part in (fact.text, *fact.words)]
        return frozenset(words_of(" ".join([self.story, *texts])))

    def answers(
        self,
        turn: "Turn",
        *,
        own: Collection[str],
        told: Collection[str],
        has_begun: bool,
        place: tuple[int | str, ...],
    ) -> Told:
        """What it says to a turn; of several questions at once it hears the last.

        Parameters
        ----------
        turn : Turn
            What was asked.
        own, told : collection of str
            Words it has used, and names of facts it has told.
        has_begun : bool
            Whether its story is told.
        place : tuple
            Seed and place of the draw by which it gives in.
        """
        text, kind = turn.text, turn.turned.kind
        if kind == "stacked":
            text = asked_in(text)[-1]
            kind = turn_of(text, own).kind
        words = set(words_of(text))
        if kind == "social":
            return Told(FINE)
        if kind == "leading":
            new = frozenset(words - self.known - set(own))
            if not new:
                return Told(YES)
            is_won = uniform_for(int(place[0]), *place[1:]) < self.suggestible
            return Told(YES, planted=new) if is_won else Told(NO)
        left = [fact for fact in self.facts if fact.name not in told]
        if kind in ("open", "cued"):
            found = [fact for fact in left if fact.opens == "cue" and fact.stems & words & set(own)]
            if not found and self.story and not has_begun:
                return Told(self.story, begins=True)
            # An invitation that takes up a word with nothing behind it is an invitation all the same.
            found = found or [fact for fact in left if fact.opens == "open"]
        else:
            found = [fact for fact in left if fact.opens == "question" and fact.stems & words]
        if found:
            return Told(found[0].text, fact=found[0].name)
        return Told(NO_MORE if kind in ("open", "cued") else NOTHING)


def _wrong(fact: Fact) -> str:
    name = fact.name
    if not name.strip() or not fact.text.strip():
        return f"fact {name!r} has no name or no text; give it both"
    if fact.opens not in get_args(Opener):
        return f"fact {name!r}: opens {fact.opens!r} is none of {', '.join(OPENERS)}"
    if fact.opens == "open":
        way_out = "an open invitation needs no words; take them out, or open it by a cue"
        return f"fact {name!r}: {way_out}" if fact.words else ""
    if not fact.words:
        return f'no question opens fact {name!r}: it has no words; add words = ["..."]'
    if common := [word for word in fact.words if not words_of(word)]:
        return f"fact {name!r}: its word {common[0]!r} is too short or too common to tell a question by; take another"
    return ""
