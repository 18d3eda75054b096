"""Pages of the viewer, asked for as a browser asks."""

import io
import json
import re
import shutil
from urllib.parse import quote, unquote

import polars as pl
import pytest

from proband.errors import StoreError
from proband.runs import Run
from proband.web.viewer.folder import Folder
from proband.web.viewer.held import Held
from tests.web.conftest import ATTACK, entered, links_in

PAGES = (
    "/",
    "/runs/trust",
    "/runs/trust~people",
    "/runs/broken%20off",
    "/runs/attacked",
    "/runs/aligned~probe-1",
    "/runs/trust/trials",
    "/runs/trust/subjects",
    "/runs/dilemma/subjects",
    "/runs/dilemma/unit?unit=match-0000&round=2",
    "/runs/trust/subject?subject=s1",
    "/runs/trust/trial?place=s1/vote/answer_by%3Dwritten/0/0",
    "/runs/trust/instrument",
    "/compare",
    "/compare?first=trust&second=other",
    "/compare/place?first=trust&second=other&place=s1/vote/answer_by%3Dwritten/0/0",
    "/studies/aligned",
)


def twin_of(address: str) -> str:
    path, mark, query = address.partition("?")
    return f"{path.rstrip('/') or '/index'}.json{mark}{query}"


@pytest.mark.parametrize("address", PAGES)
def test_a_page_has_a_twin_and_leads_only_to_what_is_there(visitor, address):
    page, twin = visitor.get(address), visitor.get(twin_of(address))
    assert (page.status_code, twin.status_code) == (200, 200)
    assert isinstance(twin.json(), dict)
    assert twin.headers["content-type"] == "application/json"
    for link in links_in(page.text):
        assert visitor.get(link).status_code == 200, link


@pytest.mark.parametrize("address", PAGES)
def test_no_page_has_script_or_style_of_its_own(visitor, address):
    html = visitor.get(address).text
    assert re.findall(r"<script(?! src=\"/static/script.js\" defer></script>)", html) == []
    assert not re.search(r"<style|\sstyle=|\son\w+=\"", html)


def test_the_twin_of_a_trial_holds_what_the_journal_holds(visitor, runs):
    for row in Run(runs / "trust").table().iter_rows(named=True):
        told = visitor.get("/runs/trust/trial.json", params={"place": row["trial"]}).json()
        assert (told["status"], told["answer"], told["mass"]) == (row["status"], row["label"], row["mass"])
        assert [one["prob"] for one in told["options"]] == (row["probs"] or [None] * len(told["options"]))
        assert json.loads(told["body"])["messages"] == [[t["role"], t["text"]] for t in told["messages"]]
        # An option stands where it was shown: the words that were sent have them in this order.
        shown = sorted(told["options"], key=lambda option: option["shown"])
        places = [told["messages"][-1]["text"].rindex(option["text"]) for option in shown]
        assert places == sorted(places)


def test_people_who_answered_the_same_stand_beside_a_trial(visitor, runs):
    people = Run(runs / "trust").people.table()
    told = visitor.get("/runs/trust/trial.json", params={"place": "s1/vote/answer_by=written/0/0"}).json()
    expected = people.filter(pl.col("subject") == "s1", pl.col("item") == "vote")["label"].to_list()
    assert [row["answer"] for row in told["said"]] == expected
    assert len(expected) == 1


def walk(visitor, run: str, way: str, **query) -> list[str]:
    """Places on all pages of a list, by the links between them."""
    address, places = f"/runs/{run}/trials.json", []
    params: dict | None = query
    while address is not None:
        told = visitor.get(address, params=params).json()
        places += [row["place"] for row in told["rows"]]
        address, params = told[way] and told[way].replace("/trials?", "/trials.json?"), None
    return places


