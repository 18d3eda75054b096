"""People as coders, several to a document: each is an engine on the same table of codes."""

import pytest

from proband.addresses import open_engine
from proband.errors import EngineError
from tests.models.coded import answered, trial

TABLE = """document,coder,item,code
d1,ann,area,Economic
d1,ben,area,social
d2,ann,area,
d2,ben,area,other
d1,ann,several,social
d1,ann,several,economic
"""


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "codes.csv"
    path.write_text(TABLE)
    return path


def test_each_coder_of_a_table_answers_with_their_own_codes(table):
    trials = [trial("d1", "a text"), trial("d2", "another")]
    given = {c: answered(open_engine(f"codes:{table}?coder={c}"), trials) for c in ("ann", "ben")}
    assert given["ann"]["d1"].given == (0, "valid")
    assert [given["ben"][d].given for d in ("d1", "d2")] == [(1, "valid"), (2, "valid")]


def test_a_document_that_a_coder_did_not_code_fails_and_says_so(table):
    found = answered(open_engine(f"codes:{table}?coder=ann"), [trial("d1", "a text"), trial("d2", "another")])
    assert found["d2"].error.startswith("not coded: 'd2' on item 'area' by 'ann'")


def test_several_codes_are_one_answer_where_an_item_takes_several(table):
    engine = open_engine(f"codes:{table}?coder=ann")
    found = answered(engine, [trial("d1", "a text", "several", form="multiple")])
    assert found["d1"].given == ((0, 1), "valid")
    with pytest.raises(EngineError, match=r"'d1' has 2 codes on item 'several' \(social, economic\), which takes one"):
        engine.check([trial("d1", "a text", "several")])


def test_the_fingerprint_of_a_coder_does_not_depend_on_the_others(table, tmp_path):
    before = open_engine(f"codes:{table}?coder=ann").fingerprint()
    table.write_text(TABLE.replace("ben,area,other", "ben,area,social"))
    assert open_engine(f"codes:{table}?coder=ann").fingerprint() == before
    table.write_text(TABLE.replace("ann,area,Economic", "ann,area,social"))
    assert open_engine(f"codes:{table}?coder=ann").fingerprint() != before


@pytest.mark.parametrize(
    ("text", "query", "message"),
    [
        (TABLE, "", "codes of several coders; write codes:.*coder=NAME, with one of 'ann', 'ben'"),
        (TABLE, "?coder=bem", r"no codes of coder 'bem' \(did you mean 'ben'\?\)"),
        ("document,item\n", "", r"no column 'code'; it has document, item"),
        ("document,item,code\n,area,x\n", "", "line 2 names no document"),
        ("document,item,code\nd1,area\n", "", "line 2 has 2 cells for 3 columns"),
        ("document,item,code\n", "", "no codes"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused_by_line(tmp_path, text, query, message):
    (tmp_path / "codes.csv").write_text(text)
    with pytest.raises(EngineError, match=message):
        open_engine(f"codes:{tmp_path / 'codes.csv'}{query}")


def test_codes_of_other_documents_or_other_items_are_refused(table):
    engine = open_engine(f"codes:{table}?coder=ben")
    with pytest.raises(EngineError, match="coded none of these documents on item 'mood'"):
        engine.check([trial("d1", "a text"), trial("d1", "a text", "mood")])
    with pytest.raises(EngineError, match=r"no code 'social'; there are left, right"):
        engine.check([trial("d1", "a text", options=("left", "right"))])
