"""Options whose words refer to where options stand: "None of the above", "Both A and B"."""

import re
import string
from collections.abc import Sequence
from functools import lru_cache

# What is above is asked of in the languages of the catalogue's wordings and their neighbours.
_ABOVE = re.compile(
    r"(?:none|all|any|both|neither|either|some|most|one|two|three|more|several|each|every ?(?:one|thing)|nothing|"
    r"something|anything|others?|another|not|same|different|as|an?|the|"
    r"keine?[rs]?|alle[s]?|nichts|beides?|aucune?|tou(?:s|te?s)|rien|ningun[oa]|tod[oa]s|nenhum[a]?|nessun[oa]?|tutt[ei]|"
    r"geen|ingen|inget|alla?|alle)\b[^.;]*?\b(?:"
    r"(?:of|from|than|as|the|these|those|them|two|three|listed|mentioned|given|shown|included|options?|answers?|choices?|"
    r"named) above(?![-\w])|above(?:-| )(?:mentioned|listed|named)|aforementioned|"
    r"of the (?:preceding|previous|foregoing)(?: (?:options|answers|choices|ones))?$|"
    r"(?:oben|vorher)(?: ?genannt|stehend| stehend| ?erwähnt| ?aufgeführt)\w*|obige[nrs]?|vorgenannten|vorstehenden|"
    r"ci-dessus|(?:réponses|choix|options) précédent[e]?s|"
    r"(?:l?[oa]s|das|dos|delle|dei|le|i) (?:opciones |respuestas |opções |respostas |alternativas |risposte )?"
    r"(?:anteriores|acima|precedenti)|di quelle sopra|"
    r"bovenstaande|ovenstående|ovanstående|ovennevnte|alternativene over)"
    # These words say nothing else, wherever they stand.
    r"|as above$|(?:\w+ )*(?:powyższ|výše uveden|yllä ole|вышеперечисленн|вышеуказанн)|"
    r"yukarıda\w+ (?:\w+ )?(?:hiçbiri|hepsi|tümü|tamamı|seçenek)|(?:以上|上記)(?=[^\d]*$)|"
    r"위(?:의|에)? (?:어느|모든|모두|항목|보기|선택|사항|중|것|열거|언급)|.*(?:(?:مما|ما) سبق|أعلاه|उपरोक्त)",
    re.IGNORECASE,
)
_CUSTOM = re.compile(
    r"(other|something else|none of (these|those|them)|andere[rs]?|sonstiges|autre|otro)\b.{0,30}", re.I
)

_MARK = r"\(?(?:[A-Za-z]|\d{1,2})\)?"
_JOIN = (
    r"(?:\s*,\s*(?:and|or|nor|&)?\s*|\s*[+/&]\s*|"
    r"\s+(?:and|or|nor|und|oder|noch|als auch|et|ou|ni|y|o|como|e|en)\s+(?:(?:options?|answers?|choices?) )?)"
)
_MARKS = rf"(?P<marks>{_MARK}(?:{_JOIN}{_MARK})*)"
_END = r"(?: only| are (?:both )?(?:correct|true|right)| is (?:correct|true|right)| above)?[.!]?"
_NAMED = re.compile(
    rf"(?:(?P<surely>both|(?:only |both )?(?:options?|answers?|choices?|statements?))"
    rf"|neither|either|sowohl|weder|tanto|(?:both|either|neither|none|any|all) of"
    rf"|(?P<but>only|same as|all but|all except|everything (?:but|except)))\s+{_MARKS}{_END}",
    re.IGNORECASE,
)
_BARE = re.compile(rf"(?P<surely>)(?P<but>){_MARKS.replace(_MARK, '(?:[A-Z]|[(][A-Za-z][)])')}{_END}")
_OWN = re.compile(r"(?:\w+ )?\(?(\w{1,2})(?: only|[.):]|[.):]\s.*)?")  # "A", "Plan A", "(a)", "A. Tea", "A only"


@lru_cache(4096)  # options in random order ask for every trial
def refers_above(option: str) -> bool:
    """Whether an option speaks of those above it, e.g. "None of the above"; then it can stand only behind them."""
    return _ABOVE.match(option.strip()) is not None


def belongs_last(option: str) -> bool:
    """Whether an option is put last by custom, e.g. "Other", though its words hold wherever it stands."""
    return _CUSTOM.fullmatch(option.strip()) is not None


def marks_named(options: Sequence[str], k: int) -> dict[str, int]:
    """Labels that option `k` speaks of, e.g. "Both A and B", and the option, as written, that each is the label of.

    Empty where it speaks of none, and where the marks are words of the options themselves ("A", "B. Coffee").
    """
    text = options[k].strip()
    found = _NAMED.fullmatch(text) or _BARE.fullmatch(text)
    marks = re.findall(r"(?<![A-Za-z])[A-Za-z](?![A-Za-z])|\d+", found["marks"]) if found else []
    # "Either 1 or 2" counts something; "A" and "Option A" are options, and "Only A" speaks of one.
    if not found or (not found["surely"] and text[-1].isdigit()) or (len(marks) < 2 and not found["but"]):
        return {}
    others = [option.strip() for place, option in enumerate(options) if place != k]
    own = {match[1].casefold() for option in others if (match := _OWN.fullmatch(option))}
    places = {m: int(m) - 1 if m.isdigit() else string.ascii_uppercase.index(m.upper()) for m in marks}
    if any(not 0 <= place < len(options) or place == k for place in places.values()):
        return {}
    return {} if all(mark.casefold() in own for mark in marks) else places
