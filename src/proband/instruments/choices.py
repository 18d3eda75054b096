"""Which of the options shown a written reply chooses."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from proband.instruments.names import Names
from proband.instruments.numerals import numbers_in, without_scale
from proband.instruments.patterns import patterns
from proband.instruments.phrases import FILLER, OPINION, RETRACTION, fold, statements

Kind = Literal["both", "text", "marked", "label"]

_NEGATED, _REJECTED, _JOINED, _OPENER = patterns("negated", "rejected", "joined", "opener")
_LEAD_END, _I_MYSELF, _MARKED_BEFORE = patterns("lead_end", "i_myself", "marked_before")
_DEGREE_BEFORE, _DEGREE_AFTER = patterns("degree_before", "degree_after")
_COUNTERFACTUAL, ASIDE, TOGETHER = patterns("counterfactual", "aside", "together")
_BOUND_BEFORE, _BOUND_AFTER, _MINUS = patterns("bound", "bound_after", "minus")
_CLAUSE_END = re.compile(r"[.,;:!?\n]")
_SENTENCE_END = re.compile(r"[.!?\n]")
_ALONE = re.compile(r"[\"')\]]*\s*(?:[.;!\n]|$)")
_PREFERRED = re.compile(
    r"[\"')\]]*\s+(?:is|seems|fits|sounds|feels)\s+(?:\w+\s+)?(?:better|best|right|correct|closer|closest|it)\b"
)
_LINE_START = re.compile(r"(?:^|\n)[\s>-]*$")
_REACH = 400  # characters after "my answer is" in which the answer must come
FUNCTION_WORDS = frozenset({"no", "none", "other", "any", "all", "both", "neither", "not", "so"})
_DENYING = frozenset({"no", "not", "never", "neither", "none", "nothing", "hardly", "barely"})
_PRONOUN = re.compile(r",\s+(?!(?:or|and|maybe|possibly|perhaps|[IVX]+|[A-Z])\b)")
_LEADS = (
    *("and", "or", "nor", "possibly", "maybe", "perhaps", "between", "either", "neither", "say", "choose", "not"),
    *("probably", "definitely", "absolutely", "certainly", "clearly", "a", "firm", "hard", "clear", "hell"),
)
_WORD_FOLLOWS = re.compile(
    r"\s+(?!(?:is|are|was|would|seems|fits|because|since|and|or|nor|to|through|then|over|but|not|if|as|with|und|oder|et|ou|o|e|y)\b)[a-z]"
)


_VERB_FOLLOWS = re.compile(r"\s+(?!(?:is|are|and|or|nor|to|through|then|over|but|not)\b)[a-z]")


@dataclass(frozen=True, slots=True)
class Mention:
    """A stretch of a reply that names options; `shown` holds their places, several where it is ambiguous."""

    start: int
    end: int
    shown: frozenset[int]
    kind: Kind


@dataclass(frozen=True, slots=True)
class Choice:
    """What a reply chooses.

    `strength` is 3 for a stated choice ("B", "Answer: B", "I'd say B"), 2 for a plain sentence ("I agree with this"),
    1 for a lone mention, 0 for nothing. `shown` is None where nothing, or more than one thing, was chosen.
    """

    strength: int
    shown: int | None = None
    is_at_end: bool = False


NOTHING = Choice(0)
TWO_ANSWERS = Choice(3)


class Finder:
    """Finds options, shown under these texts and labels, in plain text."""

    def __init__(self, options: tuple[str, ...], labels: tuple[str, ...]) -> None:
        self.options = tuple(fold(option).strip().rstrip(".") for option in options)
        self.labels = tuple(fold(label).strip() for label in labels)
        self._last: tuple[str, list[Mention]] = ("", [])
        self.names = Names(self.options, self.labels)
        aliases = [_number(label) for label in self.labels] or [_leading_number(o) for o in self.options]
        is_numeric = None not in aliases and len(set(aliases)) == len(aliases) > 0
        self.numbers = {value: k for k, value in enumerate(aliases) if value is not None} if is_numeric else {}
        self.top = max(self.numbers) if self.numbers else None
        self._patterns = [pattern for k in range(len(options)) for pattern in self._patterns_of(k)]
        self._within = [
            any(k != j and re.search(_words(option), other, re.I) for j, other in enumerate(self.options))
            for k, option in enumerate(self.options)
        ]

    def prepare(self, text: str) -> str:
        """Text without the words that only describe a numeric scale."""
        return without_scale(text, self.top) if self.numbers else text

    def mentions(self, text: str) -> list[Mention]:
        """Every stretch that names an option, the longest wins, in order."""
        known, mentions = self._last  # one reply is looked at several times
        if known != text:
            mentions = self._mentions(text)
            self._last = (text, mentions)
        return mentions

    def _mentions(self, text: str) -> list[Mention]:
        found: dict[tuple[int, int], tuple[set[int], Kind]] = {}
        for pattern, k, kind in self._patterns:
            for match in pattern.finditer(text):
                if kept := self._kind(text, match, k, kind):
                    found.setdefault(match.span(), (set(), kept))[0].add(k)
        for number in numbers_in(text) if self.numbers else ():
            # "- 2" is no answer where both -2 and 2 are options.
            is_unclear = number.is_dashed and number.value is not None and -number.value in self.numbers
            if number.value in self.numbers and not is_unclear:
                span = (number.start, number.end)
                kept = "marked" if _is_marked(text, *span) else "label"
                found.setdefault(span, (set(), kept))[0].add(self.numbers[number.value])
        longest: list[Mention] = []
        covered = bytearray(len(text))
        for (start, end), (shown, kind) in sorted(found.items(), key=lambda f: (f[0][0] - f[0][1], f[0][0])):
            if not any(covered[start:end]):
                covered[start:end] = b"\1" * (end - start)
                longest.append(Mention(start, end, frozenset(shown), kind))
        return sorted(longest, key=lambda m: m.start)

    def affirmed(self, text: str) -> list[Mention]:
        """Mentions that are neither negated nor rejected, each alone or together with others."""
        mentions = self.mentions(text)
        if not mentions:
            return []
        denied = self._denied(text, mentions)
        return [m for m, is_denied in zip(mentions, denied, strict=True) if not is_denied]

    def _denied(self, text: str, mentions: list[Mention]) -> list[bool]:
        gaps = [text[one.end : other.start] for one, other in pairwise(mentions)]
        is_joined = [TOGETHER.fullmatch(gap) is not None and "\n" not in gap for gap in gaps]
        # "Neither agree nor disagree" denies nothing of what follows it, but "never" may: in "I never choose B".
        denies = [text[m.start : m.end].casefold() in _DENYING for m in mentions]
        characters = list(text)
        for m, is_word, joined in zip(mentions, denies, [*is_joined, False], strict=True):
            if joined or not is_word:
                characters[m.start : m.end] = "\0" * (m.end - m.start)
        said = "".join(characters)
        denied = [is_negated(said, m.start) for m in mentions]
        rejected = []
        for m in mentions:
            found = _REJECTED.match(text, m.end)
            # In "yes, no" the second word is an answer too.
            rejected.append(found is not None and not any(found.start() < o.start < found.end() for o in mentions))
        for k, (joined, is_word) in enumerate(zip(is_joined, denies[:-1], strict=True)):
            # The word that denies was no answer.
            denied[k] |= is_word and denied[k + 1] and not joined
            denied[k + 1] |= joined and denied[k]
        for k in range(len(is_joined) - 1, -1, -1):
            rejected[k] |= is_joined[k] and rejected[k + 1]
        return [a or b for a, b in zip(denied, rejected, strict=True)]

    def is_beginning(self, k: int) -> bool:
        """Whether another option or label goes on where this one ends ("Agree", "Agree strongly")."""
        shown = ([name.casefold() for name in names] for names in (self.options, self.labels) if names)
        return any(other != names[k] and other.startswith(names[k]) for names in shown for other in names)

    def _patterns_of(self, k: int) -> list[tuple[re.Pattern[str], int, Kind]]:
        text = _words(self.options[k])
        alone = text
        if self.options[k].casefold() in FUNCTION_WORDS:
            before = "".join(rf"|(?<=\b{word}\s)" for word in _LEADS)
            opening = rf"(?:(?<![^\n.,;:!?(\"'\[>/-])|(?<=[\n.,;:!?(\"'\[>/-]\s){before})"
            closing = (
                r"[.,;:!?()\"'\]\n/-]|$|"
                r"(?:I|it|they|he|she|we|you|way|from|to|because|since|this|that|there|and|or|nor|but|is|are|was|were|rather)\b"
            )
            alone = rf"{opening}{text}(?=\s*(?:{closing}))"
        patterns: list[tuple[str, Kind]] = [(alone, "text")]
        if self.labels:
            lead = r"(?<![\w.,+-])" if self.labels[k][:1].isdigit() else r"(?<!\w)(?<!\w-)"
            label = rf"{lead}{re.escape(self.labels[k])}(?![\w+]|'[a-z]|-\w)"
            gap = r"[\s.:)\]=|,(\"'-]{1,5}"
            patterns += [(label + gap + text, "both"), (text + r"\s*[(\[]\s*" + label, "both")]
            if not self.numbers:
                patterns.append((label, "label"))
        return [(re.compile(pattern, re.I), k, kind) for pattern, kind in patterns]

    def _kind(self, text: str, match: re.Match[str], k: int, kind: Kind) -> Kind | None:
        """Kind of a match, None where it only looks like an option."""
        if kind == "text" and match[0][:1].isdigit():
            # "under 5 hours", "5 hours or more" and "minus 5 hours" are not "5 hours".
            before = _before(text, match.start())
            is_signed = _MINUS.search(before) or (before.rstrip(" ").endswith("-") and f"-{match[0]}" in self.options)
            if is_signed or _BOUND_BEFORE.search(before) or _BOUND_AFTER.match(text, match.end()):
                return None
        if kind == "text" and self._within[k]:
            # A word of degree makes the option another one ("slightly agree", "agree strongly").
            before = _before(text, match.start())
            return None if _DEGREE_BEFORE.search(before) or _DEGREE_AFTER.match(text, match.end()) else kind
        if kind != "label":
            return kind
        if _is_marked(text, *match.span()):
            return "marked"
        label, rest = self.labels[k], text[match.end() :]
        follows = {"a": _WORD_FOLLOWS, "i": _VERB_FOLLOWS}.get(label.casefold())
        is_word = follows is not None and follows.match(rest) is not None
        is_word = is_word or (label == "I" and _PRONOUN.match(rest) is not None)
        return None if match[0] != label or is_word else "label"


@lru_cache(maxsize=4096)
def finder_for(options: tuple[str, ...], labels: tuple[str, ...]) -> Finder:
    """Finder of these options, compiled once."""
    return Finder(options, labels)


def find_choice(text: str, finder: Finder) -> Choice:
    """What a plain text chooses: stated outright, else leading or an opinion, else the only one named."""
    if (named := finder.names.named(text)) is not None:
        return Choice(3, named, is_at_end=True)
    text = finder.prepare(text)
    for statement in reversed(statements(text)):
        if (stated := _stated(text, statement.end(), finder, is_strict=False)) != NOTHING:
            is_doubted = stated.shown is not None and _is_taken_back(text, stated.shown, finder, statement.end())
            return TWO_ANSWERS if is_doubted else stated
    said = [(0, _lead(text, finder))]
    said += [(match.end(), _stated(text, match.end(), finder, is_strict=True)) for match in OPINION.finditer(text)]
    said = [(place, choice) for place, choice in said if choice != NOTHING]
    if not said:
        return _mentioned(text, finder)
    place, first = said[0]
    if len({choice.shown for _, choice in said}) > 1:
        return TWO_ANSWERS
    if first.shown is None:
        return first
    # An answer with a line of its own is a statement, whatever is explained below it.
    line = text.partition("\n")[0] if place == 0 else ""
    start = len(line) if finder.names.named(line) == first.shown else 0
    return TWO_ANSWERS if _is_taken_back(text, first.shown, finder, start, place) else first


def is_negated(text: str, start: int) -> bool:
    """Whether the words before `start`, in the same clause, turn what follows into its denial."""
    clause = _CLAUSE_END.split(text[max(0, start - 60) : start])[-1]
    if _NEGATED.search(clause):
        return True
    return _COUNTERFACTUAL.search(_SENTENCE_END.split(text[max(0, start - 120) : start])[-1]) is not None


def is_denied(text: str, start: int, end: int) -> bool:
    """Whether what stands there is turned into its denial, by words before it or behind it."""
    return is_negated(text, start) or _REJECTED.match(text, end) is not None


def joined_differently(text: str, mentions: Sequence[Mention]) -> bool:
    """Whether the first mention is followed at once by another option ("A or B", "Agree / Disagree")."""
    if len(mentions) < 2:
        return False
    first, second = mentions[0], mentions[1]
    gap = text[first.end : second.start]
    # "B. C is wrong" is B; but where an option ends in a full stop, "and" behind it goes on with the list.
    if re.match(r"\s*[.;]\s(?!\s*(?:and|or|nor)\b)", gap, re.I) and _REJECTED.match(text, second.end):
        return False
    # Below an empty line it is explained, or answered anew.
    is_below = "\n\n" in gap and not re.search(r"\w", gap)
    return second.shown != first.shown and not is_below and _JOINED.fullmatch(gap) is not None


def _stated(text: str, start: int, finder: Finder, *, is_strict: bool) -> Choice:
    """Option right after a cue; without `is_strict`, else the only one in the cue's sentence."""
    sentence = re.split(r"\n|(?<=\w\w[.!?])\s", text[start : start + _REACH], maxsplit=1)[0]
    filler = FILLER.match(sentence)
    skipped = filler.end() if filler else 0
    segment = sentence[skipped:]
    mentions = finder.mentions(segment)
    if label := _lead_label(segment, finder):
        mentions = [label, *(m for m in mentions if m.start >= label.end)]
    if mentions and mentions[0].start < 2 and _REJECTED.match(text, start + skipped + mentions[0].end):
        return NOTHING
    if is_negated(text, start + skipped):
        mentions = []
    at_end = not text[start + len(sentence) :].strip()
    if mentions and not segment[: mentions[0].start].strip(" ('\"[$€£¥"):
        return _one(segment, mentions, finder, is_last=at_end)
    if is_strict:
        return NOTHING
    affirmed = [m for m in finder.affirmed(sentence) if not is_denied(text, start + m.start, start + m.end)]
    if len({m.shown for m in affirmed}) == 1:
        return _one(sentence, affirmed[:1], finder, is_last=at_end)
    return TWO_ANSWERS if affirmed else NOTHING


