import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError, DesignError, MissingDataError
from proband.measures.reliability.components import generalizability
from proband.measures.reliability.internal import cronbach_alpha

SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float
)
# Brennan (2001), synthetic data sets: one digit a person. Set 3, two occasions of four items; set 4, three tasks
# with four raters of their own.
SET_3 = (
    ("2455442306", "6559346458", "7648546447", "5766675556"),
    ("2655462656", "5747547658", "5557677658", "5756485436"),
)
SET_4 = (
    ("5937937594", "6345243894", "5735937584", "5733757783"),
    ("5753737763", "3531735565", "4534365566", "5553737455"),
    ("6765245355", "7753755287", "3513515111", "3265324111"),
)
CROSSED = np.array([[list(map(float, row)) for row in block] for block in SET_3]).transpose(2, 1, 0)
NESTED = np.array([[list(map(float, row)) for row in block] for block in SET_4]).transpose(2, 0, 1)


def long(table: np.ndarray, *facets: str) -> dict[str, list]:
    where = np.indices(table.shape).reshape(table.ndim, -1).tolist()
    return dict(zip(("subject", *facets), where, strict=True)) | {"value": table.ravel().tolist()}


def test_two_crossed_facets_are_brennans():
    study = generalizability(long(CROSSED, "item", "occasion"), ["item", "occasion"])
    found = {name: round(float(c.variance), 4) for name, c in study.components.items()}
    assert found == {
        "subject": 0.5528,
        "item": 0.4417,
        "occasion": 0.0074,
        "subject x item": 0.5750,
        "subject x occasion": 0.1009,
        "item x occasion": 0.1565,
        "subject x item x occasion": 0.9352,
    }
    assert study.observed.relative.value == pytest.approx(0.6399, abs=5e-5)
    assert study.observed.absolute.value == pytest.approx(0.5541, abs=5e-5)


@pytest.mark.parametrize(("sizes", "relative", "absolute"), [((8, 2), 0.7536, 0.6890), ((4, 4), 0.7085, 0.6127)])
def test_decision_studies_are_brennans(sizes, relative, absolute):
    study = generalizability(long(CROSSED, "item", "occasion"), ["item", "occasion"])
    found = study.decision({"item": sizes[0], "occasion": sizes[1]})
    assert found.relative.value == pytest.approx(relative, abs=5e-5)
    assert found.absolute.value == pytest.approx(absolute, abs=5e-5)
    assert found.sizes == {"item": sizes[0], "occasion": sizes[1]}


def test_raters_nested_in_tasks_are_brennans():
    study = generalizability(long(NESTED, "task", "rater"), ["task", "rater:task"])
    found = {name: round(float(c.variance), 4) for name, c in study.components.items()}
    assert found == {
        "subject": 0.4731,
        "task": 0.3252,
        "subject x task": 0.5596,
        "rater:task": 0.6475,
        "subject x rater:task": 2.3802,
    }
    assert study.observed.relative.value == pytest.approx(0.5514, abs=5e-5)
    assert study.observed.absolute.value == pytest.approx(0.4637, abs=5e-5)


def test_raters_named_anew_in_every_task_are_the_same_study():
    frame = long(NESTED, "task", "rater")
    anew = frame | {"rater": [f"t{t} r{r}" for t, r in zip(frame["task"], frame["rater"], strict=True)]}
    facets = ["task", "rater:task"]
    assert generalizability(anew, facets).components == generalizability(frame, facets).components


def test_one_facet_is_the_table_of_raters_and_alpha():
    study = generalizability(long(SHROUT_FLEISS, "item"), "item", interval="f")
    assert [round(float(c.variance), 4) for c in study.components.values()] == [2.5556, 5.2444, 1.0194]
    assert study.observed.relative.value == pytest.approx(float(cronbach_alpha(SHROUT_FLEISS)))
    feldt = cronbach_alpha(SHROUT_FLEISS, method="feldt").interval
    assert study.observed.relative.interval == pytest.approx(feldt, abs=0.02)


def test_the_jackknife_of_one_facet_is_that_of_alpha_however_skewed_the_scores():
    rng = np.random.default_rng(1)
    y = np.floor(np.exp(rng.standard_normal((60, 1)) + 0.7 * rng.standard_normal((60, 4))))
    relative = generalizability(long(y, "item"), "item").observed.relative
    low, high = cronbach_alpha(y).interval
    assert relative.interval == (pytest.approx(low, abs=0.02), pytest.approx(high, abs=0.01))
    assert "jackknife over 60 objects" in relative.interval_method


