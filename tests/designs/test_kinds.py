"""What every kind of study does, found by discovery: a new kind brings an example, its twin in Python, and no test.

Rewrite the golden prompts with ``PROBAND_GOLDEN=write python -m pytest tests/designs/test_kinds.py``.
"""

import csv
import itertools
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from proband.batteries.asked import BatterySurvey, asked
from proband.batteries.battery import BATTERIES, Setting
from proband.batteries.inside import SideBySideDesign
from proband.designs import Conjoint, Experiment, PrisonersDilemma, Survey
from proband.designs.kind import KINDS, Shared
from proband.designs.quiz.material import asked_of, prompt_from
from proband.designs.quiz.quiz import Quiz
from proband.designs.studies import Study, load_study
from proband.instruments import Instrument, Item, load_instrument
from proband.instruments.banks.loading import load_bank
from proband.instruments.codebooks import Code, Codebook
from proband.interviews.design import Interviews
from proband.interviews.guide import Guide, Topic
from proband.interviews.witness import Fact, Witness
from proband.literature.hypotheses.proposing import Proposing
from proband.literature.records.library import read_library
from proband.literature.screening.design import Screening
from proband.runs import Run, branch, carry_out, plan
from proband.shelves import HOUSE
from proband.societies.asking import Asking as Voices
from proband.societies.design import Society
from proband.societies.life import Arm, Wave
from proband.societies.scenario import SCENARIOS
from proband.subjects import load_population
from proband.subjects.corpora import read_corpus
from proband.texts.bargaining import Actor, Bargaining
from proband.texts.coders import Coder
from proband.texts.design import Coding
from proband.texts.held_files import noted
from proband.texts.pairs import Compared, Pairs
from proband.texts.scenarios import Scenarios
from proband.texts.tables.asking import Asking, Question
from proband.texts.tables.tables import read_sheet
from tests.designs.survey.test_prompts import as_text, assert_golden

EXAMPLES = Path(__file__).parents[2] / "examples"
FILES = {
    kind: path
    # Of several examples of a kind the one that is called as it is: others need data that are not ours.
    for path in sorted(sorted(EXAMPLES.glob("*.toml"), reverse=True), key=lambda path: path.stem in KINDS)
    for kind, table in tomllib.loads(path.read_text()).items()
    if kind in KINDS and isinstance(table, dict)
}
HOUSE_KINDS = [name for name in KINDS if KINDS.package(name) == HOUSE]
SHOWN = 4  # trials in a golden file


def survey() -> Survey:
    items = ("vote", "clinton-placement", "dole-placement", "self-placement", "party", "tv-news")
    return Survey(
        instrument=load_instrument("anes-1996").subset(items),
        subjects=load_population("anes-1996").sample(60, seed=1996),
        seed=1996,
        title="ANES 1996",
    )


def experiment() -> Experiment:
    def item(id: str, what: str) -> Item:
        options = ("Strongly oppose", "Oppose", "Support", "Strongly support")
        text = f"{{factor:proposer}} propose to {what}. Do you support or oppose it?"
        return Item(id=id, text=text, form="scale", options=options)

    outcomes = (item("transit", "spend more on buses and trains"), item("schools", "lengthen the school day"))
    return Experiment(
        instrument=Instrument(id="policy-support", title="Support for two policies", items=outcomes),
        subjects=load_population("anes-1996").sample(150, seed=7),
        seed=7,
        title="Who proposes it",
        factors={"proposer": {"democrats": "The Democrats in Congress", "republicans": "The Republicans in Congress"}},
        block_by="PID",
    )


def conjoint() -> Conjoint:
    choice = Item(
        id="choice", text="Which of the two lines would you rather have?", form="choice", options=("Line 1", "Line 2")
    )
    often = ("Never", "Sometimes", "Often", "Daily")
    use = Item(id="use", text="How often would you take {profile:name}?", form="scale", options=often)
    attributes = {
        "Fare": ("free", "1 dollar", "3 dollars"),
        "Frequency": ("every 5 minutes", "every 20 minutes", "every hour"),
        "Walk to the stop": ("2 minutes", "15 minutes"),
    }
    return Conjoint(
        instrument=Instrument(id="bus-lines", title="Bus lines", items=(choice, use)),
        subjects=load_population("anes-1996").sample(40, seed=11),
        seed=11,
        title="Two bus lines",
        attributes={name: dict(zip(levels, levels, strict=True)) for name, levels in attributes.items()},
        not_together=[{"Fare": ["free"], "Frequency": ["every 5 minutes"]}],
        tasks=4,
        repeated_task=1,
        profile="Line",
    )


