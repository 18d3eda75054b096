"""The scenarios of the catalogue beside the numbers that their rules are known to give.

    python -m benchmarks.scenarios            # computes all of them
    python -m benchmarks.scenarios --write    # and writes the table into docs/reference/scenarios.md

Each number is a check that tests hold: see ``tests/societies/scenarios/test_known_numbers.py``. Nothing is asked of a
model here.
"""

import argparse
import gzip
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import polars as pl
from scipy.special import ndtri

from proband.designs.kind import Shared
from proband.shelves import HOUSE
from proband.societies.cooperation import Cooperation, cooperation
from proband.societies.deciding import gini, last, play
from proband.societies.economy import Regularities, Slope, phillips, regularities
from proband.societies.scenario import SCENARIOS
from proband.societies.scenarios.bass import peak
from proband.societies.scenarios.conditional_cooperation import FIRST_BELIEFS, TABLES, TYPES
from proband.societies.scenarios.degroot import limit
from proband.societies.scenarios.music_lab import unpredictability
from proband.societies.scenarios.sir import final_size
from proband.societies.scenarios.townspeople import SUPPER
from proband.societies.state import State
from proband.societies.world import Ask
from tests.societies.scenarios.living import heard

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference" / "scenarios.md"
DATA = ROOT.parent / "shared" / "data" / "experiments" / "conditional_cooperation.csv.gz"
COMPUTED = "exact"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One number: of which scenario, what it is, what is known of it, how near ours has to come, and where from."""

    scenario: str
    what: str
    known: float
    within: float
    source: str
    ours: Callable[[], float]
    is_slow: bool = False


CHECKS: list[Check] = []


def check(scenario: str, what: str, known: float, within: float, source: str, *, is_slow: bool = False) -> Any:
    """Keep a function as a check."""

    def keep(ours: Callable[[], float]) -> Callable[[], float]:
        of = {"what": what, "known": known, "within": within, "source": source, "is_slow": is_slow}
        CHECKS.append(Check(scenario=scenario, ours=ours, **of))  # type: ignore[arg-type]
        return ours

    return keep


def world(name: str, **keys: object) -> Any:
    """The world of a scenario, with seed 1."""
    scenario = SCENARIOS.load(name)
    made = scenario.make(Shared(title="", seed=1), scenario.keys(**keys))  # type: ignore[arg-type]
    made.seed = 1
    return made


def ends(name: str, societies: int, measure: str, **keys: object) -> float:
    """Mean of a measure over some societies at their end."""
    return float(np.mean([_end(name, k, tuple(keys.items()))[measure] for k in range(societies)]))


@cache
def _end(name: str, society: int, keys: tuple[tuple[str, object], ...]) -> Mapping[str, float]:
    """Measures of a society at its end; several checks are of the same."""
    made = world(name, **dict(keys))
    return dict(made.measures(last(made, society)))


for _name in ("degroot", "friedkin-johnsen"):

    @check(_name, "largest distance from the limit", 0, 1e-10, COMPUTED)
    def _(name: str = _name) -> float:
        made = world(name)
        states = [last(made, k) for k in range(5)]
        return float(max(np.abs(state.agents["opinion"] - limit(made, state)).max() for state in states))


for _confidence, _clusters in ((0.25, 1), (0.2, 2)):

    @check(
        "bounded-confidence", f"clusters of 1,000 at {_confidence:g}", _clusters, 0, "own computation; Fortunato 2005"
    )
    def _(confidence: float = _confidence) -> float:
        return ends("bounded-confidence", 6, "clusters", confidence=confidence)


@check("bounded-confidence", "change of the mean, in pairs", 0, 1e-12, COMPUTED)
def _() -> float:
    made = world("bounded-confidence", meet="pairs")
    return abs(last(made).agents["opinion"].mean() - made.begin(0).agents["opinion"].mean())


@check("voter", "share of 400 societies that end at the new plan, which 30 % favoured", 0.3, 0.07, COMPUTED)
def _() -> float:
    return ends("voter", 400, "share", agents=20)


for _wants, _similarity in ((0.3, 0.754), (0.5, 0.875)):

    @check("schelling", f"similarity at wants = {_wants:g}", _similarity, 0.016, "own computation")
    def _(wants: float = _wants) -> float:
        return ends("schelling", 20, "similarity", wants=wants)


for _wants, _similarity in ((0.3, 0.749), (0.5, 0.872)):

    @check("schelling", f"similarity at wants = {_wants:g}, beside Mesa", _similarity, 0.01, "Mesa 3.3.1, 10 societies")
    def _(wants: float = _wants) -> float:
        return ends("schelling", 20, "similarity", wants=wants)


for _traits, _regions, _within in ((5, 1.0, 0.5), (10, 3.2, 1.5), (15, 20.0, 7.0)):

    @check("culture", f"regions, {_traits} traits", _regions, _within, "Axelrod 1997", is_slow=True)
    def _(traits: int = _traits) -> float:
        return ends("culture", 30 if traits > 5 else 5, "regions", traits=traits)


def crowd(threshold: Any) -> float:
    """How many of a crowd with such thresholds join in the end, in percent."""
    made = world("granovetter", agents=len(threshold), rounds=5_000)
    state: State = made.begin(0)
    state.agents["threshold"] = np.asarray(threshold, float)
    while not state.is_over:
        state = made.advance(state, ())
    return 100 * float(state.agents["joined"].mean())


@check("granovetter", "percent who join, thresholds 0 ... 99", 100, 0, "Granovetter 1978")
def _() -> float:
    return crowd(np.arange(100))


@check("granovetter", "percent who join, threshold 2 in the place of 1", 1, 0, "Granovetter 1978")
def _() -> float:
    return crowd([0, 2, *range(2, 100)])


for _sd, _percent in ((12.2, 5.5), (12.3, 100.0)):

    @check("granovetter", f"percent who join, N(25, {_sd:g})", _percent, 0.6, "Granovetter 1978; own computation")
    def _(sd: float = _sd) -> float:
        n = 10_000
        return crowd((25 + sd * ndtri((np.arange(n) + 0.5) / n)) * n / 100)


for _r in (1.5, 2.0):

    @check("sir", f"final size at R = {_r:g}", final_size(_r), 0.01, "z = 1 - exp(-R z)")
    def _(r: float = _r) -> float:
        return ends("sir", 5, "ever ill", r=r, agents=50_000, recover=1.0, seeds=20)


@check("sir", "final size on a random network at R = 2", final_size(2.0), 0.015, "percolation")
def _() -> float:
    return ends("sir", 3, "ever ill", r=2.0, agents=30_000, recover=1.0, seeds=20, ties="random", degree=10)


@check("sir", "final size on a random network at R = .8, below the threshold", 0, 0.01, "percolation")
def _() -> float:
    return ends("sir", 3, "ever ill", r=0.8, agents=30_000, recover=1.0, seeds=20, ties="random", degree=10)


for _needs, _speed in ((2, 2), (1, 4)):

    @check("complex-contagion", f"adopters after 100 rounds on a ring, {_needs} needed", 2 + 100 * _speed, 0, COMPUTED)
    def _(needs: int = _needs) -> float:
        made = world("complex-contagion", ties="ring", degree=4, needs=needs, rounds=100)
        return float(last(made).agents["adopted"].sum())


@check("complex-contagion", "share that two beginners reach over long ties, 2 needed", 0, 0.05, "Centola & Macy 2007")
def _() -> float:
    return ends("complex-contagion", 10, "adopted", degree=4, rewire=0.3)


@check("bass", "years until sales peak", peak(0.03, 0.38), 0.1, "ln(q/p) / (p + q)")
def _() -> float:
    made = world("bass", agents=100_000, in_a_year=26, rounds=260)
    bought = [made.measures(state)["bought"] for state in play(made)]
    # Most is sold when (q - p) / 2q have bought, which is known much better than the top of a flat curve.
    return float(np.interp((0.38 - 0.03) / (2 * 0.38), bought, np.arange(len(bought)) / 26))


def after_two() -> list[dict[str, float]]:
    """Rows of people after two guesses."""
    made = world("cascade", agents=2)
    return [made.measures(last(made, k)) for k in range(4_000)]


@check("cascade", "begun after two guesses", 5 / 9, 0.024, COMPUTED)
def _() -> float:
    return float(np.mean([row["cascade"] for row in after_two()]))


@check("cascade", "right, of those begun after two guesses", 4 / 5, 0.026, COMPUTED)
def _() -> float:
    return float(np.mean([row["right cascade"] for row in after_two() if "right cascade" in row]))


_MARKET = world("music-lab")
_RNG = np.random.default_rng(1)
_DRAWN = [_RNG.multinomial(700, _MARKET.appeal() / _MARKET.appeal().sum(), size=8) for _ in range(500)]


@check(
    "music-lab", "Gini without influence", float(np.mean([gini(a) for d in _DRAWN for a in d])), 0.016, "multinomial"
)
def _() -> float:
    return ends("music-lab", 8, "gini")


@check(
    "music-lab", "unpredictability without influence",
    float(np.mean([unpredictability(d / 700) for d in _DRAWN])), 0.0006, "multinomial",
)  # fmt: skip
def _() -> float:
    return unpredictability([_MARKET.downloads(last(_MARKET, k)) / 700 for k in range(8)])


for _dissenter, _followed, _source in ((False, 0.368, "Asch 1956"), (True, 0.08, "Asch 1956: .05 to .10")):

    @check("asch", "answers that follow" + (", one dissents" if _dissenter else ""), _followed, 0.01, _source)
    def _(dissenter: bool = _dissenter) -> float:
        return ends("asch", 20, "conformity", dissenter=dissenter)


@check("sherif", "spread after 15 judgements together, of the first", 0.7**15, 1e-12, COMPUTED)
def _() -> float:
    made = world("sherif")
    first, *_, end = [made.measures(state)["sd"] for state in play(made)]
    return float(end / first)


_BELIEVED = np.array(TABLES) @ np.array(FIRST_BELIEFS)


@check(
    "conditional-cooperation", "transfer in round 1, by rule",
    float(np.array(TYPES) / sum(TYPES) @ _BELIEVED), 1.5, "people's tables and beliefs",
)  # fmt: skip
def _() -> float:
    return ends("conditional-cooperation", 200, "transfer", rounds=1)


@dataclass(frozen=True)
class Known:
    """A number of the people's data, as printed."""

    what: str
    value: float
    within: float
    of: Callable[[Cooperation], float]


