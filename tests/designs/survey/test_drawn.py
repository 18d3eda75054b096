"""A study that says how its people were drawn: what changes, and what is refused before anything is asked."""

import csv

import numpy as np
import pytest

from proband import load_study
from proband.analyses import fidelity, survey_estimates
from proband.analyses.asked import asked_of
from proband.analyses.shares import estimates_of, sections
from proband.errors import DataError
from proband.measures import fidelity as ladder
from proband.measures import share_estimates
from proband.roster import Member, Roster
from proband.runs.collection import carry_out
from proband.store.rosters import roster_from, roster_text
from proband.subjects import load_population

STUDY = """
seed = 1
engine = "scripted:uniform"
[instrument]
id = "one"
[[instrument.items]]
id = "vote"
text = "Did you vote?"
form = "choice"
options = ["no", "yes"]
column = "voted"
values = [0, 1]
[[instrument.items]]
id = "rooms"
text = "How many rooms do you live in?"
form = "number"
lower = 0
upper = 40
column = "villages"
[population]
id = "town"
title = "A town"
source = "invented"
licence = "CC0-1.0"
id_column = "id"
weight_column = "w"
{design}
data = {{ path = "town.csv" }}
[people]
[survey]
persona = "none"
"""
DRAWN = 'strata = "region"\npsu = "village"'


def town(folder, n=80, lonely=False):
    rng = np.random.default_rng(2)
    with (folder / "town.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["id", "w", "region", "village", "villages", "voted"])
        for k in range(n):
            village = k // 8
            region = "alone" if lonely and village == 0 else f"r{village % 2}"
            out.writerow(
                [f"p{k}", rng.choice([1, 2, 3]), region, village, 40, int(rng.random() < 0.1 + village % 3 * 0.4)]
            )


def study(folder, design):
    (folder / "study.toml").write_text(STUDY.format(design=design))
    return load_study(folder / "study.toml")


def test_strata_and_units_change_the_intervals_of_a_report_and_it_says_so(tmp_path):
    town(tmp_path)
    runs = {}
    for name, design in (("as drawn", DRAWN), ("alone", "")):
        one = study(tmp_path, design)
        runs[name] = carry_out(one, tmp_path / name)
    drawn, alone = (estimates_of(asked_of(run)[0])["people"]["yes"] for run in runs.values())
    width = {name: e.interval[1] - e.interval[0] for name, e in (("drawn", drawn), ("alone", alone))}
    assert drawn.value == pytest.approx(alone.value)
    assert width["drawn"] > 1.3 * width["alone"]
    assert (drawn.n_clusters, drawn.df) == (10, 8)
    assert any("80 people in 10 units of 2 strata" in said for said in sections(runs["as drawn"])[0].methods)
    assert not any("units" in said for said in sections(runs["alone"])[0].methods)
    # The same as the measure gives, which knows nothing of runs.
    rows = list(csv.DictReader((tmp_path / "town.csv").read_text().splitlines()))
    by_hand = share_estimates(
        [int(r["voted"]) for r in rows], 2, target="human", weights=[float(r["w"]) for r in rows],
        strata=[r["region"] for r in rows], psu=[r["village"] for r in rows],
    )[1]  # fmt: skip
    assert drawn.interval == pytest.approx(by_hand.interval)


def test_design_effects_and_tests_are_told_where_people_were_drawn_by_a_design(tmp_path):
    town(tmp_path)
    one = study(tmp_path, DRAWN)
    run = carry_out(one, tmp_path / "run")
    assert survey_estimates.needs(run) is None
    estimates, tests = survey_estimates.sections(run)
    assert "80 people in 10 units of 2 strata. The design effect is" in estimates.sentences[0]
    yes = next(row for row in estimates.table.rows if row[0] == "vote: yes")
    assert yes[2].interval == estimates_of(asked_of(run)[0])["people"]["yes"].interval
    assert yes[4] > 1.5
    (median,) = (row for row in estimates.table.rows if row[0] == "rooms (median)")
    assert (median[2].value, median[4]) == (40, None)
    assert [row[1] for row in tests.table.rows] == ["model v people"]
    tv = tests.table.rows[0][2]
    assert tv == pytest.approx(abs(yes[2].value - 0.5))
    alone = carry_out(study(tmp_path, ""), tmp_path / "alone")
    (with_design, without) = (fidelity.sections(each)[0].table.rows[0] for each in (run, alone))
    assert with_design[1].value == pytest.approx(without[1].value)
    assert with_design[-1] > 1.2 * without[-1]  # the noise floor
    ladders = [ladder(each, each.people) for each in (run, alone)]
    assert "80 people in 10 units of 2 strata" in ladders[0].design
    floors = [found.rung("marginal")[0].noise_floor for found in ladders]
    assert floors[0] > 1.2 * floors[1]


def test_a_stratum_with_one_unit_is_refused_before_anything_is_asked(tmp_path):
    town(tmp_path, lonely=True)
    with pytest.raises(DataError, match=r"single sampling unit.*'alone'.*merge"):
        study(tmp_path, DRAWN)
    assert len(study(tmp_path, "").design.roster()) == 80


def test_sizes_of_strata_narrow_intervals_and_must_fit(tmp_path):
    town(tmp_path)
    runs = [
        carry_out(study(tmp_path, design), tmp_path / str(k))
        for k, design in enumerate((DRAWN, DRAWN + '\nfpc = "villages"'))
    ]
    errors = [estimates_of(asked_of(run)[0])["people"]["yes"].se for run in runs]
    assert errors[1] == pytest.approx(errors[0] * (1 - 5 / 40) ** 0.5)
    with pytest.raises(DataError, match="fpc of stratum"):
        study(tmp_path, DRAWN + '\nfpc = "w"')


def test_a_column_that_is_not_there_is_named(tmp_path):
    town(tmp_path)
    with pytest.raises(DataError, match="no column 'county'"):
        study(tmp_path, 'strata = "county"')


def test_a_roster_keeps_how_people_were_drawn_and_is_written_as_before_where_they_were_not():
    drawn = Roster([Member(subject="a", stratum="s", psu="1", fpc=40.0), Member(subject="b", stratum="s", psu="2")])
    assert roster_from(roster_text(drawn)) == drawn
    assert (drawn.strata, drawn.psu, drawn.fpc) == ({"a": "s", "b": "s"}, {"a": "1", "b": "2"}, {})
    assert roster_text(Roster([Member(subject="a")])) == (
        '{"subject":["a"],"unit":["a"],"role":[""],"arm":[""],"weight":[1.0],"traits":{}}'
    )


def test_a_population_of_before_keeps_its_hash():
    people = load_population("anes-1996")
    assert people.hash == "8053316dfeedfcfa466c0fb8bf40320d"
    assert people.drawn(psu="age").hash != people.hash
