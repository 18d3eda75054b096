"""A key is found where it should be, sent where it may be, and written nowhere."""

import importlib.util
import logging
import sys
import types
from pathlib import Path

import pytest

from proband.designs import Survey
from proband.errors import EngineError
from proband.models.servers import keys
from proband.models.servers.engine import ServerEngine, ServerSettings
from proband.models.servers.keys import Key, find_key
from proband.runs import collect, show

_spec = importlib.util.spec_from_file_location("fault_server", Path(__file__).with_name("fault_server.py"))
fault_server = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fault_server)
FaultServer = fault_server.FaultServer

KEY = "sk-planted-0123456789"
QUICK = ServerSettings(attempts=2, backoff_s=0.001, timeout_s=5.0, concurrency=4, give_up_after=1000)


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch):
    for name in keys.KEY_VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_a_planted_key_is_in_no_file_log_error_or_show(monkeypatch, caplog, capfd, tmp_path, instrument, people):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("PROBAND_API_KEY", KEY)
    study = Survey(instrument=instrument, subjects=people(10), seed=1, answer_by="written")
    with FaultServer() as server:
        server.leaks = True
        engine = ServerEngine(server.url, "m", settings=QUICK)
        run = collect(study, engine, tmp_path / "run")
        shown = [show(study, engine, ""), repr(engine.fingerprint()), repr(vars(engine)), engine.address]
        shown += [repr(vars(engine._wire)), repr(run.manifest)]
        server.leaks, server.key = False, "another"
        with pytest.raises(EngineError, match="the key in PROBAND_API_KEY") as refused:
            list(engine.answer(study.trials({})))
        engine.close()
    responses = list(run.responses().values())
    texts = " ".join(str(r.text) + str(r.error) for r in responses)
    assert {r.status for r in responses} > {"failed"}
    assert "yes Bearer [key]" in texts
    assert "no: Bearer [key]" in texts
    for path in (tmp_path / "run").rglob("*"):
        assert path.is_dir() or KEY.encode() not in path.read_bytes(), path
    printed = capfd.readouterr()
    assert KEY not in " ".join([*shown, texts, caplog.text, str(refused.value), printed.out, printed.err])


def test_the_providers_key_is_not_sent_over_an_open_line(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert find_key("far.example", is_private=False) == Key()
    assert find_key("far.example", is_private=True).headers == {"Authorization": f"Bearer {KEY}"}


def test_the_own_variable_comes_before_the_providers(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "theirs")
    monkeypatch.setenv("PROBAND_API_KEY", "own")
    assert find_key("h", is_private=True).source == "PROBAND_API_KEY"


def test_a_key_shows_nowhere_in_its_own_record():
    assert KEY not in repr(Key(KEY, "PROBAND_API_KEY"))


@pytest.mark.parametrize("value", ["two words", "line\nbreak", "schlüssel"])
def test_a_key_that_cannot_be_sent_is_refused_without_being_shown(monkeypatch, value):
    monkeypatch.setenv("PROBAND_API_KEY", value)
    with pytest.raises(EngineError, match="the key in PROBAND_API_KEY holds blanks") as refused:
        find_key("h", is_private=True)
    assert value not in str(refused.value)
    engine = ServerEngine("http://127.0.0.1:9")
    with pytest.raises(EngineError, match="set it again"):
        engine.probe()
    engine.close()


class _KeyringError(Exception):
    pass


@pytest.fixture
def keyring(monkeypatch):
    """A keyring in memory: the real one belongs to whoever runs the tests."""
    stored = {("proband", "api.example"): KEY}
    package = types.ModuleType("keyring")
    package.__spec__ = importlib.machinery.ModuleSpec("keyring", None)
    package.get_password = lambda service, user: stored.get((service, user))
    package.errors = types.ModuleType("keyring.errors")
    package.errors.KeyringError = _KeyringError
    monkeypatch.setitem(sys.modules, "keyring", package)
    monkeypatch.setitem(sys.modules, "keyring.errors", package.errors)
    return package


def test_without_a_variable_the_keyrings_entry_for_the_host_is_taken(keyring, monkeypatch):
    found = find_key("api.example", is_private=True)
    assert (found.value, found.source) == (KEY, "the keyring, service proband, user api.example")
    assert find_key("other.example", is_private=True) == Key()
    monkeypatch.setenv("PROBAND_API_KEY", "from-variable")
    assert find_key("api.example", is_private=True).value == "from-variable"


def test_a_keyring_that_is_locked_or_missing_means_no_key(keyring, monkeypatch):
    def fail(service, user):
        raise _KeyringError("no backend")

    keyring.get_password = fail
    assert find_key("api.example", is_private=True) == Key()
    monkeypatch.setattr(keys, "find_spec", lambda name: None)
    assert find_key("api.example", is_private=True) == Key()


def test_a_proxys_password_is_taken_out_of_messages():
    assert Key().clean("cannot reach http://me:secret@proxy:80") == "cannot reach http://proxy:80"
