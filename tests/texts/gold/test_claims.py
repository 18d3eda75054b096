import numpy as np
import polars as pl
import pytest

from proband.errors import DesignError
from proband.texts.gold.claims import claims_of
from proband.texts.gold.evidence import Evidence, examine, numbers_in
from proband.texts.gold.tables import Question

QUESTIONS = {
    "area": Question(id="area", codes=("economic", "social", "none")),
    "stance": Question(id="stance", codes=("left", "right", "cannot tell"), points={"left": 1, "right": 5}),
}
COLUMNS = ["party", "year", "date"]


def one(**table):
    return claims_of([table], QUESTIONS, COLUMNS)[0]


@pytest.mark.parametrize(
    ("table", "form", "name"),
    [
        ({"about": "area[Economic]"}, "share", "area[economic]"),
        ({"about": "area[economic]", "by": "party"}, "difference", "area[economic] by party"),
        ({"about": "stance", "over": "year"}, "trend", "stance over year"),
        ({"model": "area[economic] ~ year + party"}, "regression", "area[economic] ~ year + party"),
        ({"model": "year ~ area[economic]", "name": "reverse"}, "regression", "reverse"),
    ],
)
def test_what_is_claimed_follows_from_the_keys(table, form, name):
    found = one(**table)
    assert (found.form, found.name) == (form, name)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({}, "needs either `about`"),
        ({"about": "area[economic]", "model": "area[economic] ~ year"}, "needs either `about`"),
        ({"about": "area[econmic]"}, "did you mean 'economic'"),
        ({"about": "aera[economic]"}, "did you mean 'area'"),
        ({"about": "area"}, r"write the code, e\.g\. area\[economic\]"),
        ({"about": "party"}, "nothing of it is to be corrected"),
        ({"about": "area[economic]", "by": "partei"}, "no column of the corpus"),
        ({"about": "area[economic]", "by": "party", "over": "year"}, "write two claims"),
        ({"about": "area[economic]", "against": "Labour"}, "there is no `by`"),
        ({"model": "year ~ party"}, "no code in model"),
        ({"model": "area[economic]"}, "write OUTCOME ~ REGRESSOR"),
        ({"model": "area[economic] ~ area[economic]"}, "stands twice"),
    ],
)
def test_a_claim_that_cannot_be_read_is_refused(table, says):
    with pytest.raises(DesignError, match=says):
        one(**table)


def test_two_claims_of_one_name_are_refused():
    with pytest.raises(DesignError, match="two claims are called"):
        claims_of([{"about": "area[economic]"}] * 2, QUESTIONS, COLUMNS)


