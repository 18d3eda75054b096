"""A hypothesis names its variables and what would show it to be wrong, and a file keeps all that it says."""

import pytest

from proband.errors import DataError, DesignError
from proband.literature.hypotheses.record import Hypothesis, read_hypotheses, write_hypotheses
from proband.literature.spans import Span

SMILE = Hypothesis(
    independent="smiling", dependent="tips", direction="more", falsifier='No "higher" tips\nwhere waiters smile.',
    mechanism="liking", moderators=("sex of the guest",), strategy="stepwise", proposer="smollm2", seen=("A: 10 rows",),
    spans=(Span(record="doi:10.1/a", start=3, end=20, text="smiles earn more \U0001f600"),),
)  # fmt: skip


@pytest.mark.parametrize("name", ["h.toml", "h.jsonl"])
def test_a_file_gives_back_what_was_written_into_it(tmp_path, name):
    other = Hypothesis(independent="rain", dependent="mood", direction="none", falsifier="A difference.")
    write_hypotheses(tmp_path / name, [SMILE, other])
    assert read_hypotheses(tmp_path / name) == (SMILE, other)


def test_an_id_is_of_what_is_said_and_not_of_who_says_it():
    again = Hypothesis(independent="Smiling", dependent="tips", direction="more", falsifier="Less.", mechanism="liking",
                       moderators=("sex of the guest",), proposer="ann")  # fmt: skip
    assert again.id == SMILE.id
    assert Hypothesis(independent="smiling", dependent="tips", direction="less", falsifier="More.").id != SMILE.id


def test_one_without_a_falsifier_is_refused_with_its_place(tmp_path):
    with pytest.raises(DesignError, match="no falsifier"):
        Hypothesis(independent="smiling", dependent="tips", direction="more", falsifier=" - ")
    path = tmp_path / "h.jsonl"
    path.write_text(
        '{"independent": "a b", "dependent": "c", "direction": "more"}\n'
        '{"independent": "a", "dependent": "c", "direction": "up", "falsifier": "x"}\n'
    )
    with pytest.raises(DesignError) as refused:
        read_hypotheses(path)
    for part in ("line 1", "no falsifier", "line 2", "direction"):
        assert part in str(refused.value)


def test_a_file_that_is_none_is_named(tmp_path):
    path = tmp_path / "h.toml"
    path.write_text("[hypotheses]\n")
    with pytest.raises(DataError, match="hypotheses"):
        read_hypotheses(path)
    with pytest.raises(DataError, match=r"\.toml or a \.jsonl"):
        write_hypotheses(tmp_path / "h.csv", [SMILE])
