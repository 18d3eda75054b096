"""Conditions on a run's table: as they are read, in polars, as code, and in what a journal looks up by itself."""

from dataclasses import replace

import polars as pl
import pytest

from proband import Survey, collect
from proband.errors import StoreError
from proband.models.scripted import ScriptedEngine
from proband.records import Message, Request
from proband.runs import Run
from proband.store.filters import code, expression, has_words, narrowing, read_conditions
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
        whole, end, is_all = journal.requests_with("whom")
        assert is_all
        found, first, steps, is_all = set(), 0, 0, False
        while not is_all:
            part, first, is_all = journal.requests_with("whom", first, until=0)
            found, steps = found | part, steps + 1
        assert journal.requests_with("whom", end) == (set(), end, True)
    assert (found, first) == (whole, end)
    assert steps > 1


@pytest.mark.parametrize(
    ("words", "has"),
    [("fair COIN", True), ('say "yes"', True), ("line\ntwo", True), ("heads", True), ("system", False), ("0", False),
     ("0.5", False), ("s", True), (".", True), ("max_tokens", False)],
)  # fmt: skip
def test_words_are_those_of_the_texts_and_not_of_the_form(words, has):
    messages = (Message("system", "A fair coin."), Message("user", 'Do you say "yes"?\nline\ntwo'))
    assert has_words(Request(messages=messages, continuations=("heads", "tails")).body, words) is has
    assert has_words(Request(messages=messages, max_tokens=5, temperature=0.5).body, words) is (
        has and words != "heads"
    )


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
        ("took_s=5", "seconds are at least or at most"),
        ("took_s>=long", "is no number"),
        ("took_s>=inf", "infinity"),
    ],
)
def test_what_is_no_condition_is_refused_with_what_there_is(run, written, why):
    with pytest.raises(StoreError, match=why):
        run.where(written)


def test_nothing_is_left_out_where_nothing_is_asked(run):
    assert run.where().equals(run.table())
    assert run.table().filter(expression((), {}, list, run.took)).height == run.table().height


class Slow(ScriptedEngine):
    """Says that answers about one item took long, and nothing of the others."""

    def answer(self, trials):
        for trial, completion in super().answer(trials):
            took_s = 7.5 if trial.place.item == "vote" else None
            yield trial, replace(completion, took_s=took_s)


def test_how_long_answers_took_chooses_them_and_is_in_no_table(instrument, population, tmp_path):
    survey = Survey(instrument=instrument, subjects=population, seed=1)
    run = collect(survey, Slow(lambda trial: None, address="scripted:uniform"), tmp_path / "slow")
    quick = collect(survey, "scripted:uniform", tmp_path / "quick")
    assert set(run.where("took_s>=7.5")["item"]) == {"vote"}
    assert run.where("took_s>=7.5", "subject=s1").height == 1
    assert run.where("took_s<=7").height == quick.where("took_s>=0").height == 0
    assert eval(code(read_conditions(["took_s>=7"], run.table().schema), {}), {"pl": pl, "run": run}).height == 12
    with run.directory.reader() as journal:
        at, took_s = journal.taken(run.where("item=vote")["trial"][0])
    assert (took_s, at > 0) == (7.5, True)
    assert run.directory.table_path.read_bytes() == quick.directory.table_path.read_bytes()
