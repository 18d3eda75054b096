"""Several runs of one study as one whose engine varies."""

import json

import pytest

from proband.analyses import effects, specifications
from proband.cli.main import app
from proband.errors import DesignError
from proband.models.scripted import ScriptedEngine
from proband.reports import findings
from proband.runs import Run, SideBySide, collect
from tests.analyses.studies import framed
from tests.analyses.test_specifications import asked
from tests.conftest import made_up


def shifted(by):
    """An engine that the gain frame moves by so much, two ways."""

    def rule(trial):
        shift = by * (dict(trial.place.condition)["frame"] == "gain")
        return (0.4 - shift, 0.2, 0.4 + shift)

    return rule


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("engines")
    return [asked(made_up(120), shifted(by), folder / name) for name, by in (("weak", 0.1), ("strong", 0.3))]


def test_every_engine_is_a_level_and_every_place_is_there_once_for_each(runs):
    both = SideBySide(runs)
    assert both.levels["engine"] == ("weak", "strong")
    table = both.table()
    assert table.height == sum(run.table().height for run in runs)
    assert table.group_by("factor_engine", "trial").len()["len"].max() == 1
    assert sum(both.dispositions().values()) == table.height
    with pytest.raises(DesignError, match="one of them"):
        both.responses()


def test_a_specification_curve_runs_over_engines_and_ways_to_ask(runs):
    (section,) = specifications.sections(SideBySide(runs))
    assert section.table.columns[0].name == "engine"
    assert len(section.table.rows) == 12
    by_engine = {name: [row[3].value for row in section.table.rows if name in row[:3]] for name in ("weak", "strong")}
    for name, planted in (("weak", 0.2), ("strong", 0.6)):
        assert sum(by_engine[name]) / 6 == pytest.approx(planted, abs=0.12)
    assert "Under 12 ways to ask" in section.sentences[0]


def test_engines_are_compared_subject_by_subject(runs):
    (section,) = [s for s in effects.sections(SideBySide(runs)) if s.name == "effects-engine"]
    (row,) = section.table.rows
    assert row[1] == "strong"
    assert row[4].n_units == 120
    assert "compared with itself" in section.sentences[0]


def test_findings_of_several_runs_tell_what_compares_engines(runs):
    found = findings(SideBySide(runs))
    assert {"effects-engine", "effects-frame"} <= {section.name for section in found.sections}
    assert any(section.name.startswith("specifications-frame") for section in found.sections)
    assert found.facts["Engine"].count("scripted:") == 2
    with pytest.raises(DesignError, match=r"'shares' looks at one run; several are compared by .*effects"):
        findings(SideBySide(runs), only=["shares"])


def test_the_command_takes_runs_to_compare_with(runs, capsys):
    first, second = (str(run.path) for run in runs)
    app(["measure", first, "--against", second, "--only", "specifications", "--json"], standalone_mode=False)
    found = json.loads(capsys.readouterr().out)
    assert [section["name"] for section in found["sections"]] == ["specifications-frame-gain-support"]


def test_runs_of_different_studies_are_not_compared(runs, people, tmp_path):
    rule = ScriptedEngine(shifted(0.1), seed=2)
    fewer = asked(people(12), shifted(0.1), tmp_path / "fewer")
    with pytest.raises(DesignError, match="who took part differs; carry the one study out"):
        SideBySide([runs[0], fewer])
    other = collect(framed(people(12), answer_by="written"), rule, tmp_path / "kind")
    with pytest.raises(DesignError, match="the kind of study differs \\(survey and experiment\\)"):
        SideBySide([runs[0], other])
    with pytest.raises(DesignError, match="compared with itself"):
        SideBySide([runs[0], Run(runs[0].path)])
