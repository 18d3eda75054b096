"""Cues as an extractor: what a paper reports, found by the words that usually say it; no model."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proband.errors import EngineError
from proband.models.engine import Ability, BaseEngine, Cost
from proband.records import Completion, RecordField, Trial

_PAPERS_PER_SECOND = 2_000
_PEOPLE = (
    r"(?:participants?|adults?|students?|patients?|people|persons?|respondents?|volunteers?|children|adolescents?|"
    r"women|men|households?|customers?|employees?|workers?|smokers?|pupils?|individuals|subjects|nurses|physicians|"
    r"clinicians|wards|residents|undergraduates|consumers|drivers|families|studies|trials|articles|papers)"
)
_COUNT = r"(\d{1,3}(?:,\d{3})+|\d+)"
_BETWEEN = r"(?:(?!(?:for|of|in|to|and|or|from|with|by|the|at|on|per|years?|months?|weeks?|days?)\b)[\w-]+\s+){0,3}?"
_MONTH = r"(?<!January )(?<!February )(?<!March )(?<!April )(?<!May )(?<!June )(?<!July )(?<!August )(?<!ber )"
_N = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_MONTH}(?<![\d.,%-]){_COUNT}(?=\s+{_BETWEEN}{_PEOPLE}\b)",
        rf"\b[Tt]otal of {_COUNT}",
        rf"\b[Nn]\s*=\s*{_COUNT}",
    )
)
_POPULATION = re.compile(
    rf"(?<=\d ){_BETWEEN}{_PEOPLE}"
    r"(?: (?:in|from|of|with|at|aged) (?:an? |the )?(?!each|both|all|this|these|total|\d)[\w-]+(?: [A-Z][\w-]+)*)?"
)
_DESIGNS = (
    ("Review or meta-analysis", r"meta-analys[ie]s|systematic review|scoping review|pooled \d+ studies|we reviewed"),
    ("Comparison without randomisation", r"(?:not|non|without)[ -]randomi[sz]\w*|quasi-experiment\w*"),
    ("Randomised experiment", r"randomi[sz]ed (?:controlled )?(?:trial|experiment|study)|randomly (?:assigned|"
                              r"allocated)|field experiment|survey experiment|RCT\b|randomi[sz]ation"),
    ("Longitudinal study", r"longitudinal|prospective(?:ly)?|cohort|follow-up study|panel study"),
    ("Qualitative study", r"qualitative|semi-structured interviews|focus groups?|thematic analysis|ethnograph\w+"),
    ("Survey", r"cross-sectional|questionnaire survey|(?:online |national |telephone )?survey(?:ed)?\b"),
)  # fmt: skip
_MEASURE = re.compile(
    r"(?:[Pp]rimary outcomes? (?:was|were) [^.;]{3,90}"
    r"|(?:measured|assessed|rated|quantified) (?:by|with|using|on) [^.;,]{3,80}"
    r"|(?:[A-Z][\w-]+ ){1,6}(?:Scale|Inventory|Questionnaire|Index|Test)\b)"
)
_SIGNED = r"[-−]?\d*[.·]?\d+"
EFFECT = re.compile(
    rf"(?P<measure>Cohen['’]s d|Hedges['’] g|\bSMD|\bMD|\bOR|\bRR|\bHR|\baOR|\bIRR|\bd|\bg|\br|\bβ)"
    rf"\s*(?:=|:|of|was)?\s*(?P<value>{_SIGNED})"
    rf"\s*[,;]?\s*[\[(]?\s*(?:(?P<level>[1-9]\d)\s*%\s*(?:CI|confidence interval)s?)\s*[:=,]?\s*[\[(]?\s*"
    rf"(?P<low>{_SIGNED})\s*(?:to|,|;|-|–|—)\s*(?P<high>{_SIGNED})"
)
_SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?](?!\s|$)[^.!?\n]*)*[.!?]?")
_LIMITS = re.compile(
    r"\blimit(?:s|ed|ations?)\b|generali[sz]\w+|\bcaution\b|small sample|not randomi[sz]ed|self-report|single centre",
    re.I,
)
_FUNDING = re.compile(r"\bfund(?:ed|ing)\b|\bsupported by\b|\bgrants?\b(?! a\b)|\bsponsor", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A value, and the words that say it."""

    value: str | float
    quote: str


