import csv
import json

import pytest
from typer.testing import CliRunner

from proband.cli.main import app
from proband.errors import ProbandError
from proband.literature.records.library import read_library

TITLES = [
    ("Nudges for physicians", 1), ("Default options in hospitals", 1), ("Nudging nurses by reminders", 1),
    ("Nudges in supermarkets", 0), ("Physicians and music", 0), ("Concrete bridges", 0), ("Tides", 0), ("Glaciers", 0),
]  # fmt: skip
QUERY = "nudg* AND (physician* OR nurses OR docters)"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with open("records.csv", "w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["title", "abstract", "doi", "included"])
        rows.writerows((title, "An abstract.", f"10.1000/{k}", label) for k, (title, label) in enumerate(TITLES))
    (tmp_path / "writer.toml").write_text(
        f"""
        [query]
        "wording=1" = "{QUERY}"
        "wording=2" = "(nudg* OR default*) AND NOT supermarkets"
        "wording=3" = "nudges[ti]"
        [concepts]
        "" = "nudging"
        [synonyms]
        "" = "nudg*; default*"
        [blocks]
        "" = "nudg* OR"
        [refine]
        "" = "I cannot"
        """
    )
    return tmp_path


def searched(*args, code=0):
    done = CliRunner().invoke(app, ["search", "records.csv", *args])
    if code == 2:
        assert isinstance(done.exception, ProbandError)
        return str(done.exception)
    assert done.exit_code == code, done.output
    return done.stdout


def test_a_query_is_told_with_its_words_quality_and_dialects(folder):
    told = json.loads(
        searched("--query", QUERY, "--labels", "included", "--for", "pubmed", "--out", "found.ris", "--json")
    )
    sections = {section["name"]: section for section in told["sections"]}
    assert "docters at 36 finds no record" in str(sections["query"]["warnings"])
    assert sections["query-pubmed"]["sentences"] == [
        "nudg*[tiab] AND (physician*[tiab] OR nurses[tiab] OR docters[tiab])"
    ]
    assert [record["record"] for record in told["records"]] == ["doi:10.1000/0", "doi:10.1000/2"]
    row = sections["search-quality"]["table"]["rows"][0]
    assert row[1:4] == [2, 1.0, pytest.approx(2 / 3)]
    assert len(read_library("found.ris")) == 2


def test_a_question_alone_ranks_everything(folder):
    searched("--question", "Do nudges work with physicians?", "--encoder", "none", "--out", "found.csv")
    rows = list(csv.DictReader((folder / "found.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == len(TITLES)
    assert rows[0]["record"] == "doi:10.1000/0"


def test_engines_write_queries_and_their_variation_is_told(folder):
    told = json.loads(
        searched(
            "--question", "Do nudges work?", "--engine", "scripted:planted?file=writer.toml", "--runs", "2",
            "--labels", "included", "--encoder", "none", "--json",
        )
    )  # fmt: skip
    sections = {section["name"]: section for section in told["sections"]}
    assert sections["drafts"]["sentences"] == ["10 of 12 drafts could be read."]
    assert {draft["query"] for draft in told["drafts"] if draft["way"] == "guided"} == {"nudging OR nudg* OR default*"}
    assert {draft["by"] for draft in told["drafts"] if draft["way"] == "guided"} == {"rules"}
    rows = {row[0]: row[1:] for row in sections["search-variation"]["table"]["rows"]}
    assert rows["lowest"][1] == pytest.approx(2 / 3)
    assert rows["between runs"] == [0, 0, 0, 0]
    assert rows["between wordings"][1] == pytest.approx((1 / 3 + 0) / 2)
    assert sections["search-recovery"]["table"]["rows"][-1][0] == "and the first 25% by rank"


def test_seed_papers_make_a_query(folder):
    (folder / "seeds.txt").write_text("10.1000/0\ndoi:10.1000/2\n10.1000/3\n")
    told = json.loads(searched("--seeds", "seeds.txt", "--json"))
    assert told["queries"] == {"from seed papers": "nudg*"}


@pytest.mark.parametrize(
    ("args", "why"),
    [
        ((), "nothing to search by"),
        (("--query", "nudg* OR"), "character 7: OR has nothing on its right"),
        (("--query", "nudg*", "--engine", "smollm2"), "give one with --question"),
        (("--query", "nudg*", "--runs", "2"), "--runs would not be read here"),
        (("--query", "nudg*", "--encoder", "none"), "--encoder would not be read here"),
        (("--query", "nudg*", "--labels", "includd"), "did you mean 'included'"),
        (("--query", "nudg*", "--out", "found.xls"), ".csv or .ris"),
        (("--query", "nudg*", "--out", "nowhere/found.csv"), "into a folder that is there"),
        (("--query", "nudg*", "--labels", "one.csv"), "all 1 labels say included"),
        (("--question", "Why?", "--engine", "smollm2", "--wordings", "9"), "there are 1 to 3 wordings"),
        (("--query", "nudg*", "--for", "pubmd"), "did you mean 'pubmed'"),
    ],
)
def test_what_cannot_be_searched_is_refused_with_the_way_out(folder, args, why):
    (folder / "one.csv").write_text("record,decision\ndoi:10.1000/0,include\n")
    assert why in searched(*args, code=2)


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (["--query", "nudg*", "--for", "pubmd"], "did you mean 'pubmed'"),
        (["--encoder", "minilmm"], "minilm"),
        (["--for", "pubmed"], "give --query or --seeds"),
    ],
)
def test_what_is_wrong_is_refused_before_an_engine_is_asked(folder, args, why):
    asks = ["--question", "Do nudges work?", "--engine", "scripted:stated?file=writer.toml"]
    assert why in searched(*asks, *args, code=2)
    assert not (folder / "runs").exists()
