"""The tables of a world that a study file describes: what may stand in them, and of which type."""

from typing import Any, Literal

from pydantic import Field, StrictFloat, StrictInt

from proband.files import Table
from proband.records import Form

Number = StrictInt | StrictFloat
Schedule = Literal["parallel", "sequential", "specified", "bidding", "mixed", "time"]


class StartTable(Table):
    """How the first values of a variable are drawn, agent by agent."""

    draw: dict[str, Number] | None = Field(default=None, description="option -> share")
    normal: list[Number] | None = Field(default=None, description="mean and SD")
    uniform: list[Number] | None = Field(default=None, description="lowest and highest")


class VariableTable(Table):
    """Something that every agent has, or the world as a whole."""

    name: str = Field(examples=['name = "stand"'], description="by which turns, rules and expressions know it")
    on: Literal["agent", "world"] = Field(default="agent", description="who has it")
    options: list[str] = Field(default=[], description="its values, where they are words; rules count them from 0")
    lower: Number | None = Field(default=None, description="lowest number; values below are set to it")
    upper: Number | None = Field(default=None, description="highest number")
    start: str | Number | StartTable | None = Field(
        default=None,
        description='first value: a value, `"column:NAME"` of the population, `"survey:ITEM"` (asked before the first '
        "turn), or a table that draws it",
    )
    says: str = Field(default="", description="a sentence with `{value}`, by which an agent reads its own value")


class OutcomeTable(Table):
    """What may come of words."""

    text: str = Field(description="the outcome, one of those a resolver chooses among")
    set: str = Field(default="", description="variable that it changes")
    to: str = Field(default="", description="expression; `is_speaker` and `is_hearer` are columns")
    where: str = Field(default="is_hearer", description="whom it changes")


class TurnTable(Table):
    """Something that agents are asked in every round, one after another or at the same time."""

    item: str = Field(examples=['item = "stand"'], description="id of what is asked")
    text: str = Field(default="", description="its wording; or `use` names an instrument that has it")
    use: str = Field(default="", description="an id of `proband list instruments`, or the path of a file")
    form: Form | None = Field(default=None, description="by default as the variable that it sets")
    options: list[str] = Field(default=[], description="by default those of the variable that it sets")
    offers: dict[str, str] = Field(default={}, description="option -> expression; it is offered where that holds")
    sets: str = Field(
        default="",
        description="variable that the answer becomes the value of; or `place`; or `tie` or `untie`: whom one gets to "
        "know, or gives up",
    )
    who: str = Field(default="", description="expression; who is asked, by default everybody")
    schedule: Schedule = Field(default="parallel", description="who waits for whom")
    order: list[StrictInt | str] = Field(default=[], description="specified: names or numbers, in the order of turns")
    bid: str = Field(default="", description="bidding: wording of the question how much one wants to speak, 0 to 10")
    speakers: StrictInt = Field(default=1, ge=1, description="bidding: how many get to speak in a round")
    first: str = Field(default="", description="mixed: expression; who speaks in turn before the others, together")
    reaction: str = Field(default="", description="time: expression; hours until an agent acts again")
    every: StrictInt = Field(default=1, ge=1, description="asked in every so many rounds")
    sees: list[str] = Field(
        default=["own", "neighbours"],
        description="`own`, `neighbours`, `public`, `world`, `place`, `feed:K` (or `feed:K:popularity`, "
        "`:similarity`, `:random`), `memory:K` (what comes to mind by recency and relevance, or `:chronological`)",
    )
    to: Literal["", "neighbours", "place", "everybody"] = Field(
        default="", description="texts: who hears them; by default neighbours, else who is at the place, else everybody"
    )
    theory: str = Field(default="", description="one of `proband list theories`, by which a choice is made")
    settings: dict[str, Any] = Field(default={}, description="keys of the theory")
    features: dict[str, str] = Field(default={}, description="expressions that a theory reads, e.g. `stakes`")
    tools: list[str] = Field(default=[], description="calculator, calendar, or names of `files`; used before a choice")
    files: dict[str, str] = Field(default={}, description="tools of your own: a CSV table, or texts to search")
    calls: StrictInt = Field(default=2, ge=1, description="of tools in a round, at most")
    reflect_above: Number | None = Field(default=None, description="sum of importance above which agents reflect")
    importance: Number | Literal["ask"] = Field(
        default=5, description='of memories, from 1 to 10; `"ask"` asks it once for each text'
    )
    resolver: str = Field(default="", description="wording of the question what comes of a text")
    outcome: list[OutcomeTable] = Field(default=[], description="`[[turn.outcome]]`: what may come of it")


