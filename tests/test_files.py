"""One reader of what users write, with one wording of errors."""

import pytest
from pydantic import Field

from proband.errors import DataError, DesignError
from proband.files import OpenTable, Table, checked, parsed, text_of


class Inner(Table):
    """A table within."""

    size: int = 1
    name: str | list[str] | None = None


class Row(Table):
    """One of a list of tables."""

    id: str
    score: float = 0.0


class Outer(Table):
    """A file."""

    seed: int = Field(examples=["seed = 1"])
    inner: Inner = Inner()
    rows: list[Row] = []
    named: dict[str, Inner | Row] = {}
    open: OpenTable = OpenTable()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "f.toml: seed is missing; add it, e.g. seed = 1"),
        ("seed = 1.5", "f.toml: seed must be a whole number (found 1.5)"),
        ("seed = 1\nsed = 2", "f.toml: no key 'sed' (did you mean 'seed'?); there are seed, inner"),
        ("seed = 1\ninner.siz = 2", "no key 'inner.siz' (did you mean 'size'?); there are size, name"),
        ("seed = 1\ninner.name = 2", "f.toml: inner.name must be text or a list (found 2)"),
        ("seed = 1\ninner.name = ['a', 2]", "f.toml: inner.name.2 must be text (found 2)"),
        ("seed = 1\ninner = 2", "f.toml: inner must be a table (found 2)"),
        ("seed = 1\nrows = [{ id = 'a', score = 'x' }]", "row 1 ('a'): score must be a number (found 'x')"),
        ("seed = 1\nrows = [{ score = 1.0 }]", "f.toml: row 1: id is missing; add it"),
        ("seed = 1\nrows = [{ id = 'a', sco = 1 }]", "row 1 ('a'): no key 'sco' (did you mean 'score'?)"),
        ("sed = 1", "seed is missing; add it, e.g. seed = 1; no key 'sed'"),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_the_way_out(text, said):
    with pytest.raises(DesignError) as caught:
        checked(Outer, parsed(text, "f.toml", error=DesignError), "f.toml", error=DesignError)
    assert said in str(caught.value)


def test_at_most_five_mistakes_are_named_at_once():
    data = {"seed": 1} | {f"wrong{k}": k for k in range(8)}
    with pytest.raises(DesignError, match=r"wrong4.*; and 3 more$"):
        checked(Outer, data, "f.toml", error=DesignError)


def test_a_part_of_a_file_is_checked_under_its_own_name():
    with pytest.raises(DesignError, match=r"no key 'game\.siz'"):
        checked(Inner, {"siz": 3}, "f.toml", error=DesignError, at="game")
    with pytest.raises(DesignError, match=r"game\.size must be a whole number"):
        checked(Inner, {"size": "3"}, "f.toml", error=DesignError, at="game")


def test_further_keys_of_an_open_table_are_kept_for_who_takes_them():
    found = checked(Outer, {"seed": 1, "open": {"any": 3}}, "f.toml", error=DesignError)
    assert found.open.rest == {"any": 3}


def test_a_file_that_cannot_be_read_says_why(tmp_path):
    with pytest.raises(DataError, match=r"gone\.toml: no such study file; write one"):
        text_of(tmp_path / "gone.toml", what="study file", error=DataError, way_out="write one")
    with pytest.raises(DataError, match="no regular file"):
        text_of(tmp_path, what="study file", error=DataError)
    (tmp_path / "latin.toml").write_bytes(b"a = '\xe9'")
    with pytest.raises(DataError, match="byte 5 is not UTF-8"):
        text_of(tmp_path / "latin.toml", what="study file", error=DataError)


def test_a_text_that_is_no_toml_names_the_line():
    with pytest.raises(DataError, match=r"not valid TOML: .*line 2"):
        parsed("a = 1\nb = = 2", "f.toml", error=DataError)
    with pytest.raises(DataError, match="line 2, the end of the file"):
        parsed('a = 1\nb = """x', "f.toml", error=DataError)
