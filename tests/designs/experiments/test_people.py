"""People who took part in an experiment stand beside the model, each under the level that they saw."""

import pytest

from proband.designs.studies import load_study
from proband.errors import ProbandError
from proband.reports import findings
from proband.runs import carry_out

STUDY = """
title = "Frames"
seed = 2
engine = "scripted:always?option=2"

[instrument]
id = "frames"
items = [
  { id = "support", form = "scale", options = ["no", "unsure", "yes"], text = "It means {factor:frame}. Yes or no?" },
]

[population]
id = "people"
title = "People"
source = "made up"
licence = "none"
id_column = "id"
data = { path = "people.csv" }
fields = [{ column = "age", first = "I am {value} years old.", third = "{value} years old.", is_number = true }]

[experiment]
assigned_by = { frame = "saw" }

[experiment.factors.frame]
loss = "that 400 of 600 die"
gain = "that 200 of 600 are saved"

[people]
refused = [9]
"""


def written(folder, study=STUDY, **changed):
    # Under gain people answer 1, 2, 3 in turn less often no: means 2.4 and 1.6, and one refusal.
    answers = {"gain": [3, 3, 2, 3, 1], "loss": [1, 1, 2, 1, 3]}
    rows = ["id,age,saw,support"]
    for k in range(100):
        arm = ("gain", "loss")[k % 2]
        rows.append(f"p{k},{20 + k % 50},{changed.get('arm', arm)},{answers[arm][(k // 2) % 5]}")
    rows.append("p100,30,gain,9")
    (folder / "people.csv").write_text("\n".join(rows) + "\n")
    (folder / "study.toml").write_text(study)
    return folder / "study.toml"


def test_peoples_effect_stands_beside_the_models(tmp_path):
    study = load_study(written(tmp_path))
    run = carry_out(study, tmp_path / "run")
    assert run.people.dispositions() == {"valid": 100, "refused": 1}
    assert run.people.roster.arms == {"gain": 51, "loss": 50}
    section = findings(run, only=["effects"]).section("effects-frame")
    names = [column.name for column in section.table.columns]
    (row,) = section.table.rows
    people = row[names.index("people's effect")]
    assert people.value == pytest.approx(2.4 - 1.6)
    assert people.target == "human"
    assert people.interval[0] < 0.8 < people.interval[1]
    assert "In people, gain changes support by 0.800" in " ".join(section.sentences)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (('assigned_by = { frame = "saw" }', ""), r"name the columns, e.g. assigned_by"),
        (('"saw" }', '"saw", fram = "age" }'), "names every factor that is not within"),
        (('"saw" }', '"age" }'), "is no level of 'frame'"),
        (('"saw" }', '"seen" }'), "no column 'seen'"),
    ],
)
def test_what_people_saw_must_be_a_level(tmp_path, edit, said):
    with pytest.raises(ProbandError, match=said):
        load_study(written(tmp_path, STUDY.replace(*edit)))
