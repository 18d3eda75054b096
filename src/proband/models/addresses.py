"""Short addresses of engines: ``smollm2``, ``openai:http://host:8000/v1#model``, ``scripted:uniform``."""

from difflib import get_close_matches
from urllib.parse import parse_qsl

from proband.errors import EngineError
from proband.models.engine import BaseEngine

_ENGINES = (
    ("smollm2", "the language model that installs with Proband; no key, no GPU, no download"),
    (
        "hf:PATH_OR_ID?KEY=VALUE&...",
        "a transformers checkpoint: a folder, a .gguf file, or an id on the hub, e.g. hf:ORG/NAME?dtype=bfloat16",
    ),
    (
        "openai:URL#MODEL?KEY=VALUE&...",
        "any server that speaks the OpenAI protocol: vLLM, SGLang, llama.cpp, Ollama, a provider",
    ),
    (
        "scripted:NAME?KEY=VALUE&...",
        "rules and stated distributions with known biases, e.g. scripted:uniform?seed=1",
    ),
    ("replay:RUN_DIR", "a past run answers again; opened by the commands that take a run"),
)


def engines() -> list[tuple[str, str]]:
    """What there is to ask: pattern of the address, one line on it."""
    return list(_ENGINES)


def open_engine(address: str, **options: object) -> BaseEngine:
    """BaseEngine of an address.

    Parameters
    ----------
    address : str
        See `engines`.
    **options
        Passed on to the engine; for ``openai:`` the fields of `ServerSettings`.

    Raises
    ------
    EngineError
        If there is no such engine, or its options are wrong.

    Examples
    --------
    >>> open_engine("scripted:always?option=1").address
    'scripted:always?option=1'
    """
    scheme, colon, rest = address.strip().partition(":")
    if scheme == "smollm2" and not colon:
        # torch and transformers load only when this engine is opened.
        from proband.models.local.embedded import embedded_engine

        return embedded_engine(**options)
    if scheme == "hf" and rest:
        from proband.models.local.engine import hf_engine

        path, _, query = rest.partition("?")
        return hf_engine(path, **(_parsed(query, address) | options))
    if scheme == "openai" and rest:
        # aiohttp takes longer to import than the rest of Proband together.
        from proband.models.servers.engine import server_engine

        url, _, model = rest.partition("#")
        model, _, query = model.partition("?")
        return server_engine(url, model, **(_parsed(query, address) | options))
    if scheme == "scripted" and rest:
        from proband.models.scripted import scripted_engine

        name, _, query = rest.partition("?")
        return scripted_engine(name, **(_parsed(query, address) | options))
    raise EngineError(_refusal(address, scheme))


def _parsed(query: str, address: str) -> dict[str, object]:
    try:
        return dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
    except ValueError:
        raise EngineError(f"engine {address!r}: what follows ? must read key=value&key=value") from None


def _refusal(address: str, scheme: str) -> str:
    schemes = {pattern.partition(":")[0]: pattern for pattern, _ in _ENGINES}
    known = "; there are " + ", ".join(schemes.values())
    if scheme == "replay":
        return f"{address!r} is a past run, not an engine to open here; give it to `proband run` or `collect`"
    if scheme in schemes:
        return f"engine {address!r} must read {schemes[scheme]}{known}"
    close = get_close_matches(scheme, schemes, n=1)
    meant = f" (did you mean {schemes[close[0]]!r}?)" if close else ""
    return f"no engine {address!r}{meant}{known}"
