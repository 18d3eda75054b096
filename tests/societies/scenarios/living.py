"""Societies of a scenario that are asked, with answers that a function gives."""

from proband.designs.kind import Shared
from proband.records import Place, Response
from proband.societies.scenario import SCENARIOS
from proband.societies.world import Heard


def world(name, **keys):
    """The world of a scenario, with seed 1."""
    scenario = SCENARIOS.load(name)
    made = scenario.make(Shared(title="", seed=1), scenario.keys(**keys))
    made.seed = 1
    return made


def heard(ask, answer):
    """What comes back: an option (from a cell, all probability on it), anything else as it is; None is a refusal."""
    n, said = len(ask.item.options), answer(ask)
    probs = tuple(float(k == said) for k in range(n)) if ask.cell is not None and said is not None else None
    status = "refused" if said is None else "valid"
    place = Place(subject=str(ask.agent), item=ask.item.id)
    return Heard(
        ask, Response(place=place, request="", status=status, answer=said, probs=probs, engine="test", rule="")
    )


def asked(made, answer, society=0):
    """The end of a society in which a function answers."""
    state = made.begin(society)
    while not state.is_over:
        state = made.advance(state, [heard(ask, answer) for ask in made.turns(state)])
    return state
