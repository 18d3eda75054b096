"""Reading: surprisal at marked words, and what is told of it."""

import math
import statistics

import polars as pl
import pytest
import torch

from proband.analyses.reading import scores, sections, surprisals
from proband.batteries.battery import BATTERIES, Contrast, Setting
from proband.batteries.reading import LEADS, Quantity, Reading, Sentence
from proband.errors import DesignError, EngineError
from proband.models.engine import BaseEngine
from proband.models.local.embedded import embedded_engine
from proband.models.local.engine import LocalEngine
from proband.records import Completion
from proband.runs.collection import collect
from tests.models.local.small_models import save_checkpoint

READING = sorted(name for name, battery in BATTERIES.loaded().items() if battery.needs == "continuations")


class Planted(BaseEngine):
    """Gives every region the log-probability that a rule says."""

    address, abilities = "planted", frozenset({"score"})

    def __init__(self, rule):
        self.rule = rule

    def answer(self, trials):
        for trial in trials:
            yield trial, Completion(log_probs=(self.rule(trial),), token_counts=(1,))


def garden(*, quick=True, n=2):
    return BATTERIES.load("garden-path").design(Setting(seed=3, is_quick=quick, n=n))


def small(**changes):
    pair = {"misled": "While Ann dressed the baby| spat| up.", "comma": "While Ann dressed, the baby| spat| up."}
    told = (Quantity(id="a", name="a", of="misled"), Quantity(id="b", name="b", of="comma"))
    given = {"battery": "t", "sentences": (Sentence(id="s", texts=pair),), "quantities": told}
    return Reading(**(given | changes))


def plain_surprisal(engine, before, region):
    """Of a forward pass of transformers, with its own attention, over the text alone."""
    head, whole = engine.template.tokenize([before, before + region])
    with torch.inference_mode():
        logits = engine.passes.model(torch.tensor([whole])).logits[0].log_softmax(-1)
    return -sum(float(logits[k - 1, whole[k]]) for k in range(len(head), len(whole)))


def largest_difference(engine, design, folder):
    run = collect(design, engine, folder)
    plain = {
        (sentence.id, cell, lead): plain_surprisal(engine, LEADS[lead] + before, region)
        for lead in design.leads
        for sentence in design.sentences
        for cell, before, region in sentence.cells()
    }
    found = surprisals(run)
    assert found.height == len(plain)
    assert found["bits"].to_list() == pytest.approx([nats / math.log(2) for nats in found["nats"]])
    rows = found.select("item", "cell", "lead", "nats").iter_rows()
    return max(abs(nats - plain[item, cell, lead]) for item, cell, lead, nats in rows)


def test_surprisal_is_that_of_a_plain_pass(tmp_path):
    engine = LocalEngine(save_checkpoint(tmp_path / "model"), address="tiny")
    assert largest_difference(engine, small(leads=("none", "page")), tmp_path / "run") < 1e-4


@pytest.mark.slow
def test_surprisal_of_the_embedded_model_is_that_of_a_plain_pass_and_shows_the_garden_path(tmp_path):
    engine, design = embedded_engine(), garden(n=None)
    few = Reading(battery="t", sentences=design.sentences[:3], quantities=design.quantities[:2])
    assert largest_difference(engine, few, tmp_path / "run") < 1e-4
    told = scores(collect(few, engine, tmp_path / "run"))
    found = {scale: score for scale, score in told.group_by("scale").agg(pl.col("score").mean()).iter_rows()}
    assert found["ot-ambiguous"] > found["ot-comma"] + 1


def test_planted_probabilities_come_back_in_bits_shares_and_contrasts(tmp_path):
    chances = {"yes": 0.6, "no": 0.2, "ambiguous": 1 / 16, "comma": 1 / 4}
    run = collect(
        garden(), Planted(lambda t: math.log(chances[dict(t.place.condition)["cell"].split("-")[-1]])), tmp_path
    )
    told, contrasts = sections(run)
    means = {row[0]: row[3].value for row in told.table.rows}
    assert means["Surprisal where it is put right: reflexive verb, ambiguous"] == pytest.approx(4)
    assert means["First reading held true: reflexive verb, comma"] == pytest.approx(0.75)
    assert contrasts.table.rows[0][1].value == pytest.approx(2)
    assert contrasts.table.rows[0][2] == 1  # in every sentence


def test_an_engine_without_log_probabilities_is_refused_before_the_first_call(tmp_path):
    with pytest.raises(EngineError, match="measured by the log-probability of its words, and scripted:uniform"):
        collect(garden(), "scripted:uniform", tmp_path / "run")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sentences": (Sentence(id="s", texts={"misled": "no region here"}),)}, "0 bars; put one before"),
        ({"sentences": (Sentence(id="s", texts={"misled": "Ann|spat|"}),)}, "put the space before 'spat' inside"),
        ({"sentences": (Sentence(id="s", texts={"misled": "| Ann| spat"}),)}, "what stands before it, is empty"),
        ({"quantities": (Quantity(id="q", name="q", of="elsewhere"),)}, "no sentence has a cell 'elsewhere'"),
        ({"contrasts": (Contrast(name="c", weights={"z": 1}),)}, "no quantity 'z'"),
        ({"leads": ("poem",)}, "no lead 'poem'; there are none, story, page"),
    ],
)
def test_what_could_not_be_read_is_refused(changes, message):
    with pytest.raises(DesignError, match=message):
        small(**changes)


def test_several_regions_of_one_text_are_several_cells():
    sentence = Sentence(id="s", texts={"all": "The| old| man| sat|."})
    assert list(sentence.cells()) == [("all.1", "The", " old"), ("all.2", "The old man", " sat")]


@pytest.mark.parametrize("name", READING)
def test_a_battery_of_reading_is_a_pure_function_of_its_setting(name):
    battery = BATTERIES.load(name)
    design = battery.design(Setting(seed=5))
    assert design.describe() == battery.design(Setting(seed=5)).describe()
    requests = [(trial.place.condition, trial.request.hash) for trial in design.trials({})]
    assert len(set(requests)) == len(requests)  # no sentence is there twice
    quick = battery.design(Setting(seed=5, is_quick=True))
    assert quick.size() < design.size()
    # Every quantity is told of at least four sentences, or its interval would mean nothing.
    cells = [{cell for cell, _, _ in sentence.cells()} for sentence in quick.sentences]
    for quantity in quick.quantities:
        assert sum({quantity.of, quantity.against or quantity.of} <= own for own in cells) >= 4, quantity.id


def test_an_error_between_kinds_of_verbs_counts_what_both_sexes_of_a_verb_share(tmp_path):
    """By hand: a verb's two shares are added before its spread is taken, and verbs of two kinds are independent."""
    design = BATTERIES.load("implicit-causality").design(Setting(seed=1, is_quick=True))
    number = {sentence.id: k for k, sentence in enumerate(design.sentences)}

    def rule(trial):
        """A verb's liking for `she` moves its shares apart by far, and a little is its own."""
        k = number[trial.place.item]
        _, subject, word = dict(trial.place.condition)["cell"].split("-")
        she = 0.2 + 0.03 * k - (0.02 * (-1) ** k if subject == "he" else 0)
        return math.log(she if word == "she" else 1 - she)

    _, contrasts = sections(collect(design, Planted(rule), tmp_path))
    estimate = contrasts.table.rows[0][1]
    error = math.sqrt(2 * statistics.variance([0.5 + 0.01 * (-1) ** k for k in range(8)]) / 8)
    assert estimate.value == pytest.approx(0)
    assert estimate.interval == pytest.approx((-2.364624 * error, 2.364624 * error))
