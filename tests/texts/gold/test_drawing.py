import numpy as np
import pytest

from proband.errors import DesignError
from proband.texts.gold.drawing import by_uncertainty, draw, labels_for
from proband.texts.gold.parts import parts_of, shares_of

DOCUMENTS = [f"d{k}" for k in range(200)]


def test_a_larger_sample_keeps_the_documents_of_a_smaller_one():
    small, large = (draw(DOCUMENTS, n=n, seed=1) for n in (40, 90))
    assert {row["document"] for row in small.rows} < {row["document"] for row in large.rows}


def test_a_simple_sample_has_one_probability():
    assert {row["probability"] for row in draw(DOCUMENTS, n=50, seed=1).rows} == {"0.25"}


def test_probabilities_of_a_stratified_sample_stand_for_every_stratum():
    strata = {d: "rare" if k < 20 else "common" for k, d in enumerate(DOCUMENTS)}
    drawn = draw(DOCUMENTS, n=40, seed=1, strata=strata, spread={"rare": 0.5, "common": 0.1})
    stood_for = {
        name: sum(1 / float(r["probability"]) for r in drawn.rows if r["stratum"] == name)
        for name in ("rare", "common")
    }
    assert stood_for == pytest.approx({"rare": 20, "common": 180})
    assert sum(row["stratum"] == "rare" for row in drawn.rows) > 4  # its share would be 4


def test_every_document_is_drawn_as_often_as_its_probability_says():
    strata = {d: str(k % 3) for k, d in enumerate(DOCUMENTS)}
    seen = {d: 0 for d in DOCUMENTS}
    for seed in range(400):
        for row in draw(DOCUMENTS, n=60, seed=seed, strata=strata).rows:
            seen[row["document"]] += 1
    assert max(abs(count / 400 - 0.3) for count in seen.values()) < 0.1


def test_where_a_coder_is_unsure_more_is_drawn():
    unsure = {d: 0.5 if k < 70 else 0.01 * (k % 7) for k, d in enumerate(DOCUMENTS)}
    strata, spread = by_uncertainty(unsure)
    assert spread["unsure"] > spread["sure"]
    rows = draw(DOCUMENTS, n=60, seed=1, strata=strata, spread=spread).rows
    chance = {row["stratum"]: float(row["probability"]) for row in rows}
    assert chance["unsure"] > chance["sure"]


def test_a_coder_that_is_equally_sure_of_everything_gives_no_strata():
    with pytest.raises(DesignError, match="equally sure of all"):
        by_uncertainty(dict.fromkeys(DOCUMENTS, 0.0))


def test_the_size_that_a_width_needs_gives_that_width():
    n = labels_for(0.15, n_documents=5000)
    assert 2 * 1.96 * np.sqrt(0.25 / n) <= 0.15 < 2 * 1.96 * np.sqrt(0.25 / (n - 1))
    assert labels_for(0.15, correlation=0.9, n_documents=5000) < n / 3
    with pytest.raises(DesignError, match=r"width 1\.5"):
        labels_for(1.5, n_documents=10)


def test_units_are_never_divided_over_parts():
    units = {d: str(k // 5) for k, d in enumerate(DOCUMENTS)}
    parts = parts_of(DOCUMENTS, units, shares_of({"development": 0.5, "audit": 0.5}), seed=3)
    assert all(len({parts[d] for d in DOCUMENTS if units[d] == unit}) == 1 for unit in set(units.values()))
    assert set(parts.values()) == {"development", "audit"}


def test_the_part_of_a_document_does_not_depend_on_the_others():
    shares = shares_of({"development": 0.3, "holdout": 0.3, "audit": 0.4})
    whole = parts_of(DOCUMENTS, {}, shares, seed=3)
    assert parts_of(DOCUMENTS[:7], {}, shares, seed=3) == {d: whole[d] for d in DOCUMENTS[:7]}


def test_parts_that_do_not_sum_to_one_are_refused():
    with pytest.raises(DesignError, match="sum to 1"):
        shares_of({"development": 0.3})
    with pytest.raises(DesignError, match="no part 'dev'"):
        shares_of({"dev": 1.0})