@pytest.mark.parametrize("run", ["broken off", "trust"])
def test_pages_go_on_by_key_and_back_again(visitor, runs, run, monkeypatch):
    monkeypatch.setattr("proband.web.viewer.held.Held.page", small_pages(Held.page))
    places = Run(runs / run).table()["trial"].to_list()
    assert walk(visitor, run, "later") == places
    told = visitor.get(f"/runs/{run}/trials.json", params={"before": places[-1]}).json()
    assert [row["place"] for row in told["rows"]] == places[-8:-1]
    assert [row["place"] for row in visitor.get(told["earlier"].replace("?", ".json?")).json()["rows"]] == places[
        -15:-8
    ]


def small_pages(page):
    def seven(self, *given, **options):
        return page(self, *given, **{"size": 7} | options)

    return seven


CHOICES = [
    ["item=vote"],
    ["subject=s1"],
    ["status=refused"],
    ["item=trust", "status=valid", "answer_by=written"],
    ["label=Ada"],
    ["mass>=0.5", "mass<=1"],
    ["mass="],
    ["tokens>=1"],
    ["sent~MOST people"],
    ["text~d"],
    ["engine=scripted:uniform?refuse=0.2"],
]


@pytest.mark.parametrize("where", CHOICES, ids=" ".join)
def test_a_choice_shows_and_exports_what_the_command_line_writes(visitor, runs, where, tmp_path):
    expected = Run(runs / "trust").where(*where)
    assert walk(visitor, "trust", "later", where=where) == expected["trial"].to_list()
    table = visitor.get("/runs/trust/export.parquet", params={"where": where}).content
    assert pl.read_parquet(io.BytesIO(table)).equals(expected)
    line = visitor.get("/runs/trust/trials.json", params={"where": where}).json()["export"]
    assert line.split()[:3] == ["proband", "export", str(runs / "trust")]
    command = [part.strip("'") for part in re.findall(r"'[^']*'|\S+", line)]
    assert exported(command, tmp_path) == visitor.get("/runs/trust/export.csv", params={"where": where}).content


def exported(command: list[str], folder) -> bytes:
    from typer.testing import CliRunner

    from proband.cli.main import app

    target = folder / "responses.csv"
    done = CliRunner().invoke(app, [str(target) if part == "responses.csv" else part for part in command[1:]])
    assert done.exit_code == 0, done.output
    return target.read_bytes()


def test_the_lines_of_polars_give_the_same_rows(visitor, runs):
    for where in CHOICES:
        told = visitor.get("/runs/trust/trials.json", params={"where": where}).json()
        *lines, last = told["polars"].splitlines()
        known: dict = {}
        exec("\n".join(lines), known)
        assert eval(last, known)["trial"].to_list() == [row["place"] for row in told["rows"]]


def test_a_form_becomes_conditions_in_the_address(visitor):
    sent = {"field:item=": "vote", "field:subject=": " s1 ", "field:mass>=": "", "where": "label=Ada"}
    answer = visitor.get("/runs/trust/trials", params=sent, follow_redirects=False)
    assert answer.headers["location"] == "/runs/trust/trials?where=label%3DAda&where=item%3Dvote&where=subject%3Ds1"
    form = visitor.get(answer.headers["location"].replace("?", ".json?")).json()["form"]
    filled = {field["name"]: field["value"] for field in form["fields"] if field["value"]}
    assert filled == {"field:label=": "Ada", "field:item=": "vote", "field:subject=": "s1"}


def test_a_choice_that_is_none_is_refused_in_words(visitor):
    answer = visitor.get("/runs/trust/trials", params={"where": "itme=vote"})
    assert (answer.status_code, "did you mean" in answer.text) == (400, True)


