import itertools
from collections import Counter
from dataclasses import replace

import pytest

from proband.designs.conjoint import Conjoint, ProfileDraws, profiles
from proband.errors import DesignError
from proband.instruments import Instrument, Item
from proband.models.scripted import ScriptedEngine
from proband.runs import Budget, collect, plan

ATTRIBUTES = {
    "Education": {"none": "no formal education", "school": "a high school diploma", "college": "a college degree"},
    "Profession": {"doctor": "doctor", "waiter": "waiter"},
    "Reason": {"work": "to look for work", "family": "to join family", "flee": "to flee persecution"},
    "Country": {"fr": "France", "so": "Somalia"},
}
NOT_TOGETHER = ({"Education": ["none", "school"], "Profession": ["doctor"]}, {"Reason": ["flee"], "Country": ["fr"]})
CHOICE = Item(id="choice", text="Whom would you admit?", form="choice", options=("Immigrant 1", "Immigrant 2"))
RATING = Item(id="admit", text="Should {profile:name} be admitted?", form="scale", options=("no", "perhaps", "yes"))


@pytest.fixture
def conjoint(people) -> Conjoint:
    return Conjoint(
        instrument=Instrument(id="immigrants", title="immigrants", items=(CHOICE, RATING)),
        subjects=people(30),
        seed=3,
        attributes=ATTRIBUTES,
        not_together=NOT_TOGETHER,
        tasks=6,
        repeated_task=2,
        profile="Immigrant",
    )


def test_what_was_shown_is_recomputed_from_description_and_place(conjoint):
    description = conjoint.describe()
    for trial in conjoint.preview():
        shown = profiles(description, trial.place.subject, trial.place.round)
        words = trial.request.messages[-1].text
        parts = words.split("Immigrant 1\n")[1].split("Immigrant 2\n")
        for profile, part in zip(shown, parts, strict=True):
            for name, level in profile.items():
                assert f"- {name}: {ATTRIBUTES[name][level]}\n" in part
        facts = dict(trial.facts)
        assert facts["Country-2"] == shown[1]["Country"]


def test_places_are_tasks_and_items_are_choice_and_ratings(conjoint):
    trials = list(conjoint.preview())
    assert len(trials) == conjoint.size() == 30 * 7 * 3
    assert {trial.place.round for trial in trials} == set(range(1, 8))
    assert [outcome["item"] for outcome in conjoint.outcomes] == ["choice", "admit-1", "admit-2"]
    assert conjoint.outcomes[2] == {"item": "admit-2", "asks": "rating", "profile": 2, "of": "admit"}
    assert "Should Immigrant 2 be admitted?" in trials[2].request.messages[-1].text


def test_every_allowed_profile_is_as_likely_as_any_other():
    description = {
        "attributes": ATTRIBUTES, "not_together": NOT_TOGETHER, "seed": 5, "tasks": 40,
        "profiles_per_task": 2, "repeated_task": 0,
    }  # fmt: skip
    draws = ProfileDraws(description)
    drawn = Counter(
        tuple(profile.values()) for s in range(100) for task in range(1, 41) for profile in draws.of(f"s{s}", task)
    )

    def is_barred(profile):
        return any(all(profile[name] in barred for name, barred in rule.items()) for rule in NOT_TOGETHER)

    every = [dict(zip(ATTRIBUTES, levels, strict=True)) for levels in itertools.product(*ATTRIBUTES.values())]
    allowed = {tuple(profile.values()) for profile in every if not is_barred(profile)}
    assert set(drawn) == allowed
    expected = 8000 / len(allowed)
    assert sum((drawn[profile] - expected) ** 2 / expected for profile in allowed) < 45  # chi-square, 19 df, p < .001


def test_order_of_attributes_is_fixed_within_a_subject_and_differs_between_subjects(conjoint):
    def order(trial):
        lines = trial.request.messages[-1].text.split("Immigrant 2")[0].splitlines()
        return tuple(line.split(":")[0][2:] for line in lines if line.startswith("- "))

    orders = {}
    for trial in conjoint.preview():
        orders.setdefault(trial.place.subject, set()).add(order(trial))
    assert {len(found) for found in orders.values()} == {1}
    assert len(set().union(*orders.values())) > 10


