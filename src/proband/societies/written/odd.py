"""A model in the ODD protocol, written from its file: purpose, entities, process, concepts, initialisation, data.

References
----------
Grimm et al. (2020), Journal of Artificial Societies and Social Simulation 23(2), 7. doi:10.18564/jasss.4259
"""

from proband.errors import DesignError
from proband.societies.design import Society
from proband.societies.written.parts import Happening, Parts, Turn, Variable
from proband.societies.written.tables import StartTable
from proband.societies.written.world import Written


def odd_page(design: Society) -> str:
    """The page, in Markdown.

    Raises
    ------
    DesignError
        If the world is a scenario in code, whose own page says what it does.
    """
    world = design.world
    if not isinstance(world, Written):
        raise DesignError(
            f"{design.scenario!r} is a scenario in code; its file says what it does, and an ODD page is written "
            "from tables"
        )
    parts = world.parts
    sections = {
        "Purpose and patterns": _purpose(design),
        "Entities, state variables and scales": _entities(design, parts),
        "Process overview and scheduling": _process(parts),
        "Design concepts": _concepts(parts),
        "Initialisation": _initialisation(parts),
        "Input data": _data(parts),
        "Submodels": _submodels(parts),
    }
    lines = [f"# {design.name}: overview, design concepts, details"]
    for k, (title, told) in enumerate(sections.items(), 1):
        lines += ["", f"## {k} {title}", "", *told]
    return "\n".join(lines)


def _purpose(design: Society) -> list[str]:
    lines = [
        f"{design.name}: {design.societies} societies, each an independent unit, are played for at most "
        f"{design.world.rounds} rounds."
    ]
    for arm in design.arms:
        leaves = f"the arm {arm.parent!r}" if arm.parent else "where nothing is changed"
        lines.append(f"- Arm `{arm.name}` leaves {leaves} in round {arm.from_round}; all before is shared.")
    asked = sorted({(wave.after, item.id) for wave in design.waves for item in wave.items})
    lines += [
        f"- After round {after}, `{item}` is asked inside the world and changes nothing." for after, item in asked
    ]
    return lines


def _entities(design: Society, parts: Parts) -> list[str]:
    keys = parts.keys
    n = keys.agents or len(parts.population or ())
    who = f"people of {parts.population.title or parts.population.name}" if parts.population else "nobody in particular"
    lines = [f"- **Agents**: {n:,}, {who}."]
    lines += [f"  - `{name}`: {_values(variable)}" for name, variable in parts.agent.items()]
    lines += [f"- **World** `{name}`: {_values(variable)}" for name, variable in parts.world.items()]
    for stock in parts.stocks:
        pools = f", and pools {', '.join(stock.pools)}" if stock.pools else ""
        lines.append(
            f"- **Stock** `{stock.name}`: whole units, held by agents{pools}; its sum is exact in every round."
        )
    for place in parts.places:
        room = f"room for {place.capacity}" if place.capacity else "room for all"
        hours = f", open from {place.hours[0]:g} to {place.hours[1]:g}" if place.hours else ""
        lines.append(f"- **Place** {place.name}: {room}{hours}.")
    if keys.network is not None:
        told = keys.network.model_dump(exclude_defaults=True)
        told.pop("kind", None)
        lines.append(
            f"- **Ties**: {keys.network.kind}" + "".join(f", {key} {value}" for key, value in told.items()) + "."
        )
    lines.append(f"- **Time**: rounds of {keys.hours:g} hours; the first begins at {keys.begins:g}:00.")
    return lines


def _values(variable: Variable) -> str:
    if variable.options:
        return ", ".join(f"{k} {option}" for k, option in enumerate(variable.options))
    low, high = variable.lower, variable.upper
    bounds = [f"from {low:g}" if low is not None else "", f"to {high:g}" if high is not None else ""]
    return " ".join(filter(None, ["a number", *bounds]))


def _process(parts: Parts) -> list[str]:
    lines = ["In every round, in this order:"]
    steps = ["what befalls the society, before anybody looks around"] if parts.events or parts.places else []
    for turn in parts.turns:
        when = (
            "before the first round only" if turn.is_start else f"every {turn.every} rounds" if turn.every > 1 else ""
        )
        who = f"agents with {_code(turn.who.text)}" if turn.who else "all agents"
        steps.append(
            f"`{turn.item.id}`: {who}, {turn.schedule}" + (f"; {when}" if when else "") + _then(parts, turn.item.id)
        )
    steps += [f"rule on `{rule.set}`" for rule in parts.rules if not rule.after]
    steps += [f"flow of `{flow.stock}`" for flow in parts.flows if not flow.after]
    steps += ["sanctions of norms"] * bool(parts.norms) + ["votes of institutions"] * bool(parts.institutions)
    return lines + [f"{k}. {step}" for k, step in enumerate(steps, 1)]


def _then(parts: Parts, item: str) -> str:
    after = [f"rule on `{rule.set}`" for rule in parts.rules if rule.after == item]
    after += [f"flow of `{flow.stock}`" for flow in parts.flows if flow.after == item]
    return f"; then {', '.join(after)}" if after else ""