def test_below_ten_objects_there_is_no_jackknife_and_the_way_out_is_named():
    study = generalizability(long(SHROUT_FLEISS, "item"), "item")
    assert study.observed.relative.interval is None
    assert "interval='f'" in study.observed.relative.interval_method
    with pytest.raises(DesignError, match="jackknife, f"):
        generalizability(long(SHROUT_FLEISS, "item"), "item", interval="feldt")


@settings(max_examples=20)
@given(seed=st.integers(0, 99))
def test_sums_of_squares_add_up_and_facets_may_change_places(seed):
    y = np.random.default_rng(seed).standard_normal((5, 3, 4))
    study = generalizability(long(y, "item", "occasion"), ["item", "occasion"])
    squares = sum(c.mean_square * c.df for c in study.components.values())
    assert squares == pytest.approx(((y - y.mean()) ** 2).sum())
    swapped = generalizability(long(y, "item", "occasion"), ["occasion", "item"])
    assert float(swapped.components["occasion"].variance) == pytest.approx(float(study.components["occasion"].variance))
    assert swapped.observed.absolute.value == pytest.approx(study.observed.absolute.value)


@settings(max_examples=20)
@given(seed=st.integers(0, 99), n=st.integers(1, 10))
def test_more_items_never_make_scores_less_reliable(seed, n):
    y = np.random.default_rng(seed).standard_normal((8, 4, 2)) + np.arange(8)[:, None, None] / 3
    study = generalizability(long(y, "item", "occasion"), ["item", "occasion"])
    fewer, more = study.decision({"item": n}), study.decision({"item": n + 1})
    assert fewer.relative.value <= more.relative.value + 1e-12
    assert 0 <= more.absolute.value <= more.relative.value + 1e-12 <= 1 + 1e-9
    assert more.absolute_error <= fewer.absolute_error + 1e-12


def test_a_polars_frame_in_any_order_will_do():
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame(long(CROSSED, "item", "occasion"))
    facets = ["item", "occasion"]
    shuffled = generalizability(frame.sample(fraction=1, shuffle=True, seed=1), facets)
    assert shuffled.observed.relative.value == pytest.approx(0.6399, abs=5e-5)


def test_a_negative_component_is_shown_and_counts_as_none():
    y = np.array([[1.0, 2], [2, 1], [1, 2], [2, 1]])
    study = generalizability(long(y, "item"), "item")
    assert float(study.components["subject"].variance) < 0
    assert "negative" in study.components["subject"].variance.warnings[0]
    assert study.observed.relative.value == 0
    assert "no variance between" in study.observed.relative.warnings[-1]


def test_scores_that_never_differ_are_undefined_not_zero():
    study = generalizability(long(np.ones((4, 3)), "item"), "item")
    assert math.isnan(study.observed.relative.value)
    assert study.observed.relative.warnings


def test_cells_with_gaps_or_two_scores_are_refused():
    frame = long(SHROUT_FLEISS, "item")
    with pytest.raises(MissingDataError, match="1 of 24 cells"):
        generalizability({name: rows[1:] for name, rows in frame.items()}, "item")
    with pytest.raises(DataError, match="more than one score"):
        generalizability({name: [*rows, rows[0]] for name, rows in frame.items()}, "item")
    with pytest.raises(MissingDataError):
        generalizability(frame | {"value": [None, *frame["value"][1:]]}, "item")


def test_one_model_has_no_reliability_and_the_message_says_what_to_do():
    with pytest.raises(DesignError, match="a single object"):
        generalizability(long(SHROUT_FLEISS[:1], "item"), "item")
    with pytest.raises(DesignError, match="one level"):
        generalizability(long(SHROUT_FLEISS[:, :1], "item"), "item")


def test_names_that_are_no_column_or_facet_are_refused():
    frame = long(SHROUT_FLEISS, "item")
    with pytest.raises(DataError, match="no column 'seed'"):
        generalizability(frame, "seed")
    with pytest.raises(DesignError, match="no facet"):
        generalizability(frame, "item").decision({"seed": 2})
    with pytest.raises(DesignError, match="at least 1"):
        generalizability(frame, "item").decision({"item": 0})
    with pytest.raises(DesignError, match="nested"):
        generalizability(frame, "item:subject")
    with pytest.raises(DesignError, match="no facet"):
        generalizability(frame, [])