PEOPLE = (
    Known("transfer in period 1", 51.5, 0.05, lambda found: found.transfer[1]),
    Known("transfer in period 10", 28.7, 0.05, lambda found: found.transfer[10]),
    Known("slope", -2.27, 0.005, lambda found: found.slope),
    Known("standard error of the slope, over sessions", 0.56, 0.005, lambda found: found.slope_se),
    Known("answer to 100 in period 1", 56.0, 0.05, lambda found: found.answer_to_high[1]),
    Known("answer to 100 in period 10", 25.7, 0.05, lambda found: found.answer_to_high[10]),
    Known("belief in 100 in period 1", 0.271, 0.0005, lambda found: found.belief_in_high[1]),
    Known("belief in 100 in period 10", 0.143, 0.0005, lambda found: found.belief_in_high[10]),
    Known("perfect conditional cooperators in period 1", 54, 0, lambda found: found.types["perfect"]),
    Known("imperfect ones", 33, 0, lambda found: found.types["conditional"]),
    Known("selfish", 35, 0, lambda found: found.types["free rider"]),
    Known("humped", 10, 0, lambda found: found.types["hump-shaped"]),
)


def people(file: Path) -> Cooperation:
    """What the people's data show, computed as for a run."""
    with gzip.open(file) as opened:
        return cooperation(pl.read_csv(opened.read()))