def _concepts(parts: Parts) -> list[str]:
    turns = [turn for turn in parts.turns if not turn.is_start]
    lines = ["- **Adaptation**: what agents answer is the engine's; it is not derived from a goal."]
    lines += [f"- **Sensing** in `{turn.item.id}`: {_sees(turn)}." for turn in turns]
    texts = [turn for turn in turns if turn.speaks]
    lines += [f"- **Interaction**: what is said in `{turn.item.id}` is heard by {turn.to}." for turn in texts]
    lines.append(
        "- **Stochasticity**: every draw depends on seed, society, round and the agent's number, on nothing else; arms "
        "share it."
    )
    scale = parts.keys.scale
    if scale.ask == "cells":
        levels = ", ".join(f"{name} at {n}" for name, n in scale.levels.items())
        lines.append(f"- **Collectives**: agents in the same situation are asked once, as a distribution ({levels}).")
    if scale.check_agents:
        lines.append(
            f"- **Error of cells**: {scale.check_agents} agents are asked themselves every {scale.check_every} rounds."
        )
    if scale.core:
        lines.append(
            f"- **Collectives**: a core of {scale.core} is asked; the crowd takes the distribution of its cell, and "
            f"{scale.held_out:.0%} of the core only tell the error."
        )
    lines.append("- **Observation**: shares, means and stocks after every round; everything said is an event.")
    return lines


def _sees(turn: Turn) -> str:
    told = [
        f"{sight.count} {'texts' if sight.what == 'feed' else 'memories'} ({sight.order} order)"
        if sight.count else f"its {sight.what} values" if sight.what == "own" else f"the {sight.what}"
        for sight in turn.sees
    ]  # fmt: skip
    return ", ".join(told) or "nothing but the question"


def _initialisation(parts: Parts) -> list[str]:
    lines = [f"- `{name}`: {_start(variable)}" for name, variable in {**parts.agent, **parts.world}.items()]
    for stock in parts.stocks:
        held = stock.agents if isinstance(stock.agents, int) else _code(stock.agents.text)
        pools = "".join(f"; {pool} {amount}" for pool, amount in stock.pools.items())
        lines.append(f"- `{stock.name}`: agents {held}{pools}")
    lines += [f"- at {place.name}: agents with {_code(place.home.text)}" for place in parts.places if place.home]
    return lines or ["Nothing is set."]


def _start(variable: Variable) -> str:
    if variable.survey:
        return f"the answer to `{variable.survey}`, asked before the first turn"
    if variable.column:
        return f"the column `{variable.column}` of the population"
    start = variable.start
    if start is None:
        return "nothing yet"
    if not isinstance(start, StartTable):
        return variable.told(start)
    if start.draw is not None:
        return "drawn: " + ", ".join(f"{option} {share:g}" for option, share in start.draw.items())
    if start.normal is not None:
        return f"drawn, normal with mean {start.normal[0]:g} and SD {start.normal[1]:g}"
    low, high = start.uniform or (0, 1)
    return f"drawn evenly from {low:g} to {high:g}"


def _data(parts: Parts) -> list[str]:
    population = parts.population
    lines = []
    if population is not None:
        lines.append(
            f"- People: {population.title or population.name}. {population.source} {population.licence}".rstrip()
        )
    if parts.keys.network is not None and parts.keys.network.file:
        lines.append(f"- Ties: `{parts.keys.network.file}`")
    return lines or ["None."]


def _submodels(parts: Parts) -> list[str]:
    lines = []
    for turn in parts.turns:
        if turn.is_start:
            continue
        answers = "; ".join(turn.item.options) or turn.item.form
        lines.append(
            f"- Turn `{turn.item.id}`: “{turn.item.text}” ({answers})" + (f", sets `{turn.sets}`" * bool(turn.sets))
        )
        if turn.mind is not None:
            thinks = [turn.mind.theory and f"theory {turn.mind.theory}", *turn.mind.tools]
            lines.append(f"  - decided by {', '.join(filter(None, thinks)) or 'reflection'}")
        lines += [f"  - {option} is offered where {_code(made.text)}" for option, made in turn.offers.items()]
        lines += [f"  - what comes of it: {outcome.text}" for outcome in turn.outcomes]
    for rule in parts.rules:
        where = f" where {_code(rule.who.text)}" if rule.who else ""
        lines.append(f"- Rule: `{rule.set}` becomes {_code(rule.to.text)}{where}")
    for flow in parts.flows:
        where = f" where {_code(flow.who.text)}" if flow.who else ""
        lines.append(f"- Flow of `{flow.stock}` from {flow.source} to {flow.target}: {_code(flow.amount.text)}{where}")
    lines += [f"- Event {_event(event)}" for event in parts.events]
    for norm in parts.norms:
        broken = f"; broken where {_code(norm.broken.text)}" if norm.broken else ""
        lines.append(f"- Norm: {norm.text}{broken}")
    for body in parts.institutions:
        lines.append(f"- {body.name} decides by {body.rule} on `{body.vote}`")
    return lines or ["None."]


def _event(event: Happening) -> str:
    when = f"when {_code(event.when.text)}" if event.when else f"in round {', '.join(map(str, event.rounds))}"
    what = event.text or event.set or event.ends or (f"{event.add} join" if event.add else "some leave")
    whom = f", for agents with {_code(event.to.text)}" if event.to else ""
    return f"({event.kind}), {when}{whom}: {what}"


def _code(text: str) -> str:
    return f"`{text}`"
