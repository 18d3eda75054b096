"""``cluster:N*ADDRESS``: N copies of an engine in processes of this machine, as one engine."""

from functools import partial
from urllib.parse import parse_qsl

from proband.addresses.opening import Scheme, check_address, open_engine, scheme_of
from proband.errors import EngineError
from proband.models.engine import BaseEngine
from proband.models.fleet import FleetEngine, Told, replica
from proband.models.local.capacity import free_memory, readable, replicas_that_fit
from proband.models.local.checkpoints import weights_bytes
from proband.workers.executor import Task
from proband.workers.processes import Processes, cores

EMBEDDED_BYTES = 540_000_000  # weights of smollm2 as they are opened
PATTERN = "cluster:N*ADDRESS"


def check_copies(address: str, fleet: str) -> bool:
    """Refuse what cannot be copied, or is no engine; tells whether it loads weights.

    Parameters
    ----------
    address, fleet : str
        Of the engine, and how the fleet of it reads, for messages.
    """
    if not address:
        raise EngineError(f"engine {fleet!r} does not say what it is made of; write the address of an engine there")
    scheme = scheme_of(address)
    if scheme.only_one:
        raise EngineError(f"engine {fleet!r}: {address} cannot be copied, because {scheme.only_one}; name it alone")
    check_address(address)
    return scheme.loads_weights


def open_replica(address: str) -> tuple[BaseEngine, Told]:
    """On a worker: the engine of an address, and what it says of itself."""
    return replica(open_engine(address))


def _open(number: str, *, engine: str = "") -> BaseEngine:
    fleet = f"cluster:{number}*{engine}"
    if not (number == "auto" or (number.isdecimal() and int(number) > 0)) or not engine:
        raise EngineError(f"engine {fleet!r} must read {PATTERN}, e.g. cluster:2*smollm2 or cluster:auto*smollm2")
    loads_weights = check_copies(engine, fleet)
    n, why = _how_many(number, engine, fleet)
    pool = Processes(threads=max(1, cores() // n))
    replicas = f"{n} replica{'s' * (n > 1)} in processes of this machine, {pool.threads} thread"
    return FleetEngine(
        pool,
        Task(f"{__name__}:open_replica", (engine,)),
        n,
        view=partial(open_engine, engine),
        is_light=not loads_weights,
        note=f"{replicas}{'s' * (pool.threads > 1)} each{why}",
    )


def _how_many(number: str, engine: str, fleet: str) -> tuple[int, str]:
    """How many replicas there shall be, and why, where that was left open."""
    here, weights = cores(), _weights(engine)
    fit = here if weights is None else min(here, replicas_that_fit(weights))
    least = "" if weights is None else f" and {readable(free_memory())} of free memory, {readable(weights)} of weights"
    if number == "auto":
        return max(1, fit), f", as {here} cores{least} allow"
    if int(number) > fit:
        raise EngineError(
            f"engine {fleet!r}: on {here} cores{least} there is room for {fit} of them; "
            + (f"write cluster:{fit}*{engine}" if fit else "take a smaller model, or free some memory")
        )
    return int(number), ""


def _weights(address: str) -> int | None:
    """Bytes of the weights that a replica has, where that is known without opening it."""
    name, _, rest = address.partition(":")
    if name.partition("?")[0].partition("+")[0] == "smollm2":
        return EMBEDDED_BYTES
    path, _, query = rest.partition("?")
    base = path if name == "hf" else ""
    dtype = dict(parse_qsl(query)).get("dtype", "float32")
    return weights_bytes(base, dtype) or weights_bytes(base.partition("+")[0], dtype) if base else None


SCHEME = Scheme(
    pattern=PATTERN,
    about="N copies of an engine in processes of this machine, or as many as have room: cluster:2*smollm2, "
    "cluster:auto*smollm2",
    open=_open,
    holds="*",
    only_one="it is several already",
)
