import polars as pl
import pytest

from proband.errors import StoreError
from proband.instruments import Item
from proband.records import Place, Response
from proband.store.tables import responses_table, wide_table, write_table

ITEMS = {
    "vote": Item(id="vote", text="?", form="choice", options=("Ada", "Bob")),
    "trust": Item(id="trust", text="?", form="scale", options=("no", "yes"), codes=(0, 10)),
    "age": Item(id="age", text="?", form="number"),
    "why": Item(id="why", text="?", form="text"),
    "which": Item(id="which", text="?", form="multiple", options=("x", "y")),
}


def given(subject, item, answer, **condition):
    place = Place(subject=subject, item=item, condition=tuple(sorted(condition.items())))
    status = "refused" if answer is None else "valid"
    return Response(place=place, request="r", status=status, answer=answer, engine="e")


TABLE = responses_table(
    [
        given("s1", "age", 30.0),
        given("s1", "trust", 1, frame="gain"),
        given("s1", "vote", 0, frame="gain"),
        given("s1", "which", (0, 1)),
        given("s1", "why", "because"),
        given("s2", "vote", None, frame="loss"),
    ],
    ITEMS,
)


def test_each_form_of_answer_has_its_column():
    rows = {row["item"]: row for row in TABLE.filter(pl.col("subject") == "s1").to_dicts()}
    assert (rows["vote"]["answer"], rows["vote"]["label"], rows["vote"]["value"]) == (0, "Ada", None)
    assert (rows["trust"]["answer"], rows["trust"]["value"]) == (1, 10.0)
    assert (rows["age"]["value"], rows["age"]["answer"]) == (30.0, None)
    assert rows["why"]["label"] == "because"
    assert rows["which"]["parts"] == [0.0, 1.0]


def test_every_factor_has_a_column_and_is_missing_where_it_was_not_varied():
    assert TABLE["frame"].to_list() == [None, "gain", "gain", None, None, "loss"]


def test_missing_answers_are_null_and_the_status_says_why():
    refused = TABLE.filter(pl.col("subject") == "s2").row(0, named=True)
    assert (refused["answer"], refused["label"], refused["status"]) == (None, None, "refused")


def test_wide_has_one_row_a_subject_and_condition():
    wide = wide_table(TABLE.filter(pl.col("item").is_in(["vote", "trust"])), "label")
    assert wide.select("frame", "subject", "vote", "trust").rows() == [
        ("gain", "s1", "Ada", "yes"),
        ("loss", "s2", None, None),
    ]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_written_table_reads_back(tmp_path, ending):
    path = write_table(TABLE, tmp_path / f"table.{ending}")
    back = pl.read_csv(path) if ending == "csv" else pl.read_parquet(path)
    assert back["label"].to_list() == TABLE["label"].to_list()
    assert back.height == TABLE.height


def test_an_unknown_table_format_is_refused(tmp_path):
    with pytest.raises(StoreError, match="end the name in"):
        write_table(TABLE, tmp_path / "table.xlsx")


def test_pandas_is_one_call_away():
    assert list(TABLE.to_pandas()["subject"]) == ["s1"] * 5 + ["s2"]


def test_wide_labels_keep_numbers_and_lists_as_text():
    wide = wide_table(TABLE.filter(pl.col("item").is_in(["age", "which"])), "label")
    assert wide.select("age", "which").row(0) == ("30.0", "0.0; 1.0")
