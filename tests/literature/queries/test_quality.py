import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.literature.queries.quality import recovered, spread
from proband.literature.records.library import library_of
from proband.literature.records.record import Record


def test_ranges_are_taken_level_by_level():
    values = {
        ("a", "one", 1, 1): 0.2, ("a", "one", 1, 2): 0.4, ("a", "one", 2, 1): 0.6, ("a", "one", 2, 2): 0.6,
        ("a", "guided", 1, 1): 0.8, ("b", "one", 1, 1): 0.1,
    }  # fmt: skip
    # Runs .2 and 0; wordings of a/one .3 and .6; ways of a .45 and .8; engines .625 and .1.
    assert spread(values) == pytest.approx({"runs": 0.1, "wordings": 0.3, "ways": 0.35, "engines": 0.525})
    assert spread({("a", "one", 1, 1): 0.2}) == {}


KEYS = st.tuples(st.sampled_from("ab"), st.sampled_from(["one", "guided"]), st.integers(1, 2), st.integers(1, 2))


@settings(max_examples=40)
@given(st.dictionaries(KEYS, st.floats(0, 1), min_size=1))
def test_no_level_varies_more_than_all_queries_together(values):
    assert all(0 <= apart <= max(values.values()) - min(values.values()) + 1e-9 for apart in spread(values).values())


def test_citations_and_ranks_win_back_what_a_query_missed():
    of = library_of(
        [Record(title=f"Paper {k}", doi=f"10.1/{k}", abstract="-", references=("doi:10.1/1",) * (k == 0))
         for k in range(10)]
    )  # fmt: skip
    ids = list(of.records)
    labels = {id: k < 3 for k, id in enumerate(ids)}
    stages = recovered(of, [ids[0], ids[9]], labels, [ids[5], ids[2], *ids[3:5]])
    assert [(stage.name, stage.n_read, stage.n_relevant) for stage in stages] == [
        ("query", 2, 1), ("and citations of what is relevant", 3, 2), ("and the first 10% by rank", 3, 2),
        ("and the first 25% by rank", 4, 2),
    ]  # fmt: skip
    assert stages[-1].recall == pytest.approx(2 / 3)
