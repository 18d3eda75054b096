"""Queries of any shape, for properties."""

from hypothesis import strategies as st

from proband.literature.queries.query import SEARCHED, And, Heading, Near, Not, Or, Query, Term, Years

WORDS = ("nudge", "nudging", "health", "or", "choice", "diet", "2010", "near", "müsli", "a")
FIELDS = st.sampled_from([SEARCHED, SEARCHED, ("title",), ("abstract", "keyword"), ("author",), ("venue",)])
YEARS = st.sampled_from([(2009, 2011), (2010, 2010), (None, 2010), (2011, None)])


def terms(fields):
    return st.builds(
        lambda words, truncated: Term(words=tuple(words), truncated=truncated, fields=fields),
        st.lists(st.sampled_from([word.replace("ü", "u") for word in WORDS]), min_size=1, max_size=3),
        st.booleans(),
    )


@st.composite
def nears(draw):
    side = st.lists(terms(draw(FIELDS)), min_size=1, max_size=2).map(tuple)
    return Near(left=draw(side), right=draw(side), n=draw(st.integers(0, 3)))


LEAVES = st.one_of(
    FIELDS.flatmap(terms),
    FIELDS.flatmap(terms),
    nears(),
    YEARS.map(lambda pair: Years(first=pair[0], last=pair[1])),
    st.sampled_from([("decision",), ("decision", "making")]).map(lambda words: Heading(words=words)),
)


def _joined(inner):
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(several.map(And), several.map(Or), st.builds(Not, inner, inner))


QUERIES = st.recursive(LEAVES, _joined, max_leaves=8).map(Query)