def test_a_finished_run_and_its_journal_alone_give_the_same_pages(runs):
    held, alone = Held("a", runs / "trust"), Held("b", runs / "trust")
    assert held.table is not None
    alone.__dict__["table"] = None
    from proband.store.filters import read_conditions

    for where in CHOICES:
        read = read_conditions(where, held.columns)
        for options in ({}, {"after": "s1"}, {"before": "s5"}, {"size": 3}, {"before": "s5", "size": 3}):
            one, other = (one.page(read, **options) for one in (held, alone))
            assert one.rows.equals(other.rows), (where, options)
            assert (one.before, one.is_looking) == (other.before, other.is_looking) or options.get("before")
        assert held.count(read) in (None, len(alone.page(read, size=1_000).rows))


def test_a_search_stops_at_its_time_and_goes_on(runs, monkeypatch):
    monkeypatch.setattr("proband.web.viewer.held._SLICE", 10)
    monkeypatch.setattr("proband.web.viewer.held._WIDE", 10)
    held = Held("a", runs / "trust")
    from proband.store.filters import Condition

    for table in (held.table, None):
        held.__dict__["table"] = table
        found, after, stops = [], "", 0
        while after is not None:
            page = held.page([Condition("text", "~", "ADA")], after=after, seconds=0)
            found += page.rows["trial"].to_list()
            after, stops = page.after, stops + page.is_looking
        assert found == Run(runs / "trust").where("text~ada")["trial"].to_list()
        assert stops > 2


def test_rounds_are_shown_one_by_one(visitor, runs):
    table = Run(runs / "dilemma").table().filter(pl.col("unit") == "match-0001")
    told = visitor.get("/runs/dilemma/unit.json", params={"unit": "match-0001", "round": 3}).json()
    assert told["rounds"] == [1, 2, 3, 4]
    assert {row["place"] for row in told["turns"]} == set(table.filter(pl.col("round") == 3)["trial"])
    assert "round=2" in told["earlier"]
    assert visitor.get("/runs/dilemma/unit.json", params={"unit": "match-0001", "round": "99"}).json()["round"] == 1


def test_two_runs_are_joined_by_place(visitor, runs):
    one, other = (Run(runs / name).table() for name in ("trust", "other"))
    told = visitor.get("/compare.json", params={"first": "trust", "second": "other"}).json()
    both = one.join(other, on="trial", suffix="_other")
    assert told["both"] == both.height
    assert told["only_first"] == one.height - both.height
    assert told["only_second"] == other.height - both.height
    differs = both.filter(
        (pl.col("status") != pl.col("status_other")) | pl.col("label").ne_missing(pl.col("label_other"))
    )
    assert told["differs"] == differs.height
    assert [row["place"] for row in told["rows"]] == differs["trial"].to_list()
    framed = visitor.get("/compare/findings", params={"first": "trust", "second": "other"})
    assert "sandbox allow-scripts" in framed.headers["content-security-policy"]


def test_a_run_that_goes_on_shows_the_tally_it_noted(visitor, runs):
    told = visitor.get("/runs/broken%20off.json").json()
    assert told["state"] == "unfinished"
    assert (told["responses"], told["planned"]) == (60, 80)
    assert "data-news" in visitor.get("/runs/broken%20off").text
    assert "data-news" not in visitor.get("/runs/trust").text
    with visitor.stream("GET", "/runs/trust/news") as news:
        assert list(news.iter_lines())[-2] == "data: over"


def test_what_was_answered_is_shown_as_text(visitor):
    for address in (
        "/",
        "/runs/attacked",
        "/runs/attacked/trials",
        "/runs/attacked/subjects",
        "/runs/attacked/instrument",
    ):
        html = visitor.get(address).text
        assert "<script>alert" not in html
        assert "<img" not in html
    place = visitor.get("/runs/attacked/trials.json").json()["rows"][0]["place"]
    assert visitor.get("/runs/attacked/trial.json", params={"place": place}).json()["reply"] == ATTACK
    assert "&lt;script&gt;alert(1)" in visitor.get("/runs/attacked/trial", params={"place": place}).text


