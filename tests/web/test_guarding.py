"""What stands before every page; pages here are as small as pages can be."""

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from proband.errors import DesignError
from proband.web import guarding
from proband.web.guarding import FORM_TOKEN, KEY, POLICY, Guard, OneTimeDoor, host_name, public_name

HERE = "http://127.0.0.1:7370"


async def look(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.state.form_token)


async def take(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.state.form["word"][0])


def app(*doors: OneTimeDoor, **options) -> Guard:
    routes = [Route("/seat/page", look), Route("/{path:path}", look), Route("/{path:path}", take, methods=["POST"])]
    return Guard(Starlette(routes=routes), doors=doors, **options)


@pytest.fixture
def door() -> OneTimeDoor:
    return OneTimeDoor("proband_test")


@pytest.fixture
def client(door) -> TestClient:
    client = TestClient(app(door), base_url=HERE)
    assert client.get("/", params={KEY: door.key()}).status_code == 200
    return client


@pytest.mark.parametrize("host", ["127.0.0.1:7370", "localhost:7370", "LOCALHOST", "[::1]:7370", "[::1]"])
def test_names_of_this_machine_are_served(client, door, host):
    # A client keeps cookies by host, so the cookie is put in by hand.
    cookie = f"proband_test={client.cookies['proband_test']}"
    assert client.get("/", headers={"host": host, "cookie": cookie}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "[::2]:7370", "[::1].evil.example", "localhost:x", "", "a@localhost"],
)
def test_a_foreign_name_that_was_pointed_here_is_refused(client, host):
    answer = client.get("/", headers={"host": host})
    assert (answer.status_code, "not one that is served here" in answer.text) == (400, True)


def test_a_link_becomes_a_cookie_and_is_gone_from_the_address(door):
    client = TestClient(app(door), base_url=HERE, follow_redirects=False)
    answer = client.get("/runs/a", params={KEY: door.key(), "item": "vote"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs/a?item=vote")
    cookie = answer.headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=strict", "Path=/"))
    assert "Secure" not in cookie  # of plain HTTP on loopback a browser would drop it


def test_a_link_never_leads_to_another_host(door):
    client = TestClient(app(door), base_url=HERE, follow_redirects=False)
    answer = client.get(f"{HERE}//evil.example/?{KEY}={door.key()}")
    assert answer.headers["location"] == "/evil.example/"


def test_a_link_on_another_site_begins_a_new_way_on_which_the_strict_cookie_is_sent(door):
    client = TestClient(app(door), base_url=HERE, follow_redirects=False)
    answer = client.get("/a", params={KEY: door.key(), "PID": '"><script>'}, headers={"sec-fetch-site": "cross-site"})
    assert (answer.status_code, "proband_test" in answer.headers["set-cookie"]) == (200, True)
    assert 'content="0; url=/a?PID=%22%3E%3Cscript%3E"' in answer.text


def test_a_link_works_once(door):
    key = door.key()
    assert TestClient(app(door), base_url=HERE).get("/", params={KEY: key}).status_code == 200
    answer = TestClient(app(door), base_url=HERE).get("/", params={KEY: key})
    assert (answer.status_code, "used up" in answer.text) == (403, True)


def test_whoever_came_in_by_a_link_may_open_it_again(client, door):
    key = door.key()
    answers = [client.get("/a", params={KEY: key}) for _ in range(2)]
    assert [(answer.status_code, answer.url.query) for answer in answers] == [(200, b"")] * 2


def test_keys_have_128_bits_and_differ(door):
    keys = {door.key() for _ in range(50)}
    assert len(keys) == 50
    assert all(len(key) == 22 for key in keys)  # 16 bytes in base 64


def test_who_tries_many_links_has_to_wait(door):
    client = TestClient(app(door), base_url=HERE)
    tried = [client.get("/", params={KEY: f"guess-{k}"}).status_code for k in range(21)]
    assert tried == [403] * 20 + [429]
    assert client.get("/", params={KEY: door.key()}).status_code == 429


@pytest.mark.parametrize("value", ["", "guess", "\xfc"])
def test_without_the_cookie_nothing_is_shown(door, value):
    answer = TestClient(app(door), base_url=HERE).get(
        "/", headers={"cookie": f"proband_test={value}".encode("latin-1")}
    )
    assert answer.status_code == 403


def test_what_is_open_needs_no_cookie(door):
    client = TestClient(app(door, opened=("/static/", "/arrive")), base_url=HERE)
    paths = ["/static/x", "/arrive", "/arrive/x", "/static"]
    assert [client.get(path).status_code for path in paths] == [200, 200, 403, 403]


def test_every_known_secret_is_compared_whole_whatever_is_tried(monkeypatch):
    compared, real = [], guarding.hmac.compare_digest

    def noting(one: bytes, other: bytes) -> bool:
        compared.append(other)
        return real(one, other)

    monkeypatch.setattr(guarding.hmac, "compare_digest", noting)
    known = {"a" * 22, "b" * 22, "a" * 21 + "b"}
    for tried in ("", "a" * 21, "z" * 22, "\udcff"):
        compared.clear()
        assert guarding.among(tried, known) is None
        assert compared == [one.encode() for one in sorted(known)]
    assert guarding.among("b" * 22, known) == "b" * 22


def test_ipv6_loopback_is_this_machine_and_no_other_such_address_is(client):
    cookie = f"proband_test={client.cookies['proband_test']}"
    token = client.get("/").text

    def sent(host: str, origin: str) -> int:
        headers = {"host": host, "origin": origin, "cookie": cookie}
        return client.post("/", data={FORM_TOKEN: token, "word": "x"}, headers=headers).status_code

    assert sent("[::1]:7370", "http://[::1]:7370") == 200
    assert sent("[::1]:7370", "http://[::2]:7370") == 403
    assert sent("[::2]:7370", "http://[::2]:7370") == 400
    assert sent("[::ffff:7f00:1]:7370", "http://[::ffff:7f00:1]:7370") == 400


def test_doors_have_cookies_of_their_own():
    everywhere, seats = OneTimeDoor("proband_all"), OneTimeDoor("proband_seat", "/seat/")
    client = TestClient(app(everywhere, seats), base_url=HERE)
    client.get("/", params={KEY: everywhere.key()})
    assert [client.get(path).status_code for path in ("/", "/seat/page")] == [200, 403]
    client.get("/seat/page", params={KEY: seats.key()})
    assert client.get("/seat/page").status_code == 200
    with pytest.raises(DesignError, match="share a cookie"):
        app(everywhere, OneTimeDoor("proband_all", "/seat/"))


def test_a_form_of_our_own_page_is_taken(client):
    sent = {FORM_TOKEN: client.get("/").text, "word": "yes <&>"}
    same = {"origin": HERE, "sec-fetch-site": "same-origin"}
    assert client.post("/", data=sent).text == "yes <&>"
    assert client.post("/", data=sent, headers=same).text == "yes <&>"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "none"},
    ],
)
def test_a_form_of_another_page_is_refused(client, headers):
    sent = {FORM_TOKEN: client.get("/").text, "word": "yes"}
    assert client.post("/", data=sent, headers=headers).status_code == 403


