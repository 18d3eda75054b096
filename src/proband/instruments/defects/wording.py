"""Rules over what is said: the English of an item, by its words."""

import re
from collections.abc import Iterator

from proband.instruments.defects.defect import ESCAPE, KINDS, LISTS, Asked, Defect
from proband.instruments.defects.reading_level import reading_grade, syllables

LONGEST_SENTENCE, LONGEST = 40, 80  # words
HARDEST, LEAST_WORDS = 14.0, 12  # years of school; a grade of fewer words says little

# "agree or disagree", "better or worse": two ends of one scale.
_ENDS = re.compile(
    r"\b(?:agree|support|favou?r|approve|like|likely|satisfied|easy|good|better|safe|more|right|true|important|fair|"
    r"strongly|often|often,? if ever|positive|happy)\s+or\s+(?:\w+ly\s+)?(?:dis\w+|oppose|un\w+|difficult|hard|bad|"
    r"worse|less|wrong|false|in\w+|not|negative)\b|\bwhether\s+or\s+not\b|\bif\s+not\b|\bnot\s+only\b|"
    r"\bno\s+(?:longer|matter|doubt)\b|\bnot\s+at\s+all\b",
    re.I,
)
_PLAIN_NOT = re.compile(
    r"\b(?:not|cannot|never|nobody|none|nothing|hardly|neither|no(?!\s*[.?!,;:]|\s*$)(?!\s+one\s+else))\b|n't\b", re.I
)
_NEGATIVE = re.compile(
    r"\b(?:un(?:able|likely|common|fair|reasonable|necessary|important|willing|safe|happy|satisfied|usual|acceptable|"
    r"aware|true|pleasant|interested)|im(?:possible|probable|proper)|in(?:correct|appropriate|frequent|effective)|"
    r"ir(?:responsible|relevant)|illegal|dis(?:satisfied|agree\w*|approv\w+|allow\w*|like[ds]?|trust\w*|continue[ds]?)|"
    r"oppos(?:e[ds]?|ing)|forbid(?:s|den|ding)?|bann?(?:s|ed|ing)?|prohibit\w*|prevent\w*|fail(?:s|ed|ing)?|"
    r"refus(?:es?|ed|ing)|den(?:y|ies|ied|ying)|lack(?:s|ed|ing)?|abolish\w*|against|without)\b",
    re.I,
)
_PAIRS = {pair.strip() for pair in LISTS["pairs"].split(",")}
_RATED = re.compile(
    r"\bhow\s+(?:often|satisfied|happy|much|important|likely|well|good|easy|difficult|safe|useful|helpful|concerned|"
    r"strongly|confident|clear|frequently)\b|\bto\s+what\s+extent\b",
    re.I,
)
_ARTICLE = re.compile(r"(?:the|an?|your|my|our|their|his|her|its|this|that|these|those|to)", re.I)
_REASON = re.compile(
    r"\b(?:because|so\s+that|in\s+order\s+to|as\s+well\s+as(?!\s+(?:most|any|others?|i|he|she|they|you|we)\b)|and/or|"
    r"since\s+(?:it|they|he|she)\b)",
    re.I,
)
_ASKS = re.compile(
    r",\s+(?=(?:and\s+)?(?:do|does|did|would|could|how|what|which|who|whom|is|are|were|was|should|have|has|on\s+how|"
    r"for\s+whom|where|when|why)\b)",
    re.I,
)
_MORPHEMES = re.compile(
    r"\b\w*(?:esthesia|phagia|[^k]emia|aemia|algia|ectomy|plasia|pnea|pnoea|cardia|itis|[^gn]osis|neuropathy|myopathy|"
    r"opathy|uria|rrhea|rrhoea|oscopy|plegia|penia|trophy)s?\b|\b(?:monetari[sz]ation|amorti[sz]ation|"
    r"subsidiarity|fiduciary|collaterali[sz]ed|comorbid\w*|idiopathic|aetiolog\w+|etiolog\w+|heuristics?|"
    r"epistem\w+|ontolog\w+|hermeneutic\w*|paradigm\w*|stakeholders?|synerg\w+|leverag\w+|deliverables?|KPIs?|"
    r"quantitative\s+easing|prima\s+facie|de\s+facto|ex\s+ante|pro\s+rata|inter\s+alia)\b",
    re.I,
)
_NO_JARGON = re.compile(
    r"^(?:arthritis|bronchitis|hepatitis|diagnosis|academia|sympathy|empathy|apathy|telepathy|antipathy|trophy|"
    r"hypnosis|neurosis|tuberculosis|anemia|anaemia|leuk(?:a?)emia|osteoporosis)s?$",
    re.I,
)
_LONG = "|".join(LISTS["everyday_long"].split())
_EVERYDAY = re.compile(rf"(?:ir|un|in|dis|mis|non|over|under|re|de)?(?:{_LONG})", re.I)
_ACRONYM = re.compile(r"(?<![\w(])[A-Z]{2,5}s?(?![\w)])(?!\s*\()")
_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_SENTENCE = re.compile(r"[^.?!\n]*(?:[.?!](?!\s|$)[^.?!\n]*)*[.?!]*")


def wording_defects(asked: Asked) -> Iterator[Defect]:
    """What the words of an item have against them."""
    yield from _by_pattern(asked)
    yield from _double_barrelled(asked)
    yield from _double_negative(asked)
    yield from _jargon(asked)
    yield from _length(asked)


