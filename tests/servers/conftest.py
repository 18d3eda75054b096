"""Both servers, each started once for all tests; `make test-servers` says where vLLM's environment is."""

import importlib.util
import os
from pathlib import Path

import pytest

from proband.addresses import open_engine
from tests.servers.running import MODEL, llama_server, vllm_server

CONCURRENCY = 8


@pytest.fixture(scope="session")
def vllm_url(tmp_path_factory):
    python = os.environ.get("PROBAND_VLLM_PYTHON")
    if not python:
        pytest.skip("needs vLLM in an environment of its own: run `make test-servers`")
    log = tmp_path_factory.mktemp("vllm") / "log"
    # Without compiling: it would take longer than the tests do.
    with vllm_server(Path(python), log, "--enforce-eager", "--block-size", "32") as url:
        yield url


@pytest.fixture(scope="session")
def llama_url(tmp_path_factory):
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("needs the package xllamacpp")
    with llama_server(tmp_path_factory.mktemp("llama") / "log") as url:
        yield url


@pytest.fixture(scope="session", params=["vllm", "llama.cpp"])
def server(request):
    """The servers in turn: name and address."""
    fixture = {"vllm": "vllm_url", "llama.cpp": "llama_url"}[request.param]
    return request.param, request.getfixturevalue(fixture)


@pytest.fixture(scope="session")
def engine(server):
    _, url = server
    engine = open_engine(f"openai:{url}#{MODEL}", concurrency=CONCURRENCY)
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def local():
    """Our own scoring in float32, which is exact."""
    return open_engine("smollm2")
