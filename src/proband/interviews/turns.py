"""What kind of turn an interviewer has taken, by rules on its words: open, cued, directive, option-posing, leading ...

The kinds follow the protocols of investigative interviewing (Lamb et al., 2007, Child Abuse & Neglect 31, 1201-1231,
doi:10.1016/j.chiabu.2007.03.021). The rules know English only, and no context but the words that the interviewee has
used, where these are given.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, get_args

from proband.instruments.phrases import PLAIN_MARKS

TurnKind = Literal["open", "cued", "directive", "option_posing", "leading", "stacked", "social"]
TURN_KINDS: tuple[TurnKind, ...] = get_args(TurnKind)
MEANT = {
    "open": "invites an account, without saying of what in detail",
    "cued": "invites more on something the interviewee has said, in the interviewee's words",
    "directive": "asks for a detail: who, when, where, which, how many",
    "option_posing": "offers the answers: yes or no, this or that",
    "leading": "says what the answer should be, or takes for granted what was not said",
    "stacked": "asks several things at once",
    "social": "asks nothing: thanks, rules, encouragement, offers",
}


@dataclass(frozen=True, slots=True)
class Turned:
    """The kind of a turn, and the words that decided it."""

    kind: TurnKind
    why: str


def _starts(*phrases: str) -> re.Pattern[str]:
    """What a sentence begins with: one of some phrases, each a regular expression."""
    return re.compile(rf"^(?:{'|'.join(phrases)})\b", re.IGNORECASE)


def _has(*phrases: str) -> re.Pattern[str]:
    """What stands anywhere in a text: one of some phrases, as whole words."""
    return re.compile(rf"\b(?:{'|'.join(phrases)})\b", re.IGNORECASE)


_WH = "who|whom|whose|what|when|where|which|why|how"
_NOT = "isn't|aren't|wasn't|weren't|don't|doesn't|didn't|hasn't|haven't|hadn't|can't|couldn't|won't|wouldn't|shouldn't"
_AUX = f"is|are|was|were|am|do|does|did|has|have|had|can|could|will|would|shall|should|may|might|must|{_NOT}"
_PERSON = "i|you|he|she|it|we|they|there|that|this|so|anybody|anyone|somebody"
_ASKING = f"(?:(?:on|at|in|to|from|with|for|by|about|until|since|of) )?(?:{_WH})"
_WH_START = _starts(_ASKING)
_AUX_START = _starts(_AUX)
# A question without its mark; "when I was a child" is none.
_INVERTED = re.compile(
    rf"^{_ASKING} (?!(?:{_PERSON})\b)(?:\w+ )?(?:{_AUX})\b|\b(?:{_WH}) (?:do|did|does) \w+", re.IGNORECASE
)
_LEAD_IN = re.compile(
    r"^(?:(?:and|but|so|now|well|then|okay|ok|all right|alright|right|also|please|oh|just)\b[ ,]*)+", re.IGNORECASE
)
_GO_ON = re.compile(r"^(?:and |so |and so |yes,? )?(?:then|what then|and|so)\s*\?$", re.IGNORECASE)
# Not at "or": what follows it is one more option of the same question.
_JOINED = re.compile(
    rf"(?:,\s*(?:and )?|\band |;\s*)(?={_ASKING}\b|(?:{_AUX}) (?:{_PERSON}|your|his|her|the)\b)", re.IGNORECASE
)

# Leading: a tag at the end; what is said to push, whatever is asked; a negative question; a statement to agree with.
_TAG = re.compile(
    rf"[,.;]\s*(?:(?:{_AUX})\s+(?:{_PERSON})(?:\s+not)?|right|yes|no|correct|true|eh|huh|wouldn't you say|i suppose|"
    r"isn't that (?:so|right|true)|don't you think|am i right|you agree)\s*\?\s*$",
    re.IGNORECASE,
)
_PUSH = _has(
    "surely|obviously|of course you|admit",
    "as (?:you|we all|everybody|everyone) know",
    r"(?:everyone|everybody|most people|anyone|others?)(?: \w+){0,3} (?:says?|knows?|agrees?|thinks?|hates?|finds?)",
    "(?:i|we) (?:already )?know (?:that|what)|we both know",
    "(?:has|have|had) (?:already )?told (?:me|us)|already told (?:me|us)|told (?:me|us) that (?!you are)",
    "you must (?:have|be|feel)|(?:it|that) must (?:have|be|feel)|you would (?:never|surely|not)",
    "isn't it (?:true|so)|wouldn't you (?:agree|say)|(?:do not|don't) you (?:think|agree|find)",
)
_OWN_TELLING = _has("you(?:'ve| have| had)? (?:already |also |just )?(?:told|said|mentioned)")
_NEGATIVE = _starts(_NOT)
_SAYS_OF_SOMEBODY = re.compile(r"^(?:you|he|she|they|it|your \w+|the \w+|that \w+) (?:\w+ )?", re.IGNORECASE)
_GIVEN = _has("you (?:can|may|could|will|do not have to|don't have to|are free|need not)", "(?:if|when) you")

# Invitations.
_ASKED_TO = _has(
    "(?:can|could|would|will|might|may) (?:you|i ask you to|we ask you to)(?: please| just| perhaps| maybe)?"
    "(?: like to)? (?:tell|describe|explain|walk|talk|take|say (?:a little |a bit |something )?more|help me|give me|"
    "share|go through|start|begin|recall|think back)",
    "i(?:'d| would) (?:like|love|want) (?:you )?to (?:tell|hear|describe|explain|know)",
)
_INVITED = _starts(
    "(?:(?:in your own words|from the beginning|first|if you (?:can|like|will)|to begin with|again)[ ,]+)*"
    "(?:please )?(?:tell|describe|walk|talk|take me|take us|explain|share|start|begin|go on|go ahead|continue|say more|"
    "think back|give me|let me hear|help me)"
)
_OPEN_ASKED = _has(
    "what (?:else )?(?:happened|happens)",
    "what(?: was| were|'s| is| has been)? going on|what (?:goes|went) (?:on|through)",
    r"what (?:do|did|does|would) (?:\w+ ){1,5}(?:think|make|feel|mean|remember|know|notice|see|look like|do|like)",
    "what (?:can|could) you (?:tell|say|remember)|what (?:made|makes|led|leads|brought|brings)|what comes to",
    "what (?:is|are|was|were|would) (?:.+ )?(?:like|about)|in what way|what do you mean|what part|what role",
    r"how(?!\s+(?:many|much|old|long|often|far|tall|big|large|small|fast|late|soon|early|hard|heavy|high|wide|deep|"
    r"close|near|strong|loud|bad|good|likely|certain|sure|un\w+|\w+ly)\b)",
)
_LEAVE = _has("(?:tell|stop) (?:me|us) (?:if|when(?:ever)?) you (?:want|need|would like|do not|don't|feel)")

# What takes up the interviewee's words; and what asks for a detail all the same.
_CUE = _has(
    "you(?:'ve| have| had)? (?:just |also |already |earlier )?(?:said|say|mentioned|told (?:me|us)|called|call|spoke|"
    "spoken|talked|described|wrote|brought up|used the word)",
    "you were (?:telling|talking|speaking)|(?:going|go|come|coming) back to",
)
_MORE_ABOUT = _has(r"more (?:about|on) (?:the|that|this|those|these|your|her|his|their) \w+")
_WHAT_ABOUT = _starts("(?:what|how) about")
_QUOTING = re.compile(
    r"^when you (?:say|said|call|called|speak|spoke|talk|talked) [^,?]*?(?=,| what | how | why )", re.IGNORECASE
)
_DETAIL = _has("who|whom|whose|when|where|which|how (?:many|much|old|long|often|far)|what (?:time|day|colou?r|name)")

# Turns that are no questions, in whatever form.
_SOCIAL = _has(
    "thank you|thanks|welcome|hello|hi|good (?:morning|afternoon|evening|day)|take your time|nearly done|almost done",
    r"my name is|nice to meet|pleased to meet|no (?:right|wrong) (?:or \w+ )?answers?|i see|mm-?hmm|uh-?huh",
    "i understand|very well|doing (?:well|fine|great)|last question|record (?:our|this|the)|let me know|just say so",
    "don't worry|no hurry|that(?:'s| is) (?:all|fine|okay|ok|good)|sorry to hear|goodbye|okay|all right|alright|got it",
    "we (?:can|will) (?:stop|begin|start)|sure",
)
_CARE = _starts(
    "would you like|do you (?:need|want)|can i (?:get|offer)|shall we|may i (?:begin|start|record)",
    "are you (?:comfortable|ready|all right|alright|warm|okay|ok|sitting)|is (?:it|that) (?:all right|okay|ok)",
    "do you have any questions|how are you",
)
_CARED_FOR = _has(
    "some|a (?:break|drink|glass|coffee|tea|moment|pause)|to (?:stop|go on|begin|start|pause|take)|break|ready",
    "comfortable|begin|start|record|today|warm enough|questions|chair|okay|ok|all right",
)


def turn_of(text: str, own_words: Collection[str] = ()) -> Turned:
    """The kind of an interviewer's turn.

    Parameters
    ----------
    text : str
        The turn, one or several sentences.
    own_words : collection of str
        Words the interviewee has used so far, in lower case. An invitation that takes one up is cued; without them,
        only one that says so ("you mentioned ...", "more about the ...") is.

    Returns
    -------
    Turned
        Its kind, and why.

    Examples
    --------
    >>> turn_of("Tell me about your work.").kind, turn_of("You were late, weren't you?").kind
    ('open', 'leading')
    >>> turn_of("Tell me about the letter.", {"letter"}).kind
    'cued'
    """
    plain = " ".join(text.translate(PLAIN_MARKS).split())
    if _GO_ON.match(plain):
        return Turned("open", "asks to go on")
    sentences = _sentences(plain)
    if not sentences:
        return Turned("social", "nothing is asked")
    if led := _leads(plain, sentences):
        return Turned("leading", led)
    asked = asked_in(plain)
    if len(asked) > 1:
        return Turned("stacked", f"{len(asked)} questions at once")
    if not asked:
        return Turned("social", "asks nothing")
    question = _QUOTING.sub("", asked[0]).strip(" ,")
    if _CARE.search(question) and _CARED_FOR.search(question):
        return Turned("social", "cares for the interviewee")
    kind, why = _kind_of_question(question)
    taken_up = _CUE.search(plain) or _MORE_ABOUT.search(plain)
    own = sorted(set(words_of(question)) & set(own_words))
    is_about = kind == "open" or (own and _WHAT_ABOUT.search(question))
    if (is_about or (taken_up and _WH_START.search(question) and not _DETAIL.search(question))) and (taken_up or own):
        return Turned("cued", f"takes up {taken_up[0] if taken_up else own[0]!r}")
    return Turned(kind, why)


def asked_in(text: str) -> list[str]:
    """The questions and invitations of a turn, one by one.

    Examples
    --------
    >>> asked_in("I see. Who came, and what did they want?")
    ['Who came', 'what did they want?']
    """
    return [part for sentence in _sentences(" ".join(text.translate(PLAIN_MARKS).split())) for part in _asks(sentence)]


def _sentences(plain: str) -> list[str]:
    """Sentences without what leads into them."""
    return [_LEAD_IN.sub("", s).strip() or s for s in re.split(r"(?<=[.?!])\s+", plain) if s.strip(" .?!")]


def _leads(plain: str, sentences: list[str]) -> str:
    """What in a turn says the answer beforehand; empty where nothing does."""
    if tag := _TAG.search(plain):
        return f"ends with {tag[0].strip(' ,.;')!r}"
    for push in _PUSH.finditer(plain):
        if not _OWN_TELLING.search(plain[max(0, push.start() - 12) : push.end()]):
            return f"says {push[0]!r}"
    last = sentences[-1]
    if _NEGATIVE.search(last) and last.endswith("?"):
        return f"asks {last.split()[0]!r}, which expects a yes"
    # A statement about the interviewee or somebody else, put to be agreed with.
    for sentence in sentences:
        says = _SAYS_OF_SOMEBODY.search(sentence)
        is_put = sentence.endswith("?") or len(sentences) == 1
        if says and is_put and not any(known.search(sentence) for known in (_CUE, _SOCIAL, _GIVEN)):
            return f"states {says[0].strip()!r} and asks for agreement"
    return ""


def _asks(sentence: str) -> list[str]:
    """The questions and invitations of a sentence."""
    if _LEAVE.search(sentence):
        return []
    told = sentence.rpartition(": ")[2]
    if _INVITED.search(told) or _ASKED_TO.search(sentence):
        return [told]
    if not sentence.endswith("?"):
        return [sentence] if _INVERTED.search(sentence) else []
    parts = [part.strip() for part in _JOINED.split(sentence) if part.strip(" ,?")]
    begun = [part for part in parts if _WH_START.search(part) or _AUX_START.search(part)]
    return begun if len(begun) > 1 else [sentence]


def _kind_of_question(question: str) -> tuple[TurnKind, str]:
    if _INVITED.search(question) or _ASKED_TO.search(question):
        return "open", "invites an account"
    asked = re.search(rf"\b(?:{_WH})\b.*", question, re.IGNORECASE)
    if _AUX_START.search(question) or not asked:
        return "option_posing", "can be answered by yes or no, or by an option it names"
    if re.search(r"\bor\b", asked[0]) and re.match(r"(?:which|who|what)\b[^?]*,[^?]*\bor\b", asked[0], re.IGNORECASE):
        return "option_posing", "names the options"
    if _OPEN_ASKED.match(asked[0]):
        return "open", f"asks {' '.join(asked[0].split()[:2])!r}"
    return "directive", f"asks {' '.join(asked[0].split()[:2])!r}"


_WORD = re.compile(r"\d+|[^\W\d_]+(?:'[^\W\d_]+)?")
_PLURAL = re.compile(r"(?<=\w{3})(?<![sui])s$")
_COMMON_WORDS = (
    "a about across after again agree all along already also always am an and another any anything are aren "
    "around as at away back be because been before being bit both but by came can come correct could couldn "
    "describe did didn do does doesn doing don done down each earlier else even ever every everybody everyone "
    "everything explain feel felt few first for from get go goes going gone got had hadn happen happened "
    "happens has hasn have haven having he her here hers him his how i if in into is isn it its just kind know "
    "last like little lot made make many may me mean mentioned might mine more most much must my never new no "
    "not nothing now obviously of off often oh okay on once one only or other our out over own "
    "please put quite rather really remember right said same saw say see seen she shouldn so some somebody "
    "someone something sort speak spoke spoken still such sure surely take talk tell than that the their them "
    "then there these they thing things think this those through to told too toward towards true two up us "
    "use very walk want was wasn way we well went were weren what when where which while who whole why will "
    "with won would wouldn yeah yes you your "
)
_COMMON = frozenset(_COMMON_WORDS.split())


def words_of(text: str) -> list[str]:
    """The words and numbers of a text that carry meaning, in lower case, without endings of plural and possession.

    Examples
    --------
    >>> words_of("You mentioned the letters from your aunt's house.")
    ['letter', 'aunt', 'house']
    """
    stems = [word.split("'")[0] for word in _WORD.findall(text.translate(PLAIN_MARKS).lower())]
    told = [stem for stem in stems if stem.isdigit() or (len(stem) > 2 and stem not in _COMMON)]
    return [_PLURAL.sub("", stem) for stem in told]
