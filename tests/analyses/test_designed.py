"""What is told of designed experiments: doses, stimuli, and hypotheses that were locked."""

import pytest

from proband.analyses import doses, hypotheses, stimuli
from proband.designs import Experiment
from proband.designs.experiments.material import Stimuli
from proband.designs.hypotheses import Hypothesis, Promises
from proband.designs.studies import Study
from proband.instruments import Instrument, Item
from proband.models.scripted import ScriptedEngine
from proband.runs import Run, carry_out, collect
from proband.runs.locking import hold_to, lock_study, read_lock
from tests.analyses.studies import LEVELS, framed

PRICE = Item(
    id="fair", text="The price rises to {factor:price}. Is that fair?", form="scale", options=("no", "so", "yes")
)
PRICES = {"low": "16 dollars", "mid": "20 dollars", "high": "40 dollars"}


def by_price(trial):
    lost = {"low": 0.0, "mid": 0.04, "high": 0.24}[dict(trial.place.condition)["price"]]
    return (0.2 + lost, 0.3, 0.5 - lost)


def test_a_dose_has_its_slope_and_its_means_in_order(people, tmp_path):
    design = Experiment(
        instrument=Instrument(id="p", title="P", items=(PRICE,)), subjects=people(600), seed=1, answer_by="written",
        factors={"price": PRICES}, doses={"price": {"low": 16, "mid": 20, "high": 40}},
    )  # fmt: skip
    run = collect(design, ScriptedEngine(by_price, seed=2), tmp_path)
    (section,) = doses.sections(run)
    name, slope, p, _ = section.table.rows[0]
    assert name == "fair"
    assert slope.interval[0] < -0.02 < slope.interval[1]  # 2 x 0.24 points lost over 24 dollars
    assert p < 0.001
    assert "its means are in order" in section.sentences[0]
    assert [row["x"] for row in section.figure.rows] == [16, 20, 40]


def test_without_doses_there_is_no_such_section(people, tmp_path):
    run = collect(framed(people(12)), ScriptedEngine(lambda trial: (0.2, 0.3, 0.5), seed=2), tmp_path)
    assert "no factor of this run has doses" in doses.needs(run)
    assert "no stimuli" in stimuli.needs(run)


TEXT = Item(
    id="like",
    text="Here is {stimulus:text}, {factor:frame}. Do you like it?",
    form="scale",
    options=("no", "so", "yes"),
)


def test_an_effect_that_differs_between_stimuli_is_less_sure_over_other_stimuli(people, tmp_path):
    texts = {f"t{k}": {"text": f"text {k}"} for k in range(12)}

    def rule(trial):
        at = dict(trial.place.condition)
        shift = 0.1 + 0.25 * (int(at["stimulus"][1:]) % 2)  # some texts gain, others hardly
        gain = shift * (at["frame"] == "gain")
        return (0.4 - gain, 0.2, 0.4 + gain)

    design = Experiment(
        instrument=Instrument(id="s", title="S", items=(TEXT,)), subjects=people(240), seed=1,
        factors={"frame": LEVELS}, stimuli=Stimuli(texts=texts, per_subject=4), answer_by="written",
    )  # fmt: skip
    run = collect(design, ScriptedEngine(rule, seed=2), tmp_path)
    (section,) = stimuli.sections(run)
    _, level, effect, _ = section.table.rows[0]
    assert level == "gain"
    assert effect.interval[0] < 0.45 < effect.interval[1]
    assert effect.n_clusters == 12
    assert effect.df == 11


def locked_run(subjects, rule, into, *promised, families=None) -> Run:
    study = Study(
        framed(subjects, answer_by="written"), ScriptedEngine(rule, seed=2),
        promises=Promises(hypotheses=promised, families=families or {}),
    )  # fmt: skip
    lock_study(study, into / "a.lock.json")
    hold_to(read_lock(into / "a.lock.json"), study, into / "run")
    return carry_out(study, into / "run")


def supports(frame_gains):
    def rule(trial):
        gain = frame_gains * (dict(trial.place.condition)["frame"] == "gain")
        return (0.4 - gain, 0.2, 0.4 + gain)

    return rule


@pytest.mark.parametrize(
    ("direction", "gains", "verdict"),
    [
        ("more", 0.3, "supported"),
        ("less", 0.3, "contradicted: the other way round"),
        ("more", 0.0, "not supported"),
        ("none", 0.0, "supported: smaller than what matters"),
        ("none", 0.3, "not supported"),
    ],
)
def test_a_locked_hypothesis_has_its_verdict(people, tmp_path, direction, gains, verdict):
    said = Hypothesis(
        id="H1", outcome="support", factor="frame", level="gain", direction=direction, smallest=0.3,
    )  # fmt: skip
    run = locked_run(people(400), supports(gains), tmp_path, said)
    (section,) = hypotheses.sections(run)
    assert section.table.rows[0][6] == verdict
    assert section.sentences[0].startswith(f"H1: {verdict}")


def test_answers_that_are_all_alike_support_no_hypothesis(people, tmp_path):
    said = Hypothesis(id="H1", outcome="support", factor="frame", level="gain", direction="more", smallest=0.3)
    always = ScriptedEngine(lambda trial: 2 if dict(trial.place.condition)["frame"] == "gain" else 0, seed=2)
    study = Study(framed(people(4)), always, promises=Promises(hypotheses=(said,)))
    lock_study(study, tmp_path / "a.lock.json")
    hold_to(read_lock(tmp_path / "a.lock.json"), study, tmp_path / "run")
    (section,) = hypotheses.sections(carry_out(study, tmp_path / "run"))
    assert section.table.rows[0][2].value == 2.0
    assert section.table.rows[0][6] == "cannot be told"


def test_p_values_are_adjusted_in_their_families_as_locked(people, tmp_path):
    said = [
        Hypothesis(
            id=f"H{k}", outcome="support", factor="frame", level="gain", direction="more", smallest=0.1, family=f
        )
        for k, f in enumerate(["a", "a", "b"])
    ]
    run = locked_run(people(60), supports(0.12), tmp_path, *said, families={"a": "bonferroni", "b": "none"})
    rows = hypotheses.sections(run)[0].table.rows
    assert rows[0][4] == pytest.approx(min(1.0, 2 * rows[0][3]))
    assert rows[2][4] == pytest.approx(rows[2][3])


def test_a_run_without_a_lock_says_so(people, tmp_path):
    run = collect(framed(people(12)), ScriptedEngine(supports(0.1), seed=2), tmp_path)
    assert "proband lock" in hypotheses.needs(run)
