"""Who answers in a run: one engine, or one for each part a design gives out."""

from collections.abc import Collection, Mapping

from proband.addresses import open_engine
from proband.addresses.opening import base_of, held
from proband.errors import DesignError
from proband.models.engine import BaseEngine
from proband.models.fleet import FleetEngine

# Models opened here at once: a study of many checkpoints must not hold all of them in memory. Adapters on one base
# count as one model; each is some hundredth of it, so many more of them may be open.
MOST_OPEN, MOST_ADAPTED = 4, 32


class Cast:
    """The engines of a run, each opened when it is first needed: a finished run loads no model.

    Engines that were given as addresses and share a lane, as those that compute here do, are closed again when
    `MOST_OPEN` others were used since. Addresses of one base share the loaded weights, so they count as one there.

    Parameters
    ----------
    engine : str, BaseEngine or mapping
        An address, an engine, or one of either for each `answerer` of the design.
    is_planned : bool
        Whether nothing will be asked: one engine in this process then stands for all replicas of a fleet.
    """

    def __init__(self, engine: str | BaseEngine | Mapping[str, str | BaseEngine], *, is_planned: bool = False) -> None:
        self._is_planned = is_planned
        self._parts: dict[str, str | BaseEngine] = dict(engine) if isinstance(engine, Mapping) else {"": engine}
        self._opened: dict[str, BaseEngine] = {}  # by address, the one used last at the end

    @property
    def addresses(self) -> dict[str, str]:
        """Address of every part's engine, without opening any; of a fleet that of what it holds, who answers."""
        return {name: held(part) if isinstance(part, str) else part.address for name, part in self._parts.items()}

    @property
    def known(self) -> dict[str, BaseEngine]:
        """Engines that have their answers already (people, past runs): they can be looked at for nothing."""
        return {
            name: part for name, part in self._parts.items() if not isinstance(part, str) and part.answers_by == "place"
        }

    def engine(self, answerer: str, *, in_use: Collection[BaseEngine] = ()) -> BaseEngine:
        """The engine that plays a part; opened now if it is not open. One model serves every part with its address.

        Those `in_use` are not closed for it.
        """
        if answerer not in self._parts:
            have = ", ".join(repr(name) for name in self._parts)
            raise DesignError(f"the design needs an engine for {answerer!r}, but engines were given for {have}")
        part = self._parts[answerer]
        if not isinstance(part, str):
            return part
        engine = self._opened.pop(part, None)
        if engine is None:
            self._make_room(_weights_of(part), in_use)
            engine = open_engine(part)
            if isinstance(engine, FleetEngine):
                engine.is_planned = self._is_planned
        self._opened[part] = engine
        return engine

    def _make_room(self, base: str, in_use: Collection[BaseEngine]) -> None:
        """Close what was used longest ago, so that an engine on a base may be opened."""
        idle = [address for address, one in self._opened.items() if one.lane and one not in in_use]
        by_base: dict[str, list[str]] = {}
        for address in reversed(idle):  # the base used last first
            by_base.setdefault(_weights_of(address), []).append(address)
        busy = {_weights_of(address) for address in self._opened.keys() - set(idle)}
        others = [on for on in by_base if on != base and on not in busy]
        spare = [address for on in others[MOST_OPEN - 1 :] for address in by_base[on]]
        kept = [address for address in idle if address not in spare]
        for address in spare + kept[: max(0, len(kept) + 1 - MOST_ADAPTED)]:
            self._opened.pop(address).close()

    def __enter__(self) -> "Cast":
        return self

    def __exit__(self, *_: object) -> None:
        for engine in self._opened.values():
            engine.close()


def _weights_of(address: str) -> str:
    """What has its weights in memory once: all adapters on one base here, and each fleet, whose workers are its own."""
    return base_of(address) if held(address) == address else address
