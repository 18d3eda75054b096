"""Three effects of Many Labs 1 through the engine of people: what comes out is what the project published.

The project's file has counts, means and standard deviations of all samples together, so people are made that have
exactly these.
"""

import math

import polars as pl
import pytest

from proband.designs.studies import load_study
from proband.reports import findings
from proband.runs import carry_out

STUDY = """
title = "Many Labs 1"
seed = 1
engine = "scripted:uniform"

[instrument]
id = "outcome"
items = [ITEM]

[population]
id = "people"
title = "People of all samples"
source = "Klein et al. (2014)"
licence = "CC0"
id_column = "id"
data = { path = "people.csv" }
fields = [{ column = "arm", first = "I read {value}.", third = "The person read {value}." }]
sample = 10

[experiment]
assigned_by = { arm = "arm" }

[experiment.factors.arm]
control = "one version"
treated = "another version"

[people]
"""
CHOICE = '{ id = "y", text = "{factor:arm}?", form = "choice", options = ["sure", "risky"], values = [1, 0] }'
NUMBER = '{ id = "y", text = "{factor:arm}?", form = "number", lower = -100000, upper = 100000 }'


@pytest.fixture
def published(shared_data):
    """Quantities of an effect over all samples, and its published d."""
    folder = shared_data / "experiments"
    by_site = pl.read_csv(folder / "manylabs1_effects_by_site.csv.gz").filter(pl.col("site") == "Overall")
    d = pl.read_csv(folder / "manylabs1_smd_by_site.csv.gz").filter(pl.col("site") == "Overall:")

    def of(effect, study):
        rows = by_site.filter(pl.col("effect") == effect)
        return dict(zip(rows["quantity"], rows["value"], strict=True)), d.filter(pl.col("study") == study)["d"].item()

    return of


def spread(n, mean, sd):
    """So many numbers with exactly that mean and standard deviation."""
    reach = sd * math.sqrt((n - 1) / (n - n % 2))
    return [mean - reach] * (n // 2) + [mean + reach] * (n // 2) + [mean] * (n % 2)


def effect_in(folder, item, arms):
    rows = [(arm, y) for arm, values in arms.items() for y in values]
    lines = [f"p{k},{arm},{y!r}" for k, (arm, y) in enumerate(rows)]
    (folder / "people.csv").write_text("id,arm,y\n" + "\n".join(lines) + "\n")
    (folder / "study.toml").write_text(STUDY.replace("ITEM", item))
    run = carry_out(load_study(folder / "study.toml"), folder / "run")
    section = findings(run, only=["effects"]).section("effects-arm")
    names = [column.name for column in section.table.columns]
    return section.table.rows[0][names.index("people's effect")]


def test_gain_and_loss(tmp_path, published):
    # The file's headers conflict with the sign of its effect; these are the counts as the effect has them.
    q, d = published("Gain_Loss", "study2")
    gain = [int(q["Count (Gain - Probability outcome)"]), int(q["Count (Gain - Exact outcome)"])]
    loss = [int(q["Count (Loss - Exact outcome).1"]), int(q["Count (Loss - Exact outcome)"])]
    found = effect_in(
        tmp_path, CHOICE, {"treated": [1] * gain[0] + [0] * gain[1], "control": [1] * loss[0] + [0] * loss[1]}
    )
    assert found.value == pytest.approx(gain[0] / sum(gain) - loss[0] / sum(loss))
    assert found.value == pytest.approx(0.287, abs=5e-4)
    odds = (found.value + loss[0] / sum(loss)) / (1 - found.value - loss[0] / sum(loss)) / (loss[0] / loss[1])
    assert math.log(odds) * math.sqrt(3) / math.pi == pytest.approx(d, abs=1e-3)


@pytest.mark.parametrize(
    ("effect", "study", "names"),
    [("Anchoring1", "study3a", ("High", "Low")), ("Flag Priming", "study9", ("Flag Prime", "Control"))],
)
def test_anchors_and_flags(tmp_path, published, effect, study, names):
    q, d = published(effect, study)
    (n1, m1, s1), (n0, m0, s0) = ((int(q[f"N ({k})"]), q[f"Mean ({k})"], q[f"SD ({k})"]) for k in names)
    found = effect_in(tmp_path, NUMBER, {"treated": spread(n1, m1, s1), "control": spread(n0, m0, s0)})
    pooled = math.sqrt(((n1 - 1) * s1**2 + (n0 - 1) * s0**2) / (n1 + n0 - 2))
    assert found.value == pytest.approx(m1 - m0)
    assert found.se == pytest.approx(math.sqrt(s1**2 / n1 + s0**2 / n0))
    assert found.value / pooled == pytest.approx(d, abs=2e-3)
