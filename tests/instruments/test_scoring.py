"""Item and scale scores, by hand and against people's answers."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proband.errors import DataError, InstrumentError
from proband.instruments import Instrument, Item, Scale, load_instrument, scale_matrix, score_scales
from proband.instruments.scoring import score_items

DATA = (Path(__file__).parents[2] / ".." / "shared" / "data").resolve()
OPTIONS = ("No", "Rather no", "Rather yes", "Yes", "Don't know")


def items(n: int, **more: object) -> tuple[Item, ...]:
    fields = {"form": "scale", "options": OPTIONS, "dont_know": (4,), **more}
    return tuple(Item(id=f"q{k}", text=f"Question {k}?", **fields) for k in range(n))  # type: ignore[arg-type]


def instrument(**scale: object) -> Instrument:
    fields = {"id": "s", "name": "S", "items": {"q0": 1, "q1": 1, "q2": -1, "q3": -1}, **scale}
    return Instrument(id="mine", title="Mine", items=items(4), scales=(Scale(**fields),))  # type: ignore[arg-type]


def test_reverse_keyed_items_are_flipped_within_the_substantive_points() -> None:
    # 4 and 3 as they are; 1 and 2 become 1 + 4 - 1 = 4 and 1 + 4 - 2 = 3.
    assert score_scales(instrument(), {"q0": 3, "q1": 2, "q2": 0, "q3": 1}) == {"s": 3.5}


def test_a_sum_over_fewer_items_is_prorated() -> None:
    made = instrument(rule="sum", min_valid=0.5)
    assert score_scales(made, {"q0": 3, "q1": 3, "q2": 0, "q3": 0}) == {"s": 16.0}
    assert score_scales(made, {"q0": 3, "q1": 1, "q2": None}) == {"s": 12.0}


def test_too_few_answers_give_no_score() -> None:
    made = instrument(min_valid=0.75)
    assert score_scales(made, {"q0": 3, "q1": 3, "q2": 0}) == {"s": 4.0}
    assert score_scales(made, {"q0": 3, "q1": 3}) == {"s": None}
    assert score_scales(made, {}) == {"s": None}


def test_dont_know_counts_as_missing() -> None:
    assert score_scales(instrument(), {"q0": 4, "q1": 3, "q2": 0, "q3": 0}) == {"s": None}
    assert score_items(instrument(), {"q0": 4, "q1": 3}) == {"q0": None, "q1": 4.0, "q2": None, "q3": None}


def test_codes_are_the_points() -> None:
    made = Instrument(
        id="m", title="M", items=items(1, options=("a", "b", "c"), codes=(0.0, 5.0, 10.0), dont_know=()),
        scales=(Scale(id="s", name="S", items={"q0": -1}),),
    )  # fmt: skip
    assert score_scales(made, {"q0": 0}) == {"s": 10.0}


def test_a_number_is_its_own_score_and_flips_between_its_bounds() -> None:
    bounded = Item(id="n", text="How many?", form="number", lower=0, upper=20)
    made = Instrument(
        id="m", title="M", items=(bounded,),
        scales=(Scale(id="up", name="", items={"n": 1}), Scale(id="down", name="", items={"n": -1})),
    )  # fmt: skip
    assert score_scales(made, {"n": 5.0}) == {"up": 5.0, "down": 15.0}


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ({"q9": 1}, "no item of instrument 'mine'"),
        ({"q0": 5}, "no index of its 5 options"),
        ({"q0": -1}, "no index of its 5 options"),
        ({"q0": 1.5}, "no index of its 5 options"),
        ({"q0": float("nan")}, "write None where it is missing"),
        ({"q0": True}, "not a number"),
    ],
)
def test_an_answer_that_is_no_index_is_refused(answers: dict[str, float], found: str) -> None:
    with pytest.raises(DataError, match=found):
        score_scales(instrument(), answers)


def test_a_scale_over_texts_or_an_unbounded_reversed_number_is_refused() -> None:
    for item in (Item(id="x", text="Why?", form="text"), Item(id="x", text="How many?", form="number")):
        with pytest.raises(InstrumentError, match="'x'"):
            Instrument(id="m", title="M", items=(item,), scales=(Scale(id="s", name="", items={"x": -1}),))


def test_a_matrix_keeps_missing_answers_missing() -> None:
    scores = scale_matrix(instrument(), "s", [[3, 2, 0, 1], [np.nan, 4, 3, 3]])
    np.testing.assert_array_equal(scores, [[4, 3, 4, 3], [np.nan, np.nan, 1, 1]])


@pytest.mark.parametrize(
    ("codes", "found"), [([[0, 1]], "shape"), ([[0, 1, 2, 5]], "'q3'"), ([[0, 1, 2, 0.5]], "'q3'")]
)
def test_a_matrix_that_does_not_fit_is_refused(codes: list[list[float]], found: str) -> None:
    with pytest.raises(DataError, match=found):
        scale_matrix(instrument(), "s", codes)
    with pytest.raises(InstrumentError, match="no scale 'zzz'"):
        scale_matrix(instrument(), "zzz", codes)


@given(st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4), min_size=1, max_size=5))
def test_matrix_and_single_subject_agree(codes: list[list[int]]) -> None:
    made = instrument()
    means = scale_matrix(made, "s", codes).mean(axis=1)
    for row, mean in zip(codes, means, strict=True):
        assert score_scales(made, {f"q{k}": code for k, code in enumerate(row)})["s"] == pytest.approx(mean)


def test_the_sapa_answers_give_the_published_means_and_alphas() -> None:
    file = DATA / "survey" / "bfi_sapa_2800.csv"
    if not file.exists():
        pytest.skip("the shared SAPA data are not beside this checkout")
    expected = json.loads((DATA / "benchmarks_computed.json").read_text())["personality"]
    answers = np.genfromtxt(file, delimiter=",", names=True)
    bfi = load_instrument("bfi-25")
    for scale in bfi.scales:
        codes = np.column_stack([answers[bfi[id_].data_column] for id_ in scale.items]) - 1
        scores = scale_matrix(bfi, scale, codes)
        complete = scores[~np.isnan(scores).any(axis=1)]
        k = complete.shape[1]
        alpha = k / (k - 1) * (1 - complete.var(axis=0, ddof=1).sum() / complete.sum(axis=1).var(ddof=1))
        found = {"alpha": alpha, "mean": complete.mean(), "sd": complete.mean(axis=1).std(ddof=1)}
        for name, value in found.items():
            assert round(value, 3) == expected[f"bfi25.{scale.id}"][name] == scale.human[name]