def test_the_repeated_task_shows_the_same_pair_the_other_way_round(conjoint):
    description = conjoint.describe()
    assert profiles(description, "s4", 7) == profiles(description, "s4", 2)[::-1]


def test_a_task_more_or_a_subject_more_changes_no_other_profile(conjoint, people):
    longer = replace(conjoint, tasks=9, repeated_task=0, subjects=people(40))
    for task in range(1, 7):
        assert profiles(longer.describe(), "s7", task) == profiles(conjoint.describe(), "s7", task)


def test_a_rule_that_values_a_level_is_found_in_the_choices(conjoint, tmp_path):
    def rule(trial):
        facts = dict(trial.facts)
        first, second = (facts[f"Education-{k}"] == "college" for k in (1, 2))
        return [0.5, 0.5, 0][: len(trial.reply.options)] if first == second else ([1, 0, 0] if first else [0, 1, 0])

    choices = replace(conjoint, instrument=Instrument(id="one", title="one", items=(CHOICE,)))
    wrapped = lambda trial: rule(trial)[:2]  # noqa: E731
    run = collect(choices, ScriptedEngine(wrapped, seed=1), tmp_path)
    draws = ProfileDraws(run.manifest["design"])
    for subject, task, answer in run.table().select("subject", "round", "answer").iter_rows():
        first, second = (profile["Education"] == "college" for profile in draws.of(subject, task))
        if first != second:
            assert answer == (0 if first else 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"not_together": [{"Profession": ["doctor", "waiter"], "Country": ["fr", "so"]}]}, "leave no profile"),
        ({"not_together": [{"Profession": ["doctor"]}]}, "restrictions leave no profile with 'doctor'"),
        ({"not_together": [{"Job": ["doctor"]}]}, "no attribute 'Job'"),
        ({"not_together": [{"Profession": ["docter"]}]}, "no level 'docter'.*'doctor'"),
        ({"attributes": {**ATTRIBUTES, "Age": {"old": "60"}}}, "'Age' has the levels '60'; give it two or more"),
        ({"attributes": {**ATTRIBUTES, "Age": {"old": "60", "aged": "60"}}}, "each with a text of its own"),
        ({"tasks": 0}, "ask at least one"),
        ({"repeated_task": 7}, "name one of the 6 tasks"),
        ({"order": ("as_written", "reversed")}, "varies its attributes only, not order"),
        ({"replicates": 2}, "not replicates = 2"),
        ({"profiles_per_task": 3}, "an option for each of 3 profiles"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_or_asked_is_refused(conjoint, change, said):
    given = {"repeated_task": 0, **change}
    with pytest.raises(DesignError, match=said):
        replace(conjoint, **given)


def test_a_large_conjoint_is_planned_from_a_sample_of_its_tasks(conjoint, people):
    choices = Instrument(id="one", title="one", items=(CHOICE,))
    large = replace(conjoint, instrument=choices, subjects=people(1000), tasks=10, repeated_task=0)
    assert plan(large, "scripted:uniform").trials == 10_000


def test_that_profiles_were_drawn_is_said_under_them(conjoint):
    said = replace(conjoint, states_assignment=True, assignment_says="All of this was drawn by lot.")
    for trial in said.preview()[:5]:
        assert "\n\nAll of this was drawn by lot.\n\n" in trial.request.messages[-1].text
    assert "states_assignment" not in conjoint.describe()


def test_stopped_and_resumed_it_has_the_same_answers(conjoint, tmp_path):
    talk = replace(conjoint, presentation="sequential")
    whole = collect(talk, "scripted:uniform?seed=2", tmp_path / "whole")
    for _ in range(3):
        collect(talk, "scripted:uniform?seed=2", tmp_path / "torn", budget=Budget(trials=101))
    assert collect(talk, "scripted:uniform?seed=2", tmp_path / "torn").table().equals(whole.table())
