"""An address opens its engine, and a wrong one says what there is."""

import subprocess
import sys

import pytest

from proband.addresses import engines, open_engine
from proband.errors import EngineError


def test_every_scheme_is_listed_with_one_line():
    assert [pattern.partition(":")[0] for pattern, _ in engines()] == [
        "smollm2",
        "hf",
        "openai",
        "scripted",
        "replay",
    ]
    assert all(line and "\n" not in line for _, line in engines())


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
        ("replay:runs/a", "is a past run"),
        ("gpt", "no engine 'gpt'; there are smollm2, hf:PATH_OR_ID"),
        ("", "no engine ''"),
        ("openai:ftp://h", "bad URL 'ftp://h'"),
    ],
)
def test_a_wrong_address_is_refused_with_the_way_out(address, message):
    with pytest.raises(EngineError, match=message):
        open_engine(address)


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
