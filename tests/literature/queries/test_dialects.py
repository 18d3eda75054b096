"""Golden values, written by hand from what each data base says of its own syntax."""

import pytest
from hypothesis import given, settings

from proband.errors import DesignError
from proband.literature.queries.dialects import DIALECTS, written_for
from proband.literature.queries.language import parse_query
from tests.literature.queries.written import QUERIES

GOLDEN = {
    '(nudg* OR "choice architecture") AND health NOT title:child*': {
        "pubmed": '((nudg*[tiab] OR "choice architecture"[tiab]) AND health[tiab]) NOT child*[ti]',
        "ovid": "((nudg* or choice architecture).ti,ab,kf. and health.ti,ab,kf.) not child*.ti.",
        "scopus": '(TITLE-ABS-KEY(nudg* OR "choice architecture") AND TITLE-ABS-KEY(health)) AND NOT TITLE(child*)',
        "wos": '(TS=(nudg* OR "choice architecture") AND TS="health") NOT TI=child*',
    },
    "nudge NEAR/3 (diet OR health)": {
        "pubmed": '("nudge diet"[tiab:~3] OR "nudge health"[tiab:~3])',
        "ovid": "(nudge adj4 (diet or health)).ti,ab,kf.",
        "scopus": "(TITLE-ABS-KEY(nudge W/3 diet) OR TITLE-ABS-KEY(nudge W/3 health))",
        "wos": '(TS=("nudge" NEAR/3 "diet") OR TS=("nudge" NEAR/3 "health"))',
    },
    "title,author:sunstein AND venue:nature AND year:2010-2012": {
        "pubmed": "(sunstein[ti] OR sunstein[au]) AND nature[ta] AND 2010:2012[dp]",
        "ovid": "sunstein*.ti,au. and nature.jw. and (2010 or 2011 or 2012).yr.",
        "scopus": "(TITLE(sunstein) OR AUTH(sunstein)) AND SRCTITLE(nature) AND (PUBYEAR > 2009 AND PUBYEAR < 2013)",
        "wos": '(TI="sunstein" OR AU="sunstein") AND SO="nature" AND PY=(2010-2012)',
    },
    '(heading:"Decision Making" OR keyword:nudges) AND year:2015': {
        "pubmed": '("decision making"[mh:noexp] OR nudges[ot]) AND 2015[dp]',
        "ovid": "(decision making/ or nudges.kf.) and 2015.yr.",
        "scopus": '(INDEXTERMS("decision making") OR AUTHKEY(nudges)) AND PUBYEAR = 2015',
        "wos": '(TS="decision making" OR AK="nudges") AND PY=2015',
    },
    'abstract:"or else" AND year:-1999': {
        "pubmed": '"or else"[tiab] AND 1000:1999[dp]',
        "ovid": '"or else".ab.',
        "scopus": 'ABS("or else") AND PUBYEAR < 2000',
        "wos": 'AB="or else" AND PY=(1800-1999)',
    },
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("query", GOLDEN)
def test_each_data_base_gets_its_own_syntax(query, dialect):
    assert parse_query(query).written_for(dialect).text == GOLDEN[query][dialect]


@pytest.mark.parametrize(
    ("query", "dialect", "unsaid"),
    [
        ("abstract:nudge", "pubmed", "no field is the abstract alone"),
        ("nud*", "pubmed", "an asterisk needs 4 letters"),
        ("nu*", "wos", "an asterisk needs 3 letters"),
        ("nudg* NEAR/2 health", "pubmed", "written with AND, which finds more"),
        ("nudge AND year:2015-", "ovid", 'limit 1 to yr="2015 -Current"'),
        ("nudge AND year:2015-", "wos", "a range has two ends"),
        ("nudge", "scopus", "indexed terms too"),
        ("heading:nudge", "wos", "no subject headings"),
        ("(a NOT b) AND c", "scopus", "AND NOT within brackets"),
        ('author:"thaler richard"', "pubmed", "family name and initials"),
    ],
)
def test_what_a_data_base_cannot_say_is_named(query, dialect, unsaid):
    assert any(unsaid in told for told in parse_query(query).written_for(dialect).unsaid)


def test_what_can_be_said_has_no_remark():
    assert parse_query("(nudg* OR diet) AND health").written_for("pubmed").unsaid == ()


def test_nothing_to_say_and_an_unknown_data_base_are_refused():
    with pytest.raises(DesignError, match="nothing of year:2015- can be said in ovid"):
        parse_query("year:2015-").written_for("ovid")
    with pytest.raises(DesignError, match="did you mean 'pubmed'"):
        parse_query("nudge").written_for("pubmd")


@settings(max_examples=50, deadline=None)
@given(QUERIES)
def test_every_word_is_written_in_every_data_base_or_named(query):
    for dialect in DIALECTS:
        try:
            written = written_for(query, dialect)
        except DesignError:
            continue
        said = written.text.lower() + " ".join(written.unsaid)
        words = [word for leaf in query.leaves for word in getattr(leaf, "words", ())]
        assert all(word in said for word in words)
        assert written.text.count("(") == written.text.count(")")
