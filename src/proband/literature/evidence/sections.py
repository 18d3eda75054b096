"""Sections of an abstract, told by their labels, and what a sentence is worth to whoever asks what was found.

A label is no part of a sentence, so sentences are cut behind it. Where an abstract has none, place tells: what a paper
set out to do, and how, stands before what it found.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from proband.literature.spans import Span
from proband.subjects.corpora import Corpus

_CORE = r"Background|Introduction|Objectives?|Aims?|Purpose|Methods?|Results?|Findings|Conclusions?|Discussion"
_REST = (
    r"Context|Importance|Rationale|Design|Settings?|Participants|Patients|Subjects|Samples?|Interventions?|Measures|"
    r"Measurements?|Outcomes?|Materials?|Data Sources?|Study Selection|Data Extraction|Data Synthesis|Interpretation|"
    r"Limitations?|Implications|Relevance|(?:Trial )?Registration|(?:Primary )?Funding(?: Source)?"
)
_JOINED = r"(?:,? and |, | & |/)"


def _names(words: str) -> str:
    one = rf"(?:(?:Main|Primary|Key|Study|Principal|Outcome) )*(?:{words})"
    mixed = rf"{one}(?:{_JOINED}(?:(?:Main|Primary|Outcome) )*(?:{_CORE}|{_REST}))*"
    return rf"(?:{mixed}|{mixed.upper()})"  # nothing in it but words, and signs without a case


_BEGINS = r"(?:^|(?<=\n)|(?<=[.!?)\]>;:]\s))"
# A word that begins a sentence, and hardly ever goes on with a name such as Intervention Mapping.
_GOES_ON = (
    r"(?=\s+(?:(?:We|The|An?|This|These|In|Of|To|Our|Among|After|During|Between|Using|All|There|From|Both|For|At|It|"
    r"Randomi[sz]ed|Cluster|Patients|Participants)\b|\d))"
)
_LABEL = re.compile(
    rf"(?:^|(?<=[\s.)]))(?=[A-Z])(?i:{_names(f'{_CORE}|{_REST}')}):"
    rf"|{_BEGINS}[A-Z][A-Z&/, -]{{3,60}}:"
    rf"|{_BEGINS}{_names(_CORE)}(?=\s+(?:[A-Z]|\d))"
    rf"|{_BEGINS}{_names(_REST)}{_GOES_ON}"
    rf"|(?<=[a-z\d)%]\s){_names(_CORE)}{_GOES_ON}"
)
_FOUND = re.compile(r"result|finding|conclu|interpret|implication|relevance|discussion", re.I)
_BEFORE = re.compile(r"background|introduc|objective|aim|purpose|method|context|importance|rationale|design|setting|"
                     r"particip|patient|subject|sample|interven|measure|outcome|material|data|select|limit|regist|fund|"
                     r"search|analys|source", re.I)  # fmt: skip
_PLANS = re.compile(
    r"\b(?:aims?|aimed|objectives?|purpose|protocol|hypothesi[sz]\w*|sought|set out|(?:is|was|were|designed) to|will)\b"
    r"|\b(?:we|was|were) (?:also )?(?:aim|test|assess|evaluat|examin|investigat|conduct|perform|stud|compared? )",
    re.I,
)
_OF_PLANS, _OF_LABELS, _OF_PLACE = 0.6, 0.5, 0.75
_FIRST = 0.4  # share of an abstract that tells aims and methods
_SHORT = 400  # characters of an abstract, below which place tells nothing


@lru_cache(2048)
def sections_of(text: str) -> tuple[tuple[int, int, str], ...]:
    r"""Where the parts between labels begin and end, and the label before each; of a record, its abstract alone.

    >>> text = "Title\n\nAIM: To see. Results We saw it, and in fewer rows Conclusions The method sees."
    >>> [(label, text[start:end]) for start, end, label in sections_of(text)]
    [('AIM', 'To see.'), ('Results', 'We saw it, and in fewer rows'), ('Conclusions', 'The method sees.')]
    """
    begin = text.find("\n\n") + 2 if "\n\n" in text else len(text)
    labels = [(begin + m.start(), begin + m.end(), m[0].strip(" :")) for m in _LABEL.finditer(text[begin:])]
    starts = [(0 if begin == len(text) else begin, ""), *((end, label) for _, end, label in labels)]
    ends = [*(start for start, _, _ in labels), len(text)]
    found = []
    for (start, label), end in zip(starts, ends, strict=True):
        words = text[start:end]
        if words.strip():
            found.append((start + len(words) - len(words.lstrip()), start + len(words.rstrip()), label))
    return tuple(found)


def worth_of(corpus: Corpus, spans: Sequence[Span]) -> list[float]:
    """What each span is worth to a synthesis: 1 in results and conclusions, less in what comes before them."""
    return [_worth(corpus.text(span.record), span) for span in spans]


def _worth(text: str, span: Span) -> float:
    sections = sections_of(text)
    label = next((label for start, end, label in reversed(sections) if start <= span.start < end), "")
    # What stands before the first label is background without its own.
    is_found, is_before = bool(_FOUND.search(label)), bool(_BEFORE.search(label)) or (not label and len(sections) > 1)
    begin = text.find("\n\n") + 2 if "\n\n" in text else len(text)
    worth = 1.0
    if is_found != is_before:
        worth = 1.0 if is_found else _OF_LABELS
    elif len(text) - begin >= _SHORT and span.start - begin < _FIRST * (len(text) - begin):
        worth = _OF_PLACE
    return worth * (_OF_PLANS if _PLANS.search(span.text) else 1.0)
