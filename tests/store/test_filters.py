"""Conditions on a run's table: as they are read, in polars, as code, and in what a journal looks up by itself."""

import polars as pl
import pytest

from proband import Survey, collect
from proband.errors import StoreError
from proband.runs import Run
from proband.store.filters import code, expression, narrowing, read_conditions
from proband.store.tables import table_schema

CONDITIONS = [
    ["item=vote"],
    ["subject=s1"],
    ["subject=s1", "item=trust"],
    ["status=valid", "answer<=0"],
    ["label=Ada"],
    ["text="],
    ["status=refused", "engine~SCRIPTED"],
    ["order=reversed"],
    ["sent~WHOM do you"],
    ["tokens<=0"],
    ["engine~scripted", "replicate=0"],
    ["subject=nobody"],
    [],
]


@pytest.fixture
def run(instrument, population, tmp_path) -> Run:
    survey = Survey(
        instrument=instrument,
        subjects=population,
        seed=1,
        order=("as_written", "reversed"),
        answer_by=("option_text", "written"),
    )
    return collect(survey, "scripted:uniform?refuse=0.2", tmp_path / "run")


def test_a_condition_chooses_alike_everywhere(run):
    table = run.table()
    assert dict(table_schema(tuple(run.levels))) == dict(table.schema)
    sizes = {}
    for written in CONDITIONS:
        read = read_conditions(written, table.schema)
        found = run.where(*written)
        sizes[" ".join(written)] = found.height
        assert eval(code(read, table.schema), {"pl": pl, "run": run}).equals(found)
        # What the journal looks up by itself lets through every row that is meant.
        with run.directory.reader() as journal:
            rows, last = journal.rows_from("", 1_000, narrowed=narrowing(read))
        assert last is None
        assert {*found["trial"]} <= {row[0] for row in rows}
        assert len(rows) < table.height or not {"item", "subject"} & {one.column for one in read}
    assert sizes["item=vote"] == sizes["sent~WHOM do you"] == sizes[""] / 2 == 48
    assert sizes["subject=nobody"] == 0
    assert sizes["subject=s1"] == 8  # and nothing of s10 and s11
    assert 0 < sizes["order=reversed"] < sizes[""]
    assert 0 < sizes["status=refused engine~SCRIPTED"] < sizes[""]


@pytest.mark.parametrize("is_backwards", [False, True])
def test_a_journal_is_read_in_steps_that_say_where_to_go_on(run, is_backwards):
    seen, start = [], ""
    with run.directory.reader() as journal:
        while start is not None:
            rows, start = journal.rows_from(start, 7, is_backwards=is_backwards)
            seen += [row[0] for row in rows]
        assert seen == sorted(journal, reverse=is_backwards)
        assert [row[0] for row in journal.rows_at(seen[5:2:-1])] == sorted(seen[3:6])


def test_a_search_of_requests_stops_at_its_time_and_goes_on(run):
    with run.directory.reader() as journal:
        whole, following = journal.requests_with("whom")
        assert following is None
        found, first, steps = set(), 0, 0
        while first is not None:
            part, first = journal.requests_with("whom", first, until=0)
            found, steps = found | part, steps + 1
    assert (found == whole, steps > 0) == (True, True)


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("vote", "is no condition"),
        ("itme=vote", "did you mean 'item'"),
        ("probs=1", "holds lists"),
        ("mass=much", "is no number"),
        ("mass=nan", "NaN"),
        ("mass~1", "looks for words"),
        ("sent=x", "looks for words"),
        ("item<=vote", "not more or less"),
    ],
)
def test_what_is_no_condition_is_refused_with_what_there_is(run, written, why):
    with pytest.raises(StoreError, match=why):
        run.where(written)


def test_nothing_is_left_out_where_nothing_is_asked(run):
    assert run.where().equals(run.table())
    assert run.table().filter(expression((), {}, list)).height == run.table().height
