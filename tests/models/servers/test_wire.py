"""Proxies, certificates, redirects and servers of another kind: each ends in a message that says what to do."""

import asyncio
import importlib.util
import shutil
import socket
import ssl
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from proband.errors import EngineError
from proband.models.servers.engine import ServerEngine, ServerSettings
from proband.models.servers.wire import Asker, Raw, Wire
from proband.records import Message, Place, Reply, Request, Trial

_spec = importlib.util.spec_from_file_location("fault_server", Path(__file__).with_name("fault_server.py"))
fault_server = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fault_server)
Fault, FaultServer = fault_server.Fault, fault_server.FaultServer

QUICK = ServerSettings(attempts=3, backoff_s=0.001, timeout_s=5.0, concurrency=4)
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch):
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("OPENAI_API_KEY", "PROBAND_API_KEY", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)


@contextmanager
def opened(url, settings=QUICK):
    engine = ServerEngine(url, "m", settings=settings)
    try:
        yield engine
    finally:
        engine.close()


def one():
    return Trial(
        place=Place(subject="s", item="why"),
        request=Request(messages=(Message("user", "Why?"),), max_tokens=5),
        reply=Reply(form="text", method="written"),
    )


class Listener:
    """A TCP server on this machine; `handle(reader, writer)` serves one connection."""

    def __init__(self, handle):
        self.handle = handle

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        self.server = self.loop.run_until_complete(asyncio.start_server(self.handle, "127.0.0.1", 0))
        self.port = self.server.sockets[0].getsockname()[1]
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        async def end():
            self.server.close()
            running = asyncio.all_tasks() - {asyncio.current_task()}
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


class Proxy(Listener):
    """A forward proxy for plain HTTP that sends every host to one port; `seen` keeps request lines and headers."""

    def __init__(self, target):
        super().__init__(self.forward)
        self.target = target
        self.seen = []

    async def forward(self, reader, writer):
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.seen.append(head.decode())
                line, _, rest = head.partition(b"\r\n")
                method, url, version = line.split()
                path = b"/" + url.split(b"/", 3)[3]
                length = next(
                    (int(h.split(b":")[1]) for h in rest.lower().split(b"\r\n") if h.startswith(b"content-length")), 0
                )
                body = await reader.readexactly(length)
                far, near = await asyncio.open_connection("127.0.0.1", self.target)
                near.write(b" ".join((method, path, version)) + b"\r\nConnection: close\r\n" + rest + body)
                writer.write(await far.read())
                near.close()
                await writer.drain()
                break
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


def test_calls_go_through_the_environments_proxy(monkeypatch):
    with FaultServer() as server, Proxy(int(server.url.split(":")[2].partition("/")[0])) as proxy:
        monkeypatch.setenv("http_proxy", f"http://me:secret@127.0.0.1:{proxy.port}")
        with opened("http://model.invalid/v1") as engine:
            [(_, completion)] = engine.answer([one()])
    assert completion.text == "said Why?"
    assert proxy.seen[-1].startswith("POST http://model.invalid/v1/chat/completions ")
    assert "Proxy-Authorization: Basic" in proxy.seen[-1]