def battery() -> BatterySurvey:
    setting = Setting(seed=5, n=2, contexts={"role": ("none", "assistant")})
    return asked(BATTERIES.load("crt"), setting, title="Cognitive reflection")


def inside() -> SideBySideDesign:
    return SideBySideDesign(
        designs=(asked(BATTERIES.load("mini-ipip"), Setting(seed=1, is_quick=True)),),
        models=("plain", "dose 2"),
        seed=1,
        title="Extraversion by dose",
    )


def game() -> PrisonersDilemma:
    return PrisonersDilemma(matches=10, rounds=5, seed=4, title="A dilemma")


def quiz() -> Quiz:
    prompt = prompt_from({"use": "few-shot-text", "shots": 3, "draws": 2}, "quiz")
    bank, exemplars = asked_of(load_bank("facts"), limit=15, exemplars=10, seed=1)
    return Quiz(bank=bank, exemplars=exemplars, prompts=(prompt,), seed=1, title="What it knows")


def coding() -> Coding:
    aims = (
        Code(
            label="Complaint",
            definition="The letter says that something is broken, late or badly done.",
            includes=("a request to mend something",),
            examples=("The bus was late again.",),
        ),
        Code(label="Praise", definition="The letter says that something is good, or gives thanks."),
        Code(label="Question", definition="The letter asks for information.", excludes=("questions that blame",)),
        Code(label="Proposal", definition="The letter says what the town should do that it does not do yet."),
    )
    urgency = (
        Code(label="Yes", definition="Harm is near: to people, to animals or to property."),
        Code(label="No", definition="Nothing is harmed by waiting."),
    )
    options = (*(code.label for code in aims), "Cannot tell")
    items = (
        Item(
            id="aim",
            text="What does the letter want?",
            form="choice",
            options=options,
            dont_know=(4,),
            shows_braces=True,
        ),
        Item(
            id="urgent",
            text="Does somebody have to act within days?",
            form="choice",
            options=("Yes", "No"),
            shows_braces=True,
        ),
    )
    return Coding(
        codebook=Codebook(
            id="letters",
            title="Letters to a town",
            introduction="You code letters that people wrote to their town hall.",
            items=items,
            codes={"aim": aims, "urgent": urgency},
        ),
        corpus=read_corpus(EXAMPLES / "letters.csv", id="id", unit="district"),
        coders=(Coder(name="asked"), Coder(name="weighed", answer_by="channel")),
        seed=5,
        title="Letters to a town",
        prior_correction=True,
    )


def pairs() -> Pairs:
    with (EXAMPLES / "animals.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return Pairs(
        question="Which of the two animals is heavier?",
        objects=tuple(
            Compared(name=row["animal"], text=row["description"], traits={"log_kg": float(row["log_kg"])})
            for row in rows
        ),
        by=("name", "text"),
        tie="Both weigh the same",
        comparisons=4,
        reference="log_kg",
        seed=3,
        title="Which animal is heavier",
    )


def bargaining() -> Bargaining:
    with (EXAMPLES / "tram.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return Bargaining(
        issue="How many kilometres of tram the town builds",
        actors=tuple(Actor(name=row.pop("actor"), known={k: float(v) for k, v in row.items()}) for row in rows),
        lower=0,
        upper=20,
        low="no tram",
        high="a tram to every village",
        wordings={
            "plain": "",
            "expert": "Answer as somebody who has followed the town council for years.",
            "careful": "Think of what each actor says, and of what it does.",
        },
        cutoff="2024-06-30",
        seed=2,
        title="A tram for the town",
    )


def scenarios() -> Scenarios:
    return Scenarios(
        question="Think of a town of middle size in the year 2040.",
        factors={
            "Buses": ("Buses are free", "Buses are dear"),
            "Centre": ("Shops flourish in the centre", "The centre is empty"),
            "Homes": ("Homes are plentiful", "Homes are scarce"),
            "Work": ("Most people work at home", "Most people commute"),
        },
        cutoff="2024-06-30",
        seed=2,
        title="The town in 2040",
    )


