"""The plain form of a written reply, and the phrases that state, decline or deny an answer."""

import re
import unicodedata

_PLAIN_MARKS = str.maketrans(
    {
        **dict.fromkeys("‘’‛′´", "'"),
        **dict.fromkeys("“”„«»″", '"'),
        **dict.fromkeys("‐‑‒–—−", "-"),
        "٫": ".",
        "٬": ",",
        "،": ",",
        "。": ". ",
        "、": ",",
    }
)
_THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)|\A.*</think(?:ing)?>", re.S | re.I)
_TOKEN = re.compile(r"<\|[^|>]*\|>|</?s>")
_BOXED = re.compile(r"\\boxed\s*\{(?:\\text\s*\{)?([^{}]*)\}+")
_EMPHASIS = re.compile(r"\*+|`+|(?<!\w)_+|_+(?!\w)|^[ \t]*(?:#+|>+)[ \t]*", re.M)
# A model that does not stop goes on to write the next question and answers that too.
_NEXT_TURN = re.compile(r"\S\s*\n\s*(?:question|user|human|q)\s*\d*\s*:", re.I)
_CONTRACTIONS = (
    (re.compile(r"\bcan't\b|\bcan not\b|\bcant\b", re.I), "cannot"),
    (re.compile(r"\bwon't\b", re.I), "will not"),
    (re.compile(r"\b(do|does|did)nt\b", re.I), r"\1 not"),
    (re.compile(r"n't\b", re.I), " not"),
    (re.compile(r"\b(I)'m\b", re.I), r"\1 am"),
    (re.compile(r"\b(I)'d\b", re.I), r"\1 would"),
    (re.compile(r"\b(I)'ll\b", re.I), r"\1 will"),
    (re.compile(r"\b(it|that|there)'s\b", re.I), r"\1 is"),
)

STATEMENT = re.compile(
    r"\b(?:answer|choice|response|rating|selection|verdict|decision|ranking|estimate|allocation)\b[\"']?"
    r"(?:\s+(?!is\b|was\b|would\b|will\b)[\w']+){0,6}?\s*"
    r"(?:(?:would|will|should|must)\s+be\b|is\b|was\b|:|=|->)[\s:]*",
    re.I,
)
_ADVERBS = r"(?:\s+(?:probably|rather|personally|definitely|still|certainly|(?:have|want|like)\s+to|most\s+likely))*"
OPINION = re.compile(
    r"\bI(?:\s+(?:would|will|shall|do|am\s+going\s+to|choose\s+to))?" + _ADVERBS + r"\s+"
    r"(?:choose|pick|select|answer|say|take|go\s+(?:with|for)|going\s+with|opt\s+for|vote(?:\s+for)?|rate|give|offer|"
    r"guess|estimate|respond(?:\s+with)?|reply(?:\s+with)?|mark|lean\s+towards?|settle\s+on|stick\s+with|prefer)\b[\s:,]*"
    r"|\b(?:so|therefore|thus|hence|overall|in\s+conclusion|finally)\b[\s,:]*"
    r"|\b(?:probably|maybe|perhaps|I\s+guess|I\s+think|let\s+us\s+say)\b[\s,:]*",
    re.I,
)
FILLER = re.compile(
    r"(?:(?:that|option|choice|the|an?|with|for|about|around|roughly|approximately|I|it|is|be|to|my|myself|this|"
    r"number|letter|answer|probably|most\s+likely|would|say|do|am|on|as|at|only|just|exactly|personally|will|you|"
    r"statement|person|them|back|level)\b[\s:,]*)*[\"'(\[{$€£¥]*\s*",
    re.I,
)
RETRACTION = re.compile(r"\b(?:actually|wait|on\s+second\s+thou?ghts?|correction|scratch\s+that|I\s+mean)\b", re.I)

