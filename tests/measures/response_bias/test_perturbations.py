import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError, DesignError
from proband.measures.response_bias.perturbations import perturbation_report

ORDERS = list(itertools.permutations(range(3)))


def table(answers: np.ndarray, **more: list) -> dict[str, list]:
    """Answers of shape (n_subjects, n_items, 2 wordings) as the columns of a run."""
    s, i, w = (part.ravel().tolist() for part in np.indices(answers.shape))
    flat = answers.ravel().tolist()
    return {
        "subject": [f"s{k}" for k in s],
        "item": [f"q{k}" for k in i],
        "wording": ["ab"[k] for k in w],
        "answer": flat,
        "value": [float(a) for a in flat],
    } | more


def test_flips_distance_and_shift_by_hand():
    answers = np.zeros((20, 1, 2), dtype=int)
    answers[:5, 0, 1] = 1  # 5 of 20 subjects go from option 0 to option 1 under wording b
    report = perturbation_report(table(answers)).factors[0]
    item = report.items[0]
    assert (report.factor, report.levels, report.design) == ("wording", ("a", "b"), "within")
    assert item.total_variation.value == pytest.approx(0.25)
    assert item.flip_rate.value == pytest.approx(0.25)
    assert item.shift.value == pytest.approx(0.25)
    # Under swapped levels all 5 go the same way in 2 of 2^5 cases: McNemar's exact p.
    assert item.total_variation.p_value == pytest.approx(2 / 32, abs=0.03)
    assert item.between == ("a", "b")


def test_nothing_moved_is_zero_with_p_of_one():
    report = perturbation_report(table(np.tile(np.arange(12)[:, None, None] % 3, (1, 4, 2)))).factors[0]
    assert report.total_variation.value == report.flip_rate.value == 0
    assert report.total_variation.p_value == 1


def test_items_come_from_the_one_that_moves_most():
    answers = np.zeros((30, 3, 2), dtype=int)
    answers[:20, 1, 1], answers[:10, 2, 1] = 1, 1
    report = perturbation_report(table(answers)).factors[0]
    assert [item.item for item in report.items] == ["q1", "q2", "q0"]
    assert report.total_variation.value == pytest.approx((20 / 30 + 10 / 30) / 3)


@settings(max_examples=15)
@given(seed=st.integers(0, 99))
def test_the_report_does_not_depend_on_row_order_or_labels_and_is_bounded(seed):
    rng = np.random.default_rng(seed)
    columns = table(rng.integers(0, 3, (8, 2, 2)))
    order = rng.permutation(len(columns["item"]))
    shuffled = {name: [rows[k] for k in order] for name, rows in columns.items()}
    shuffled["wording"] = [{"a": "x", "b": "y"}[level] for level in shuffled["wording"]]
    found, again = (perturbation_report(c, n_permutations=99).factors[0] for c in (columns, shuffled))
    assert again.total_variation.value == pytest.approx(found.total_variation.value)
    assert again.flip_rate.value == pytest.approx(found.flip_rate.value)
    assert 0 <= found.total_variation.value <= found.flip_rate.value + 1e-9 <= 1 + 1e-9


def test_replicates_say_how_often_the_same_question_flips():
    rng = np.random.default_rng(1)
    one, other = (table(rng.integers(0, 2, (50, 2, 2))) for _ in range(2))
    both = {name: one[name] + other[name] for name in one} | {"replicate": [0] * 200 + [1] * 200}
    flips = perturbation_report(both).factors[0].flip_rate
    assert flips.value == pytest.approx(0.5, abs=0.1)
    assert flips.baselines["redraw"] == pytest.approx(0.5, abs=0.1)


def test_probabilities_are_used_where_the_engine_gives_them():
    n = 12
    probs = [[0.7, 0.3] if w == 0 else [0.5, 0.5] for _ in range(n) for w in range(2)]
    columns = table(np.zeros((n, 1, 2), dtype=int), probs=probs)
    item = perturbation_report(columns).factors[0].items[0]
    assert item.total_variation.value == pytest.approx(0.2)
    assert item.flip_rate.value == 0
    assert item.flip_rate.baselines["redraw"] == pytest.approx((0.42 + 0.5) / 2)


def test_between_subjects_the_levels_of_subjects_are_permuted_and_nobody_flips():
    rng = np.random.default_rng(2)
    answers = rng.integers(0, 2, (60, 3, 1))
    answers[:30] = 1
    columns = table(answers) | {"wording": ["a" if k < 90 else "b" for k in range(180)]}
    report = perturbation_report(columns).factors[0]
    assert report.design == "between"
    assert report.flip_rate is None is report.items[0].flip_rate
    assert report.total_variation.p_value < 0.01
    assert report.items[0].shift.value < 0


def test_other_factors_are_held_constant():
    # The frame decides every answer; wording does nothing once the frame is held constant.
    rows = [(s, "q", w, f, int(f == "loss")) for s in range(12) for w in "ab" for f in ("gain", "loss")]
    columns = dict(
        zip(("subject", "item", "wording", "frame", "answer"), map(list, zip(*rows, strict=True)), strict=True)
    )
    wording, frame = perturbation_report(columns).factors
    assert (wording.factor, wording.flip_rate.value) == ("wording", 0)
    assert (frame.factor, frame.flip_rate.value) == ("frame", 1)


