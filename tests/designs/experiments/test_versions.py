"""What a subject is asked: levels within and between, stimuli, other wordings, and the order of all this."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from proband.analyses import effects
from proband.designs import Experiment, PeopleSurvey, people_engine
from proband.designs.assignment import deal, latin_rows
from proband.designs.experiments.material import Isomorph, Stimuli, Vignettes
from proband.designs.studies import Study
from proband.designs.survey.itself import as_human, as_itself
from proband.errors import DesignError
from proband.instruments import Instrument, Item
from proband.records import Response
from proband.runs import Budget, carry_out, collect
from tests.designs.survey.test_prompts import as_text, assert_golden

FRAME = {"loss": "400 of 600 die", "gain": "200 of 600 are saved"}
SOURCE = {"experts": "Experts say", "voters": "Voters say", "nobody": "It is said"}
SUPPORT = Item(
    id="support", text="{factor:source} that {factor:frame}. Do you support it?", form="scale", options=("no", "yes")
)
LIKE = Item(id="like", text="Do you like it?", form="scale", options=("no", "yes"))
STIMULI = Stimuli(texts={name: {"name": name.title()} for name in ("ann", "bo", "cy", "di")}, per_subject=2)


def experiment(people, n=24, items=(SUPPORT, LIKE), **given) -> Experiment:
    factors = given.pop("factors", {"frame": FRAME, "source": SOURCE})
    instrument = Instrument(id="two", title="two", items=tuple(items))
    return Experiment(instrument=instrument, subjects=people(n), seed=5, factors=factors, **given)


def levels_of(design, name):
    found: dict[str, Counter] = {}
    for trial in design.preview():
        if trial.place.item == design.instrument.items[0].id:
            found.setdefault(trial.place.subject, Counter())[dict(trial.place.condition)[name]] += 1
    return found


def about(item, name):
    return replace(item, text=item.text.replace("it?", f"{{stimulus:{name}}}?"))


def test_a_mixed_design_asks_everybody_under_every_level_within_and_one_between(people):
    mixed = experiment(people, within=("source",))
    assert mixed.size() == len(list(mixed.preview())) == 24 * 3 * 2
    assert all(set(counts) == set(SOURCE) for counts in levels_of(mixed, "source").values())
    assert all(len(counts) == 1 for counts in levels_of(mixed, "frame").values())
    assert mixed.roster().arms == {"loss": 12, "gain": 12}
    assert (mixed.describe()["within"], mixed.describe()["assigned"]) == (["source"], ["frame"])


def test_where_all_factors_are_within_nobody_is_assigned(people):
    within = experiment(people, within=("source", "frame"))
    assert within.size() == 24 * 6 * 2
    assert within.roster().arms == {}
    assert within.describe()["assigned"] == []


def test_one_conversation_goes_through_the_levels_in_a_latin_square(people, tmp_path):
    talk = experiment(people, within=("source",), presentation="sequential")
    run = collect(talk, "scripted:uniform", tmp_path)
    assert run.is_complete
    table = run.table()
    assert table.height == talk.size()
    places = Counter(table.filter(item="like").select("source", "round").iter_rows())
    assert set(places.values()) == {8}  # 24 subjects, three levels, three places
    last = next(t for t in talk.trials(run.responses()) if t.place.round == 3 and t.place.item == "like")
    assert len([m for m in last.request.messages if m.role == "assistant"]) == 5


def test_levels_that_are_asked_on_their_own_know_nothing_of_each_other(people):
    alone = experiment(people, within=("source",))
    assert {trial.place.round for trial in alone.preview()} == {0}
    assert {len(trial.request.messages) for trial in alone.preview()} == {2}


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_in_the_square_every_level_follows_every_other_equally_often(n):
    rows = latin_rows(n)
    follows = Counter(pair for row in rows for pair in pairwise(row))
    assert len(follows) == n * (n - 1)
    assert len(set(follows.values())) == 1


def test_stimuli_are_seen_equally_often_and_under_every_level_within(people):
    design = experiment(
        people, items=(about(SUPPORT, "name"), LIKE), within=("frame",), stimuli=STIMULI,
        factors={"frame": FRAME, "source": SOURCE},
    )  # fmt: skip
    seen = Counter()
    for trial in design.preview():
        if trial.place.item == "support":
            levels = dict(trial.place.condition)
            assert f"support {levels['stimulus'].title()}?" in trial.request.messages[-1].text
            seen[levels["stimulus"], levels["frame"], levels["source"]] += 1
    assert set(seen.values()) == {2}
    assert len(seen) == 4 * 2 * 3
    assert all(set(counts.values()) == {1} for counts in levels_of(design, "stimulus").values())
    assert design.describe()["materials"]["stimulus"]["role"] == "stimulus"


def test_crossed_stimuli_come_under_every_level(people):
    design = experiment(
        people, items=(about(SUPPORT, "name"),), within=("frame",), stimuli=replace(STIMULI, crossed=True)
    )
    assert design.size() == 24 * 2 * 2
    assert all(set(counts.values()) == {2} for counts in levels_of(design, "stimulus").values())


def test_a_subject_more_is_dealt_other_stimuli_and_changes_nobody():
    def dealt(n):
        return deal([f"s{k}" for k in range(n)], "abcde", k=2, cells=2, seed=1, place="")

    assert dealt(30).items() >= dealt(17).items()


def test_isomorph_and_paraphrases_are_conditions_balanced_in_every_arm(people, tmp_path):
    fresh = "{factor:source} the dam means that {factor:frame}. Would you build it?"
    design = experiment(
        people, n=48, within=(),
        isomorph=Isomorph(
            items={"support": fresh}, options={"support": ("leave it", "build it")},
            factors={"frame": {"loss": "400 of 600 farms are lost", "gain": "200 of 600 farms are kept"}},
        ),
        paraphrases={"support": ["{factor:source} this: {factor:frame}. Are you for it?"]},
    )  # fmt: skip
    cells = Counter()
    for trial in design.preview():
        levels, words = dict(trial.place.condition), trial.request.messages[-1].text
        if trial.place.item == "support":
            cells[levels["version"], levels["wording"], levels["frame"]] += 1
            assert ("dam" in words) == ("farms" in words) == (levels["version"] == "isomorph")
            assert ("Are you for it?" in words) == ((levels["version"], levels["wording"]) == ("published", "2"))
            assert ("build it" in trial.reply.options) == (levels["version"] == "isomorph")
    assert sum(cells.values()) == 48
    by_version = Counter(version for version, _, frame in cells.elements() if frame == "gain")
    assert by_version == {"published": 12, "isomorph": 12}
    roles = {name: told["role"] for name, told in design.describe()["materials"].items()}
    assert roles == {"version": "isomorph", "wording": "paraphrase"}
    assert collect(design, "scripted:uniform", tmp_path).is_complete


def test_a_placebo_is_one_more_level_with_its_role(people):
    design = experiment(people, placebo={"source": "It was printed on Tuesday"})
    assert list(design.factors["source"]) == [*SOURCE, "placebo"]
    assert design.describe()["placebo"] == {"source": "placebo"}
    assert replace(design, seed=6).factors == design.factors


def test_a_vignette_is_taken_by_levels_and_shown_without_its_marks(people):
    told = Vignettes(("frame",), {("loss",): "A flu [[kills 400]].", ("gain",): "A flu [[spares 200]]."})
    item = Item(id="support", text="{vignette:text} Do you support it?", form="scale", options=("no", "yes"))
    design = experiment(people, items=(item,), factors={}, vignettes=told)
    for trial in design.preview():
        level = dict(trial.place.condition)["frame"]
        wanted = {"loss": "A flu kills 400.", "gain": "A flu spares 200."}[level]
        assert wanted in trial.request.messages[-1].text


def test_that_a_level_was_drawn_is_said_where_it_is_shown_and_nowhere_else(people):
    design = experiment(people, states_assignment=True, assignment_says="The source was drawn by lot.")
    for trial in design.preview():
        assert ("drawn by lot" in trial.request.messages[-1].text) == (trial.place.item == "support")
    assert replace(design, seed=6).instrument == design.instrument
    assert design.describe()["states_assignment"] == "The source was drawn by lot."


def test_whether_the_model_answers_as_itself_changes_nothing_that_is_asked(people):
    instrument = Instrument(id="two", title="two", items=(SUPPORT, LIKE))
    given = {"instrument": instrument, "factors": {"frame": FRAME, "source": SOURCE}, "seed": 5}
    human, itself = Experiment(**as_human(people(24)), **given), Experiment(**as_itself(24), **given)
    assert [t.request.messages[-1] for t in human.preview()] != []
    asked = [sorted({t.request.messages[-1].text.split("\n\n")[0] for t in d.preview()}) for d in (human, itself)]
    assert asked[0] == asked[1]
    assert all(t.request.messages[0].text == "Answer the survey question." for t in itself.preview())
    assert itself.describe()["who"] == "itself"
    assert "who" not in human.describe()


def test_whole_clusters_are_assigned_and_are_the_units(people):
    design = experiment(people, n=40, cluster_by="party", factors={"frame": FRAME}, items=(
        replace(SUPPORT, text="{factor:frame}. Do you support it?"),))  # fmt: skip
    arms: dict[str, set] = {}
    for member in design.roster():
        arms.setdefault(member.unit, set()).add(member.arm)
    assert all(len(found) == 1 for found in arms.values())
    assert (design.unit, design.n_units(), design.roster().arms) == ("cluster", 2, {"loss": 1, "gain": 1})


DOSES = {"frame": {"loss": 400.0, "gain": 200.0}}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"factors": {"frame": {"a": "same", "b": "same"}, "source": SOURCE}}, "have the same text 'same'"),
        ({"factors": {"version": FRAME, "source": SOURCE}}, "'version': this name says which material"),
        ({"within": ("colour",)}, "within: no factor 'colour'"),
        ({"doses": {"frame": {"loss": 400.0}}}, "differ in 'gain'; give every level a dose"),
        ({"doses": {"frame": {**DOSES["frame"], "win": 1.0}}}, "differ in 'win'"),
        ({"cluster_by": "party"}, "6 arms for 2 clusters"),
        ({"block_by": "age"}, "1 subjects in block '20' cannot be balanced over 6 levels"),
        ({"cluster_by": "party", "block_by": "age", "within": ("source",)}, "lies in the blocks"),
        ({"isomorph": Isomorph(items={"support": SUPPORT.text.upper()})}, "identical to the original"),
        ({"isomorph": Isomorph(items={"support": SUPPORT.text.replace("Do you", "  DO YOU") + "!"})}, "identical to"),
        ({"isomorph": Isomorph(items={"support": "Dam: {factor:frame}?"})}, "lacks {factor:source}"),
        ({"isomorph": Isomorph(items={"like": "Fine?"})}, "'support' carries a manipulation and has no wording"),
        ({"paraphrases": {"support": [SUPPORT.text]}}, "is there twice"),
        ({"paraphrases": {"support": ["Well?"], "like": ["a", "b"]}}, "items have 1, 2 wordings"),
        ({"paraphrases": {"like": [f"wording {k}" for k in range(8)]}}, "4 subjects in arm .* over 9 levels"),
        ({"stimuli": replace(STIMULI, per_subject=1), "within": ("frame",)}, "cannot be divided among 2 levels"),
        ({"stimuli": Stimuli(texts={str(k): {"name": "x"} for k in range(9)})}, "4 seats for a stimulus in arm"),
        ({"placebo": {"colour": "x"}}, "placebo: no factor 'colour'"),
        ({"checks": {"like": "maybe"}}, "no option 'maybe'"),
        ({"checks": {"like": ["no", "yes"]}}, "2 of 2 options are right"),
        ({"checks": {"like": {"up": "no", "down": "yes"}}}, "not the levels of a factor"),
        ({"exclude": ["like"]}, "exclude: no check 'like'"),
        ({"who": "me"}, "neither 'human' nor 'itself'"),
    ],
)
def test_what_cannot_be_assigned_or_told_apart_is_refused_before_anybody_is_asked(people, given, said):
    with pytest.raises(DesignError, match=said):
        experiment(people, **given)


EVERYTHING = {
    "within": ("frame",),
    "presentation": "sequential",
    "items": (about(SUPPORT, "name"), LIKE),
    "stimuli": STIMULI,
    "placebo": {"source": "It was printed on Tuesday"},
    "isomorph": Isomorph(items={"support": "{factor:source}: the dam, {factor:frame}. {stimulus:name}?"}),
    "states_assignment": True,
}


def test_prompts_of_a_conversation_through_two_levels_are_the_golden_ones(people):
    talk = experiment(people, n=48, **EVERYTHING)
    said = {
        trial.id: Response(place=trial.place, request=trial.request.hash, status="valid", answer=1)
        for number in range(2)
        for trial in talk.sheet(number).preview()
    }
    assert_golden("experiment-conversation", "\n\n".join(map(as_text, talk.trials(said)[:4])) + "\n")


def test_stopped_and_resumed_a_conversation_goes_through_the_same_levels(people, tmp_path):
    talk = experiment(people, n=48, **EVERYTHING)
    whole = collect(talk, "scripted:uniform?seed=2", tmp_path / "whole")
    for _ in range(3):
        collect(talk, "scripted:uniform?seed=2", tmp_path / "torn", budget=Budget(trials=37))
    torn = collect(talk, "scripted:uniform?seed=2", tmp_path / "torn")
    assert torn.table().equals(whole.table())
    assert whole.levels["version"] == ("published", "isomorph")


def assigned(people, **given) -> Experiment:
    """People who were assigned by somebody else: whoever supports the Right read about the gain."""
    frame = {"0": FRAME["loss"], "1": FRAME["gain"]}
    item = replace(SUPPORT, text="{factor:frame}. Do you support it?", column="party", values=(0, 1))
    instrument = Instrument(id="one", title="one", items=(item,))
    return Experiment(
        instrument=instrument, subjects=people(20), seed=5, factors={"frame": frame},
        assigned_by={"frame": "party"}, **given,
    )  # fmt: skip


def test_people_who_were_assigned_already_keep_their_arm_and_show_their_own_effect(people, tmp_path):
    design = assigned(people)
    assert design.assignment == {subject.id: str(subject.traits["party"]) for subject in design.subjects}
    engine = people_engine(design.subjects, design.instrument)
    study = Study(design, "scripted:uniform", people=PeopleSurvey(survey=design, engine=engine))
    run = carry_out(study, tmp_path)
    assert run.people.roster.arms == {"0": 10, "1": 10}
    (section,) = effects.sections(run.people)
    assert section.table.rows[0][4].value == 1.0  # what they answered is the party that assigned them
    assert design.describe()["assigned_by"] == {"frame": "party"}


def test_people_without_a_level_and_people_whom_nobody_assigned_are_refused(people):
    design = assigned(people)
    with pytest.raises(DesignError, match=r"has '1' in 'party', which is no level of 'frame' \(0, 2\)"):
        replace(design, factors={"frame": {"0": "x", "2": "y"}})
    with pytest.raises(DesignError, match="nobody is in the arm '2'"):
        replace(design, factors={"frame": {"0": "x", "1": "z", "2": "y"}})
    with pytest.raises(DesignError, match="then nothing is drawn, in blocks"):
        replace(design, block_by="party")
    drawn = replace(design, assigned_by={})
    with pytest.raises(DesignError, match="only where their data say which level"):
        PeopleSurvey(survey=drawn, engine=people_engine(design.subjects, design.instrument))
