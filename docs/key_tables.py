"""The tables of keys in docs/reference/study-file.md, from the models that check a study file.

    python docs/key_tables.py          # writes them into the page

A table stands between ``<!-- keys: NAME -->`` and ``<!-- end -->``; a test keeps the page as this program writes it.
"""

import re
import types
import typing
from pathlib import Path

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from proband.designs.experiments.vignettes import LimitsTable, VignetteFile
from proband.designs.games.game import GAMES
from proband.designs.games.setting import Setting
from proband.designs.kind import KINDS
from proband.designs.kinds.experiment import AwarenessTable, IsomorphTable, StimuliTable
from proband.designs.kinds.survey import WritingTable
from proband.designs.quiz.material import SourceTable
from proband.designs.seat_table import CodesTable, ComprehensionTable, ScreenTable, SeatTable
from proband.designs.study_file import (
    EthicsTable,
    HypothesisTable,
    InstrumentTable,
    PeopleTable,
    PopulationTable,
    StudyFile,
)
from proband.interviews.interview import FactTable, TopicTable, WitnessTable
from proband.literature.hypotheses.hypothesize import RowsTable
from proband.literature.review.settings import QueryTable, ReviewTable
from proband.literature.screening.screening import KnownTable, StopTable
from proband.shelves import HOUSE
from proband.societies.scenario import SCENARIOS
from proband.societies.society import ArmTable, WaveTable
from proband.societies.written import tables as worlds
from proband.texts.backtest import BackTestTable
from proband.texts.coding import CorpusTable, LongTable
from proband.texts.fragility.settings import FragilityTable, WordingTable
from proband.texts.gold import settings as of_gold
from proband.texts.gold.claims import ClaimTable
from proband.texts.tables.tables import QuestionTable, StatementLimits

PAGE = Path(__file__).parent / "reference" / "study-file.md"
BETWEEN = re.compile(r"(<!-- keys: (?P<name>[\w.-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false", dict: "table"}


def models() -> dict[str, type[BaseModel]]:
    """The tables of a study file, by the name a page gives them: ``survey``, ``game.dilemma`` ..."""
    shared = {
        "study": StudyFile,
        "instrument": InstrumentTable,
        "population": PopulationTable,
        "people": PeopleTable,
        "writing": WritingTable,
        "setting": Setting,
        "source": SourceTable,
        "hypotheses": HypothesisTable,
        "ethics": EthicsTable,
        "seat": SeatTable,
        "seat.screen": ScreenTable,
        "seat.comprehension": ComprehensionTable,
        "seat.codes": CodesTable,
        "stimuli": StimuliTable,
        "isomorph": IsomorphTable,
        "awareness": AwarenessTable,
        "vignettes": VignetteFile,
        "limits": LimitsTable,
        "corpus": CorpusTable,
        "long": LongTable,
        "gold": of_gold.GoldTable,
        "gold.people": of_gold.SourceTable,
        "claims": ClaimTable,
        "backtest": BackTestTable,
        "questions": QuestionTable,
        "statements": StatementLimits,
        "fragility": FragilityTable,
        "fragility.wordings": WordingTable,
        "arm": ArmTable,
        "wave": WaveTable,
        "world": worlds.WrittenKeys,
        "network": worlds.NetworkTable,
        "variable": worlds.VariableTable,
        "start": worlds.StartTable,
        "turn": worlds.TurnTable,
        "outcome": worlds.OutcomeTable,
        "rule": worlds.RuleTable,
        "event": worlds.EventTable,
        "place": worlds.PlaceTable,
        "stock": worlds.StockTable,
        "flow": worlds.FlowTable,
        "background": worlds.BackgroundTable,
        "norm": worlds.NormTable,
        "institution": worlds.InstitutionTable,
        "scale": worlds.ScaleTable,
        "review": ReviewTable,
        "review.query": QueryTable,
        "interview.topics": TopicTable,
        "interview.witness": WitnessTable,
        "interview.witness.facts": FactTable,
        "hypothesize.rows": RowsTable,
        "screening.stop": StopTable,
        "screening.known": KnownTable,
    }
    own = {f"game.{name}": keys for name, keys in games().items() if not issubclass(keys, Setting)}
    return shared | kinds() | own


def games() -> dict[str, type[BaseModel]]:
    """The keys of the games that come with Proband."""
    return {name: game.keys for name, game in GAMES.loaded().items() if GAMES.package(name) == HOUSE}


def kinds() -> dict[str, type[BaseModel]]:
    """The tables of the kinds that come with Proband."""
    return {name: kind.keys for name, kind in KINDS.loaded().items() if KINDS.package(name) == HOUSE}


def scenarios_table() -> str:
    """The keys of every scenario that comes with Proband."""
    rows = ["| scenario | key | value | meaning | default |", "|---|---|---|---|---|"]
    for name, scenario in SCENARIOS.loaded().items():
        if SCENARIOS.package(name) == HOUSE:
            rows += [f"| `{name}` {row}" for row in table(scenario.keys).splitlines()[2:]]
    return "\n".join(rows) + "\n"


def games_table() -> str:
    """The keys that every game has beside those that all games share, game by game."""
    rows = ["| game | key | value | meaning | default |", "|---|---|---|---|---|"]
    for name, keys in games().items():
        shared = Setting.model_fields if issubclass(keys, Setting) else keys.model_fields
        own = zip(keys.model_fields, table(keys).splitlines()[2:], strict=True)
        rows += [f"| `{name}` {row}" for key, row in own if key not in shared]
    return "\n".join(rows) + "\n"


def table(model: type[BaseModel]) -> str:
    """One row a key: name, type, what it means, default."""
    rows = ["| key | value | meaning | default |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        meaning = str(field.description or "").replace("|", "\\|")
        rows.append(f"| `{name}` | {_type(field.annotation)} | {meaning} | {_default(field)} |")
    return "\n".join(rows) + "\n"


def written(page: str) -> str:
    """The page with every table as it is now."""
    tables = {name: table(model) for name, model in models().items()} | {
        "games": games_table(),
        "scenarios": scenarios_table(),
    }
    return BETWEEN.sub(lambda found: f"{found[1]}\n{tables[found['name']]}\n{found[3]}", page)


def _type(annotation: object) -> str:
    origin, given = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _type(given[0])
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(_type(inner) for inner in given if inner is not type(None)))
    if origin is typing.Literal:
        return "one of " + ", ".join(f"`{value}`" for value in given)
    if origin is list:
        return "list"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table"
    return WORDS.get(origin or annotation, "text")  # type: ignore[call-overload]


def _default(field: typing.Any) -> str:
    default = field.default
    if default is PydanticUndefined:
        return "required"
    if isinstance(default, BaseModel) or default in (None, "", [], {}):
        return "none" if default in (None, "", [], {}) else "see below"
    if isinstance(default, list):
        return "`[" + ", ".join(f'"{value}"' for value in default) + "]`"
    return f"`{str(default).lower()}`" if not isinstance(default, str) else f'`"{default}"`'


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
