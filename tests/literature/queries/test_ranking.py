import pytest

from proband.errors import DesignError
from proband.literature.queries.index import Index
from proband.literature.queries.ranking import fused, rank
from proband.literature.queries.snowballing import snowball
from proband.literature.records.library import library_of
from proband.literature.records.record import Record


def library(*titles):
    return library_of([Record(title=title, doi=f"10.1/{k}", abstract="-") for k, title in enumerate(titles)])


def test_ranks_are_fused_by_their_reciprocals():
    found = fused(["a", "b", "c", "d"], [["b", "a"], ["b", "c", "a"]])
    assert found == [
        ("b", pytest.approx(2 / 61)), ("a", pytest.approx(1 / 62 + 1 / 63)), ("c", pytest.approx(1 / 62)), ("d", 0)
    ]  # fmt: skip


def test_words_are_ranked_by_their_stems():
    of = library("Trains in Spain", "Nudge theory", "The nudging of commuters by trains")
    assert Index(of).ranked("Are commuters nudged?") == ["doi:10.1/2", "doi:10.1/1"]
    ids = [id for id, _ in rank(of, "Are commuters nudged?", encoder="none")]
    assert ids == ["doi:10.1/2", "doi:10.1/1", "doi:10.1/0"]
    with pytest.raises(DesignError, match="no word"):
        rank(of, "?!", encoder="none")


def test_a_ranking_by_vectors_counts_beside_that_by_words():
    of = library("Concrete bridges", "Railway delays", "Music of Bach")
    by_words, by_both = (rank(of, "Why do trains run late?", encoder=encoder) for encoder in ("none", "words"))
    assert by_words[0][1] == 0
    assert max(score for _, score in by_both) == pytest.approx(1 / 61)


def test_citations_lead_backward_and_forward_by_any_identifier():
    of = library_of(
        [
            Record(title="Old", doi="10.1/old", pmid="7", abstract="-"),
            Record(title="Middle", doi="10.1/mid", openalex="W5", references=("pmid:7", "doi:10.1/gone"), abstract="-"),
            Record(title="New", doi="10.1/new", references=("openalex:W5", "doi:10.1/old"), abstract="-"),
            Record(title="Apart", doi="10.1/apart", abstract="-"),
        ]
    )
    found = snowball(of, ["doi:10.1/mid"])
    assert (found.backward, found.forward, found.absent, found.without) == (("doi:10.1/old",), ("doi:10.1/new",), 1, 0)
    assert snowball(of, ["doi:10.1/apart"]).without == 1