class RuleTable(Table):
    """What changes without anybody being asked."""

    name: str = Field(default="", description="by which an arm changes it")
    set: str = Field(examples=['set = "stand"'], description="variable that it changes; or `place`")
    to: str = Field(examples=['to = "near_mean_stand"'], description="expression")
    where: str = Field(default="", description="expression; whom it changes, by default everybody")
    after: str = Field(default="", description="item of the turn that it follows; by default the end of the round")


class EventTable(Table):
    """What befalls a society, before anybody looks around."""

    name: str = Field(default="", description="by which expressions and arms know it")
    message: str = Field(default="", description="words that some agents are told")
    event: str = Field(default="", description="what happens, in words, for all who are there")
    policy: str = Field(default="", description="what is in force from now on, in words")
    set: str = Field(default="", description="variable that is edited")
    value: str | Number | None = Field(default=None, description="its new value, or an expression")
    remove: str = Field(default="", description="expression; agents who leave")
    add: StrictInt = Field(default=0, ge=0, description="agents who join")
    ends: str = Field(default="", description="name of a policy that is not in force any more")
    at: StrictInt | list[StrictInt] | None = Field(default=None, description="round, or rounds")
    time: Number | None = Field(default=None, description="hours after the beginning")
    when: str = Field(default="", description="expression; at the first round before which it holds")
    to: str = Field(default="", description="expression; whom a message or an edit reaches, by default everybody")
    place: str = Field(default="", description="where it happens; who is not there never hears of it")
    lasts: StrictInt = Field(default=1, ge=0, description="rounds for which it is told; 0: to the end")


class PlaceTable(Table):
    """Where agents can be."""

    name: str = Field(examples=['name = "inn"'], description="how it is called")
    about: str = Field(default="", description="what one sees there")
    capacity: StrictInt | None = Field(default=None, ge=1, description="how many it holds")
    hours: list[Number] = Field(default=[], description="when it opens and closes, by the hour of the day")
    ways: list[str] = Field(default=[], description="places one can go to from here; by default all")
    home: str = Field(default="", description="expression; who lives there, and is there in the beginning")


class FlowTable(Table):
    """What goes from one account to another in every round, in whole units."""

    source: str = Field(description="`agents`, a pool, or `outside`")
    target: str = Field(description="`agents`, `neighbours`, a pool, or `outside`")
    amount: str = Field(description="expression: of each agent, or of the pool")
    where: str = Field(default="", description="expression; which agents take part")
    after: str = Field(default="", description="item of the turn that it follows; by default the end of the round")


class StockTable(Table):
    """Something of which there is so much: held by agents and pools, counted in whole units, never lost."""

    name: str = Field(examples=['name = "money"'], description="how expressions call what an agent holds")
    agents: StrictInt | str = Field(default=0, description="what each agent has in the beginning; or an expression")
    pools: dict[str, StrictInt] = Field(default={}, description="account -> what it holds in the beginning")
    total: StrictInt | None = Field(default=None, description="how much there is in all; then nothing is `outside`")
    flow: list[FlowTable] = Field(default=[], description="`[[stock.flow]]`: what goes where")


class NormTable(Table):
    """What one does or does not do, and what follows."""

    text: str = Field(description="the norm, as everybody knows it")
    broken: str = Field(default="", description="expression; who has broken it, at the end of a round")
    set: str = Field(default="", description="variable that the sanction changes")
    to: str = Field(default="", description="expression of its new value")
    sanction: str = Field(default="", description="words by which it is told")


class InstitutionTable(Table):
    """Who decides by vote."""

    name: str = Field(description="how it is called")
    vote: str = Field(description="variable of agents that holds their votes")
    option: str = Field(description="the option that is decided when enough have it")
    rule: Literal["majority", "two-thirds", "unanimity", "plurality"] = Field(
        default="majority", description="how many are enough, of those who have a vote; or more than any other"
    )
    members: str = Field(default="", description="expression; who has a vote")
    policy: str = Field(default="", description="what is then in force, in words")
    set: str = Field(default="", description="variable of the world that is then changed")
    to: str = Field(default="", description="expression of its new value")
    at: list[StrictInt] = Field(default=[], description="after which rounds; by default every one")