@pytest.mark.parametrize(
    "name",
    ["%2e%2e", "..%2Ftrust", "%2Fetc", "trust%2F..%2Fother", "trust~..", "linked", "trust%00", "TRUST", "..~runs"],
)
def test_a_run_is_looked_up_by_name_and_never_by_path(visitor, runs, name):
    link = runs / "linked"
    if not link.exists():
        link.symlink_to(runs / "trust", target_is_directory=True)
    for page in ("", "/trials", "/export.csv", "/findings"):
        assert visitor.get(f"/runs/{name}{page}", follow_redirects=False).status_code in (404, 307), page
    with pytest.raises(LookupError):
        Folder(runs).open(unquote(name))


@pytest.mark.parametrize(
    "path", ["/static/../pages.py", "/static/%2e%2e/pages.py", "/static/..%2fpages.py", "/static//etc/passwd"]
)
def test_static_files_are_those_of_the_folder_alone(visitor, path):
    assert visitor.get(f"/static/{path}").status_code == 404


def test_findings_run_in_a_sandbox_and_only_their_own_scripts(visitor):
    for address in ("/runs/trust/findings", "/runs/broken%20off/findings", "/studies/aligned/findings"):
        policy = visitor.get(address).headers["content-security-policy"]
        assert policy.startswith("sandbox allow-scripts; default-src 'none';")
        assert "allow-same-origin" not in policy
        assert re.search(r"script-src ('sha256-[\w+/]{43}=' ?)+;", policy)
    page = visitor.get("/runs/trust")
    assert 'sandbox="allow-scripts"' in page.text
    assert page.headers["content-security-policy"].endswith("; frame-src 'self'")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_changed(visitor, method):
    assert visitor.request(method, "/runs/trust").status_code in (403, 405, 415)


@pytest.mark.parametrize(
    "address",
    [
        "/runs/none",
        "/runs/trust/trial?place=nowhere",
        "/runs/trust/trial?place=s1%2Fvote%2F%2F0%2F99",
        "/runs/trust/subject?subject=nobody",
        "/runs/trust/subject",
        "/runs/trust/unit?unit=none",
        "/runs/trust/export.xlsx",
        "/compare/place?first=trust&second=other&place=x",
        "/studies/none",
        "/none",
    ],
)
def test_what_is_not_there_is_said_in_words(visitor, address):
    answer = visitor.get(address)
    assert (answer.status_code, "There is no" in answer.text) == (404, True)


def test_damage_in_one_run_is_named_and_hides_no_other(runs, tmp_path):
    shutil.copytree(runs / "other", tmp_path / "runs" / "other")
    shutil.copytree(runs / "other", tmp_path / "runs" / "damaged")
    (tmp_path / "runs" / "damaged" / "journal.sqlite").write_bytes(b"no journal")
    client = entered(tmp_path / "runs")
    listed = {run["name"]: run["error"] for run in client.get("/index.json").json()["runs"]}
    assert listed["other"] is None
    assert "journal.sqlite is damaged" in listed["damaged"]
    answer = client.get("/runs/damaged")
    assert (answer.status_code, "proband doctor" in answer.text) == (400, True)


def test_one_run_can_be_looked_at_alone(runs):
    client = entered(runs / "trust")
    assert [run["name"] for run in client.get("/index.json").json()["runs"]] == ["trust"]
    assert client.get("/runs/trust/trials").status_code == 200


def test_a_folder_without_runs_says_how_to_make_one(tmp_path):
    assert "proband demo" in entered(tmp_path).get("/").text
    with pytest.raises(StoreError, match="no folder"):
        Folder(tmp_path / "none")


def test_nothing_in_the_folder_of_a_run_is_changed_by_looking(visitor, runs):
    before = {
        path: path.stat().st_mtime_ns
        for path in (runs / "trust").rglob("*")
        if path.suffix in (".sqlite", ".json", ".parquet")
    }
    for address in PAGES:
        visitor.get(address)
    visitor.get(f"/runs/trust/export.csv?where={quote('item=vote')}")
    assert {path: path.stat().st_mtime_ns for path in before} == before