def test_this_machine_is_never_asked_through_a_proxy(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with FaultServer() as server, opened(server.url) as engine:
        [(_, completion)] = engine.answer([one()])
    assert completion.text == "said Why?"


def test_hosts_without_a_proxy_are_asked_directly(monkeypatch):
    monkeypatch.setenv("http_proxy", "proxy.invalid:3128")
    monkeypatch.setenv("no_proxy", "model.invalid")
    found = {}
    for host in ("model.invalid", "other.invalid"):
        wire = Wire(f"http://{host}/v1", QUICK)
        found[host] = wire.proxy
        wire.close()
    assert found == {"model.invalid": "", "other.invalid": "http://proxy.invalid:3128"}


def test_a_proxy_that_is_down_is_named_without_its_password(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://me:secret@127.0.0.1:9")
    with opened("http://model.invalid/v1") as engine, pytest.raises(EngineError) as refused:
        engine.check([one()])
    assert "proxy http://127.0.0.1:9 does not let through to model.invalid" in str(refused.value)
    assert "no_proxy" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_proxy_of_another_kind_is_refused_with_what_is_spoken(monkeypatch):
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:9")
    with opened("http://model.invalid/v1") as engine, pytest.raises(EngineError, match="only http and https proxies"):
        engine.check([one()])


def test_a_password_file_is_not_read(monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine model.invalid login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("PROBAND_API_KEY", "own")
    with FaultServer(key="own") as server, Proxy(int(server.url.split(":")[2].partition("/")[0])) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        with opened("http://model.invalid/v1") as engine:
            engine.check([one()])  # the server refuses every key but "own"
            assert "write" in engine.abilities


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that signed itself, and a server's context with it."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the program openssl")
    folder = tmp_path_factory.mktemp("tls")
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=stand-in"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return folder / "cert.pem", context


def test_a_certificate_nobody_signed_is_refused_with_the_way_to_trust_it(certificate, monkeypatch):
    path, context = certificate
    with FaultServer(tls=context) as server:
        with opened(server.url) as engine, pytest.raises(EngineError, match=r"not trusted .*SSL_CERT_FILE"):
            engine.check([one()])
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        with opened(server.url) as engine:
            [(_, completion)] = engine.answer([one()])
    assert completion.text == "said Why?"


def test_a_certificate_for_another_name_is_refused(certificate, monkeypatch):
    path, context = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with FaultServer(tls=context) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        with opened(url) as engine, pytest.raises(EngineError, match="use the host name"):
            engine.check([one()])


def test_https_to_a_server_without_it_says_so():
    with FaultServer() as server:
        url = server.url.replace("http:", "https:")
        with opened(url) as engine, pytest.raises(EngineError, match=r"does not speak TLS .*http://"):
            engine.check([one()])


def test_plain_http_to_a_server_with_tls_is_soon_said(certificate):
    with FaultServer(tls=certificate[1]) as server:
        url = server.url.replace("https:", "http:")
        with opened(url) as engine, pytest.raises(EngineError, match="given up after 3 attempts: connection failed"):
            engine.check([one()])


def test_a_redirect_is_not_followed_and_its_target_named():
    with FaultServer() as server:
        server.every = Fault(307, "", {"Location": "http://127.0.0.1:9/v2?token=secret"})
        with opened(server.url) as engine, pytest.raises(EngineError) as refused:
            engine.check([one()])
    assert "redirects to http://127.0.0.1:9/v2, write the URL that is meant" in str(refused.value)


@pytest.mark.parametrize("body", ['[{"id": "m"}]', '{"data": [{"id": "m"}, "x"]}', '{"data": null}'])
def test_a_list_of_models_may_be_bare_or_hold_odd_entries(body):
    wire = Wire("http://127.0.0.1:9/v1", QUICK)
    listed = Asker(wire, "probe")._entries(Raw(body.encode(), {}))
    wire.close()
    assert listed in ([{"id": "m"}], [])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("<!doctype html><title>Router</title>", "does not speak the OpenAI protocol: models replied with a web page"),
        ('{"status": "ok"}', "models does not follow the protocol: KeyError 'data'"),
        ('["m"]', "models replied with list, not an object"),
        ("pong", "models replied with broken JSON: 'pong'"),
    ],
)
def test_a_reply_of_another_protocol_is_said_at_once(body, message):
    with FaultServer() as server:
        server.every = Fault(200, body)
        with opened(server.url) as engine, pytest.raises(EngineError) as refused:
            engine.check([one()])
    assert message in str(refused.value)


def test_a_server_that_speaks_no_http_is_refused():
    async def greet(reader, writer):
        writer.write(b"220 mail ready\r\n")
        await writer.drain()
        writer.close()

    with Listener(greet) as listener:
        url = f"http://127.0.0.1:{listener.port}/v1"
        with opened(url) as engine, pytest.raises(EngineError, match="does not speak HTTP"):
            engine.check([one()])


def test_a_port_that_says_nothing_is_not_waited_for_as_long_as_a_reply():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = ServerSettings(timeout_s=0.3)
        began = time.monotonic()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        with opened(url, settings) as engine, pytest.raises(EngineError, match="says nothing"):
            engine.check([one()])
        assert time.monotonic() - began < 10


def test_a_server_that_fails_for_good_is_said_within_seconds_at_default_settings():
    began = time.monotonic()
    with FaultServer() as server:
        server.every = Fault(500)
        with opened(server.url, ServerSettings()) as engine, pytest.raises(EngineError, match="HTTP 500"):
            engine.check([one()])
    assert time.monotonic() - began < 10  # the waits of an ordinary trial alone are 15


def test_a_budget_per_minute_holds_for_an_engine():
    settings = ServerSettings(requests_per_minute=600, backoff_s=0.001)  # a bucket of 50, then 9.2 a second
    with FaultServer() as server, opened(server.url, settings) as engine:
        engine.probe()
        before = engine.n_calls
        began = time.monotonic()
        trials = [
            Trial(
                place=Place(subject=f"s{k}", item="why"),
                request=Request(messages=(Message("user", f"Why {k}?"),), max_tokens=5),
                reply=Reply(form="text", method="written"),
            )
            for k in range(60 - before)
        ]
        assert len(list(engine.answer(trials))) == len(trials)
        assert time.monotonic() - began > 0.9
