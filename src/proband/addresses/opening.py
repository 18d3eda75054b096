"""What a scheme is, and how an address opens its engine."""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args, get_type_hints
from urllib.parse import parse_qsl, quote, unquote_plus

from proband.errors import EngineError, meant
from proband.files import is_file
from proband.models.engine import BaseEngine
from proband.models.local.adapters import check_adapter
from proband.models.local.inside import inside_of
from proband.shelves import Shelf


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """A way to name engines; see ``docs/how-to/write-a-plug-in.md``.

    Attributes
    ----------
    pattern : str
        How an address reads: ``NAME``, or ``NAME:REST``, with ``?KEY=VALUE&...`` where there are options.
    about : str
        One line for ``proband list engines``.
    open : callable
        Makes the engine from what stands between the colon and the options, and from the options by keyword. The text
        of an option becomes an int or a float where the parameter is one. What is heavy is imported in here.
    may_change : frozenset of str
        Options, and entries of the fingerprint, that change no answer: they may differ between two calls of one run.
    paths : frozenset of str
        Options that name a file, and "" where what follows the colon does: in a study file, looked for beside it.
    loads_weights : bool
        Whether opening takes long, because a model is loaded; `proband check` then looks at the address only.
    takes_adapter : bool
        Whether a plus sign and the folder of an adapter may stand before the options; `open` gets it as its option
        ``adapter``.
    is_person : bool
        Whether who answers is a person, in whose place another may stand and whose word may be taken as gold.
    holds : str
        Of a fleet: the mark behind which the address of what it holds begins. `open` gets that as its option
        ``engine``, and a run on the one goes on on the other.
    only_one : str
        Why there cannot be several copies of it at once, where there cannot.
    lasting : callable or None
        Gives an address, without the options that may change, as a run remembers it, where more than those may differ.
    """

    pattern: str
    about: str
    open: Callable[..., BaseEngine]
    may_change: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    loads_weights: bool = False
    takes_adapter: bool = False
    is_person: bool = False
    holds: str = ""
    only_one: str = ""
    lasting: Callable[[str], str] | None = None


# Entries of a fleet's fingerprint that say what it ran on, which changes no answer.
FLEETS = frozenset({"replicas"})
SCHEMES: Shelf[Scheme] = Shelf(
    what="engine",
    group="proband.engines",
    of=(Scheme,),
    folders=("proband.addresses",),
    member="SCHEME",
    error=EngineError,
)


def engines() -> dict[str, str]:
    """What there is to ask: pattern of the address, and one line on it."""
    return {scheme.pattern: scheme.about for scheme in SCHEMES.loaded().values()}


def open_engine(address: str, **options: object) -> BaseEngine:
    """Engine of an address.

    Parameters
    ----------
    address : str
        See `engines`.
    **options
        Added to those in the address; for ``openai:`` the fields of `ServerSettings`.

    Raises
    ------
    EngineError
        If there is no such engine, or its options are wrong.

    Examples
    --------
    >>> open_engine("scripted:always?option=1").address
    'scripted:always?option=1'
    """
    scheme, rest, given = _resolved(address, options)
    return scheme.open(rest, **given)


def check_address(address: str) -> None:
    """Refuse an address that names no engine, options it does not take, or no adapter; weights are not loaded.

    Raises
    ------
    EngineError
        As `open_engine` raises it.
    """
    scheme, rest, given = _resolved(address, {})
    if not scheme.loads_weights:
        scheme.open(rest, **given).close()
        return
    if scheme.takes_adapter and given.get("adapter"):
        check_adapter(given["adapter"])
    if "steer" in scheme.paths:
        inside_of(given)


def is_person(address: str) -> bool:
    """Whether people answer at an address, as its scheme says; not where there is no such scheme here.

    Examples
    --------
    >>> is_person("human:FOLDER"), is_person("scripted:uniform"), is_person("of another laboratory")
    (True, False, False)
    """
    name, _, _ = _parts(held(address))
    return name in SCHEMES and SCHEMES.load(name).is_person


def held(address: str) -> str:
    """The address of what a fleet holds, which is who answers; any other address as it is.

    Examples
    --------
    >>> held("cluster:4*smollm2?chunk_tokens=64"), held("ray:local?replicas=2&engine=hf:ORG/M"), held("smollm2")
    ('smollm2?chunk_tokens=64', 'hf:ORG/M', 'smollm2')
    """
    return _split(address)[1] or address


def scheme_of(address: str) -> Scheme:
    """The scheme of an address; `EngineError` where it names none, or reads otherwise than its pattern."""
    return _resolved(address, {})[0]


def base_of(address: str) -> str:
    """An address without its adapter: what has one base has its weights in memory once.

    Examples
    --------
    >>> base_of("smollm2+runs/anna?chunk_tokens=64"), base_of("hf:ORG/NAME+anna"), base_of("scripted:uniform")
    ('smollm2?chunk_tokens=64', 'hf:ORG/NAME', 'scripted:uniform')
    """
    address = held(address)
    name, rest, query = _parts(address)
    if name not in SCHEMES or not SCHEMES.load(name).takes_adapter:
        return address
    base, _ = _adapter_behind(rest or "")
    kept = "&".join(part for part in query.split("&") if part and not part.startswith("adapter="))
    return f"{name}:{base}".removesuffix(":") + f"?{kept}" * bool(kept)