def tables() -> Asking:
    def question(id: str, *wordings: str, **settings) -> Question:
        return Question(id=id, wordings=wordings, **settings)

    questions = (
        question(
            "latest-stop",
            "At which stop was a bus latest, and by how many minutes?",
            "Name the stop with the greatest delay of all, and that delay.",
            "What is the largest delay in minutes, and at which stop was it?",
            reference="SELECT stop, delay FROM stops ORDER BY delay DESC LIMIT 1",
        ),
        question(
            "stops-by-district",
            "How many different stops are there in each district?",
            "For every district, count its stops, each stop once.",
            "Give each district and the number of distinct stops in it.",
            reference="SELECT district, count(DISTINCT stop) FROM stops GROUP BY district",
        ),
        question(
            "rainy-delay",
            "How late are buses on average when it rains?",
            "What is the mean delay on days with rain?",
            "In rain, what is the average delay in minutes?",
            statistic="mean",
            reference="SELECT delay FROM stops WHERE weather = 'rain'",
        ),
        question(
            "late-share",
            "What share of buses was more than four minutes late?",
            "How large is the part of the arrivals with a delay above 4 minutes?",
            "Which fraction of all buses had a delay of more than 4?",
            statistic="share",
            reference="SELECT delay > 4 FROM stops",
        ),
        question(
            "rain-or-dry",
            "How much later are buses in rain than in dry weather?",
            "What is the difference in delay between rain and dry days?",
            "By how many minutes does rain delay buses, compared with dry weather?",
            statistic="difference",
            groups=("rain", "dry"),
            reference="SELECT delay, weather FROM stops",
        ),
    )
    return Asking(
        tables={"stops": read_sheet(EXAMPLES / "stops.csv")},
        files={"stops": noted(EXAMPLES / "stops.csv", "table")},
        questions=questions,
        replicates=3,
        temperature=0.7,
        seed=4,
        title="Late buses",
    )


def interview() -> Interviews:
    def topic(name: str, first: str, second: str, probes: int = 1) -> Topic:
        return Topic(name=name, questions=(first, second), probes=probes)

    saturday = "Tell me everything that happened at the market on Saturday."
    shouting = "The shouting came from the man who sells fish; he had seen a hand in the bag."
    facts = (
        Fact(name="bag", text="A woman cried out that her bag was gone.", opens="open"),
        Fact(name="boy", text="A boy ran past me, towards the bridge.", opens="open"),
        Fact(name="shouting", text=shouting, opens="cue", words=("shouting",)),
        Fact(name="bridge", text="At the bridge somebody was waiting on a bicycle.", opens="cue", words=("bridge",)),
        Fact(name="jacket", text="The boy wore a green jacket.", opens="question",
             words=("jacket", "wear", "clothes", "colour")),
        Fact(name="time", text="It was shortly after ten; the church clock had just struck.", opens="question",
             words=("time", "clock", "hour")),
    )  # fmt: skip
    return Interviews(
        guide=Guide(
            topics=(
                topic("the morning", saturday, "What happened after that?", probes=2),
                topic("the people", "Who else was at the stall?", "What did the others do?", probes=2),
                topic("afterwards", "What happened when it was over?", "Where did you go then?"),
            ),
            opening="Thank you for coming.",
            until="told",
        ),
        purpose="Something was stolen at the market on Saturday, and this person was there. Find out what they saw.",
        witness=Witness(
            facts=facts,
            story="I was at the market on Saturday, at the cheese stall, when there was a lot of shouting.",
            suggestible=0.5,
        ),
        seed=6,
        title="A theft at the market",
    )


def society() -> Society:
    keys = {"agents": 12, "rounds": 3, "decided_by": "model"}
    scenario, shared = SCENARIOS.load("granovetter"), Shared(title="", seed=12)
    change = {"story": "A crowd stands in a square, and everybody is calm."}
    world, calm = [scenario.make(shared, scenario.keys(**keys, **more)) for more in ({}, change)]
    world.seed = calm.seed = 12
    items = load_instrument("anes-1996").subset(("tv-news",)).items
    return Society(
        world=world,
        seed=12,
        societies=3,
        arms=(Arm(name="calm", from_round=3, world=calm),),
        waves=(Wave(after=2, items=items, agents=(0, 1, 2)),),
        asking=Voices(seed=12),
        title="A crowd that is asked",
        scenario="granovetter",
        settings={**keys, "arms": {"calm": change}},
    )


def hypothesize() -> Proposing:
    return Proposing(
        about="Why do some waiters get larger tips than others?",
        strategies=("plain", "less_likely", "stepwise", "adversarial"),
        each=5,
        seed=6,
        title="Tips in restaurants",
    )