def _n(text: str, field: RecordField) -> Found | None:
    found = next((match for pattern in _N if (match := pattern.search(text))), None)
    if found is None:
        return None
    behind = re.match(rf"\s+{_BETWEEN}{_PEOPLE}\b", text[found.end() :])
    quote = text[found.start() : found.end() + (behind.end() if behind else 0)]
    return Found(value=float(found[1].replace(",", "")), quote=quote)


def _population(text: str, field: RecordField) -> Found | None:
    found = _POPULATION.search(text)
    return found and Found(value=found[0], quote=found[0])


def _design(text: str, field: RecordField) -> Found | None:
    for design, pattern in _DESIGNS:
        if design in field.options and (found := re.search(pattern, text, re.I)):
            return Found(value=design, quote=found[0])
    return None


def _measure(text: str, field: RecordField) -> Found | None:
    found = _MEASURE.search(text)
    return found and Found(value=found[0].strip(), quote=found[0])


def _effect(text: str, field: RecordField) -> Found | None:
    found = EFFECT.search(text)
    return found and Found(value=found[0], quote=found[0])


def _sentence_with(pattern: re.Pattern[str]) -> Callable[[str, RecordField], Found | None]:
    def find(text: str, field: RecordField) -> Found | None:
        # Behind the title, which names a limit more often than it confesses one.
        body = text.partition("\n\n")[2] or text
        found = next((match[0].strip() for match in _SENTENCE.finditer(body) if pattern.search(match[0])), "")
        return Found(value=found, quote=found) if found else None

    return find


FINDERS: Mapping[str, Callable[[str, RecordField], Found | None]] = {
    "population": _population,
    "n": _n,
    "design": _design,
    "measure": _measure,
    "effect": _effect,
    "limits": _sentence_with(_LIMITS),
    "funding": _sentence_with(_FUNDING),
}
"""By name of a field, what finds it."""


class CuesEngine(BaseEngine):
    """Fills the fields of the codebook `evidence` by their cues; a field of another name stays empty.

    What is found stands in the text, word for word. What is not said in the usual words is not found.
    """

    abilities: frozenset[Ability] = frozenset({"given"})
    answers_by = "request"
    address = "cues"

    def check(self, trials: Sequence[Trial]) -> None:
        """Refuse what is no record, or has no field that cues are known of."""
        for trial in trials:
            names = [field.name for field in trial.reply.fields]
            if trial.reply.form != "record" or not set(names) & set(FINDERS):
                raise EngineError(
                    f"item {trial.place.item!r}: cues fill records with fields such as {', '.join(FINDERS)}, and it "
                    f"has {', '.join(names) or 'none'}; name fields so, or ask a model"
                )

    def answer(self, trials: Sequence[Trial]) -> Iterator[tuple[Trial, Completion]]:
        """Look every field up."""
        for trial in trials:
            yield trial, Completion(text=json.dumps(_record(trial), ensure_ascii=False), finish="stop")

    def cost(self, trials: Sequence[Trial]) -> Cost:
        """Time only."""
        return Cost(seconds=len(trials) / _PAPERS_PER_SECOND, price=0.0)


def _record(trial: Trial) -> dict[str, Any]:
    found = dict[str, Any]()
    for field in trial.reply.fields:
        cell = FINDERS[field.name](trial.reply.source, field) if field.name in FINDERS else None
        value = cell and (float(cell.value) if field.kind == "number" else cell.value)
        found[field.name] = cell and ({"value": value, "quote": cell.quote} if field.quoted else value)
    return found