_ARTIFICIAL = re.compile(
    r"\b(?:as|I\s+am|being)\s+(?:just\s+|only\s+|merely\s+)?an?\s+(?:\w+\s+)?"
    r"(?:AI|artificial\s+intelligence|language\s+model|LLM|machine|chatbot|computer\s+program|virtual\s+assistant)\b",
    re.I,
)
_UNABLE = (
    r"(?:cannot|could\s+not|will\s+not|am\s+(?:not\s+able|unable|not\s+allowed|not\s+permitted|not\s+programmed|"
    r"not\s+designed)\s+to)"
)
# "I cannot give an answer" declines, "I cannot give up tea" does not.
_OPINION_WORD = (
    r"(?:answers?|opinions?|views?|positions?|stances?|sides?|preferences?|beliefs?|judge?ments?|choices?|numbers?|"
    r"ratings?|responses?|information|advice|decisions?|selections?|feelings?|thoughts?|predictions?|estimates?)"
)
_DECLINED = re.compile(
    r"\bI\s+" + _UNABLE + r"\s+(?:\w+\s+)?(?:answer|provide|(?:choose|select|pick)(?!\s+between)|express|participate|"
    r"assist|help\s+(?:you|with)|respond|engage|complete|fulfil+|comply|discuss|comment|rate|vote|recommend|endorse|"
    r"do\s+(?:that|this)\b|(?:give|take|make|form|have|hold|share|offer|state)\s+(?:\w+\s+){0,3}"
    + _OPINION_WORD
    + r")\b"
    r"|\bI\s+do\s+not\s+(?:\w+\s+)?(?:have|hold|possess|experience)\s+(?:any\s+|the\s+)?(?:\w+\s+(?:or\s+\w+\s+)?){0,2}"
    r"(?:opinions|beliefs|feelings|preferences|views|emotions|experiences|consciousness|thoughts|ability|capacity)\b"
    r"|\b(?:prefer|rather|choose|like)\s+not\s+(?:to\s+)?(?:answer|say|respond|disclose|share|comment|tell)"
    r"|\bI\s+(?:\w+\s+){0,2}(?:decline|refuse)\b|\bno\s+comment\b|\bunable\s+to\s+(?:answer|provide|assist|comply)\b"
    r"|\bnot\s+comfortable\s+(?:with|answering|sharing|giving|choosing|discussing)\b"
    r"|\b(?:not\s+(?:be\s+)?appropriate|inappropriate)\s+for\s+me\b|\bremain\s+(?:neutral|impartial)\b"
    r"|\bagainst\s+my\s+(?:guidelines|programming|polic(?:y|ies))\b",
    re.I,
)
_IGNORANT = re.compile(
    r"\bnot\s+(?:really\s+|actually\s+|honestly\s+)?know\b(?!\s+(?:much|a\s+lot|everything))"
    r"|\bdunno\b|\bidk\b|\bnot\s+(?:\w+\s+)?(?:sure|certain)\b|\bunsure\b|\buncertain\b|\bundecided\b|\bno\s+idea\b"
    r"|\b(?:no|not\s+have\s+an?)\s+(?:\w+\s+)?opinion\b|\b(?:hard|difficult|impossible)\s+to\s+(?:say|know|tell)\b"
    r"|\bcannot\s+(?:\w+\s+)?(?:say|tell|decide|determine|know|(?:choose|pick)\s+between)\b"
    r"|\bnot\s+have\s+enough\s+information\b|\bhave\s+not\s+(?:decided|made\s+up\s+my\s+mind)\b",
    re.I,
)


def fold(text: str) -> str:
    """One comparable form: NFKC, ASCII digits, straight quotes and hyphens, no emphasis, no contractions."""
    text = unicodedata.normalize("NFKC", text)
    if not text.isascii():
        text = text.translate(_PLAIN_MARKS)
        text = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    text = _EMPHASIS.sub("", text)
    for contraction, words in _CONTRACTIONS:
        text = contraction.sub(words, text)
    return text


def without_thought(text: str) -> str:
    """The reply proper: reasoning in ``<think>`` tags, special tokens and invented next turns cut off."""
    text = _TOKEN.sub("", _THOUGHT.sub("", text)).strip()
    following = _NEXT_TURN.search(text)
    return text[: following.start() + 1] if following else text


def plain(text: str) -> str:
    """The reply proper in its comparable form, a boxed result written as an answer statement."""
    return fold(_BOXED.sub(r"\nAnswer: \1", without_thought(text))).strip()


def declines(text: str) -> bool:
    """Whether a plain text says that no answer will be given."""
    return _DECLINED.search(text) is not None


def speaks_as_machine(text: str) -> bool:
    """Whether a plain text answers as a language model instead of as the subject."""
    return _ARTIFICIAL.search(text) is not None


def pleads_ignorance(text: str) -> bool:
    """Whether a plain text says that the answer is not known."""
    return _IGNORANT.search(text) is not None
