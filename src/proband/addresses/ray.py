"""``ray:HOST:PORT?replicas=N&engine=ADDRESS``: copies of an engine on a Ray cluster, as one engine."""

import math
from functools import partial

from proband.addresses.cluster import check_copies, open_replica
from proband.addresses.opening import Scheme, open_engine
from proband.errors import EngineError
from proband.models.engine import BaseEngine
from proband.models.fleet import FleetEngine
from proband.workers.executor import Task
from proband.workers.ray_connection import LOCAL, Connection, check_address
from proband.workers.rays import Rays, Share

PATTERN = "ray:HOST:PORT?replicas=N&engine=ADDRESS"


def _open(
    where: str,
    *,
    replicas: int = 1,
    cpus: float = 1.0,
    gpus: float = 0.0,
    resources: str = "",
    insecure: int = 0,
    send_code: int = 0,
    engine: str = "",
) -> BaseEngine:
    fleet = f"ray:{where}?replicas={replicas}&engine={engine}"
    if not engine:
        raise EngineError(f"engine 'ray:{where}' must read {PATTERN}; what follows engine= is the address as it stands")
    if replicas < 1 or not all(0 <= much < math.inf for much in (cpus, gpus)):
        raise EngineError(f"engine {fleet!r}: replicas must be at least 1, and cpus and gpus at least 0")
    check_address(where)
    loads_weights = check_copies(engine, fleet)
    connection = Connection(address=where, is_insecure=bool(insecure), sends_code=bool(send_code))
    share = Share(cpus=cpus, gpus=gpus, resources=_amounts(resources, fleet))
    there = "of this machine" if where == LOCAL else f"at {where}"
    return FleetEngine(
        Rays(connection, share),
        Task(f"{open_replica.__module__}:{open_replica.__name__}", (engine,)),
        replicas,
        view=partial(open_engine, engine),
        is_light=not loads_weights,
        gain=1.0 if where == LOCAL else float(replicas),
        note=f"{replicas} replica{'s' * (replicas > 1)} on the Ray {there}, {share.in_words} each"
        + "; it asks nobody for a token" * bool(insecure),
    )


def _amounts(said: str, fleet: str) -> dict[str, float]:
    """Resources of a cluster by name: ``fast:1,big:0.5``."""
    found: dict[str, float] = {}
    for part in filter(None, said.split(",")):
        name, _, much = part.rpartition(":")
        try:
            found[name] = float(much)
        except ValueError:
            found[""] = 0.0
        if name in ("CPU", "GPU"):
            raise EngineError(f"engine {fleet!r}: write {name.lower()}s={much}, not resources={said}")
        if not name or not 0 < found[name] < math.inf:
            raise EngineError(f"engine {fleet!r}: resources must read NAME:AMOUNT,NAME:AMOUNT, not {said!r}")
    return found


SCHEME = Scheme(
    pattern=PATTERN,
    about="copies of an engine on a Ray cluster, each with its share of cores and GPUs, e.g. "
    "ray:local?replicas=2&engine=smollm2",
    open=_open,
    holds="engine=",
    only_one="it is several already",
)
