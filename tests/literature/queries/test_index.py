import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError
from proband.literature.queries.index import Index
from proband.literature.queries.query import And, Heading, Near, Not, Or, Term, Years
from proband.literature.records.record import Record, plain
from tests.literature.queries.written import QUERIES, WORDS

TEXT = st.lists(st.sampled_from([*WORDS, "Nudge,", "HEALTH", "choice-diet", "a_a"]), max_size=8).map(" ".join)
RECORDS = st.lists(
    st.builds(
        Record,
        title=TEXT, abstract=TEXT, venue=TEXT, doi=st.uuids().map(str), year=st.sampled_from([None, 2009, 2010, 2011]),
        authors=st.lists(TEXT, max_size=2).map(tuple), keywords=st.lists(TEXT, max_size=2).map(tuple),
        headings=st.lists(st.sampled_from(["Decision", "Decision-Making", "Choice"]), max_size=2).map(tuple),
    ),
    max_size=6,
)  # fmt: skip


def fields_of(record):
    several = {"author": record.authors, "keyword": record.keywords}
    one = {"title": record.title, "abstract": record.abstract, "venue": record.venue}
    return {name: plain(text).split() for name, text in one.items()} | {
        name: " | ".join(map(plain, texts)).split() for name, texts in several.items()
    }


def places(term, words):
    n = len(term.words)
    return [
        k
        for k in range(len(words) - n + 1)
        if tuple(words[k : k + n - 1]) == term.words[:-1]
        and (words[k + n - 1].startswith(term.words[-1]) if term.truncated else words[k + n - 1] == term.words[-1])
    ]


def is_near(a, b, words, most):
    return any(
        max(j - i - len(a.words), i - j - len(b.words)) <= most for i in places(a, words) for j in places(b, words)
    )


def holds(node, record):
    """The query evaluated on one record, by what its words mean."""
    fields = fields_of(record)
    match node:
        case Term():
            return any(places(node, fields[field]) for field in node.fields)
        case Near():
            return any(is_near(a, b, fields[f], node.n) for a in node.left for b in node.right for f in a.fields)
        case Years():
            return record.year is not None and (node.first or 0) <= record.year <= (node.last or 9999)
        case Heading():
            return " ".join(node.words) in map(plain, record.headings)
        case And():
            return all(holds(part, record) for part in node.parts)
        case Or():
            return any(holds(part, record) for part in node.parts)
        case Not():
            return holds(node.kept, record) and not holds(node.dropped, record)


@settings(max_examples=60, deadline=None)
@given(RECORDS, st.lists(QUERIES, min_size=1, max_size=4))
def test_the_index_finds_what_the_words_of_the_query_mean(records, queries):
    index = Index(records)
    for query in queries:
        assert index.search(query) == [record.id for record in records if holds(query.root, record)], str(query)


def test_many_alternatives_are_one_query():
    records = [Record(title=f"word{k}") for k in range(3)]
    index = Index(records)
    assert len(index.search(" OR ".join(f"word{k}" for k in range(1, 3_000)))) == 2
    assert len(index.search("(" + " OR ".join(f"year:{k}" for k in range(1000, 1400)) + ") OR word1")) == 1


def test_an_index_in_a_file_is_kept_until_the_records_change(tmp_path):
    path, records = tmp_path / "index.sqlite", [Record(title="Nudging health", abstract="of people")]
    Index(records, path).close()
    made = path.stat().st_mtime_ns
    again = Index(records, path)
    assert again.search("nudg*") == [records[0].id]
    assert path.stat().st_mtime_ns == made
    again.close()
    more = Index([*records, Record(title="Nudge theory")], path)
    assert len(more.search("nudg*")) == 2
    more.close()


def test_a_file_that_is_no_index_and_records_of_one_id_are_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing of the kind" * 100)
    with pytest.raises(DataError, match="delete its file"):
        Index([], tmp_path / "notes.txt")
    with pytest.raises(DataError, match="two records have the id doi:1"):
        Index([Record(title="a", doi="1"), Record(title="b", doi="1")])


def test_what_finds_nothing_or_a_tenth_of_the_vocabulary_is_remarked():
    index = Index([Record(title=" ".join(f"nudge{k} health word{k}" for k in range(30)))])
    told = index.remarks('nudg* OR helth OR year:1990 OR "choice nudge"')
    assert [remark.split(";")[0] for remark in told] == [
        "nudg* at 1 stands for 30 of 61 words",
        "helth at 10 finds no record (did you mean 'health'?)",
        "year:1990 at 19 finds no record",
        '"choice nudge" at 32 finds no record',
    ]