def _lead(text: str, finder: Finder) -> Choice:
    """Option a reply begins with."""
    mentions = finder.mentions(text)
    if label := _lead_label(text, finder):
        first = next((m for m in mentions if m.start <= label.start < m.end), label)
        mentions = [first, *(m for m in mentions if m.start >= first.end)]
    if not mentions or not _OPENER.fullmatch(text[: mentions[0].start]):
        return NOTHING
    first = mentions[0]
    if not (first.kind == "both" or _LEAD_END.match(text, first.end)) or _REJECTED.match(text, first.end):
        return NOTHING
    if first.kind in ("text", "label") and is_negated(text, first.start):
        return NOTHING
    if first in finder.mentions(text) and first not in finder.affirmed(text):  # with others: "A, C and D are wrong"
        return NOTHING
    return _one(text, mentions, finder, is_last=True)


def _lead_label(text: str, finder: Finder) -> Mention | None:
    """Label, in either case, that a text begins with and that a delimiter follows."""
    for k in sorted(range(len(finder.labels)), key=lambda k: -len(finder.labels[k])):
        opening = r"[\s(\[\"'>-]*(?:(?:option|choice|answer|letter)\s+)?[(\[\"']?"
        signed = r"(?<![-+<>])" if finder.labels[k][:1].isdigit() else ""
        label = rf"{signed}(?P<label>{re.escape(finder.labels[k])})"
        found = re.match(opening + label + r"[)\]\"']?(?=\s*(?:$|[\n.):;=}\]]|-\s))(?!\.\d)", text, re.I)
        if found:
            return Mention(found.start("label"), found.end("label"), frozenset({k}), "marked")
    return None