@pytest.mark.parametrize("token", ["", "0" * 64, "\ud800"])
def test_a_form_without_its_token_is_refused(client, token):
    body = f"word=yes&{FORM_TOKEN}={token}".encode("utf-8", "surrogatepass")
    answer = client.post("/", content=body, headers={"content-type": "application/x-www-form-urlencoded"})
    assert answer.status_code in (400, 403)


def test_a_form_of_another_visitor_is_refused(client, door):
    other = TestClient(client.app, base_url=HERE)
    other.get("/", params={KEY: door.key()})
    assert client.post("/", data={FORM_TOKEN: other.get("/").text, "word": "yes"}).status_code == 403


def test_form_tokens_live_through_a_restart_where_the_secret_does(door):
    first, second = (TestClient(app(door, secret=b"kept"), base_url=HERE) for _ in range(2))
    first.get("/", params={KEY: door.key()})
    second.cookies.update(first.cookies)
    assert second.post("/", data={FORM_TOKEN: first.get("/").text, "word": "yes"}).status_code == 200


def test_a_form_has_a_largest_size_whatever_it_says_of_itself(client):
    sent = {FORM_TOKEN: client.get("/").text, "word": "x" * 70_000}
    answer = client.post("/", data=sent, headers={"content-length": "10"})
    assert (answer.status_code, "shorten" in answer.text) == (413, True)


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "text/plain"])
def test_only_forms_are_taken(client, kind):
    assert client.post("/", content=b"{}", headers={"content-type": kind}).status_code == 415


@pytest.mark.parametrize("path", ["/", "/no/such"])
def test_every_answer_carries_the_policy(client, path):
    for answer in (client.get(path), client.get(path, headers={"host": "evil.example"})):
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
    assert "unsafe" not in POLICY


def test_in_public_only_its_own_name_over_https_is_served(door):
    guard = app(door, public="https://study.example.org")
    answers = {
        base: TestClient(guard, base_url=base, follow_redirects=False).get("/", params={KEY: door.key()})
        for base in ("https://study.example.org", "http://study.example.org", "https://127.0.0.1")
    }
    assert [answer.status_code for answer in answers.values()] == [303, 400, 400]
    assert "Secure" in answers["https://study.example.org"].headers["set-cookie"]


@pytest.mark.parametrize("public", ["http://x.org", "x.org", "https://", "https://x.org/path", "https://a@x.org"])
def test_a_public_address_is_https_and_a_name(public):
    with pytest.raises(DesignError, match="https://"):
        public_name(public)


def test_words_of_refusals_can_be_in_another_language(door):
    client = TestClient(app(door, words={"stranger": "Bitte den Link öffnen."}), base_url=HERE)
    assert client.get("/").text == "Bitte den Link öffnen.\n"


@pytest.mark.parametrize(
    ("host", "name"), [("A.b:1", "a.b"), ("a.", "a"), ("[::1]:2", "[::1]"), ("[::1]x", ""), ("a:b", "")]
)
def test_a_host_is_read_without_its_port(host, name):
    assert host_name(host) == name
