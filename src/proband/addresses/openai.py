"""``openai:URL#MODEL``: servers that speak the OpenAI protocol; ``openai:URL1,URL2#MODEL``, several of one model."""

from dataclasses import fields
from typing import Any

from proband.addresses.opening import Scheme
from proband.errors import EngineError
from proband.models.engine import BaseEngine
from proband.models.servers.settings import ServerSettings, settings_from


def _open(rest: str, **options: Any) -> BaseEngine:
    # aiohttp takes longer to import than the rest of Proband together.
    from proband.models.servers.engine import ServerEngine
    from proband.models.servers.group import ServerGroup

    url, _, model = rest.partition("#")
    urls, settings = url.split(","), settings_from(options)
    if len(urls) == 1:
        return ServerEngine(url, model, settings=settings)
    if not all(part.strip() for part in urls):
        raise EngineError(f"openai:{rest} has a comma without a URL; write openai:URL1,URL2#MODEL")
    return ServerGroup(urls, model, settings=settings)


def _lasting(address: str) -> str:
    """The first of several servers names the run."""
    urls, hash, model = address.partition("#")
    return urls.split(",")[0] + hash + model


SCHEME = Scheme(
    pattern="openai:URL#MODEL?KEY=VALUE&...",
    about="any server that speaks the OpenAI protocol: vLLM, SGLang, llama.cpp, Ollama, a provider; "
    "openai:URL1,URL2#MODEL asks several servers of one model",
    open=_open,
    only_one="a server takes as many calls at once as `concurrency` says",
    # How a server is called (its price, its concurrency) changes no answer, nor does which of several answers.
    may_change=frozenset({*(field.name for field in fields(ServerSettings)), "aiohttp", "servers"}),
    lasting=_lasting,
)
