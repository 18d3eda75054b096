"""Chemical elements: symbols, numbers, groups, periods, families, electron shells."""

from collections.abc import Callable, Iterator
from importlib.metadata import version

from molmass.elements import ELEMENTS, Element

from proband.instruments.facts.fact import Fact, Topic, topics_of
from proband.seeds import uniform_for

_FAMILIES = (
    "nonmetals, noble gases, alkali metals, alkaline earth metals, metalloids, halogens, post-transition metals, "
    "transition metals, lanthanides, actinides"
)
FAMILIES = dict(enumerate(_FAMILIES.split(", "), 1))  # by the number of the series in the data
SPELLINGS = {"Aluminium": {"Aluminum"}, "Caesium": {"Cesium"}, "Sulfur": {"Sulphur"}}
LAST_NAMED_FAMILY = 103  # beyond lawrencium families are predicted, not measured
LAST_MEASURED_SHELLS = 102  # lawrencium's is disputed


def topics() -> list[Topic]:
    """Topics about chemical elements."""
    elements = [ELEMENTS[number] for number in range(1, len(ELEMENTS) + 1)]
    facts = {
        "symbols": _symbols(elements),
        "atomic numbers": _numbers(elements),
        "groups": _groups(elements),
        "periods": _periods(elements),
        "families": _families(elements),
        "electron configurations": _configurations(elements),
    }
    return topics_of("chemistry", facts, source=f"molmass {version('molmass')}", licence="BSD-3-Clause")


def _name(element: Element) -> str:
    return str(element.name).lower()


def _shells(element: Element) -> str:
    """Electron configuration with the ones that the data leave out: 3s2 3p1, not 3s2 3p."""
    return " ".join(f"{shell}1" if shell[-1] in "spdf" else shell for shell in element.eleconfig.split())


def _spellings(element: Element) -> frozenset[str]:
    return frozenset(name.lower() for name in SPELLINGS.get(element.name, ()))


def _symbols(elements: list[Element]) -> Iterator[Fact]:
    for element in elements:
        asks_symbol = uniform_for(0, "symbol asked for", element.symbol) < 0.5
        told: Callable[[Element], str] = (lambda other: other.symbol) if asks_symbol else _name
        yield Fact(
            key=element.symbol,
            question=f"What is the chemical symbol of {_name(element)}?"
            if asks_symbol
            else f"Which chemical element has the symbol {element.symbol}?",
            answer=told(element),
            statement=f"The chemical symbol of {_name(element)} is {element.symbol}.",
            near=[told(other) for other in elements if other.symbol[0] == element.symbol[0]],
            others=[told(other) for other in elements],
            also_right=frozenset() if asks_symbol else _spellings(element),
        )


def _numbers(elements: list[Element]) -> Iterator[Fact]:
    for element in elements:
        asks_number = uniform_for(0, "number asked for", element.symbol) < 0.5
        told: Callable[[Element], str] = (lambda other: str(other.number)) if asks_number else _name
        yield Fact(
            key=element.symbol,
            question=f"What is the atomic number of {_name(element)}?"
            if asks_number
            else f"Which chemical element has the atomic number {element.number}?",
            answer=told(element),
            statement=f"The atomic number of {_name(element)} is {element.number}.",
            near=[told(other) for other in elements if 0 < abs(other.number - element.number) <= 8],
            others=[told(other) for other in elements],
            also_right=frozenset() if asks_number else _spellings(element),
        )


def _groups(elements: list[Element]) -> Iterator[Fact]:
    for element in elements:
        # The f-block has no groups, and which elements close group 3 is disputed.
        if element.block != "f" and element.symbol not in ("La", "Ac", "Lu", "Lr"):
            yield Fact(
                key=element.symbol,
                question=f"In which group of the periodic table does {_name(element)} stand?",
                answer=f"group {element.group}",
                statement=f"{element.name} stands in group {element.group} of the periodic table.",
                others=[f"group {group}" for group in range(1, 19)],
            )


def _periods(elements: list[Element]) -> Iterator[Fact]:
    for element in elements:
        yield Fact(
            key=element.symbol,
            question=f"In which period of the periodic table does {_name(element)} stand?",
            answer=f"period {element.period}",
            statement=f"{element.name} stands in period {element.period} of the periodic table.",
            others=[f"period {period}" for period in range(1, 8)],
        )


def _families(elements: list[Element]) -> Iterator[Fact]:
    disputed = ("H", "At", "Po", "Se", "Zn", "Cd", "Hg", "La", "Ac", "Lu", "Lr")
    for element in elements[:LAST_NAMED_FAMILY]:
        if element.series in FAMILIES and element.symbol not in disputed:
            family = FAMILIES[element.series]
            # Halogens and noble gases are nonmetals too.
            also = {"nonmetals"} if element.series in (2, 6) else {"halogens"} if element.series == 1 else set()
            yield Fact(
                key=element.symbol,
                question=f"To which family of chemical elements does {_name(element)} belong?",
                answer=family,
                statement=f"{element.name} belongs to the {family}.",
                others=list(FAMILIES.values()),
                also_right=frozenset(also),
            )


def _configurations(elements: list[Element]) -> Iterator[Fact]:
    for element in elements[:LAST_MEASURED_SHELLS]:
        yield Fact(
            key=element.symbol,
            question=f"What is the electron configuration of {_name(element)}?",
            answer=_shells(element),
            statement=f"The electron configuration of {_name(element)} is {_shells(element)}.",
            near=[_shells(other) for other in elements if 0 < abs(other.number - element.number) <= 6],
            others=[_shells(other) for other in elements],
        )
