"""Statistics of conditional cooperation: values by hand, and what cannot be described."""

import numpy as np
import polars as pl
import pytest

from proband.errors import DataError
from proband.societies.cooperation import cooperation
from proband.societies.deciding import play
from tests.societies.scenarios.living import world

TWO = {
    "session": [1, 1, 1, 1, 2, 2, 2, 2],
    "period": [1, 1, 2, 2, 1, 1, 2, 2],
    "subject": [1, 2, 1, 2, 3, 4, 3, 4],
    "unconditional": [100, 50, 50, 50, 50, 0, 0, 0],
    "if_low": [0, 0, 0, 0, 0, 0, 0, 0],
    "if_middle": [50, 0, 50, 0, 50, 0, 50, 0],
    "if_high": [100, 0, 100, 0, 50, 0, 50, 0],
    "opp_action": [0, 100, 0, 50, 0, 50, 0, 0],
    "buc_H": [0.5, 0.1, 0.2, 0.1, 0.3, 0.0, 0.2, 0.0],
}


def test_statistics_are_those_by_hand():
    found = cooperation(TWO)
    assert found.transfer == {1: 50, 2: 25}
    assert found.answer_to_high == {1: 37.5, 2: 37.5}
    assert found.belief_in_high == pytest.approx({1: 0.225, 2: 0.125})
    assert (found.slope, found.slope_se) == pytest.approx((-25, 0))
    assert found.sd_between == pytest.approx(np.std([62.5, 12.5], ddof=1))
    assert found.n_transitions.tolist() == [2, 1, 1]
    assert found.transitions.tolist() == [[0.5, 0.5, 0], [1, 0, 0], [0, 1, 0]]
    assert found.types == {"perfect": 1, "conditional": 1, "free rider": 2}


def test_rows_in_any_order_and_as_a_frame_say_the_same():
    frame = pl.DataFrame(TWO).sample(fraction=1.0, shuffle=True, seed=3)
    one, other = cooperation(TWO), cooperation(frame)
    assert one.transfer == other.transfer
    assert one.transitions.tolist() == other.transitions.tolist()


def test_a_table_of_agents_is_read_from_its_first_round_with_answers():
    made, frames = world("conditional-cooperation", agents=8, rounds=3), []
    for society in range(2):
        for state in play(made, society):
            columns = {name: state.agents[name] for name in made.kept(state)}
            frames.append(
                pl.DataFrame({"number": state.numbers, **columns}).with_columns(
                    society=pl.lit(society), arm=pl.lit(""), round=pl.lit(state.round - 1)
                )
            )
    found = cooperation(pl.concat(frames))
    assert list(found.transfer) == [1, 2, 3]
    assert sum(found.types.values()) == 16


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({name: column for name, column in TWO.items() if name != "if_low"}, "without if_low"),
        ({**TWO, "arm": ["", "b"] * 4}, "2 arms"),
        ({**TWO, "unconditional": [np.nan] * 8}, "nobody said"),
    ],
)
def test_what_cannot_be_described_is_said(rows, said):
    with pytest.raises(DataError, match=said):
        cooperation(rows)
