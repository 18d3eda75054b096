import pytest

from proband.errors import DesignError
from proband.literature.queries.index import Index
from proband.literature.queries.seeds import query_from_seeds, separating_terms
from proband.literature.records.record import Record

FILLER = ("rivers", "planets", "metals", "birds", "cheese", "rhyme", "tides", "glaciers")


def library():
    """Twenty on nudges of physicians in two vocabularies, forty on nudges or physicians alone, forty on neither."""
    nudge, doctor = ("nudges", "nudging", "defaults"), ("physicians", "clinicians")
    titles = [f"{nudge[k % 3]} for {doctor[k % 2]} and {FILLER[k % 8]}" for k in range(20)]
    titles += [f"{nudge[k % 3]} of shoppers and {FILLER[k % 8]}" for k in range(20)]
    titles += [f"{doctor[k % 2]} on {FILLER[k % 8]}" for k in range(20)]
    titles += [f"{FILLER[k % 8]} and {FILLER[(k + 3) % 8]} of today" for k in range(40)]
    return [Record(title=title, doi=f"10.1/{k}") for k, title in enumerate(titles)]


def test_words_of_the_known_papers_become_blocks_that_find_the_others_of_their_kind():
    index = Index(library())
    made = query_from_seeds(index, [f"doi:10.1/{k}" for k in range(16)])
    found = set(index.search(made.query))
    assert {f"doi:10.1/{k}" for k in range(20)} <= found
    assert len(found) <= 40
    assert made.missed == ()
    assert not {str(each.term) for each in made.terms} & set(FILLER)


def test_terms_are_weighed_by_how_much_more_the_known_papers_have_them():
    terms = separating_terms(Index(library()), [f"doi:10.1/{k}" for k in range(20)])
    first = {str(each.term): each for each in terms}
    assert first["defaults"].n_seeds == 6
    assert first["defaults"].n_records == 12
    assert terms == sorted(terms, key=lambda each: (-each.z, str(each.term)))


@pytest.mark.parametrize(
    ("seeds", "why"),
    [
        (["doi:10.1/1", "doi:10.1/2"], "2 seed papers of 100 records; give 3 or more"),
        (["doi:10.1/1", "doi:10.1/2", "doi:10.1/x"], "'doi:10.1/x' is not among the records"),
        ([f"doi:10.1/{k}" for k in range(60, 100)], "no word tells the seed papers from the rest"),
    ],
)
def test_papers_of_which_no_query_follows_are_refused(seeds, why):
    records = library() if "no word" not in why else [Record(title="the same", doi=f"10.1/{k}") for k in range(110)]
    with pytest.raises(DesignError, match=why):
        query_from_seeds(Index(records), seeds)
