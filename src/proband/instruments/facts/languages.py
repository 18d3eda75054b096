"""Languages: their own names, scripts, codes, words for weekdays, and where they are official."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version

from babel import Locale, localedata
from babel.core import get_global
from babel.languages import get_official_languages, get_territory_language_info

from proband.instruments.facts.fact import Fact, Topic, topics_of
from proband.seeds import uniform_for

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# Written in two scripts by many, so that "mainly" would be a matter of place.
SEVERAL_SCRIPTS = frozenset({"az", "bm", "ff", "ha", "iu", "kk", "kok", "ks", "ku", "ky", "mn", "ms", "pa"})
SEVERAL_SCRIPTS |= {"sd", "shi", "sr", "su", "tg", "tk", "tt", "ug", "uz", "vai", "yi", "zgh"}
SAME_LANGUAGE = (frozenset({"no", "nb", "nn"}), frozenset({"fil", "tl"}), frozenset({"sr", "hr", "bs", "sh"}))
SCRIPT_NAMES = {"Jpan": "Japanese", "Kore": "Korean", "Hans": "Chinese", "Hant": "Chinese"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """What is asked about a language."""

    code: str
    name: str
    own_name: str
    script: str
    weekdays: tuple[str, ...]


def topics() -> list[Topic]:
    """Topics about languages."""
    known = list(_languages())
    source = f"Babel {version('babel')} (Unicode CLDR)"
    facts = {
        "own names": _own_names(known),
        "scripts": _scripts(known),
        "weekdays": _weekdays(known),
        "language codes": _codes(),
        "official languages": _official(known),
    }
    return topics_of("languages", facts, source=source, licence="BSD-3-Clause (Babel), Unicode-3.0 (CLDR)")


def _languages() -> Iterator[Language]:
    english = Locale("en")
    likely = get_global("likely_subtags")
    for code in sorted(localedata.locale_identifiers()):
        if "_" in code or code == "en" or code not in english.languages or code not in likely:
            continue
        locale = Locale(code)
        days = _days_of(locale)
        if not days:
            continue
        script = str(likely[code]).split("_")[1]
        yield Language(
            code=code,
            name=english.languages[code],
            own_name=locale.get_display_name() or "",
            script=SCRIPT_NAMES.get(script, str(english.scripts.get(script, ""))),
            weekdays=days,
        )


def _days_of(locale: Locale) -> tuple[str, ...]:
    """Monday to Sunday; none where nobody filled the words in and the root's English ones stand."""
    for use in ("stand-alone", "format"):  # "maanantai", rather than "maanantaina" as in a date
        days = locale.days.get(use, {}).get("wide", {})
        words = tuple(str(days[day]) for day in range(7) if day in days)
        if len(words) == 7 and "Mon" not in words:
            return words
    return ()


@cache
def _plain(text: str) -> str:
    """A text without case and accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if c.isalpha())


def _gives_away(first: str, second: str) -> bool:
    """Whether two names resemble each other so much that one tells the other."""
    a, b = _plain(first), _plain(second)
    return a[:4] in b or b[:4] in a or a[:3] == b[:3]


def _relatives(language: Language) -> set[str]:
    return {code for group in SAME_LANGUAGE if language.code in group for code in group} - {language.code}


def _own_names(known: list[Language]) -> Iterator[Fact]:
    for language in known:
        if not language.own_name or _gives_away(language.name, language.own_name):
            continue
        asks_own = uniform_for(0, "own name asked for", language.code) < 0.5
        same = {o for o in known if o.own_name == language.own_name or o.code in _relatives(language)}
        # A language without a name of its own has an empty one, which is no answer.
        told = {other: other.own_name if asks_own else other.name for other in known}
        yield Fact(
            key=language.code,
            question=f"What do its own speakers call the {language.name} language?"
            if asks_own
            else f"Which language is called {language.own_name} by its own speakers?",
            answer=told[language],
            statement=f"In {language.name}, the language is called {language.own_name}.",
            near=[name for other, name in told.items() if name and other.script == language.script],
            others=[name for name in told.values() if name],
            also_right=frozenset(told[other] for other in same),
        )


def _scripts(known: list[Language]) -> Iterator[Fact]:
    scripts = sorted({language.script for language in known if language.script})
    for language in known:
        if not language.script or language.code in SEVERAL_SCRIPTS:
            continue
        if _gives_away(language.name, language.script):
            continue
        # Most languages of the world use the Latin script: enough of them to make it one answer among others.
        if language.script == "Latin" and uniform_for(0, "Latin script", language.code) > 0.2:
            continue
        yield Fact(
            key=language.code,
            question=f"In which script is {language.name} mainly written?",
            answer=language.script,
            statement=f"{language.name} is mainly written in the {language.script} script.",
            others=scripts,
        )


def _weekdays(known: list[Language]) -> Iterator[Fact]:
    for language in known:
        day = int(uniform_for(0, "weekday", language.code) * 7)
        word = language.weekdays[day]
        same = {o.name for o in known if _plain(o.weekdays[day]) == _plain(word) or o.code in _relatives(language)}
        yield Fact(
            key=language.code,
            question=f"In which language is “{word}” the word for {WEEKDAYS[day]}?",
            answer=language.name,
            statement=f"“{word}” is {language.name} for {WEEKDAYS[day]}.",
            near=[other.name for other in known if other.script == language.script],
            others=[other.name for other in known],
            also_right=frozenset(same),
        )


def _codes() -> Iterator[Fact]:
    names = {code: name for code, name in Locale("en").languages.items() if len(code) == 2}
    for code, name in sorted(names.items()):
        if code in ("en", "sh", "no"):  # deprecated, or a cover of two others
            continue
        yield Fact(
            key=code,
            question=f"Which language has the two-letter code “{code}”?",
            answer=name,
            statement=f"The two-letter code of {name} is “{code}”.",
            near=[other for other in sorted(names.values()) if other[0] == name[0] or other[0].lower() == code[0]],
            others=sorted(names.values()),
        )


def _official(known: list[Language]) -> Iterator[Fact]:
    territories = {
        code: str(name).replace("&", "and").replace(" SAR China", "")
        for code, name in sorted(Locale("en").territories.items())
        if len(code) == 2 and code.isalpha() and get_official_languages(code)
    }
    official: dict[str, list[str]] = defaultdict(list)
    spoken: dict[str, set[str]] = defaultdict(set)
    for code in territories:
        held = get_official_languages(code)
        for tongue in held:
            official[tongue.split("_")[0]].append(code)
        regional = get_official_languages(code, regional=True, de_facto=True)
        for tongue in (*held, *regional, *get_territory_language_info(code)):
            spoken[tongue.split("_")[0]].add(code)
    for language in known:
        places = [c for c in official[language.code] if not _gives_away(territories[c], language.name)]
        if not places:
            continue
        place = min(places, key=lambda code: uniform_for(0, "official", language.code, code))
        yield Fact(
            key=language.code,
            question=f"Where is {language.name} an official language?",
            answer=territories[place],
            statement=f"{language.name} is an official language of {territories[place]}.",
            others=list(territories.values()),
            # Nor any place where the language is spoken at all, or the name would give the answer away.
            also_right=frozenset(territories[c] for c in spoken[language.code])
            | {name for name in territories.values() if _gives_away(name, language.name)},
        )
