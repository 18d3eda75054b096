"""Coders of documents beside each other: people of a table, a dictionary, scripted coders of known confusion."""

from dataclasses import replace

import numpy as np
import pytest

from proband.analyses.coder_agreement import ANALYSIS
from proband.designs.studies import load_study
from proband.measures import cohen_kappa, krippendorff_alpha
from proband.measures.agreement.intervals import over_clusters
from proband.reports import findings
from proband.runs import collect
from proband.texts.codes import codes_of

N = 240
CODEBOOK = """
id = "mood"
[[questions]]
id = "mood"
text = "Which mood?"
form = "choice"
[[questions.codes]]
label = "good"
definition = "Glad."
[[questions.codes]]
label = "bad"
definition = "Not glad."

[[questions]]
id = "strength"
text = "How strong?"
form = "scale"
[[questions.codes]]
label = "mild"
definition = "A little."
value = -1
[[questions.codes]]
label = "clear"
definition = "More."
value = 0
[[questions.codes]]
label = "strong"
definition = "Most."
value = 1
"""
CONFUSION = """
truth = "truth.csv"
[mood]
good = { good = 0.8, bad = 0.2 }
bad = { bad = 0.8, good = 0.2 }
[strength]
mild = { mild = 1.0 }
clear = { clear = 1.0 }
strong = { strong = 0.9, mild = 0.1 }
"""
STUDY = """
title = "Moods"
seed = 1
[engine]
ann = "codes:people.csv?coder=ann"
ben = "codes:people.csv?coder=ben"
cleo = "codes:people.csv?coder=cleo"
one = "scripted:confusion?file=confusion.toml&shared=0.6&seed=3"
two = "scripted:confusion?file=confusion.toml&shared=0.6&seed=3"
words = "dictionary:words.toml"
[instrument]
use = "mood.toml"
[coding]
order = "as_written"
[coding.corpus]
file = "texts.csv"
id = "id"
text = "words"
unit = "author"
[coding.coders.words]
questions = ["mood"]
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("moods")
    draw = np.random.default_rng(1)
    truth = {f"d{k}": (("good", "bad")[k % 2], (-1, 0, 1)[k % 3]) for k in range(N)}
    labels = {-1: "mild", 0: "clear", 1: "strong"}
    (folder / "texts.csv").write_text(
        "id,author,words\n"
        + "".join(f"{d},a{k % 40},This is {mood} {k}\n" for k, (d, (mood, _)) in enumerate(truth.items()))
    )
    (folder / "truth.csv").write_text(
        "document,item,code\n"
        + "".join(f"{d},mood,{mood}\n{d},strength,{labels[s]}\n" for d, (mood, s) in truth.items())
    )
    people = [
        f"{d},{coder},mood,{mood if draw.random() < 0.9 else 'good'}\n{d},{coder},strength,{s}\n"
        for coder in ("ann", "ben", "cleo")
        for k, (d, (mood, s)) in enumerate(truth.items())
        if k < 150
    ]
    (folder / "people.csv").write_text("document,coder,item,code\n" + "".join(people))
    (folder / "mood.toml").write_text(CODEBOOK)
    (folder / "confusion.toml").write_text(CONFUSION)
    (folder / "words.toml").write_text('[mood]\notherwise = "bad"\n[mood.codes.good]\nwords = ["good"]\n')
    (folder / "study.toml").write_text(STUDY)
    study = load_study(folder / "study.toml")
    return collect(study.design, study.engine, folder / "run")


@pytest.fixture(scope="module")
def told(run):
    return {section.name: section for section in ANALYSIS.sections(run)}


def rows(section, **keys):
    names = [column.name for column in section.table.columns]
    found = [dict(zip(names, row, strict=True)) for row in section.table.rows]
    return [row for row in found if all(row[name] == value for name, value in keys.items())]


def wide(run, item, coders):
    codes = codes_of(run).filter(item=item).pivot("coder", index="document", values="code")
    return codes.select(coders).to_numpy()


def test_files_of_engines_are_found_beside_the_study_file(run):
    assert run.is_complete
    assert set(codes_of(run)["coder"]) == {"ann", "ben", "cleo", "one", "two", "words"}


def test_a_scale_is_read_by_its_points_and_by_its_words(run):
    own = wide(run, "strength", ["ann", "one"])
    assert {code for code in own[:, 0] if code} == {"-1", "0", "1"}
    both = own[[code is not None for code in own[:, 0]]]
    assert (both[:, 0] == both[:, 1]).mean() > 0.9


def test_alpha_of_all_coders_is_that_of_their_codes(run, told):
    [row] = rows(told["coder-agreement"], item="mood", coders="all")
    codes = wide(run, "mood", ["ann", "ben", "cleo", "one", "two", "words"])
    assert row["alpha"].value == pytest.approx(krippendorff_alpha(codes, "nominal").value)
    assert (row["how many"], row["documents"]) == (6, N)
    assert [r["documents"] for r in rows(told["coder-agreement"], item="mood", coders="people")] == [150]


def test_intervals_are_over_authors(told):
    [row] = rows(told["coder-agreement"], item="mood", coders="all")
    assert row["alpha"].n_clusters == 40
    assert "jackknife over 40 clusters" in row["alpha"].interval_method
    assert row["alpha"].interval[0] < row["alpha"].value < row["alpha"].interval[1]


def test_kappa_of_a_pair_is_that_of_their_table(run, told):
    [row] = rows(told["coder-agreement-pairs"], item="mood", coder="one", **{"other coder": "two"})
    codes = wide(run, "mood", ["one", "two"])
    table = [[((codes == (a, b)).all(axis=1)).sum() for b in ("good", "bad")] for a in ("good", "bad")]
    assert row["kappa"].value == pytest.approx(cohen_kappa(table).value)
    assert row["documents"] == N


def test_a_coder_that_is_better_than_people_may_stand_in_for_them_and_a_poor_one_may_not(told):
    section = told["coder-agreement-people"]
    [words] = rows(section, item="mood", coder="words")
    assert (words["people"], words["people it may replace"]) == (3, 1.0)
    assert any("may stand in" in sentence for sentence in section.sentences)
    assert any("no" in warning for warning in section.warnings)


def test_coders_that_err_together_are_seen_on_gold(told):
    pairs = told["coder-agreement-error-correlations"]
    [row] = rows(pairs, item="mood", coder="one", **{"other coder": "two"})
    assert row["correlation"] == pytest.approx(0.6, abs=0.2)
    right = {r["coder"]: r["right"] for r in rows(told["coder-agreement-gold"], item="mood")}
    assert right["words"] > right["one"]
    assert "clear ones" in told["coder-agreement-gold"].warnings[0]


def test_one_family_has_one_vote_however_often_it_is_asked(run, told):
    families = {row["family"] for row in rows(told["coder-agreement-errors"], item="mood")}
    assert families == {"ann", "ben", "cleo", "one", "two", next(f for f in families if f.startswith("dictionary:"))}


def test_a_run_with_one_coder_says_what_is_missing(run, tmp_path):
    study = load_study(run.path.parent / "study.toml")
    alone = replace(study.design, coders=study.design.coders[3:4])
    own = collect(alone, {"one": "scripted:uniform"}, tmp_path / "run")
    assert "one coder agrees with nobody" in ANALYSIS.needs(own)


def test_the_findings_of_a_coding_run_hold_the_agreement(run):
    assert "coder-agreement" in {section.name for section in findings(run).sections}


def test_the_interval_over_clusters_of_one_unit_is_the_measures_own():
    codes = np.array([["a", "a"], ["b", "b"], ["a", "b"], ["b", "a"]] * 10 + [["a", "a"], ["b", "b"]] * 15)
    own = krippendorff_alpha(codes, "nominal")
    assert (
        over_clusters(lambda at: krippendorff_alpha(codes[at], "nominal"), range(len(codes))).interval == own.interval
    )
    twins = np.repeat(codes, 2, axis=0)
    found = over_clusters(lambda at: krippendorff_alpha(twins[at], "nominal"), np.repeat(np.arange(len(codes)), 2))
    # Every unit twice says no more than once.
    assert found.interval[1] - found.interval[0] == pytest.approx(own.interval[1] - own.interval[0], rel=0.1)
    few = over_clusters(lambda at: krippendorff_alpha(codes[at], "nominal"), np.arange(len(codes)) % 5)
    assert few.interval is None
    assert "5 clusters" in few.interval_method