def _one(text: str, mentions: Sequence[Mention], finder: Finder, *, is_last: bool) -> Choice:
    """First mention as a choice, unless it is ambiguous or another option is joined to it."""
    first = mentions[0]
    if len(first.shown) > 1 or joined_differently(text, mentions) or _foreign_number(text, first, finder):
        return TWO_ANSWERS
    is_asked = re.match(r"[\"')\]]*\s*\?", text[first.end :]) is not None
    return Choice(2 if is_asked else 3, next(iter(first.shown)), is_at_end=is_last and not text[first.end :].strip())


def _foreign_number(text: str, first: Mention, finder: Finder) -> bool:
    """Whether a number that is no option is joined to the mention ("7 or 7.5")."""
    return bool(finder.numbers) and any(
        n.start >= first.end
        and n.value not in finder.numbers
        and re.fullmatch(r"\s*(?:or|to|-|and|/)\s*", text[first.end : n.start], re.I)
        for n in numbers_in(text)
    )


def _is_taken_back(text: str, shown: int, finder: Finder, start: int = 0, place: int = 0) -> bool:
    """Whether another option is chosen too: marked, said alone or to be better, or after words of doubt.

    With `start`, what is said behind a stated answer; explanations there go through the options with their labels.
    What is marked before `place`, where an opinion is given, was only weighed.
    """
    said = finder.affirmed(text)
    others = [m for m in said if m.shown != {shown} and m.start >= start]
    if not others:
        return False
    retractions = [found.start() for found in RETRACTION.finditer(text, max(start, 1))]
    for m in others:
        since = max((o.end for o in said if o.end <= m.start), default=0)
        before = _SENTENCE_END.split(text[max(since, m.start - 200) : m.start])[-1]
        is_doubted = any(place < m.start for place in retractions) or before.casefold().endswith(" or ")
        is_alone = _ALONE.match(text, m.end) and not before.strip(" \t\"'([>-;,")
        if is_alone or _PREFERRED.match(text, m.end) or (is_doubted and not ASIDE.search(before)):
            return True
        if start == 0 and m.start >= place and m.kind != "text" and not ASIDE.search(before):
            return True
    return False


