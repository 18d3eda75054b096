"""Marks of reasoning: what in a reply, or at the end of a prompt, is thought and not yet said.

Every family of models writes its thoughts between marks of its own. This is the one table of them: replies are read,
prompts looked at, and tokens kept by it.
"""

import re
from dataclasses import dataclass

_NAME = (
    r"(?:\w{1,12}[:_-]|ant)?(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection|analysis|scratch_?pad|rationale|"
    r"deliberation|monologue|cot|chain_of_thought|planning)(?:_process|_content)?"
)
# Tags (DeepSeek, Qwen, Seed, and what prompts ask for), Kimi's triangles, control tokens that say begin and end
# ("<|begin_of_thought|>", "<|START_THINKING|>", "<|think_end|>"), and Mistral's brackets, which are words elsewhere.
_NOTATIONS = (
    r"(?:<\|?|◁)(?:(?P<slash>/)|(?P<head>end(?:_?of)?_?)|(?:begin|start)(?:_?of)?_?)?"
    rf"{_NAME}(?:(?P<tail>_end)|_start)?(?:\s[^<>|]*)?(?:\|?>|▷)",
    r"\[(?P<square>/)?(?-i:THINK|THINKING|THOUGHT|REASON|REASONING)\]|\[(?P<closing>/)(?:think(?:ing)?|thoughts?|reasoning)\]",
)
# Marks that are no names: Gemma's two notations and Apertus'.
_PAIRS = {"<unused94>": "<unused95>", "<|channel>": "<channel|>", "<|inner_prefix|>": "<|inner_suffix|>"}
_ENDS = frozenset(_PAIRS.values())
_MARK = re.compile("|".join((*_NOTATIONS, *map(re.escape, (*_PAIRS, *_ENDS)))), re.I)
_BEGINS = re.compile(r"(?:begin|start)(?=_|of)|(?<=_)start(?=\||>)", re.I)
_ATTRIBUTES = re.compile(r"\s[^<>|]*")

# Harmony: messages in channels, of which only the last, "final", is said.
_CHANNEL = re.compile(r"<\|(?:channel|message)\|>")
_FINAL = re.compile(r"<\|channel\|>\s*final\b[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>", re.I)
_MESSAGE_END = re.compile(r"<\|(?:end|return|call|start|channel)\|>")
TO_FINAL = "<|channel|>final<|message|>"
# The same without its control tokens, as some servers and tokenizers give it.
_BARE_CHANNEL = re.compile(r"\A\s*(?:analysis|commentary)(?=\s*[A-Z0-9\"'(*])")
_BARE_FINAL = re.compile(r"(?:assistant|commentary)\s*final(?:\b|(?=[A-Z0-9]))")
# Thoughts in words, at the head of a reply: Granite, the terminal of Ollama, Open WebUI, turns of their own.
_WORDED = (
    (r"Here(?:'s| is) my thought process:", r"Here(?:'s| is) my response:"),
    (r"Thinking\.\.\.\s*\n", r"\.\.\.\s*done thinking\.?\s*\n"),
    (r"<details\b[^>]*\breasoning\b[^>]*>|<details>\s*<summary>\s*(?:thought|thinking|reasoning)\b", r"</details>"),
    (r"<\|im_start\|>(?:think|thinking|reasoning)\n", r"<\|im_end\|>"),
)
_HEADS = [(re.compile(rf"\s*(?:{head})", re.I), re.compile(end, re.I)) for head, end in _WORDED]
_ESCAPED = re.compile(r"&lt;(/?)(?=\w{1,20}&gt;)(\w+)&gt;")
_HEADER = re.compile(r"<\|start\|>assistant(?:<\|channel\|>(?P<name>[^<]*))?(?P<body><\|message\|>)?\s*\Z")


@dataclass(frozen=True, slots=True)
class OpenBlock:
    """Reasoning that a prompt leaves open: the mark it began with, and what closes it so that the answer follows."""

    mark: str
    closing: str