class BackgroundTable(Table):
    """The time in which it all happens; every part is told to all, and answers are given under it."""

    era: str = Field(default="", description="which time it is")
    economy: str = Field(default="", description="how things stand")
    politics: str = Field(default="", description="who governs, what is disputed")
    culture: str = Field(default="", description="what people hold dear")
    norm: list[NormTable] = Field(default=[], description="`[[background.norm]]`: norms and sanctions")
    institution: list[InstitutionTable] = Field(default=[], description="`[[background.institution]]`: who votes")


class NetworkTable(Table):
    """Who knows whom."""

    kind: Literal[
        "complete", "ring", "lattice", "small-world", "preferential", "block", "spatial", "two-mode", "random",
        "configuration", "file",
    ] = Field(examples=['kind = "small-world"'], description="how ties are made")  # fmt: skip
    degree: StrictInt = Field(default=4, ge=1, description="ties of each; of newcomers, where ties are preferential")
    rewire: Number = Field(default=0.1, description="small-world: share of ties that lead to anybody")
    probability: Number | None = Field(default=None, description="random: of each tie; by default as `degree` says")
    neighbours: StrictInt = Field(default=4, description="lattice: 4, or 8 with the diagonal ones")
    rows: StrictInt | None = Field(default=None, description="lattice: by default as near to a square as can be")
    torus: bool = Field(default=True, description="lattice: whether its edges meet")
    by: str = Field(default="", description="block: column of the population, or variable; two-mode: the groups")
    within: Number = Field(default=0.1, description="block: probability of a tie inside a block")
    between: Number = Field(default=0.01, description="block: of one between two")
    radius: Number | None = Field(default=None, description="spatial: within which all are tied")
    position: list[str] = Field(default=[], description="spatial: columns or variables; by default drawn in a square")
    groups: StrictInt = Field(default=10, ge=1, description="two-mode: how many there are")
    each: StrictInt = Field(default=1, ge=1, description="two-mode: in how many an agent is")
    degrees: str = Field(default="", description="configuration: column or variable with the number of ties")
    file: str = Field(default="", description="file: a CSV with source and target, or GraphML")
    directed: bool = Field(default=False, description="file: whether ties lead one way")


class ScaleTable(Table):
    """How many are asked, where there are more agents than one would ask."""

    ask: Literal["agents", "cells"] = Field(default="agents", description="everybody, or each distinct situation once")
    by: list[str] = Field(default=[], description="columns of the population that tell archetypes apart; default all")
    levels: dict[str, StrictInt] = Field(default={}, description="variable, `near` or `public` -> levels told apart")
    check_agents: StrictInt = Field(default=0, ge=0, description="agents who are also asked themselves, to compare")
    check_every: StrictInt = Field(default=1, ge=1, description="in every so many rounds")
    paired: StrictInt = Field(default=0, ge=0, description="agents of a small society asked both ways, as two arms")
    core: StrictInt = Field(default=0, ge=0, description="agents asked themselves; the crowd takes their answers")
    held_out: Number = Field(default=0.2, description="share of the core that only tells how wrong this is")
    most_cells: StrictInt = Field(default=5000, ge=1, description="cells that there may be at most")


class WrittenKeys(Table):
    """A world by tables alone."""

    agents: StrictInt | None = Field(default=None, ge=1, description="how many; by default everybody sampled")
    rounds: StrictInt = Field(default=10, ge=1, description="of each society")
    hours: Number = Field(default=24, gt=0, description="that a round lasts")
    begins: Number = Field(default=8, description="hour of the day at which it begins")
    profile: Literal["first", "third", "interview", "none"] = Field(
        default="first", description="how people of the population are described to an engine"
    )
    engine: str = Field(default="", description="column of the population that names each agent's engine, by role")
    network: NetworkTable | None = Field(default=None, description="`[network]`: who knows whom")
    variable: list[VariableTable] = Field(default=[], description="`[[variable]]`")
    turn: list[TurnTable] = Field(default=[], description="`[[turn]]`")
    rule: list[RuleTable] = Field(default=[], description="`[[rule]]`")
    event: list[EventTable] = Field(default=[], description="`[[event]]`")
    place: list[PlaceTable] = Field(default=[], description="`[[place]]`")
    stock: list[StockTable] = Field(default=[], description="`[[stock]]`")
    background: BackgroundTable = Field(default=BackgroundTable(), description="`[background]`")
    scale: ScaleTable = Field(default=ScaleTable(), description="`[scale]`")


BESIDE = ("network", "variable", "turn", "rule", "event", "place", "stock", "background", "scale")
