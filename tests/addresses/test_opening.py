"""An address opens its engine, and a wrong one says what there is."""

import re
import subprocess
import sys

import pytest

from proband.addresses import SCHEMES, engines, open_engine
from proband.addresses.opening import base_of, check_address, lasting
from proband.errors import EngineError, StoreError, TreatmentChanged
from proband.models.scripted import ScriptedEngine, uniform
from proband.runs import Budget, collect


@pytest.mark.parametrize("name", SCHEMES)
def test_every_scheme_is_listed_with_one_line_and_named_like_its_file(name):
    scheme = SCHEMES.load(name)
    assert re.split(r"[:?]", scheme.pattern)[0] == name
    assert engines()[scheme.pattern] == scheme.about
    assert scheme.about
    assert "\n" not in scheme.about


@pytest.mark.parametrize("name", SCHEMES)
def test_an_address_without_what_its_pattern_asks_for_is_refused_with_the_pattern(name):
    pattern = SCHEMES.load(name).pattern
    with pytest.raises(EngineError, match=f"must read {re.escape(pattern)}"):
        open_engine(f"{name}:" if ":" in pattern else f"{name}:big")


# The options of a rule and of a strategy are its own: they are looked up with it.
@pytest.mark.parametrize("name", sorted(set(SCHEMES) - {"scripted", "axelrod"}))
def test_a_misspelt_option_is_refused_before_anything_is_opened(name):
    rest = ":http://127.0.0.1:9#m" if name == "openai" else ":x" if ":" in SCHEMES.load(name).pattern else ""
    with pytest.raises(EngineError, match=r"takes no option '?wrong"):
        open_engine(f"{name}{rest}?wrong=1")


def test_options_that_change_no_answer_may_differ_between_two_calls_of_one_run():
    assert lasting("openai:http://h/v1#m?concurrency=4&price=1,2") == "openai:http://h/v1#m"
    assert lasting("hf:ORG/M?chunk_tokens=64&dtype=bfloat16") == "hf:ORG/M?dtype=bfloat16"
    assert lasting("scripted:uniform?seed=1") == "scripted:uniform?seed=1"
    assert lasting("shortest?price=1") == "shortest?price=1"


def test_a_run_goes_on_under_an_address_that_differs_in_speed_only(survey, tmp_path):
    class Served(ScriptedEngine):
        def fingerprint(self):
            return {"weights": "w", "torch": self.address}

    def asked(address, **budget):
        engine = Served(uniform(), address=address)
        return collect(survey, engine, tmp_path, budget=Budget(**budget) if budget else None)

    asked("hf:ORG/M?chunk_tokens=40", trials=5)
    assert asked("hf:ORG/M?chunk_tokens=80&device=cpu").is_complete
    with pytest.raises(TreatmentChanged, match=r"begun with engine hf:ORG/M, not hf:ORG/M\?dtype=float16"):
        asked("hf:ORG/M?dtype=float16")


def test_an_adapter_stands_behind_a_plus_sign_and_its_base_is_known_without_it(tmp_path):
    assert base_of("hf:ORG/NAME+runs/anna?dtype=bfloat16") == base_of("hf:ORG/NAME?dtype=bfloat16&adapter=x")
    assert base_of("smollm2+anna") == base_of("smollm2+ben") == "smollm2"
    (tmp_path / "c++").mkdir()
    (tmp_path / "c++" / "ben").mkdir()
    assert base_of(f"hf:{tmp_path}/c++") == f"hf:{tmp_path}/c++"
    assert base_of(f"hf:{tmp_path}/c+++ben") == f"hf:{tmp_path}/c++"
    assert base_of("openai:http://h/v1#a+b") == "openai:http://h/v1#a+b"


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("smollm2+", "behind the plus sign stands the folder of an adapter; name one"),
        ("hf:ORG/NAME+nowhere", "nowhere holds no adapter_config.json; give the folder of an adapter"),
        ("smollm2+nowhere?chunk_tokens=5", "nowhere holds no adapter_config.json"),
        ("words+nowhere", "must read words"),
    ],
)
def test_an_adapter_that_is_not_there_is_refused_before_weights_are_loaded(address, message):
    for look in (check_address, open_engine):
        with pytest.raises(EngineError, match=message):
            look(address)


def test_people_are_an_engine_that_is_named_with_what_they_were_asked(tmp_path):
    engine = open_engine("people:anes-1996?instrument=anes-1996")
    assert len(engine.answers["vote"]) == 944
    with pytest.raises(EngineError, match=r"people:anes-1996\?instrument=NAME, or give the study a table"):
        open_engine("people:anes-1996")


def test_a_scripted_address_carries_its_rule_and_settings():
    engine = open_engine("scripted:spatial?width=0.5&refuse=0.1&seed=3")
    assert engine.address == "scripted:spatial?width=0.5&refuse=0.1&seed=3"
    assert (engine.seed, engine.biases["refuse"]) == (3, 0.1)


def test_options_are_added_to_those_of_the_address():
    assert open_engine("scripted:uniform?refuse=0.1", seed=5).seed == 5


def test_a_server_address_holds_url_and_model():
    engine = open_engine("openai:http://127.0.0.1:9#org/name", concurrency=2)
    assert (engine.url, engine.model, engine.settings.concurrency) == ("http://127.0.0.1:9/v1", "org/name", 2)
    assert engine.address == "openai:http://127.0.0.1:9/v1#org/name"
    engine.close()


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("smolm2", r"did you mean 'smollm2'\?"),
        ("opnai:http://h/v1#m", r"did you mean 'openai:URL#MODEL"),
        ("openai:", "must read openai:URL#MODEL"),
        ("scripted:", "must read scripted:NAME"),
        ("scripted:uniform?noise", "must read key=value"),
        ("smollm2:big", "must read smollm2"),
        ("gpt", "no engine 'gpt'; there are axelrod:STRATEGY"),
        ("hf:x?chunk_tokens=many", "chunk_tokens is 'many', not a whole number"),
        ("", "no engine ''"),
        ("openai:ftp://h", "bad URL 'ftp://h'"),
    ],
)
def test_a_wrong_address_is_refused_with_the_way_out(address, message):
    with pytest.raises(EngineError, match=message):
        open_engine(address)


def test_a_past_run_that_is_not_there_is_named():
    with pytest.raises(StoreError, match="runs/nowhere: no run here"):
        open_engine("replay:runs/nowhere")


def test_an_unknown_server_option_is_named():
    with pytest.raises(EngineError, match="takes no option conc; it takes concurrency"):
        open_engine("openai:http://127.0.0.1:9#m", conc=2)


def test_a_scripted_engine_loads_neither_torch_nor_aiohttp():
    code = (
        "import sys; from proband.addresses import open_engine; open_engine('scripted:uniform');"
        "print([m for m in ('torch', 'transformers', 'aiohttp') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
