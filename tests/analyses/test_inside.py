"""Changed inside: what moved beside what it cost, and what that may be called."""

import math

import pytest

from proband.analyses.inside import sections
from proband.batteries.asked import asked
from proband.batteries.battery import BATTERIES, Setting
from proband.batteries.inside import SideBySideDesign
from proband.errors import EngineError
from proband.models.engine import BaseEngine
from proband.records import Completion
from proband.runs.collection import collect

EXTRAVERT = {"E1": 1, "E7": 1, "E2": -1, "E4": -1}


class Changed(BaseEngine):
    """Agrees by so much more with extraversion, and pays so many nats a word more for a text."""

    abilities = frozenset({"score"})

    def __init__(self, query, move, cost):
        self.address, self.move, self.cost_ = f"planted?{query}", move, cost

    def answer(self, trials):
        for trial in trials:
            item, options = trial.place.item, trial.reply.options
            if item.startswith("paragraph"):
                logs = [-(4 + self.cost_) * len(options[0].split()) - 0.01 * len(item + str(self.cost_))]
            else:
                tilt = self.move * EXTRAVERT.get(item, 0) * (1 + 0.01 * int(item[1:]))
                raw = [tilt * trial.reply.order[k] for k in range(len(options))]
                top = math.log(sum(map(math.exp, raw)))
                logs = [x - top for x in raw]
            yield trial, Completion(log_probs=tuple(logs), token_counts=(1,) * len(logs))


def told(tmp_path, batteries=("mini-ipip", "held-out"), **engines):
    setting = Setting(seed=1, is_quick=True)
    designs = [asked(b, setting) if b.design is None else b.design(setting) for b in map(BATTERIES.load, batteries)]
    design = SideBySideDesign(designs=tuple(designs), models=tuple(engines))
    return {section.name: section for section in sections(collect(design, engines, tmp_path / "run"))}


STEER = "steer=x.toml&layer=1&dose="


def test_a_move_is_told_beside_its_price_and_named_by_it(tmp_path):
    found = told(
        tmp_path,
        plain=Changed("", 0, 0),
        one=Changed(f"{STEER}1", 0.2, 0.01),
        two=Changed(f"{STEER}2", 0.4, 0.3),
        four=Changed(f"{STEER}4", 0.8, 1.0),
    )
    ratios = {row[0]: row[3] for row in found["inside"].table.rows}
    assert ratios["two"].value == pytest.approx(math.exp(0.3), rel=0.01)
    scale = found["inside-mini-ipip-E"]
    words = {row[0]: row[4] for row in scale.table.rows}
    assert words["one"].endswith("and reads as before")
    assert words["two"].endswith("part of it may be damage")
    assert words["four"].startswith("broken: 2.7 times the perplexity")
    assert scale.sentences[0].endswith(": in order.")
    assert {row[4] for row in found["inside-mini-ipip-A"].table.rows[1:3]} == {"not moved"}
    agreement = found["inside-mini-ipip-agreement"].table.rows
    assert agreement[2][1] == pytest.approx(agreement[0][1], abs=0.02)  # two items up, two down


def test_what_noise_does_too_is_no_work_of_the_direction(tmp_path):
    found = told(
        tmp_path,
        plain=Changed("", 0, 0),
        steered=Changed(f"{STEER}1", 0.2, 0.05),
        noise=Changed("noise=0.1", 0.3, 0.04),
    )
    words = {row[0]: row[4] for row in found["inside-mini-ipip-E"].table.rows}
    assert words["steered"].endswith("so does noise without a direction: no work of the direction")
    assert words["noise"].endswith("reads as before")


def test_without_a_text_the_price_is_said_to_be_unknown(tmp_path):
    found = told(tmp_path, ["mini-ipip"], plain=Changed("", 0, 0), one=Changed(f"{STEER}1", 0.2, 0))
    assert found["inside-mini-ipip-E"].table.rows[1][4].endswith("not measured (add held-out to the batteries)")


def test_engines_that_cannot_read_are_refused(tmp_path):
    design = SideBySideDesign(designs=(BATTERIES.load("held-out").design(Setting(seed=1)),), models=("a",))
    with pytest.raises(EngineError, match="measured by the log-probability of its words"):
        collect(design, {"a": "scripted:uniform"}, tmp_path / "run")
