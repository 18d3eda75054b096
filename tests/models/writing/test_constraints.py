import json

import pytest

from proband.errors import EngineError

OBJECT = json.dumps(
    {
        "type": "object",
        "properties": {"why": {"type": "string", "maxLength": 6}, "sure": {"type": "integer", "maximum": 9}},
        "required": ["why", "sure"],
        "additionalProperties": False,
    }
)


def replies(engine, asked, schema, n=8, **request):
    trials = [asked("Why?", schema=schema, temperature=1.0, seed=k, **request) for k in range(n)]
    engine.check(trials)
    return [completion for _, completion in engine.answer(trials)]


def test_a_choice_is_one_of_the_options(tiny, asked):
    options = ["Agree", "Agree strongly", 'Don\'t "know" – é']
    written = replies(tiny, asked, json.dumps({"enum": options}), max_tokens=40)
    assert {json.loads(one.text) for one in written} <= set(options)
    assert {one.finish for one in written} == {"stop"}


@pytest.mark.parametrize(("lower", "upper", "is_whole"), [(0, 100, True), (-5, 5, True), (0, 1, False)])
def test_a_number_lies_within_its_limits(lower, upper, is_whole, tiny, asked):
    schema = {"type": "integer" if is_whole else "number", "minimum": lower, "maximum": upper}
    for one in replies(tiny, asked, json.dumps(schema), max_tokens=60):
        value = json.loads(one.text)
        assert lower <= value <= upper
        assert isinstance(value, int) or not is_whole


def test_an_object_follows_its_schema_and_is_laid_out_as_json_dumps_does(tiny, asked):
    for one in replies(tiny, asked, OBJECT, max_tokens=90):
        if one.finish == "stop":
            value = json.loads(one.text)
            assert list(value) == ["why", "sure"]
            assert len(value["why"]) <= 6
            assert one.text.startswith('{"why": "')


def test_a_reply_cut_inside_its_json_says_so(tiny, asked):
    for one in replies(tiny, asked, OBJECT, max_tokens=5):
        assert (one.text, one.finish) == ('{"why', "length")


def test_a_bound_reply_does_not_depend_on_its_batch(tiny, asked):
    trials = [asked("Why?" * k, schema=OBJECT, temperature=1.0, max_tokens=40) for k in range(1, 5)]
    together = dict(tiny.answer([*trials, asked("Free?")]))
    for one in trials:
        assert dict(tiny.answer([one])) == {one: together[one]}


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ("{", "is no JSON schema"),
        ("[]", "a schema is an object in braces"),
        ('{"type":"nonsense"}', "Invalid type: nonsense"),
        ('{"maximum":3,"minimum":5,"type":"integer"}', "minimum .* is greater than maximum"),
        ('{"not":{"type":"string"}}', "Unimplemented keys"),
        ('{"$ref":"http://example.org/schema"}', "not present in a registry"),
    ],
)
def test_a_schema_that_cannot_be_held_to_is_refused_by_item(schema, reason, tiny, asked):
    with pytest.raises(EngineError, match=f"item 'q': .*{reason}"):
        tiny.check([asked("Why?", schema=schema)])
    [(_, completion)] = tiny.answer([asked("Why?", schema=schema)])
    assert completion.error


def test_a_tokenizer_without_a_fast_form_is_refused():
    from proband.models.writing.constraints import Schemas

    class Slow:
        is_fast = False

    with pytest.raises(EngineError, match="only with a fast tokenizer"):
        Schemas(Slow(), 10, frozenset({1})).start("{}")


@pytest.mark.model
def test_the_embedded_model_keeps_to_a_schema(asked):
    from proband.models.local.embedded import embedded_engine

    engine = embedded_engine()
    [one] = replies(engine, asked, json.dumps({"enum": ["Yes", "No"]}), n=1, max_tokens=8)
    assert json.loads(one.text) in ("Yes", "No")
