"""With a model in the rule's place: one that follows the rule brings the same world about; one that is silent, none."""

import numpy as np
import pytest

from proband.designs.catalogue import study_path
from proband.designs.process import unfold
from proband.designs.studies import load_study, study_from_dict
from proband.errors import DesignError
from proband.societies.deciding import Decided, last
from proband.societies.rehearsal import answer_anything
from proband.societies.scenario import SCENARIOS
from tests.societies.scenarios.living import asked, heard, world

SMALL = {
    "asch": {"agents": 5},
    "bass": {"agents": 50, "rounds": 6, "p": 0.5},
    "bounded-confidence": {"agents": 6, "rounds": 3, "meet": "pairs"},
    "cascade": {"agents": 6},
    "civil-violence": {"agents": 60, "cops": 5, "side": 12, "vision": 3, "rounds": 3},
    "complex-contagion": {"agents": 20, "degree": 4, "rounds": 12},
    "conditional-cooperation": {"agents": 6, "rounds": 3},
    "culture": {"agents": 9, "rounds": 2, "sweeps": 2},
    "degroot": {"agents": 10, "degree": 4, "rounds": 4},
    "exchange": {"agents": 8, "rounds": 3},
    "feed": {"agents": 8, "rounds": 4},
    "friedkin-johnsen": {"agents": 10, "degree": 4, "rounds": 4},
    "macro": {"agents": 20, "firms": 2, "rounds": 3},
    "minority": {"agents": 9, "rounds": 4, "warm_up": 0},
    "music-lab": {"agents": 20, "influence": 1.0},
    "schelling": {"agents": 80, "width": 10, "height": 10, "rounds": 5},
    "sherif": {"rounds": 8},
    "sir": {"agents": 60, "seeds": 5, "rounds": 8},
    "sugarscape": {"agents": 10, "side": 14, "rounds": 4, "batches": 10},
    "voter": {"agents": 15, "rounds": 6},
}  # fmt: skip


def of(ask, name):
    return dict(ask.facts)[name]


RULES = {
    "bounded-confidence": lambda ask: (
        f"I stand at {of(ask, 'own')}"
        if ask.item.id == "say"
        else moved(float(of(ask, "own")), float(of(ask, "other")))
    ),
    "complex-contagion": lambda ask: int(int(of(ask, "adopted")) >= 2),
    "degroot": lambda ask: averaged(ask),
    "friedkin-johnsen": lambda ask: averaged(ask),
    "schelling": lambda ask: int(int(of(ask, "alike")) < 0.3 * int(of(ask, "beside"))),
    "sir": lambda ask: 0,
    "voter": lambda ask: int(of(ask, "met")),
}


def moved(own, other):
    return own + 0.5 * (other - own) if abs(other - own) < 20 else own


def averaged(ask):
    own, first, is_open = (float(of(ask, name)) for name in ("opinion", "first", "open"))
    return 100 * (is_open * 0.5 * (own + float(of(ask, "others")) / 100) + (1 - is_open) * first)


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_model_that_follows_the_rule_brings_the_same_world_about(name):
    by_rule = last(world(name, **SMALL[name]))
    by_model = asked(world(name, decided_by="model", **SMALL[name]), RULES[name])
    for column in world(name, **SMALL[name]).kept(by_rule):
        np.testing.assert_allclose(by_model.agents[column], by_rule.agents[column], atol=1e-12)


@pytest.mark.parametrize("name", sorted(SMALL))
def test_who_does_not_answer_does_nothing_and_no_rule_stands_in(name):
    made = world(name, decided_by="model", **SMALL[name])
    state = asked(made, lambda ask: None)
    assert state.is_over
    first = made.begin(0)
    moving = {"x", "y", "active", "jail", "sugar", "health", "deposits"}  # what goes on by itself
    for column in set(made.kept(first)) - moving:
        np.testing.assert_array_equal(state.agents[column], first.agents[column])


def test_who_is_asked_for_the_most_probable_amount_is_sure_of_it():
    made = world("conditional-cooperation", decided_by="model", expects="amount", agents=4, rounds=1)
    assert [item.id for item in made.items][:2] == ["expect-one", "give"]
    state = asked(made, lambda ask: 2 if ask.item.id == "expect-one" else 0)
    assert [state.agents[name].tolist() for name in ("buc_L", "buc_H")] == [[0.0] * 4, [1.0] * 4]
    assert made.measures(state) == {"transfer": 0, "answer to high": 0, "expects high": 1}