def without_reasoning(text: str) -> str:
    """What a reply says once its thoughts are taken out; empty where it never came to an answer.

    A closing mark without an opening one ends thoughts that began with the reply; thoughts that are not closed go on
    to its end.

    Examples
    --------
    >>> without_reasoning("<think>Maybe B?</think>C"), without_reasoning("Maybe B?[/THINK]C")
    ('C', 'C')
    >>> without_reasoning("<|channel|>analysis<|message|>B?<|end|><|start|>assistant<|channel|>final<|message|>C")
    'C'
    >>> without_reasoning("<reasoning>Maybe B")
    ''
    """
    if _BARE_CHANNEL.match(text):
        finals = list(_BARE_FINAL.finditer(text))
        text = text[finals[-1].end() :] if finals else ""
    for head, end in _HEADS:
        if found := head.match(text):
            closed = end.search(text, found.end())
            text = text[closed.end() :] if closed else ""
    if "&lt;" in text:
        text = _ESCAPED.sub(r"<\1\2>", text)
    if not ("<" in text or "[" in text or "◁" in text):
        return text
    if _CHANNEL.search(text):
        # Several final messages are kept: which of them is meant is for the reader to refuse.
        text = "\n".join(_MESSAGE_END.split(text[found.end() :])[0] for found in _FINAL.finditer(text))
    kept: list[str] = []
    start, closing = 0, ""
    for mark in _MARK.finditer(text):
        if closing:
            if mark[0].casefold() == closing.casefold():
                start, closing = mark.end(), ""
        elif _closes(mark):
            kept, start = [], mark.end()
        else:
            kept.append(text[start : mark.start()])
            closing = _closing_of(mark)
    if not closing:
        kept.append(text[start:])
    return "\n".join(part for part in kept if part.strip()) if len(kept) > 1 else "".join(kept)


def open_block(tail: str, *, has_channels: bool = False) -> OpenBlock | None:
    r"""The reasoning that is open where a prompt ends, None where the answer follows at once.

    Parameters
    ----------
    tail : str
        What the chat template puts behind the last message.
    has_channels : bool
        Whether the template knows the channels of Harmony, so that a reply begins with the name of one.

    Examples
    --------
    >>> open_block("<|im_start|>assistant\n<think>\n")
    OpenBlock(mark='<think>', closing='\n</think>\n\n')
    >>> open_block("<think>\n\n</think>\n\n") is None
    True
    """
    if (has_channels or "<|channel|>" in tail) and (header := _HEADER.search(tail)):
        if header["name"] is None:
            return OpenBlock(mark="", closing=TO_FINAL)
        if header["name"].split(" ")[0].casefold() == "final":
            return None if header["body"] else OpenBlock(mark="", closing="<|message|>")
        end = "<|end|>" if header["body"] else "<|message|><|end|>"
        return OpenBlock(mark=header[0], closing=f"{end}<|start|>assistant{TO_FINAL}")
    opened, closing = "", ""
    for mark in _MARK.finditer(tail):
        if closing and mark[0].casefold() == closing.casefold():
            closing = ""
        elif not closing and not _closes(mark):
            opened, closing = mark[0], _closing_of(mark)
    return OpenBlock(mark=opened, closing=f"\n{closing}\n\n") if closing else None


def is_mark(token: str, *, has_channels: bool = False) -> bool:
    """Whether a control token tells reasoning from what is said, so that a reply cannot be read without it."""
    in_channel = has_channels and (_MESSAGE_END.fullmatch(token) or _CHANNEL.fullmatch(token))
    return bool(_MARK.fullmatch(token) or in_channel)


def _closes(mark: re.Match[str]) -> bool:
    return mark[0].casefold() in _ENDS or any(mark.groups())


def _closing_of(mark: re.Match[str]) -> str:
    """The mark that closes what an opening one began."""
    opening = mark[0]
    if pair := _PAIRS.get(opening.casefold()):
        return pair
    turned = _BEGINS.sub(lambda found: "END" if found[0].isupper() else "end", opening)
    if turned != opening:
        return turned
    left = "<|" if opening.startswith("<|") else opening[0]
    return f"{left}/{_ATTRIBUTES.sub('', opening[len(left) :])}"
