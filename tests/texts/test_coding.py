"""Coding as a design: every question to every coder in every order, made when looked at, refused where it cannot be."""

from dataclasses import replace

import pytest

from proband import collect, findings
from proband.designs.studies import study_from_dict
from proband.errors import DesignError, ProbandError, TreatmentChanged
from proband.models.scripted import ScriptedEngine, uniform
from proband.records import Request
from proband.runs import Budget, plan
from proband.subjects.corpora import LongTexts
from proband.texts.coders import Coder
from tests.texts.letters import LETTERS, codebook, coding, corpus

CODERS = (
    Coder(name="asked"),
    Coder(name="weighed", answer_by="channel", questions=("tone", "loud")),
    Coder(name="told", answer_by="written", order="rotations", temperature=0.7, replicates=2),
    Coder(name="named", answer_by="label", order="as_written", questions=("tone",)),
)
WINDOWS = LongTexts(long="windows", most=12)


def plain(request):
    return Request(**{name: getattr(request, name) for name in Request.__dataclass_fields__})


def test_a_request_made_when_looked_at_is_the_request_written_out(tmp_path):
    for trial in coding(tmp_path, *CODERS, long=WINDOWS).trials({}):
        whole = plain(trial.request)
        assert (trial.request.body, trial.request.hash) == (whole.body, whole.hash)
        assert trial.request.messages == whole.messages
        shorter = replace(trial.request, messages=whole.messages[-1:]) if not whole.premises else whole
        assert shorter.messages == whole.messages[-1:]


@pytest.mark.parametrize("long", [LongTexts(), WINDOWS], ids=["whole", "windows"])
def test_trials_have_their_places_in_any_order_of_looking(tmp_path, long):
    trials = coding(tmp_path, *CODERS, long=long).trials({})
    everything = list(trials)
    assert len(trials) == len(everything) == len({trial.id for trial in everything})
    for start in (0, 1, 7, 20, len(trials) - 1):
        assert trials[start] == everything[start]
        assert list(trials[start : start + 9]) == everything[start : start + 9]
        keys = [(t.id, t.request.hash, t.reply.rule) for t in everything[start : start + 9]]
        assert list(trials.keys(start, min(start + 9, len(trials)))) == keys


def test_both_directions_are_asked_unless_there_is_only_one(tmp_path):
    trials = coding(tmp_path, *CODERS).trials({})
    orders = {}
    for trial in trials:
        if trial.place.subject == "l0":
            key = trial.answerer, trial.place.item
            orders.setdefault(key, set()).add(trial.reply.order)
    assert orders["asked", "tone"] == {(0, 1, 2), (2, 1, 0)}
    assert orders["told", "tone"] == {(0, 1, 2), (1, 2, 0), (2, 0, 1)}
    assert orders["weighed", "tone"] == {(0, 1, 2)}
    assert {dict(t.place.condition).get("order") for t in trials if t.answerer == "weighed"} == {None}


def test_a_document_is_a_reference_and_its_control_tokens_are_none(tmp_path):
    trials = [t for t in coding(tmp_path).trials({}) if t.place.subject == "l3"]
    assert "<\u2060|im_start|>" in trials[0].request.messages[1].text
    assert dict(trials[0].facts)["document"] is dict(trials[-1].facts)["document"]


def test_a_run_that_was_stopped_goes_on_to_the_same_table(tmp_path):
    engines = {coder.name: ScriptedEngine(uniform(), seed=1) for coder in CODERS}
    whole = collect(coding(tmp_path, *CODERS, long=WINDOWS), engines, tmp_path / "whole")
    part = collect(coding(tmp_path, *CODERS, long=WINDOWS), engines, tmp_path / "part", budget=Budget(trials=17))
    assert part.state == "unfinished"
    part = collect(coding(tmp_path, *CODERS, long=WINDOWS), engines, tmp_path / "part")
    assert part.table().equals(whole.table())
    assert part.levels["coder"] == ("asked", "weighed", "told", "named")
    assert [member.unit for member in part.roster][:3] == ["w0", "w1", "w0"]


def test_an_edited_document_is_another_treatment(tmp_path):
    engine = {"coder": ScriptedEngine(uniform(), seed=1)}
    collect(coding(tmp_path), engine, tmp_path / "run", budget=Budget(trials=5))
    with pytest.raises(TreatmentChanged, match="subject 'l0'"):
        collect(coding(tmp_path, texts=("Edited.", *LETTERS[1:])), engine, tmp_path / "run")