def screening() -> Screening:
    nudge = "Choices are arranged or people are reminded, and nothing is forbidden or made dearer."
    told = {
        "nudge": ("Is the paper about a nudge?", nudge, "Anything else."),
        "tested": ("Was its effect measured?", "The paper reports what people did.",
                   "The paper argues, reviews or describes."),
    }  # fmt: skip
    return Screening(
        library=read_library(EXAMPLES / "papers.csv"),
        criteria=Codebook(
            id="nudges",
            title="Criteria",
            introduction="You decide which papers belong into a review of nudges.",
            items=tuple(
                Item(id=id, text=text, form="choice", options=("Yes", "No"), shows_braces=True)
                for id, (text, _, _) in told.items()
            ),
            codes={
                id: (Code(label="Yes", definition=yes), Code(label="No", definition=no))
                for id, (_, yes, no) in told.items()
            },
        ),
        seed=8,
        title="Do nudges work?",
        encoder="none",
    )


TWINS = {
    **{"survey": survey, "experiment": experiment, "conjoint": conjoint, "game": game, "quiz": quiz},
    **{"coding": coding, "pairs": pairs, "bargaining": bargaining, "scenarios": scenarios, "tables": tables},
    **{"society": society, "interview": interview, "hypothesize": hypothesize},
    "battery": battery,
    "inside": inside,
    "screening": screening,
}


def study(kind: str) -> Study:
    """The example of a kind, answered by rules."""
    found = load_study(FILES[kind])
    return Study(found.design, dict.fromkeys(found.cast, "scripted:uniform?seed=3"), people=found.people)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[str, Run]:
    """Runs of every kind, made when first asked for."""
    return {}


@pytest.fixture(params=HOUSE_KINDS)
def kind(request) -> str:
    return request.param


@pytest.fixture
def ran(kind, whole, tmp_path_factory) -> Run:
    if kind not in whole:
        whole[kind] = carry_out(study(kind), tmp_path_factory.mktemp("kinds") / kind)
    return whole[kind]


def test_toml_and_python_give_the_same_trials(kind):
    from_file, twin = load_study(FILES[kind]).design, TWINS[kind]()
    assert (from_file.name, from_file.seed) == (twin.name, twin.seed)
    assert list(from_file.preview()) == list(twin.preview())
    assert from_file.roster() == twin.roster()
    assert from_file.describe() == twin.describe()


def test_its_prompts_are_the_golden_ones(kind):
    trials = itertools.islice(study(kind).design.preview(), SHOWN)
    assert_golden(f"kind-{kind}", "\n\n".join(as_text(trial) for trial in trials) + "\n")


def test_its_design_says_which_kind_it_is(kind):
    design = study(kind).design
    assert design.kind == kind
    assert KINDS.load(kind).name == kind
    assert KINDS.load(kind).about


def test_everything_is_asked_and_known_in_the_roster(kind, ran):
    assert ran.is_complete
    asked, size = sum(ran.dispositions().values()), study(kind).design.size()
    # How much a society asks depends on what is answered: its size is that of one with answers drawn at random.
    assert asked == size if kind != "society" else 0.5 < asked / size < 2
    table = ran.table()
    assert {"unit", "role", "arm"} <= set(table.columns)
    assert set(table["subject"]) == set(ran.roster.units)


def test_a_plan_opens_no_run_and_counts_what_there_is(kind, ran):
    planned = plan(study(kind))
    assert (planned.kind, planned.trials) == (kind, study(kind).design.size())
    assert planned.units == study(kind).design.n_units()
    assert (planned.smallest_detectable_effect is None) == (planned.contrast == "")
    assert planned.name in repr(planned)
    assert "</table>" in planned._repr_html_()


KILLED = """
import sys
from proband.designs.studies import Study
from proband.models.scripted import uniform
from proband.runs import carry_out
from tests.designs.test_kinds import study
from tests.dying import dying

found, made = study(sys.argv[1]), dying(33)
engines = {role: made(uniform(), seed=3, address=address) for role, address in found.cast.items()}
carry_out(Study(found.design, engines, people=found.people), sys.argv[2])
"""


def test_killed_and_resumed_it_gives_the_same_table(kind, ran, tmp_path):
    folder = tmp_path / "torn"
    command = [sys.executable, "-c", KILLED, kind, str(folder)]
    died = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, check=False)
    assert died.returncode == 9, died.stderr
    torn = Run(folder)
    assert not torn.is_complete
    unfinished = torn.table()
    assert unfinished.height < ran.table().height
    assert {"unit", "role", "arm"} <= set(unfinished.columns)
    resumed = carry_out(study(kind), folder)
    assert resumed.is_complete
    assert resumed.table().equals(ran.table())


def test_a_branch_asks_nobody_again(kind, ran, tmp_path):
    rounds = max(response.place.round for response in ran.responses().values())
    branched = branch(ran, tmp_path / "branch", through_round=rounds)
    found = study(kind)
    again = carry_out(Study(found.design, found.cast), branched)
    assert again.is_complete
    assert again.table().equals(ran.table())