def evidence(n=400, n_gold=150, **more):
    """Documents of two parties over years; the coder calls a fifth of what is social economic."""
    rng = np.random.default_rng(1)
    documents = [f"d{k}" for k in range(n)]
    party = np.array(["Con", "Lab"])[np.arange(n) % 2]
    truth = np.where(rng.random(n) < np.where(party == "Con", 0.6, 0.3), "economic", "social")
    coded = np.where((truth == "social") & (rng.random(n) < 0.2), "economic", truth)
    drawn = sorted(rng.permutation(n)[:n_gold].tolist())
    held = {
        "documents": documents,
        "columns": pl.DataFrame({"party": party, "year": 1980 + np.arange(n) // 20, "document": documents}),
        "units": documents,
        "questions": QUESTIONS,
        "gold": {"area": {documents[k]: str(truth[k]) for k in drawn}},
        "probability": {documents[k]: n_gold / n for k in drawn},
        "asked": {documents[k]: "" for k in drawn},
        "codes": {"area": {d: (str(c), {}) for d, c in zip(documents, coded, strict=True)}},
    }
    return Evidence(**(held | more)), truth, party


def test_groups_are_corrected_and_compared_with_the_one_named():
    held, truth, party = evidence()
    found = examine(one(about="area[economic]", by="party", against="Lab"), held).numbers
    assert list(found) == ["Lab", "Con", "Con less Lab"]
    for name in ("Lab", "Con"):
        true = float((truth[party == name] == "economic").mean())
        assert abs(found[name].corrected.value - true) < abs(found[name].uncorrected.value - true)
    assert found["Con less Lab"].corrected.interval[0] > 0
    with pytest.raises(DesignError, match="no group 'Liberal'"):
        examine(one(about="area[economic]", by="party", against="Liberal"), held)


def test_a_course_has_its_points_and_its_slope():
    held, _, _ = evidence()
    found = examine(one(about="area[economic]", over="year"), held)
    assert "per unit of year" in found.numbers
    assert found.courses == set(found.numbers) - {"per unit of year"}


def test_a_regression_takes_texts_as_groups():
    held, _, _ = evidence()
    found = examine(one(model="area[economic] ~ year + party"), held).numbers
    assert list(found) == ["intercept", "year", "party=Lab"]
    assert found["party=Lab"].corrected.interval[1] < 0


def test_a_code_can_be_a_regressor():
    held, _, _ = evidence()
    found = examine(one(model="year ~ area[economic]"), held).numbers
    assert list(found) == ["intercept", "area[economic]"]


def test_documents_without_gold_are_stood_for_by_those_of_their_stratum():
    held, _, party = evidence()
    con, lab = ([d for d, of in zip(held.documents, party, strict=True) if of == name] for name in ("Con", "Lab"))
    asked = dict.fromkeys(con[:120], "Con") | dict.fromkeys(lab[:40], "Lab")
    # All of the one party is economic. Few of its many documents came back, and most of the other's few.
    gold = {"area": dict.fromkeys(con[:30], "economic") | dict.fromkeys(lab[:30], "social")}
    probability = dict.fromkeys(con[:30], 0.6) | dict.fromkeys(lab[:30], 0.2)
    codes = {"area": dict.fromkeys(held.documents, ("social", {}))}
    held = evidence(asked=asked, gold=gold, probability=probability, codes=codes)[0]
    found = examine(one(about="area[economic]"), held)
    assert found.numbers["all"].corrected.value == pytest.approx(0.5, abs=0.02)
    assert (found.n_without_gold, found.n_left_out) == (100, 0)


def test_documents_without_a_code_are_counted():
    held, _, _ = evidence()
    codes = {"area": {d: code for d, code in held.codes["area"].items() if d not in ("d3", "d4")}}
    assert examine(one(about="area[economic]"), evidence(codes=codes)[0]).n_uncoded == 2


def test_cannot_tell_is_a_code_and_no_point_of_a_scale():
    held, truth, _ = evidence()
    stance = {d: "cannot tell" if k % 5 == 0 else "left" if truth[k] == "social" else "right"
              for k, d in enumerate(held.documents)}  # fmt: skip
    gold = {"stance": {d: stance[d] for d in held.probability}}
    codes = {"stance": {d: (code, {}) for d, code in stance.items()}}
    found = examine(one(about="stance"), evidence(gold=gold, codes=codes)[0])
    assert 1 < found.numbers["all"].corrected.value < 5
    assert found.n_without_gold == sum(stance[d] == "cannot tell" for d in held.asked)


def test_none_of_several_codes_counts_as_without_each_and_not_as_uncoded():
    held, truth, _ = evidence()
    tax = Question(id="area", codes=("economic", "social"), is_multiple=True)
    codes = {
        "area": {d: ("none" if t == "social" else "economic", {}) for d, t in zip(held.documents, truth, strict=True)}
    }
    gold = {"area": {d: codes["area"][d][0] for d in held.probability}}
    found = examine(one(about="area[economic]"), evidence(codes=codes, gold=gold, questions={"area": tax})[0])
    assert (found.n_uncoded, found.n_without_gold) == (0, 0)
    assert found.numbers["all"].uncorrected.value == pytest.approx((truth == "economic").mean())


def test_a_code_with_a_semicolon_is_one_code():
    question = Question(id="area", codes=("war; peace", "social"))
    held, truth, _ = evidence()
    said = np.where(truth == "social", "social", "war; peace")
    codes = {"area": {d: (str(code), {}) for d, code in zip(held.documents, said, strict=True)}}
    gold = {"area": {d: codes["area"][d][0] for d in held.probability}}
    held = evidence(codes=codes, gold=gold, questions={"area": question})[0]
    claim = claims_of([{"about": "area[war; peace]"}], held.questions, COLUMNS)[0]
    assert examine(claim, held).numbers["all"].uncorrected.value == pytest.approx((truth == "economic").mean())


def test_a_number_that_is_none_leaves_its_document_out_and_not_the_claim():
    held, _, _ = evidence()
    year = np.where(np.arange(400) % 50 == 0, np.nan, 1980 + np.arange(400) // 20)
    found = examine(one(model="area[economic] ~ year"), evidence(columns=held.columns.with_columns(year=year))[0])
    assert found.n_left_out == 8
    assert found.numbers["year"].corrected.interval is not None


def test_days_are_years_with_a_fraction():
    assert numbers_in(pl.Series(["2024-07-02", "2023"]), "date").tolist() == pytest.approx([2024.501, 2023], abs=1e-3)
    with pytest.raises(DesignError, match="neither a number nor a date"):
        numbers_in(pl.Series(["last May"]), "date")
    with pytest.raises(DesignError, match="neither a number nor a date"):
        numbers_in(pl.Series(["nan"]), "date")