for _memory, _variance, _within in (
    (3, 3.55, 0.8),
    (5, 0.42, 0.14),
    (6, 0.24, 0.06),
    (7, 0.38, 0.08),
    (10, 0.85, 0.12),
):

    @check(
        "minority", f"variance / N, memory {_memory}", _variance, _within, "own computation", is_slow=True,
    )  # fmt: skip
    def _(memory: int = _memory) -> float:
        rounds = {3: 1_000, 10: 6_000}.get(memory, 10_000)
        return ends("minority", 6, "variance", memory=memory, rounds=rounds, warm_up=rounds // 2)


def rebellion(measure: str) -> float:
    """Mean over rounds and societies."""
    made = world("civil-violence", cops=64, rounds=150)
    return float(np.mean([made.measures(state)[measure] for k in range(6) for state in play(made, k)]))


@check("civil-violence", "active, mean of 150 rounds", 0.0150, 0.006, "Mesa 3.3.1, 10 societies", is_slow=True)
def _() -> float:
    return rebellion("active")


@check("civil-violence", "jailed, mean of 150 rounds", 0.180, 0.043, "Mesa 3.3.1, 10 societies", is_slow=True)
def _() -> float:
    return rebellion("jailed")


@check("sugarscape", "sugar that is not accounted for, in any of 100 rounds", 0, 0, COMPUTED)
def _() -> float:
    made = world("sugarscape")
    return max(abs(made.measures(state)["left over"]) for state in play(made))


@check("exchange", "Gini", 0.5, 0.01, "exponential")
def _() -> float:
    return ends("exchange", 5, "gini", agents=5_000)


@check("exchange", "share below half of the mean", 1 - np.exp(-0.5), 0.01, "exponential")
def _() -> float:
    return ends("exchange", 5, "poor", agents=5_000)


@check("macro", "cents and units that are not accounted for, in any of 120 quarters", 0, 0, COMPUTED)
def _() -> float:
    made = world("macro")
    return max(made.measures(state).get("left over", 0.0) for state in play(made))


_UNITED_STATES = "macrodata of statsmodels, 1959 to 2009"
_REGULARITIES: dict[str, Callable[[Regularities], float]] = {
    "Okun: change of unemployment on growth": lambda found: found.okun.value,
    "Phillips: inflation on unemployment, by year": lambda found: found.phillips.value,
    "standard deviation of growth, output": lambda found: found.sd_output,
    "of consumption": lambda found: found.sd_consumption,
    "of investment": lambda found: found.sd_investment,
    "autocorrelation of growth": lambda found: found.autocorrelation,
}


def united_states() -> tuple[Regularities, Slope]:
    """What they show; and the Phillips slope of 1960 to 1969."""
    from statsmodels.datasets import macrodata

    data = macrodata.load_pandas().data
    sixties = data[data.year <= 1969]
    found = regularities(data.realgdp, data.realcons, data.realinv, data.unemp, data.cpi)
    return found, phillips(sixties.unemp, sixties.cpi)


@check("macro", "United States: Okun, by quarter", -0.269, 0.0006, _UNITED_STATES)
def _() -> float:
    return united_states()[0].okun.value


@check("macro", "United States: Phillips, 1960 to 1969", -1.21, 0.006, _UNITED_STATES)
def _() -> float:
    return united_states()[1].value


for _name, _known in (("output", 0.88), ("consumption", 0.69), ("investment", 4.68)):

    @check("macro", f"United States: standard deviation of growth, {_name}", _known, 0.006, _UNITED_STATES)
    def _(name: str = _name) -> float:
        return float(getattr(united_states()[0], f"sd_{name}"))


@check("macro", "United States: autocorrelation of growth", 0.30, 0.006, _UNITED_STATES)
def _() -> float:
    return united_states()[0].autocorrelation


def economies(n: int = 10, warm_up: int = 20) -> str:
    """The rule economy beside the country: means and standard deviations over societies."""
    made, found = world("macro"), []
    for k in range(n):
        rows = [made.measures(state) for state in play(made, k)][1 + warm_up :]
        names = ("output", "consumption", "investment", "unemployment", "price")
        found.append(regularities(*[[row[name] for row in rows] for name in names]))
    known, sixties = united_states()
    lines = ["| what | United States | by rule, mean (SD) of 10 |", "|---|---|---|"]
    for what, of in _REGULARITIES.items():
        ours = [of(one) for one in found]
        theirs = f"{of(known):.2f}" + (f" ({sixties.value:.2f} in 1960 to 1969)" if what.startswith("Phillips") else "")
        lines.append(f"| {what} | {theirs} | {np.mean(ours):.2f} ({np.std(ours, ddof=1):.2f}) |")
    return "\n".join(lines)


def hours_on_the_square(hours: int, societies: int) -> float:
    """How many know of the supper after some hours in which all are on the square, and who knows tells somebody."""
    made = world("town", importance=5.0, parts=["memory"], recall=1000)

    def answer(ask: Ask) -> Any:
        wanted = "supper" if ask.item.id == "talk" else "square"
        found = [k for k, text in enumerate(ask.item.options) if wanted in text]
        return SUPPER.text if ask.item.id == "say" else max(found, default=0)

    found = []
    for k in range(societies):
        state = made.begin(k)
        while state.round <= hours:
            state = made.advance(state, [heard(ask, answer) for ask in made.turns(state)])
        found.append(25 * made.measures(state)["knows_supper"])
    return float(np.mean(found))


@check("town", "who know of the supper after 1 hour on the square, each telling one", 2, 0, COMPUTED)
def _() -> float:
    return hours_on_the_square(1, 5)


@check("town", "after 2 hours, mean of 60 towns", 2 + 2 * 23 / 24 - 23 / 24**2, 0.15, COMPUTED)
def _() -> float:
    return hours_on_the_square(2, 60)


@check("feed", "acts that a post comes to, random feed", 2, 0.1, "1 / (1 - k p)")
def _() -> float:
    return ends("feed", 8, "cascade", recommender="random")


@check("feed", "exposure across the middle, random feed", 0.5, 0.02, COMPUTED)
def _() -> float:
    return ends("feed", 6, "crossing", recommender="random", step=0.0, agents=200)


@check("feed", "assortativity, random feed", -1 / 199, 0.03, COMPUTED)
def _() -> float:
    return ends("feed", 6, "assortativity", recommender="random", step=0.0, agents=200)


def shown(value: float) -> str:
    """A number of the table."""
    return f"{value:.1e}" if 0 < abs(value) < 1e-4 else f"{value:.4g}"


def catalogue() -> str:
    """What each scenario is, and what is asked of a model that decides in it."""
    lines = ["| scenario | what it is | what a model is asked | how |", "|---|---|---|---|"]
    for name in (name for name in SCENARIOS if SCENARIOS.package(name) == HOUSE):
        scenario = SCENARIOS.load(name)
        possible = {"decided_by": "model", "meet": "pairs"}
        made = world(name, **{key: value for key, value in possible.items() if key in scenario.keys.model_fields})
        items = " ".join(dict.fromkeys(item.text for item in made.items))
        how = "by situation" if getattr(made, "archetype", "") else "everybody"
        lines.append(f"| `{name}` | {scenario.about} | {items} | {how} |")
    return "\n".join(lines)


def table(data: Path) -> str:
    """All checks, computed now."""
    lines = ["| scenario | what | known | from | ours |", "|---|---|---|---|---|"]

    def add(scenario: str, what: str, known: float, within: float, source: str, ours: float) -> None:
        mark = "" if abs(ours - known) <= within else " (outside)"
        lines.append(f"| `{scenario}` | {what} | {shown(known)} | {source} | {shown(ours)}{mark} |")
        print(lines[-1], flush=True)

    for one in CHECKS:
        add(one.scenario, one.what, one.known, one.within, one.source, one.ours())
    found = people(data)
    for known in PEOPLE:
        what, source = f"people: {known.what}", "Andreozzi, Ploner & Saral 2020"
        add("conditional-cooperation", what, known.value, known.within, source, known.of(found))
    return "\n".join(lines)


def main() -> None:
    """Compute all, and write them where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"into {PAGE.relative_to(ROOT)}")
    parser.add_argument("--people", type=Path, default=DATA, help="the people's data of conditional cooperation")
    given, started = parser.parse_args(), process_time()
    found = table(given.people)
    print(f"{process_time() - started:.1f} s of processor time")
    if given.write:
        PAGE.write_text(
            written(PAGE.read_text(encoding="utf-8"), catalogue=catalogue(), checks=found, economies=economies()),
            encoding="utf-8",
        )


def written(page: str, **tables: str) -> str:
    """The page with some of its tables as they are now."""
    for name, found in tables.items():
        between = re.compile(f"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        page = between.sub(lambda at, found=found: f"{at[1]}\n{found}\n\n{at[2]}", page)  # type: ignore[misc]
    return page


if __name__ == "__main__":
    main()
