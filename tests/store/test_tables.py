from dataclasses import replace
from tempfile import TemporaryDirectory

import polars as pl
import pytest

from proband.errors import StoreError
from proband.instruments import Item
from proband.records import Place, Response
from proband.roster import Roster
from proband.store import RunDirectory, tables
from proband.store.tables import (
    factor_column,
    journal_table,
    wide_table,
    with_membership,
    write_journal_table,
    write_table,
)

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


def table_of(responses):
    with TemporaryDirectory() as folder, RunDirectory(folder).writer() as journal:
        journal.add(responses)
        return journal_table(journal, ITEMS)


TABLE = table_of(
    [
        given("s1", "age", 30.0),
        given("s1", "trust", 1, frame="gain"),
        given("s1", "vote", 0, frame="gain"),
        given("s1", "which", (0, 1)),
        given("s1", "why", "because"),
        given("s2", "vote", None, frame="loss"),
    ]
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


def test_arms_that_a_society_goes_through_stand_in_the_column_of_arms_in_runs_of_before_too():
    table = table_of([given("0.1", "vote", 0), given("0.1", "vote", 1, arm="flood")])
    assert table["arm"].to_list() == table["factor_arm"].to_list() == [None, "flood"]
    before = table.with_columns(pl.lit(None, pl.String).alias("arm"))
    assert with_membership(before, Roster(())).equals(table)


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


ANSWERED = [
    given("s/1 ä", "age", 30.0),
    given("s1", "gone", 3),
    given("s1", "trust", 1, frame="gain & loss"),
    given("s1", "vote", 0, frame="gain & loss", status="x"),
    given("s1", "which", (0, 1)),
    given("s1", "which", (), frame="loss"),
    given("s1", "why", "3"),
    given("s2", "trust", None),
]
SCORED = [
    replace(given(f"t{k}", "vote", k % 2), probs=(0.25, 0.75), log_probs=(-2.0, -1.0), order=(1, 0), mass=0.5)
    for k in range(5)
] + [replace(given("t9", "trust", 0), probs=(0.2, 0.3, 0.5), text="“no”", prompt_tokens=3)]


def plain(responses):
    """The table made one cell at a time."""
    named = [name for r in responses for name, _ in r.place.condition]
    for r in responses:
        item, cells = ITEMS.get(r.place.item), dict(r.place.condition)
        row = {"trial": r.place.id, "subject": r.place.subject, "unit": r.place.subject, "role": None, "arm": None}
        row["item"] = r.place.item
        row |= {factor_column(name): cells.get(name) for name in dict.fromkeys(named)}
        row |= {"round": r.place.round, "replicate": r.place.replicate, "status": r.status}
        is_index = item is not None and item.form in ("choice", "scale") and r.answer is not None
        label = item.options[r.answer] if is_index else None
        value = item.points[r.answer] if is_index and (item.form == "scale" or item.codes) else None
        if isinstance(r.answer, int | float) and not is_index:
            value = float(r.answer)
        yield row | {
            "answer": r.answer if is_index else None,
            "value": value,
            "label": r.answer if isinstance(r.answer, str) else label,
            "parts": [float(x) for x in r.answer] if isinstance(r.answer, tuple) else None,
            "probs": None if r.probs is None else list(r.probs),
            "mass": r.mass,
            "shown": list(r.order) or None,
            **{name: getattr(r, name) for name in ("text", "error", "rule", "engine", "request")},
            **{name: getattr(r, name) for name in ("prompt_tokens", "completion_tokens", "attempts")},
        }


@pytest.mark.parametrize("part", [1, 3, 1000])
def test_a_table_written_in_parts_is_the_table_made_cell_by_cell(tmp_path, monkeypatch, part):
    for name in ("_PART", "_WHOLE"):
        monkeypatch.setattr(tables, name, part)  # real ones hold thousands of rows
    with RunDirectory(tmp_path).writer() as journal:
        journal.add([*SCORED, *ANSWERED])
        path = write_journal_table(journal, ITEMS, tmp_path / "table.parquet")
        ordered = list(journal.responses())
        assert journal_table(journal, ITEMS).equals(pl.read_parquet(path))
        once = path.read_bytes()
        write_journal_table(journal, ITEMS, path)
        assert path.read_bytes() == once
    table = pl.read_parquet(path)
    assert table.schema == table_of(ordered).schema
    assert table.to_dicts() == list(plain(ordered))


def test_a_run_without_responses_has_an_empty_table_with_all_columns(tmp_path):
    with RunDirectory(tmp_path).writer() as journal:
        table = pl.read_parquet(write_journal_table(journal, ITEMS, tmp_path / "table.parquet"))
    assert table.height == 0
    assert table.schema == table_of(SCORED).schema