def _by_pattern(asked: Asked) -> Iterator[Defect]:
    """At most one defect of a kind: the first of its rules that fits."""
    holds = {"any": True, "question": asked.is_question, "opinion": asked.is_opinion, "behaviour": asked.is_behaviour}
    has_escape = any(ESCAPE.search(option) for option in asked.item.options) or asked.item.ask_if is not None
    for kind, about in KINDS.items():
        for rule in about.rules:
            found = rule.pattern.search(asked.text) if holds[rule.where] else None
            if not found or (rule.escape and has_escape) or (rule.unless and rule.unless.search(asked.text)):
                continue
            yield asked.marked(kind, found.start(), found.end(), rule.why)
            break


def _sentences(text: str) -> list[tuple[int, int]]:
    """Where sentences stand."""
    return [found.span() for found in _SENTENCE.finditer(text) if found[0].strip()]


def _double_barrelled(asked: Asked) -> Iterator[Defect]:
    text = asked.text
    places = _sentences(text)
    questions = [(start, end) for start, end in places if "?" in text[start:end]]
    if len(questions) > 1:
        yield asked.marked("double_barrelled", questions[0][0], questions[-1][1], "it asks two questions")
        return
    options = " ".join(asked.item.options).casefold()
    for start, end in questions or places:
        # What comes before the question itself is its occasion, not its subject.
        start += max((found.end() for found in _ASKS.finditer(text[start:end])), default=0) if questions else 0
        said = text[start:end]
        if reason := _REASON.search(said):
            yield asked.marked("double_barrelled", start, end, f"{reason[0].lower()!r} joins two things")
            return
        words = list(_WORD.finditer(said))
        for before, link, after in zip(words, words[1:], words[2:], strict=False):
            if _joins(said, before, link, after, options, is_rated=bool(_RATED.search(said)) or not questions):
                rest = (word for word in words if word.start() >= after.start())
                after = next((word for word in rest if not _ARTICLE.fullmatch(word[0])), after)
                why = f"{before[0]!r} and {after[0]!r} may be answered differently"
                yield asked.marked("double_barrelled", start + before.start(), start + after.end(), why)
                return


def _joins(
    said: str, before: re.Match[str], link: re.Match[str], after: re.Match[str], options: str, *, is_rated: bool
) -> bool:
    """Whether "and" or "or" joins two things of which one could hold without the other."""
    if link[0].lower() not in ("and", "or") or (link[0].lower() == "or" and not is_rated):
        return False
    left, right = before[0].casefold(), after[0].casefold()
    is_name = before[0][0].isupper() and after[0][0].isupper() and before.start() > 0
    is_range = re.search(r"\bbetween\b[^,]*$|\b(?:more|one|two|three|four)\s*$", said[: link.start()], re.I)
    is_pair = f"{left} {right}" in _PAIRS or _ENDS.search(said[before.start() : after.end()])
    is_offered = left in options and right in options
    return not (is_name or is_range or is_pair or is_offered)


def _double_negative(asked: Asked) -> Iterator[Defect]:
    # Blanks in place of idioms and of "agree or disagree" keep all places.
    text = _ENDS.sub(lambda found: " " * len(found[0]), asked.text)
    for start, end in _sentences(text):
        plain = [found.span() for found in _PLAIN_NOT.finditer(text, start, end)]
        spans = sorted({*plain, *(found.span() for found in _NEGATIVE.finditer(text, start, end))})
        if plain and len(spans) > 1:
            both = " and ".join(repr(text[a:b].lower()) for a, b in spans[:2])
            yield asked.marked("double_negative", spans[0][0], spans[-1][1], f"{both} have to be reckoned together")
            return


def _jargon(asked: Asked) -> Iterator[Defect]:
    text = asked.text
    if not text.isupper():
        for found in _ACRONYM.finditer(text):
            if found[0].removesuffix("s") not in LISTS["known"].split():
                yield asked.marked("jargon", *found.span(), f"{found[0]!r} is not explained")
                return
    for found in _MORPHEMES.finditer(text):
        if not _NO_JARGON.match(found[0]):
            yield asked.marked("jargon", *found.span(), f"{found[0]!r} is a technical term")
            return
    for found in _WORD.finditer(text):
        word = found[0]
        if len(word) >= 12 and "-" not in word and syllables(word) >= 5 and not _EVERYDAY.match(word):
            yield asked.marked("jargon", *found.span(), f"{word!r} is long and rare")
            return


def _length(asked: Asked) -> Iterator[Defect]:
    text = asked.text
    lengths = [len(_WORD.findall(text[start:end])) for start, end in _sentences(text)]
    whole, longest = sum(lengths), max(lengths, default=0)
    if longest > LONGEST_SENTENCE or whole > LONGEST:
        why = f"{longest} words in a sentence" if longest > LONGEST_SENTENCE else f"{whole} words"
        yield asked.marked("too_long", 0, len(text), f"{why}; at most {LONGEST_SENTENCE} a sentence, {LONGEST} in all")
    elif whole >= LEAST_WORDS and (grade := reading_grade(text)) > HARDEST:
        yield asked.marked("hard_to_read", 0, len(text), f"it reads like year {grade:.0f} of school")
