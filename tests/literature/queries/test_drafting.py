"""Queries from a question by scripted writers: what they are asked, what becomes of what they write."""

import os
from pathlib import Path

import pytest

from proband.errors import DesignError
from proband.literature.queries.drafting import Drafting, query_text
from proband.literature.queries.index import Index
from proband.literature.records.record import Record
from proband.models.scripted import ScriptedEngine
from proband.runs import Budget, collect

GOLDEN = Path(__file__).parents[2] / "prompts" / "search.txt"
RECORDS = [
    Record(title="Nudging physicians by default options"), Record(title="Choice architecture in hospitals"),
    Record(title="Reminders for nurses"), Record(title="Concrete bridges"), Record(title="Music of Bach"),
]  # fmt: skip
WRITTEN = {
    "query": "```\nQuery: (nudg* OR reminder*) AND (physician* OR nurses)\n```",
    "concepts": "1. nudging\n2. physicians",
    "synonyms": "- nudg*\n- physician*\n- nurses",
    "blocks": "(nudg* OR defalt AND physician*",
    "refine": "(nudg* OR default) AND physician*",
}


def design(**given):
    return Drafting(question="Do nudges change what physicians do?", index=Index(RECORDS), library_hash="five", **given)


def drafted(of, rule, folder, **given):
    run = collect(of, ScriptedEngine(rule), folder, **given)
    return run, of.drafts(run.responses())


def test_every_prompt_is_the_golden_one(tmp_path):
    of = design(runs=1)
    run, _ = drafted(of, lambda trial: WRITTEN[trial.place.item], tmp_path / "run")
    shown = [
        f"=== {trial.id}\n" + "\n".join(f"[{m.role}]\n{m.text}" for m in trial.request.messages)
        for trial in of.trials(run.responses())
    ]
    text = "\n\n".join(shown) + "\n"
    if os.environ.get("PROBAND_GOLDEN") == "write":
        GOLDEN.write_text(text)
    assert GOLDEN.read_text() == text


def test_what_the_check_finds_is_put_to_the_writer_until_it_is_mended(tmp_path):
    of = design(ways=("guided",), wordings=1, runs=1)
    run, drafts = drafted(of, lambda trial: WRITTEN[trial.place.item], tmp_path / "run")
    refined = [trial for trial in of.trials(run.responses()) if trial.place.item == "refine"]
    assert len(refined) == 1
    assert "character 1: this bracket is never closed" in refined[0].request.messages[1].text
    assert str(drafts[0].query) == WRITTEN["refine"]
    assert drafts[0].by == "engine"


def test_rules_join_the_terms_of_a_writer_whose_queries_cannot_be_read(tmp_path):
    written = {**WRITTEN, "refine": "I cannot"}
    _, drafts = drafted(design(ways=("guided",), wordings=1, runs=1), lambda t: written[t.place.item], tmp_path / "run")
    assert (str(drafts[0].query), drafts[0].by) == ("(nudging OR nudg* OR physician* OR nurses) AND (physicians OR "
                                                    "nudg* OR physician* OR nurses)", "rules")  # fmt: skip


def test_what_cannot_be_read_in_one_request_is_no_query(tmp_path):
    _, drafts = drafted(design(ways=("one",), wordings=1, runs=1), lambda trial: "nudge[tiab]", tmp_path / "run")
    assert drafts[0].query is None
    assert "'[' means nothing here" in drafts[0].why


def test_drafting_goes_on_where_it_was_stopped(tmp_path):
    of = design(runs=1, wordings=2)

    def rule(trial):
        return WRITTEN[trial.place.item]

    stopped, drafts = drafted(of, rule, tmp_path / "run", budget=Budget(trials=3))
    before = dict(stopped.responses())
    assert (len(before), stopped.is_complete, len(drafts)) == (3, False, 2)
    run, drafts = drafted(of, rule, tmp_path / "run")
    assert len(drafts) == 4
    assert before.items() <= run.responses().items()


def test_only_one_line_of_talk_may_be_the_query():
    assert query_text("a OR b\nc OR d") == "a OR b c OR d"
    assert query_text("Of course.\nQuery: a OR b\nGood luck") == "a OR b"


@pytest.mark.parametrize("given", [{"question": "?"}, {"ways": ("two",)}, {"wordings": 9}, {"runs": 0}])
def test_what_cannot_be_asked_is_refused_before_the_first_call(given):
    with pytest.raises(DesignError):
        Drafting(**{"question": "Why?", "index": Index(RECORDS), "library_hash": "five", **given})