def _mentioned(text: str, finder: Finder) -> Choice:
    """Only option affirmed in a text that states none outright."""
    affirmed = finder.affirmed(text)
    if any(number.value not in finder.numbers for number in (numbers_in(text) if finder.numbers else ())):
        affirmed = [m for m in affirmed if m.kind not in ("label", "marked")]  # "I am 35 and have 2 children"
    own = [m for m in affirmed if m.kind == "text" and _I_MYSELF.search(_before(text, m.start))]
    # "I am conservative on taxes and liberal on drugs" says two things in one sentence.
    own += [m for m in affirmed if own and m not in own and _goes_on(text[own[0].end : m.start])]
    for strength, mentions in ((2, own), (1, affirmed)):
        distinct = {m.shown for m in mentions}
        if len(distinct) == 1:
            shown = next(iter(distinct))
            if strength == 1 and all(m.kind in ("both", "marked") for m in mentions):
                strength = 3
            at_end = not text[mentions[-1].end :].strip()
            if strength == 2 and len(affirmed) > 1 and _is_taken_back(text, next(iter(shown)), finder, own[0].end):
                return TWO_ANSWERS
            return Choice(strength, next(iter(shown)) if len(shown) == 1 else None, is_at_end=at_end)
        if distinct:
            return Choice(strength)
    return NOTHING