def _resolved(address: str, options: Mapping[str, object]) -> tuple[Scheme, str, dict[str, Any]]:
    """The scheme of an address, what follows its colon, and its options as the scheme takes them."""
    name, rest, query = _parts(address)
    if name not in SCHEMES:
        patterns = {known: scheme.pattern for known, scheme in SCHEMES.loaded().items()}
        near = "".join(f" (did you mean {patterns[close]!r}?)" for close in get_close_matches(name, patterns, n=1))
        raise EngineError(f"no engine {address!r}{near}; there are {', '.join(patterns.values())}")
    scheme = SCHEMES.load(name)
    head, inner = _split(address)
    if scheme.holds:
        name, rest, query = _parts(head)
    adapter = None
    if scheme.takes_adapter and rest:
        base, adapter = _adapter_behind(rest)
        rest = base if ":" in scheme.pattern else base or None
        if adapter == "":
            raise EngineError(f"engine {address!r}: behind the plus sign stands the folder of an adapter; name one")
    if (rest is not None) != (":" in scheme.pattern) or rest == "":
        raise EngineError(f"engine {address!r} must read {scheme.pattern}")
    try:
        given = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))) | dict(options)
    except ValueError:
        raise EngineError(f"engine {address!r}: what follows ? must read key=value&key=value") from None
    if adapter is not None:
        given = {"adapter": adapter} | given
    if inner:
        given["engine"] = inner
    parameters = list(inspect.signature(scheme.open).parameters.values())[1:]
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        known = [parameter.name for parameter in parameters]
        if unknown := [key for key in given if key not in known]:
            near, there = meant(unknown[0], known), ", ".join(known) or "none"
            raise EngineError(f"engine {address!r}: {name} takes no option {unknown[0]!r}{near}; it takes {there}")
        hints = get_type_hints(scheme.open)
        given = {key: _typed(key, value, hints.get(key), address) for key, value in given.items()}
    return scheme, rest or "", given


def may_change(address: str) -> frozenset[str]:
    """Options and entries of the fingerprint that change no answer of the engine with this address.

    Of an engine that was made in Python and has no scheme, those of any scheme.
    """
    name = _parts(held(address))[0]
    schemes = [SCHEMES.load(name)] if name in SCHEMES else SCHEMES.loaded().values()
    return FLEETS.union(*(scheme.may_change for scheme in schemes))


def lasting(address: str) -> str:
    """An address as a run remembers it: without what changes no answer, and without the fleet that it stands in.

    Examples
    --------
    >>> lasting("openai:http://h/v1#m?concurrency=4"), lasting("scripted:uniform?seed=1")
    ('openai:http://h/v1#m', 'scripted:uniform?seed=1')
    """
    address = held(address)
    name, _, query = _parts(address)
    if name not in SCHEMES:
        return address
    if query:
        kept = [part for part in query.split("&") if part.partition("=")[0] not in may_change(address)]
        address = address.removesuffix(f"?{query}") + ("?" + "&".join(kept) if kept else "")
    named = SCHEMES.load(name).lasting
    return address if named is None else named(address)


def address_beside(address: str, folder: Path) -> str:
    """An address with its files as they are found from here: those that lie in a folder, e.g. that of a study file.

    Examples
    --------
    >>> address_beside("scripted:planted?file=nowhere.toml", Path("studies"))
    'scripted:planted?file=nowhere.toml'
    """
    address = address.strip()
    if inner := _split(address)[1]:
        return address.removesuffix(inner) + address_beside(inner, folder)
    name, rest, query = _parts(address)
    paths = SCHEMES.load(name).paths if name in SCHEMES else frozenset()
    if "" in paths and rest and is_file(folder / rest):
        address = address.replace(f":{rest}", f":{folder / rest}", 1)
    for key, _, value in (part.partition("=") for part in query.split("&")):
        if key in paths and value and is_file(there := folder / unquote_plus(value)):
            address = address.replace(f"{key}={value}", f"{key}={quote(str(there))}")
    return address


def _split(address: str) -> tuple[str, str]:
    """Of a fleet: its own part of the address, and that of what it holds; of others the address, and nothing."""
    name, _, _ = _parts(address)
    mark = SCHEMES.load(name).holds if name in SCHEMES else ""
    if not mark:
        return address, ""
    head, _, inner = address.strip().partition(mark)
    return head.rstrip("?&"), inner


def _parts(address: str) -> tuple[str, str | None, str]:
    """Scheme, what follows its colon or a plus sign (None without), and the options behind a question mark."""
    name, colon, rest = re.fullmatch(r"([^:?+]*)(:?)(.*)", address.strip(), re.S).groups()  # type: ignore[union-attr]
    # A question mark before the # belongs to the URL, and is refused there.
    url, hash, model = rest.partition("#")
    if hash:
        model, _, query = model.partition("?")
        return name, f"{url}#{model}", query
    rest, _, query = rest.partition("?")
    return name, rest if colon else rest or None, query


def _adapter_behind(rest: str) -> tuple[str, str | None]:
    """Base and adapter; a path may have plus signs of its own, an id on the hub has none."""
    cuts = [k for k, sign in enumerate(rest) if sign == "+"]
    if not cuts or Path(rest).expanduser().exists():
        return rest, None
    cut = next((k for k in cuts if Path(rest[:k]).expanduser().exists()), cuts[0])
    return rest[:cut], rest[cut + 1 :]


def _typed(key: str, value: object, hint: Any, address: str) -> object:
    """The text of an option as the number that its parameter is."""
    for kind, word in ((int, "a whole number"), (float, "a number")):
        if isinstance(value, str) and kind in (hint, *get_args(hint)):
            try:
                return kind(value)
            except ValueError:
                raise EngineError(f"engine {address!r}: {key} is {value!r}, not {word}") from None
    return value
