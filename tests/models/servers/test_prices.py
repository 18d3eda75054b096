"""Prices come from a table that the user edits, and are never guessed."""

from datetime import date

import pytest

from proband.addresses import open_engine
from proband.errors import EngineError
from proband.models.servers import prices
from proband.models.servers.prices import find_price, read_prices


@pytest.fixture(autouse=True)
def _no_tables(monkeypatch, tmp_path):
    monkeypatch.delenv("PROBAND_PRICES", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def table(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_shipped_prices_say_when_and_where_they_were_read():
    for entry in read_prices(prices._SHIPPED):
        assert entry.host
        assert entry.source
        assert date.fromisoformat(entry.as_of + "-01") < date(2100, 1, 1)


def test_a_model_without_an_entry_has_no_price():
    assert find_price("api.openai.com", "gpt-4o-mini").prompt == 0.15
    assert find_price("api.openai.com", "gpt-4o-mini-2024-07-18") is None
    assert find_price("127.0.0.1", "gpt-4o-mini") is None
    engine = open_engine("openai:http://127.0.0.1:9#m")
    assert engine.price_of(1000, 1000) is None
    engine.close()


def test_the_users_table_comes_first(monkeypatch, tmp_path):
    entry = '[[price]]\nmodel = "gpt-4o-mini"\nprompt = 9\ncompletion = 9\n'
    table(tmp_path / "config" / "proband" / "prices.toml", entry)
    assert find_price("api.openai.com", "gpt-4o-mini").prompt == 9
    monkeypatch.setenv("PROBAND_PRICES", str(table(tmp_path / "own.toml", entry.replace("9", "7"))))
    assert find_price("127.0.0.1", "gpt-4o-mini").prompt == 7
    assert find_price("api.openai.com", "gpt-4o").prompt == 2.5


def test_an_engine_prices_tokens_by_setting_table_and_mode():
    for query, dollars in (("", 0.75), ("?mode=batch", 0.375), ("?price=1,2", 3.0)):
        engine = open_engine("openai:https://api.openai.com/v1#gpt-4o-mini" + query)
        assert engine.price_of(1_000_000, 1_000_000) == pytest.approx(dollars)
        engine.close()


@pytest.mark.parametrize(
    "text", ['model = "m"\nprompt = 1', 'model = "m"\nprompt = -1\ncompletion = 1', "prompt = 1\ncompletion = 1"]
)
def test_an_entry_that_lacks_something_is_refused_with_its_number(tmp_path, text):
    with pytest.raises(EngineError, match=r"own.toml, entry 1: it needs model, prompt and completion"):
        read_prices(table(tmp_path / "own.toml", "[[price]]\n" + text))


def test_a_table_that_is_named_but_missing_or_broken_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setenv("PROBAND_PRICES", str(tmp_path / "none.toml"))
    with pytest.raises(EngineError, match="there is no such file"):
        find_price("h", "m")
    monkeypatch.setenv("PROBAND_PRICES", str(table(tmp_path / "bad.toml", "[[price")))
    with pytest.raises(EngineError, match=r"price table .*bad.toml"):
        find_price("h", "m")
