"""The shelf: every study recovers on scripted people what was planted, and says what it is to be compared with."""

import math

import polars as pl
import pytest

from proband.designs.catalogue import shelf, study_path
from proband.designs.studies import load_study
from proband.errors import DesignError
from proband.references import references
from proband.replications.replicating import replicate, told
from proband.replications.replication import SCRIPTED, EffectTable, Replication, TermTable, effect_in, replications

STUDIES = sorted(shelf())


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Each study on its scripted people, carried out once."""
    into, found = tmp_path_factory.mktemp("replications"), {}

    def one(name):
        if name not in found:
            (found[name],) = replicate(replications([name]), SCRIPTED, into)
        return found[name]

    return one


@pytest.mark.parametrize("name", STUDIES)
def test_what_is_planted_comes_back_within_its_interval(tmp_path, name):
    (one,) = replicate(replications([name]), SCRIPTED, tmp_path, drawn=True)
    assert not one.refused
    assert one.run.is_complete
    for effect in one.effects:
        model = effect.model
        # One in 1,000 for each of some sixty effects; a share of 0 or 1 has no error.
        reach = 3.3 * model.se if model.se else 1e-6
        assert abs(model.value - effect.planted) <= reach, (effect.name, model, effect.planted)


@pytest.mark.parametrize("name", STUDIES)
def test_people_made_to_show_the_published_effect_pass(done, name):
    verdicts = {effect.name: effect.verdict for effect in done(name).effects}
    assert set(verdicts.values()) == {"pass"}, verdicts


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_says_what_it_is_and_where_it_differs(name):
    replication = Replication(name)
    page = (replication.folder / "page.md").read_text(encoding="utf-8")
    assert page.startswith("# ")
    assert "**People.**" in page
    assert replication.file.deviations
    assert "http" in replication.file.source or "(19" in replication.file.source or "(20" in replication.file.source


def test_the_page_tells_misses_as_clearly_as_hits(tmp_path):
    done = replicate(replications(["gain-loss"]), "scripted:always?option=1", tmp_path)
    page = told(done, "scripted:always?option=1")
    (row,) = page.section("replications").table.rows
    assert row[6] == "MISS"
    assert "0 passed, 1 missed" in page.lead[0]
    assert any("doi.org" in sentence for sentence in page.section("replication-gain-loss").sentences)


def test_one_match_tells_nothing_whatever_came_of_it(tmp_path):
    (one,) = replicate(replications(["ultimatum"]), SCRIPTED, tmp_path, sample=4)
    offer, *_ = one.effects
    assert offer.model.n_units == 1
    assert offer.verdict == "open"


def test_an_effect_of_one_that_is_not_there_is_refused(tmp_path, monkeypatch):
    text = (Replication("dictator").folder / "replication.toml").read_text(encoding="utf-8")
    (tmp_path / "replication.toml").write_text(text.replace('of = "share of', 'of = "shares of'), encoding="utf-8")
    monkeypatch.setattr(Replication, "folder", tmp_path)
    with pytest.raises(DesignError, match=r"is of 'shares of the pot that is given', which is none \(did you mean"):
        replications(["odd"])


def test_what_an_engine_cannot_take_is_told_and_stops_nothing(tmp_path):
    done = replicate(replications(["gain-loss"]), "scripted:nosuch", tmp_path)
    assert "nosuch" in done[0].refused
    assert told(done, "scripted:nosuch").left_out == {"gain-loss": done[0].refused}


def test_a_study_of_the_shelf_is_loaded_by_name_and_a_wrong_name_is_refused():
    assert load_study("shelf:gain-loss").design.kind == "experiment"
    with pytest.raises(DesignError, match=r"no study 'gain-los' on the shelf.*gain-loss"):
        study_path("shelf:gain-los")


def test_an_effect_without_a_figure_in_the_references_is_refused(tmp_path, monkeypatch):
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "replication.toml").write_text(
        'finding = "x"\nsource = "y"\n[[effects]]\nname = "e"\nsection = "s"\nrow = "r"\npasses = "sign"\nplanted = 0\n'
        'human = ["gain-loss", "nothing"]\n'
    )
    monkeypatch.setattr(Replication, "folder", folder)
    with pytest.raises(DesignError, match=r"no figure gain-loss, nothing in references.toml"):
        replications(["odd"])


def test_every_figure_that_a_study_names_has_its_source():
    known = {(row.study, row.quantity) for row in references()}
    for name in STUDIES:
        for effect in Replication(name).file.effects:
            assert not effect.human or tuple(effect.human) in known


@pytest.mark.parametrize(("is_independent", "se"), [(True, math.hypot(0.03, 0.04)), (False, 0.07)])
def test_numbers_of_the_same_subjects_have_no_smaller_error_together_than_they_may_have(is_independent, se):
    rows = [("a", 0.5, 0.03), ("b", 0.2, 0.04)]
    table = pl.DataFrame(
        [
            {"section": "s", "row": row, "column": "model", "value": value, "se": error, "estimand": row, "n_units": 9,
             "low": None, "high": None, "interval_method": "t", "p_value": None, "warnings": ""}
            for row, value, error in rows
        ]
    )  # fmt: skip
    terms = [TermTable(row="a"), TermTable(row="b", weight=-1.0)]
    written = EffectTable(
        name="e",
        section="s",
        row="",
        column="model",
        terms=terms,
        independent=is_independent,
        passes="sign",
        planted=0.3,
    )
    found = effect_in(table, written, "x").model
    assert found.value == pytest.approx(0.3)
    assert found.se == pytest.approx(se)
    assert found.n_units == (18 if is_independent else 9)


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_can_be_asked_of_another_number(name):
    whole, part = Replication(name).study(), Replication(name).study(sample=60)
    assert part.design.size() != whole.design.size()