@pytest.mark.parametrize("name", sorted(SMALL))
def test_a_society_is_asked_as_a_study_and_remembers_nothing_but_answers(name):
    keys = {"use": name, "societies": 1, "decided_by": "model", **SMALL[name]}
    design = study_from_dict({"seed": 2, "engine": "scripted:uniform", "society": keys}).design
    given, open_ = {}, [(life, trial) for life in design.lives() for trial in life.start()]
    assert open_
    while open_:
        life, trial = open_.pop()
        given[trial.id] = answer_anything(trial)
        open_ += [(life, later) for later in life.advance(given[trial.id])]
    assert {trial.id for trial in unfold(design.processes(), given)} == given.keys()
    assert design.roster()


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_study_that_lies_beside_a_scenario_can_be_made(name):
    design = load_study(study_path(f"scenario:{name}")).design
    assert design.scenario == name
    assert design.world.begin(0).round == 1


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_key_says_what_it_is(name):
    keys = SCENARIOS.load(name).keys
    assert all(field.description for field in keys.model_fields.values())


def test_every_scenario_in_which_something_is_decided_can_be_asked():
    deciding = {name for name in SCENARIOS if issubclass(SCENARIOS.load(name).keys, Decided)}
    assert deciding == set(SMALL)


def test_cells_that_come_back_without_probabilities_are_named():
    made = world("voter", decided_by="model", **SMALL["voter"])
    state = made.begin(0)
    bare = [heard(ask, lambda ask: 0) for ask in made.turns(state)]
    for one in bare:
        object.__setattr__(one.response, "probs", None)
    with pytest.raises(DesignError, match="without probabilities"):
        made.advance(state, bare)


@pytest.mark.parametrize(
    ("name", "keys", "said"),
    [
        ("schelling", {"agents": 100, "width": 10, "height": 10}, "leave some of them vacant"),
        ("civil-violence", {"agents": 100, "side": 10, "vision": 3}, "longer side"),
        ("civil-violence", {"side": 41, "vision": 21}, "reaches around"),
        ("sugarscape", {"agents": 101, "side": 10}, "longer side"),
        ("sugarscape", {"agents": 5, "side": 10, "vision": 5}, "reaches around"),
        ("bounded-confidence", {"decided_by": "model"}, 'meet = "pairs"'),
        ("degroot", {"degree": 5}, "must be even"),
        ("culture", {"agents": 10}, "fill no square"),
        ("minority", {"agents": 10}, "odd number"),
        ("cascade", {"rounds": 3}, "rounds"),
    ],
)
def test_a_world_that_cannot_be_is_refused_before_anybody_is_asked(name, keys, said):
    with pytest.raises(DesignError, match=said):
        study_from_dict({"seed": 1, "engine": "scripted:uniform", "society": {"use": name, **keys}})


@pytest.mark.parametrize(("name", "who"), [("degroot", {f"0.{k}" for k in range(50)}), ("voter", {"0.inhabitant"})])
def test_where_only_an_arm_asks_a_model_its_agents_belong_to_the_society(name, who):
    arm = {"name": "asked", "from_round": 2, "decided_by": "model"}
    study = {
        "seed": 1,
        "engine": "scripted:uniform",
        "society": {"use": name, "societies": 1, "rounds": 3},
        "arm": [arm],
    }
    units = study_from_dict(study).design.roster().units
    assert {units[subject] for subject in who} == {"society 1"}


OTHER = {
    "product": "a kettle",
    "story": "It snows.",
    "groups": ["red", "white"],
    "legitimacy": 0.3,
    "wants": 0.9,
    "r": 9.0,
}


@pytest.mark.parametrize("name", [name for name in sorted(SMALL) if world(name, **SMALL[name]).archetype])
def test_arms_share_a_cell_only_where_it_is_told_in_the_same_words(name):
    def told(**keys):
        made = world(name, decided_by="model", **{**SMALL[name], **keys})
        return {ask.cell: ask.told for ask in made.turns(made.begin(0))}

    keys, fixed = (
        SCENARIOS.load(name).keys.model_fields,
        SCENARIOS.load(name).make(None, SCENARIOS.load(name).keys()).fixed,
    )
    for key in set(keys) & set(OTHER) - fixed:
        before, after = told(), told(**{key: OTHER[key]})
        assert all(after[cell] == before[cell] for cell in before.keys() & after.keys())
