"""The plain form of a written reply, and the phrases that state, decline or deny an answer."""

import re
import unicodedata

from proband.instruments.patterns import patterns
from proband.reasoning import without_reasoning

PLAIN_MARKS = str.maketrans(
    {
        **dict.fromkeys("‘’‛′´", "'"),
        **dict.fromkeys("“”„«»″", '"'),
        **dict.fromkeys("‐‑‒–—−", "-"),
        "٫": ".",
        "٬": ",",
        "،": ",",
        "。": ". ",
        "、": ",",
        "؛": ";",
        "٪": "%",
        **dict.fromkeys("→⇒➔➜⟶", "->"),
        # Marks without width, and what makes a digit a key.
        **dict.fromkeys("\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\ufe0e\ufe0f\u20e3", ""),
    }
)
# What ends a turn; a model that goes on after it writes somebody else's.
_TURN_END = re.compile(
    r"<\|(?:im_end|eot_id|eom_id|end|return|endoftext|end_of_text|end_of_turn|END_OF_TURN_TOKEN)\|>|</s>|"
    r"<end_of_turn>|<eos>|<\|(?:user|im_start\|>user|start_header_id\|>user<\|end_header_id|start\|>user)\|?>?|<｜end▁of▁sentence｜>"
)
# A call of a tool is no reply.
_CALL = re.compile(
    r"<tool_calls?>.*?(?:</tool_calls?>|\Z)|<function[=_].*?(?:</function[^>]*>|\Z)|"
    r"(?:<\|(?:tool_calls?(?:_section)?(?:_begin)?|python_tag|action_start)\|>|\[TOOL_CALLS?\]|<｜tool▁calls?▁begin｜>).*",
    re.S,
)
_TOKEN = re.compile(r"<\|[^|>]*\|>|<｜[^｜>]*｜>|</?s>|<(?:start|end)_of_turn>|<[be]os>|\[/?INST\]")
_ANSWER = re.compile(r"<(answer|final_answer|response)>(.*?)(?:</\1>|\Z)", re.S | re.I)
_STRUCK = re.compile(r"~~[^~\n]*~~|<(s|del|strike)>.*?</\1>", re.S | re.I)
_TAG = re.compile(r"</?[a-z][a-z0-9]{0,9}(?:\s[^<>]{0,80})?/?>", re.I)
_ESCAPE = re.compile(r"\\(?=[^\w\s\\])")
# Compatibility forms would run together: "2½" is not 21/2, and "10²" not 102.
_FRACTION = re.compile(r"(\d*) ?([¼-¾⅐-⅞↉])")
_RAISED = re.compile(r"(?<=\w)[⁰¹²³⁴-⁹]+")
_RESULT = re.compile(r"^#### ?(?=[-$\d])", re.M)  # the mark of GSM8K before a result
_BOXED = re.compile(r"\\boxed\s*\{(?:\\text\s*\{)?([^{}]*)\}+")
# Between letters of scripts without spaces and Latin ones.
_CJK = "[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]"
_SCRIPTS = re.compile(rf"(?<={_CJK})(?=[A-Za-z])|(?<=[A-Za-z])(?={_CJK})")
_EMPHASIS = re.compile(r"\*+|`+|(?<!\w)_+|_+(?!\w)|^[ \t]*(?:#+|>+(?![ \t]*\d))[ \t]*", re.M)
# A model that does not stop goes on to write the next question and answers that too.
_NEXT_TURN = re.compile(r"\S\s*\n\s*(?:#+[ ]*)?(?:question|user|human|instruction|q)\s*\d*\s*:", re.I)
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

STATEMENT, OPINION, FILLER, RETRACTION = patterns("statement", "opinion", "filler", "retraction")
_OTHER = next(patterns("other_before"))
_ARTIFICIAL, _DECLINED, _IGNORANT = patterns("artificial", "declined", "ignorant")


def fold(text: str) -> str:
    """One comparable form: NFKC, ASCII digits, straight quotes and hyphens, no emphasis, no contractions."""
    if not text.isascii():
        text = _FRACTION.sub(_decimal, text)
        text = _RAISED.sub(lambda raised: f"^{raised[0]}", text)
        text = unicodedata.normalize("NFKC", text)
        text = text.translate(PLAIN_MARKS)
        text = _SCRIPTS.sub(" ", text)
        text = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    text = _EMPHASIS.sub("", text)
    for contraction, words in _CONTRACTIONS:
        text = contraction.sub(words, text)
    return text


def _decimal(fraction: re.Match[str]) -> str:
    """A whole number with a fraction behind it, as a decimal."""
    value = int(fraction[1][:15] or 0) + unicodedata.numeric(fraction[2])
    return f"{value:.12g}"


def without_thought(text: str) -> str:
    """The reply proper: reasoning, control tokens and invented next turns cut off, what is marked as answer taken."""
    text = without_reasoning(text).strip()
    if "<" in text or "[" in text:
        text = _CALL.sub("", text)
        text = next((part for part in _TURN_END.split(text) if _TOKEN.sub("", part).strip()), "")
        text = _TOKEN.sub("", text).strip()
        if marked := [found[2].strip() for found in _ANSWER.finditer(text)]:
            text = "\n".join(marked)
    following = _NEXT_TURN.search(text)
    return text[: following.start() + 1] if following else text


def plain(text: str) -> str:
    """The reply proper in its comparable form, a boxed result written as an answer statement."""
    text = _RESULT.sub("Answer: ", without_thought(text))
    if "\\" in text:
        text = _ESCAPE.sub("", _BOXED.sub(r"\nAnswer: \1", text))
    if "~" in text or "<" in text:
        text = _TAG.sub(" ", _STRUCK.sub("", text))
    return fold(text).strip()


def statements(text: str) -> list[re.Match[str]]:
    """Where a plain text says what its answer is; "the wrong answer is" and "my second choice is" do not."""
    return [found for found in STATEMENT.finditer(text) if not _OTHER.search(text, 0, found.start())]


def declines(text: str) -> bool:
    """Whether a plain text says that no answer will be given."""
    return _DECLINED.search(text) is not None


def speaks_as_machine(text: str) -> bool:
    """Whether a plain text answers as a language model instead of as the subject."""
    return _ARTIFICIAL.search(text) is not None


def pleads_ignorance(text: str) -> bool:
    """Whether a plain text says that the answer is not known."""
    return _IGNORANT.search(text) is not None