def test_three_levels_are_compared_by_the_pair_furthest_apart():
    rows = [(s, "q", w, int(w == "c" or (w == "b" and s < 5))) for s in range(20) for w in "abc"]
    columns = dict(zip(("subject", "item", "wording", "answer"), map(list, zip(*rows, strict=True)), strict=True))
    item = perturbation_report(columns).factors[0].items[0]
    assert item.between == ("a", "c")
    assert item.total_variation.value == 1
    assert item.flip_rate.value == pytest.approx((5 / 20 + 1 + 15 / 20) / 3)


def test_what_failed_is_counted_by_level_and_never_compared():
    columns = table(np.zeros((10, 1, 2), dtype=int))
    status = ["valid"] * 19 + ["refused"]
    report = perturbation_report(columns | {"status": status})
    assert (report.n_responses, report.n_valid) == (20, 19)
    assert report.factors[0].statuses == {"a": {"valid": 10}, "b": {"refused": 1, "valid": 9}}
    assert report.factors[0].items[0].total_variation.n_missing == 1


def ordered(prefers_first: float, n: int, n_items: int = 1) -> dict[str, list]:
    rng = np.random.default_rng(3)
    shown = [ORDERS[k % 6] for k in range(n * n_items)]
    answer = [order[0] if rng.random() < prefers_first else int(rng.integers(3)) for order in shown]
    return {
        "subject": [k // n_items for k in range(n * n_items)],
        "item": [k % n_items for k in range(n * n_items)],
        "answer": answer,
        "shown": [list(order) for order in shown],
    }


@pytest.mark.parametrize(("prefers_first", "expected"), [(0.0, 0.0), (0.5, 1 / 3)])
def test_the_place_in_which_an_option_is_shown_is_a_factor_too(prefers_first, expected):
    report = perturbation_report(ordered(prefers_first, 600))
    assert report.factors == ()
    assert report.positions[3].value == pytest.approx(expected, abs=0.06)
    assert (report.positions[3].p_value < 0.01) == (expected > 0)


def test_with_many_items_positions_are_clustered_by_item():
    assert perturbation_report(ordered(0.5, 60, n_items=13)).positions[3].n_units == 13


def test_orders_that_are_not_balanced_say_nothing_about_positions():
    columns = ordered(0.0, 200)
    columns["shown"] = [[0, 1, 2] if k % 10 else [2, 1, 0] for k in range(200)]
    report = perturbation_report(columns | {"wording": ["a", "b"] * 100})
    assert report.positions == {}
    assert "position cannot be told" in report.warnings[0]


def test_free_texts_are_left_out_and_named():
    columns = table(np.zeros((40, 1, 2), dtype=int)) | {
        "answer": [f"text {k}" for k in range(80)],
        "value": [None] * 80,
    }
    report = perturbation_report(columns)
    assert report.factors == ()
    assert "code the answers first" in report.warnings[0]


def test_a_run_without_variation_is_refused_with_the_way_out():
    columns = table(np.zeros((4, 1, 2), dtype=int)) | {"wording": ["a"] * 8}
    with pytest.raises(DesignError, match="nothing was varied"):
        perturbation_report(columns)
    with pytest.raises(DataError, match="one level"):
        perturbation_report(columns, factors=["wording"])
    with pytest.raises(DataError, match="'item'"):
        perturbation_report({"subject": [1], "answer": [1]})
    with pytest.raises(DesignError, match="at least 99"):
        perturbation_report(columns, n_permutations=10)


def test_runs_polars_and_pandas_frames_give_the_same_report():
    pl = pytest.importorskip("polars")
    columns = table(np.random.default_rng(4).integers(0, 3, (15, 2, 2)))
    columns["value"][0] = None
    frame = pl.DataFrame(columns)

    class Run:
        def table(self):
            return frame

    reports = [perturbation_report(t, n_permutations=99) for t in (columns, frame, frame.to_pandas(), Run())]
    first = reports[0].factors[0]
    for report in reports[1:]:
        assert report.factors[0].total_variation == first.total_variation
        assert report.factors[0].items[0].shift == first.items[0].shift
    assert not math.isnan(first.items[0].shift.value)


def test_a_pandas_column_of_answers_with_gaps_is_still_option_indices():
    pd = pytest.importorskip("pandas")
    columns = table(np.random.default_rng(5).integers(0, 2, (12, 1, 2)))
    columns["probs"] = [[0.6, 0.4]] * 24
    gap = {name: [*rows[:-1], None] if name in ("answer", "value") else rows for name, rows in columns.items()}
    report = perturbation_report(pd.DataFrame(gap), n_permutations=99)
    assert report.n_valid == 23
    assert report.factors[0].items[0].total_variation.value == 0


def test_an_item_that_never_met_the_factor_is_left_out_and_named():
    columns = table(np.random.default_rng(6).integers(0, 2, (12, 2, 2)))
    columns["wording"] = [
        None if item == "q1" else w for item, w in zip(columns["item"], columns["wording"], strict=True)
    ]
    report = perturbation_report(columns, n_permutations=99)
    assert [item.item for item in report.factors[0].items] == ["q0"]
    assert "q1" in report.warnings[0]