def test_a_plan_speaks_of_documents_and_coders_and_of_no_people(tmp_path):
    found = plan(coding(tmp_path, *CODERS[:2]), {"asked": "scripted:uniform", "weighed": "scripted:uniform"})
    told = repr(found) + " ".join(found.notes)
    assert "Coder weighed: channel" in told
    assert not any(word in told for word in ("people", "Power", "precision", "detectable"))


@pytest.mark.parametrize(
    ("coders", "settings", "reason"),
    [
        ([Coder(name="c", answer_by="channel")], {}, "question 'topic' of form 'multiple' has none to choose from"),
        ([Coder(name="c", questions=("tonne",))], {}, "no question 'tonne' in 'b' \\(did you mean 'tone'"),
        ([Coder(name="c"), Coder(name="c")], {}, "each a name of its own"),
        ([Coder(name="c", labels="a|b")], {"codebook": codebook()}, "item 'tone': 2 labels"),
        ([Coder(name="c")], {"long": LongTexts(most=10)}, "document 'l0': 12 characters"),
        ([Coder(name="c")], {"long": LongTexts(measured="tokens")}, "measured in characters"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(tmp_path, coders, settings, reason):
    with pytest.raises(DesignError, match=reason):
        coding(tmp_path, *coders, **settings)


def test_a_channel_needs_definitions(tmp_path):
    from proband.instruments import Instrument

    book = Instrument(id="plain", title="Plain", items=codebook().items[:1])
    with pytest.raises(DesignError, match="channel needs a definition of every code, and question 'tone'"):
        coding(tmp_path, Coder(name="c", answer_by="channel"), codebook=book)


def test_channel_leaves_out_the_code_that_says_nothing(tmp_path):
    book = codebook(cannot_tell=True)
    coder = Coder(name="c", answer_by="channel", questions=("tone",))
    trial = coding(tmp_path, coder, codebook=book).trials({})[0]
    assert trial.reply.options == ("Good", "Bad", "Mixed")
    assert len(trial.request.premises) == 3


def file(folder, **coding_table):
    corpus(folder)
    return {
        "seed": 1,
        "engine": {"one": "scripted:uniform", "two": "dictionary:words.toml"},
        "instrument": {"use": "sentiment"},
        "coding": {"corpus": {"file": "letters.csv", "id": "id"}, **coding_table},
    }


def test_a_study_file_says_how_each_coder_is_asked(tmp_path):
    tables = {"order": "rotations", "coders": {"one": {"answer_by": "channel", "questions": ["sentiment"]}}}
    design = study_from_dict(file(tmp_path, **tables), where=tmp_path / "study.toml", sample=4).design
    one, two = design.coders
    assert (one.answer_by, one.order, one.questions) == ("channel", "rotations", ("sentiment",))
    assert (two.answer_by, two.order) == ("option_text", "rotations")
    assert len(design.corpus) == 4


def test_a_dictionary_is_not_asked_in_several_orders(tmp_path):
    design = study_from_dict(file(tmp_path), where=tmp_path / "study.toml").design
    assert [coder.order for coder in design.coders] == ["both", "as_written"]


@pytest.mark.parametrize(
    ("tables", "reason"),
    [
        ({"coders": {"onne": {}}}, r"coding.coders.onne has no engine \(did you mean 'one'"),
        ({"coders": {"one": {"answer_by": "verbalised"}}}, "coding.coders.one.answer_by"),
        ({"corpus": {"file": "letters.csv", "sample": 99}}, "sample is 99"),
        ({"corpus": {"file": "nowhere.csv"}}, "no such corpus"),
    ],
)
def test_a_study_file_that_cannot_be_is_refused(tmp_path, tables, reason):
    with pytest.raises(ProbandError, match=reason):
        study_from_dict(file(tmp_path, **tables), where=tmp_path / "study.toml")


def test_findings_speak_of_documents_and_say_whom_numbers_are_about(tmp_path):
    run = collect(coding(tmp_path, Coder(name="asked")), {"asked": ScriptedEngine(uniform(), seed=1)}, tmp_path / "run")
    found = findings(run)
    assert "which codes these 6 documents in 2 units get from" in found.claims[0]
    assert "all others describe the coder" in found.limits
    assert not [warning for warning in found.warnings if "no human answers" in warning]
