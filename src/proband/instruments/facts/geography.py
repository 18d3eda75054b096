"""Countries: capitals, regions, neighbours, money, internet domains, calling codes."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from typing import Any

from babel import Locale
from babel.numbers import get_territory_currencies
from countryinfo import CountryInfo

from proband.instruments.facts.fact import Fact, Topic, topics_of
from proband.seeds import uniform_for

# Several capitals, contested or moved since the data were written, or not one town.
NO_ONE_CAPITAL = frozenset({"BI", "BO", "BQ", "EH", "GQ", "HK", "ID", "IL", "KI", "KZ", "LK", "MO", "MS"})
NO_ONE_CAPITAL |= {"NR", "PS", "SZ", "ZA"}
WRONG_REGION = frozenset({"ME"})  # the data put it elsewhere than the United Nations do
NO_LAND_BORDER = frozenset({"LK"})  # joined to India in the data by shoals
SEVERAL_CODES = frozenset({"KZ", "RU", "VA", "IT"})  # two countries share a calling code that the data tell apart
NAMES = {"CD": "Democratic Republic of the Congo", "CG": "Republic of the Congo", "MM": "Myanmar", "HK": "Hong Kong"}
NAMES |= {"MO": "Macao", "PS": "Palestine", "VA": "Vatican City", "CI": "Ivory Coast"}
WITH_ARTICLE = ("Bahamas", "Gambia", "Netherlands", "Philippines", "United", "Maldives", "Comoros", "Seychelles")
LEAST_POPULATION = 10_000
SAME_MONEY = (frozenset({"rial", "riyal"}), frozenset({"krone", "krona", "króna", "koruna"}))
CHANGED_MONEY = frozenset({"BG"})  # since the data were written
AS_OF = date(2026, 1, 1)  # of currencies: not today's, so that the bank stays the same
LEAST_REGION = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """What is asked about a country."""

    code: str
    name: str
    other_names: frozenset[str]
    capital: str
    region: str
    borders: tuple[str, ...]
    calling_code: str
    money: str

    @property
    def with_article(self) -> str:
        """The name within a sentence."""
        plural = self.name.endswith(("Islands", "Republic", "Republic of the Congo"))
        return f"the {self.name}" if plural or self.name.startswith(WITH_ARTICLE) else self.name


def topics() -> list[Topic]:
    """Topics about countries."""
    countries = list(_countries())
    source = f"countryinfo {version('countryinfo')}, Babel {version('babel')} (Unicode CLDR)"
    licence = "MIT (countryinfo); BSD-3-Clause and Unicode-3.0 (Babel, CLDR)"
    facts = {
        "capitals": _capitals(countries),
        "regions": _regions(countries),
        "neighbours": _neighbours(countries),
        "currencies": _currencies(countries),
        "internet domains": _domains(countries),
        "calling codes": _calling_codes(countries),
    }
    return topics_of("geography", facts, source=source, licence=licence)


def _countries() -> Iterator[Country]:
    english = Locale("en")
    records: dict[str, Mapping[str, Any]] = {}
    by_alpha3: dict[str, str] = {}
    everyone: Mapping[str, Any] = CountryInfo.all()
    for _, record in sorted(everyone.items()):
        code = record.get("ISO", {}).get("alpha2", "")
        if code in english.territories and (record.get("population") or 0) >= LEAST_POPULATION:
            # Some stand twice; the fuller record is the country's own.
            if code not in records or len(record) > len(records[code]):
                records[code] = record
            by_alpha3[record["ISO"]["alpha3"]] = code
    for code in sorted(records):
        record = records[code]
        name = NAMES.get(code, english.territories[code].replace("&", "and").replace("’", "'"))
        capital = record.get("capital")
        codes = record.get("callingCodes") or []
        yield Country(
            code=code,
            name=name,
            other_names=frozenset([*record.get("altSpellings", []), record["name"]]),
            capital=capital if isinstance(capital, str) else "",
            region=record.get("intermediateregion") or record.get("subregion") or "",
            borders=tuple(sorted(by_alpha3[b] for b in record.get("borders") or [] if b in by_alpha3)),
            calling_code=codes[0] if len(codes) == 1 else "",
            money=_money(code),
        )


def _money(code: str) -> str:
    """What a country's only currency is called, without the country's name: "peso"; empty where it has several."""
    tender = get_territory_currencies(code, start_date=AS_OF)
    if len(tender) != 1:
        return ""
    return str(Locale("en").currencies[tender[0]]).split(" (")[0].split()[-1].lower()


def _capitals(countries: list[Country]) -> Iterator[Fact]:
    asked = [
        country
        for country in countries
        # A capital that is named after its country asks nothing.
        if country.capital
        and country.code not in NO_ONE_CAPITAL
        and country.name.split()[0][:5].lower() not in country.capital.lower()
        and country.capital.lower() not in country.name.lower()
    ]
    for country in asked:
        asks_capital = uniform_for(0, "capital asked for", country.code) < 0.5
        told = {o: o.capital if asks_capital else o.name for o in (asked if asks_capital else countries)}
        yield Fact(
            key=country.code,
            question=f"What is the capital of {country.with_article}?"
            if asks_capital
            else f"Which country or territory has {country.capital} as its capital?",
            answer=told[country],
            statement=f"The capital of {country.with_article} is {country.capital}.",
            near=[name for other, name in told.items() if other.region == country.region],
            others=list(told.values()),
            also_right=frozenset()
            if asks_capital
            else country.other_names | {o.name for o in countries if o.capital == country.capital},
        )


def _regions(countries: list[Country]) -> Iterator[Fact]:
    sizes = Counter(country.region for country in countries)
    regions = sorted(region for region, n in sizes.items() if region and n >= LEAST_REGION)
    for country in countries:
        # "South Africa" or "American Samoa" would give it away or mislead.
        has_hint = any(word in country.name for word in ("Africa", "America", "Micronesia", "Polynesia", "Asia"))
        if country.region in regions and country.code not in WRONG_REGION and not has_hint:
            yield Fact(
                key=country.code,
                question=f"In which region of the world does {country.with_article} lie?",
                answer=country.region,
                statement=f"The region of the world in which {country.with_article} lies is {country.region}.",
                near=[region for region in regions if region.split()[-1] == country.region.split()[-1]],
                others=regions,
            )


def _neighbours(countries: list[Country]) -> Iterator[Fact]:
    by_code = {country.code: country for country in countries}
    borders: dict[str, set[str]] = defaultdict(set)
    for country in countries:
        for other in country.borders:
            if not {country.code, other} & NO_LAND_BORDER:
                borders[country.code].add(other)
                borders[other].add(country.code)
    taken: set[frozenset[str]] = set()
    for code in sorted(borders):
        # Each border once: "A borders B" and "B borders A" are one fact.
        free = [
            other
            for other in sorted(borders[code])
            # Nor one that shares a word of its name: South Sudan and Sudan.
            if frozenset((code, other)) not in taken and not _shares_word(by_code[code].name, by_code[other].name)
        ]
        if not free:
            continue
        chosen = min(free, key=lambda other: uniform_for(0, "neighbour", code, other))
        taken.add(frozenset((code, chosen)))
        country, neighbour = by_code[code], by_code[chosen]
        start = country.with_article[0].upper() + country.with_article[1:]
        around = {further for other in borders[code] for further in borders[other]} - {code}
        region = [other.code for other in countries if other.region == country.region]
        yield Fact(
            key=code,
            question=f"Which of these shares a land border with {country.with_article}?",
            answer=neighbour.name,
            statement=f"{start} shares a land border with {neighbour.with_article}.",
            near=[by_code[other].name for other in sorted(around | {c for c in region if borders[c]})],
            others=[by_code[other].name for other in sorted(borders)],
            also_right=frozenset(by_code[other].name for other in borders[code]) | {country.name},
        )


def _shares_word(first: str, second: str) -> bool:
    return bool(set(re.findall(r"\w{4,}", first)) & set(re.findall(r"\w{4,}", second)))


def _currencies(countries: list[Country]) -> Iterator[Fact]:
    names = sorted({country.money for country in countries if country.money})
    for country in countries:
        if country.money and country.code not in CHANGED_MONEY:
            beside = [other.money for other in countries if other.region == country.region and other.money]
            yield Fact(
                key=country.code,
                question=f"What is the currency of {country.with_article} called?",
                answer=country.money,
                statement=f"The currency of {country.with_article} is called {country.money}.",
                near=sorted(set(beside)),
                others=names,
                also_right=frozenset().union(*(group for group in SAME_MONEY if country.money in group)),
            )


def _domains(countries: list[Country]) -> Iterator[Fact]:
    for country in countries:
        if country.code == "GB":  # .gb exists and is hardly used; .uk is no code of the standard
            continue
        alike = [other.name for other in countries if other.name[0] == country.name[0]]
        yield Fact(
            key=country.code,
            question=f"Which country or territory has the internet domain .{country.code.lower()}?",
            answer=country.name,
            statement=f"The internet domain of {country.with_article} is .{country.code.lower()}.",
            near=alike,
            others=[other.name for other in countries],
            also_right=country.other_names,
        )


def _calling_codes(countries: list[Country]) -> Iterator[Fact]:
    shared: dict[str, list[str]] = defaultdict(list)
    for country in countries:
        shared[country.calling_code].append(country.name)
    for country in countries:
        if not country.calling_code or len(shared[country.calling_code]) > 1 or country.code in SEVERAL_CODES:
            continue
        yield Fact(
            key=country.code,
            question=f"Which country or territory has the international calling code +{country.calling_code}?",
            answer=country.name,
            statement=f"The international calling code of {country.with_article} is +{country.calling_code}.",
            near=[other.name for other in countries if other.region == country.region],
            others=[other.name for other in countries],
            also_right=country.other_names,
        )