def _goes_on(gap: str) -> bool:
    """Whether a sentence goes on there with what its first words were about."""
    return not re.search(r"[.!?\n]|\b(?:because|since|although|though|while|whereas)\b", gap, re.I)


def _before(text: str, start: int) -> str:
    """The last words before a place; where they are cut out of a longer text, they begin with "x"."""
    return text[:start] if start <= 60 else "x" + text[start - 60 : start]


def _is_marked(text: str, start: int, end: int) -> bool:
    """Whether a label stands in brackets or quotes, after "option", or alone at the start of a line."""
    before = _before(text, start)
    after = text[end : end + 3]
    if _MARKED_BEFORE.search(before) or re.match(r"\)|\](?!\()", after):
        return True
    return bool(_LINE_START.search(before)) and re.match(r"\s*(?:[.:](?!\d)|\n|$)", after) is not None


def _words(text: str) -> str:
    """Pattern of a text: any space or hyphen between its words, no word going on at either end."""
    body = r"[\s-]+".join(re.escape(word) for word in text.split())
    # Within "-5", "1.5" and "5-7" there is no 5.
    opening = r"(?<![\w.,+-])(?<!\d/)" if text[:1].isdigit() else r"(?<!\w)" * _needs_boundary(text[:1])
    closing = (
        r"(?![\w+]|[.,:/]\d|[^\S\n]?-[^\S\n]?\d|\s+to\s+\d)"
        if text[-1:].isdigit()
        else r"(?![\w+#])" * _needs_boundary(text[-1:])
    )
    return opening + body + closing


def _needs_boundary(character: str) -> bool:
    """Whether a script puts spaces between words; Chinese, Japanese and Thai do not."""
    name = unicodedata.name(character, "") if character else ""
    return character.isalnum() and not name.startswith(("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER"))


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"[+-]?\d{1,15}(?:\.\d{1,15})?", text) else None


def _leading_number(text: str) -> float | None:
    found = re.match(r"-?\d{1,15}(?=\s|$)", text)
    return float(found[0]) if found and len(numbers_in(text)) == 1 else None
