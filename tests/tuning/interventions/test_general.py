"""General instruction data: what is read, what is refused, and how it is laid out."""

import gzip
import json

import pytest

from proband.designs.quiz.prompts import PROMPTS
from proband.errors import DataError
from proband.tuning.interventions.general import General, draw_general, load_general, n_general

MANY = General(name="many", pairs=tuple((f"Do {k}.", f"Done {k}.") for k in range(30)))


def lines(*records) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def test_every_common_form_is_read(tmp_path):
    records = (
        {"instruction": "Add.", "input": "1 and 2", "output": "3"},
        {"prompt": "Say hi.", "response": "Hi."},
        {"messages": [{"role": "user", "content": "Sum?"}, {"role": "assistant", "content": "3"}]},
    )
    expected = (("Add.\n\n1 and 2", "3"), ("Say hi.", "Hi."), ("Sum?", "3"))
    (tmp_path / "a.jsonl").write_text(lines(*records))
    (tmp_path / "a.json").write_text(json.dumps(records))
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines(*records).encode()))
    for name in ("a.jsonl", "a.json", "a.jsonl.gz"):
        assert load_general(tmp_path / name).pairs == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"prompt": "x", "response": "y"}\n{"prompt": "x"}\n', "line 2: no text under response"),
        ("not json\n", "line 1: no JSON"),
        ("[1]\n", "record 1: found int"),
        ("\n", "is empty"),
        ('{"messages": [{"role": "user", "content": "x"}]}', "one user and one assistant"),
    ],
)
def test_a_damaged_record_is_named(tmp_path, content, message):
    path = tmp_path / "bad.jsonl"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        load_general(path)


def test_a_share_is_one_of_the_whole_set():
    for share in (0.0, 0.1, 0.25, 0.5, 0.8):
        n = n_general(400, share)
        assert n / (400 + n) == pytest.approx(share, abs=1e-3)


def test_a_smaller_draw_is_the_beginning_of_a_larger_one():
    small, large = (draw_general(MANY, n, PROMPTS["turns"], seed=1, domain="d") for n in (5, 12))
    assert large[:5] == small
    assert draw_general(MANY, 5, PROMPTS["turns"], seed=2, domain="d") != small


def test_too_few_are_refused_by_how_many():
    with pytest.raises(DataError, match="30 records and 32 are needed, 2 more"):
        draw_general(MANY, 32, PROMPTS["turns"], seed=1, domain="d")
