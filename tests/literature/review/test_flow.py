"""The flow of records counts itself from what happened, and no record is lost between its stages."""

import re
import xml.etree.ElementTree as ElementTree

from proband.literature.review.flow import drawn, flow_of, in_words

COUNTS = {"a.ris": 70, "b.csv & more": 50, "records": 120, "merged": 15, "left": 105}
DECISIONS = [
    *({"decision": "include", "criterion": "", "reason": ""} for _ in range(6)),
    *({"decision": "exclude", "criterion": "population", "reason": "Exclude: <animals>"} for _ in range(40)),
    *({"decision": "exclude", "criterion": "design", "reason": ""} for _ in range(4)),
    {"decision": "", "criterion": "", "reason": ""},
]
FLOW = flow_of(COUNTS, left_out={"retracted": 2}, found=80, decisions=DECISIONS)


def test_every_record_is_somewhere():
    assert FLOW["records"] == sum(FLOW["sources"].values())
    assert FLOW["records"] - FLOW["merged"] - sum(FLOW["left_out"].values()) - FLOW["not_found"] == FLOW["candidates"]
    assert FLOW["candidates"] == FLOW["screened"] + FLOW["not_read"]
    assert FLOW["screened"] == FLOW["included"] + FLOW["excluded"] + FLOW["undecided"]
    assert FLOW["excluded"] == sum(FLOW["reasons"].values())
    assert FLOW["reasons"] == {"Exclude: <animals>": 40, "design": 4}


def test_the_flow_is_told_in_words():
    assert in_words(FLOW) == (
        "Records identified: 120 (a.ris: 70; b.csv & more: 50)\n"
        "  Taken out before screening: duplicates: 15; retracted: 2; not found by the query: 23\n"
        "To be screened: 80\n"
        "  Left: not read: 29; undecided: 1\n"
        "Screened: 51\n"
        "  Excluded: 44: Exclude: <animals>: 40; design: 4\n"
        "Included: 6\n"
    )


def test_the_figure_holds_every_count_as_text_within_its_frame():
    figure = ElementTree.fromstring(drawn(FLOW))
    texts = {"".join(node.itertext()) for node in figure.iter("{http://www.w3.org/2000/svg}text")}
    assert {"Records identified: 120", "b.csv & more: 50", "Exclude: <animals>: 40", "Included: 6"} <= texts
    _, _, width, height = map(float, figure.attrib["viewBox"].split())
    for box in figure.iter("{http://www.w3.org/2000/svg}rect"):
        x, y, w, h = (float(box.attrib[name]) for name in ("x", "y", "width", "height"))
        assert x + w <= width
        assert y + h <= height
    assert not re.search(r"#[0-9a-f]{6}(?=[^\"])", drawn(FLOW))
