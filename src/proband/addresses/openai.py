"""``openai:URL#MODEL``: servers that speak the OpenAI protocol."""

from dataclasses import fields
from typing import Any

from proband.addresses.opening import Scheme
from proband.models.engine import BaseEngine
from proband.models.servers.settings import ServerSettings, settings_from


def _open(rest: str, **options: Any) -> BaseEngine:
    # aiohttp takes longer to import than the rest of Proband together.
    from proband.models.servers.engine import ServerEngine

    url, _, model = rest.partition("#")
    return ServerEngine(url, model, settings=settings_from(options))


SCHEME = Scheme(
    pattern="openai:URL#MODEL?KEY=VALUE&...",
    about="any server that speaks the OpenAI protocol: vLLM, SGLang, llama.cpp, Ollama, a provider",
    open=_open,
    # How a server is called (its price, its concurrency) changes no answer.
    may_change=frozenset({*(field.name for field in fields(ServerSettings)), "aiohttp"}),
    only_one="a server takes as many calls at once as `concurrency` says",
)
