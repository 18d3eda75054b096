"""What a society is at one moment: a table of agents, ties, stocks, events, memories; arrays and JSON only."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from proband.societies.networks import Network

Array = NDArray[Any]
Value = int | float | str


class Rows:
    """Rows that are only ever added to, in columns; what was written is not changed again.

    Copies share what is there already. The digest is a chain, a link a row, so that it goes on from where it was.
    """

    def __init__(self, columns: tuple[str, ...], rows: tuple[tuple[Value, ...], ...] = (), link: bytes = b"") -> None:
        self.columns = columns
        self._rows = list(rows)
        self._link, self._n_linked = link, len(self._rows) if link else 0

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, k: int) -> Mapping[str, Value]:
        return dict(zip(self.columns, self._rows[k], strict=True))

    def add(self, **row: Value) -> int:
        """Add a row, every column named; gives its number, by which other rows may refer to it."""
        self._rows.append(tuple([row[column] for column in self.columns]))
        return len(self._rows) - 1

    def column(self, name: str, start: int = 0) -> list[Value]:
        """All values of a column, by row; from some row on."""
        k = self.columns.index(name)
        return [row[k] for row in self._rows[start:]]

    def copy(self) -> Self:
        """Rows of its own, which begin with these."""
        new = type(self)(self.columns)
        new._rows, new._link, new._n_linked = list(self._rows), self._link, self._n_linked
        return new

    def digest(self) -> bytes:
        """Of all rows, in their order."""
        link = self._link
        for row in self._rows[self._n_linked :]:
            link = hashlib.blake2b(link + json.dumps(row, ensure_ascii=False).encode(), digest_size=16).digest()
        self._link, self._n_linked = link, len(self._rows)
        return link

    def pack(self) -> dict[str, Any]:
        """As JSON."""
        return {"columns": self.columns, "link": self.digest().hex(), "rows": self._rows}

    @classmethod
    def unpack(cls, packed: Mapping[str, Any]) -> Self:
        """What was packed."""
        rows = tuple([tuple(row) for row in packed["rows"]])
        return cls(tuple(packed["columns"]), rows, bytes.fromhex(packed["link"]))


EVENTS = ("round", "kind", "agent", "target", "place", "text", "value")
MEMORIES = ("round", "agent", "event", "text", "importance", "kind")


@dataclass(eq=False)
class State:
    """A society at one moment.

    Attributes
    ----------
    society : int
        Its number, from 0; part of every draw.
    agents : dict of str to array
        The table of agents, one array a column, all of one length. ``number`` is who an agent is (it draws by it, and
        is called by it in places); a position in the table is only where it stands there.
    networks : dict of str to Network
        By name; over positions in the table.
    stocks : dict of str to float
        Of the society as a whole; what agents hold are columns.
    values : dict
        Anything else, as JSON.
    events, memories : Rows
        What happened; and what agents remember of it, each memory with the number of its event (-1: of none).
    round : int
        The round that is being played, from 1. A world goes on to the next by adding 1.
    is_over : bool
        Whether the society has come to its end.
    """

    society: int
    agents: dict[str, Array]
    networks: dict[str, Network] = field(default_factory=dict)
    stocks: dict[str, float] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    events: Rows = field(default_factory=lambda: Rows(EVENTS))
    memories: Rows = field(default_factory=lambda: Rows(MEMORIES))
    round: int = 1
    is_over: bool = False

    def __post_init__(self) -> None:
        if "number" not in self.agents:
            self.agents = {"number": np.arange(len(next(iter(self.agents.values()), ()))), **self.agents}

    def __len__(self) -> int:
        return len(self.agents["number"])

    @property
    def numbers(self) -> Array:
        """Who the agents are, by position."""
        return self.agents["number"]

    def name(self, k: int) -> str:
        """What the agent at a position is called: its ``name``, if the table has that column, or its number."""
        names = self.agents.get("name")
        return str(self.numbers[k] if names is None else names[k])

    def happened(
        self, kind: str, agent: int = -1, *, target: int = -1, place: str = "", text: str = "", value: float = 0.0
    ) -> int:
        """Add an event of this round, with agents by number; gives the event's number."""
        return self.events.add(
            round=self.round,
            kind=kind,
            agent=int(agent),
            target=int(target),
            place=place,
            text=text,
            value=float(value),
        )

    def copy(self) -> "State":
        """A state that goes its own way from here."""
        return State(
            society=self.society,
            agents={name: column.copy() for name, column in self.agents.items()},
            networks=dict(self.networks),  # a network is never changed, only replaced
            stocks=dict(self.stocks),
            values=json.loads(json.dumps(self.values)),
            events=self.events.copy(),
            memories=self.memories.copy(),
            round=self.round,
            is_over=self.is_over,
        )

    def pack(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """As JSON and arrays, without pickles; `unpack` gives a state with the same digest."""
        arrays = {f"agents/{name}": column for name, column in self.agents.items() if column.dtype != object}
        for name, network in self.networks.items():
            arrays |= {f"starts/{name}": network.starts, f"targets/{name}": network.targets}
            if network.weights is not None:
                arrays[f"weights/{name}"] = network.weights
        told = {
            "society": self.society, "round": self.round, "is_over": self.is_over, "stocks": self.stocks,
            "values": self.values, "events": self.events.pack(), "memories": self.memories.pack(),
            "columns": list(self.agents), "networks": list(self.networks),
            "objects": {name: column.tolist() for name, column in self.agents.items() if column.dtype == object},
        }  # fmt: skip
        return told, arrays

    @classmethod
    def unpack(cls, told: Mapping[str, Any], arrays: Mapping[str, Array]) -> "State":
        """What was packed."""
        objects = {name: np.array([*column, None], object)[:-1] for name, column in told["objects"].items()}
        return cls(
            society=told["society"], round=told["round"], is_over=told["is_over"], stocks=told["stocks"],
            values=told["values"], events=Rows.unpack(told["events"]), memories=Rows.unpack(told["memories"]),
            agents={name: objects[name] if name in objects else arrays[f"agents/{name}"] for name in told["columns"]},
            networks={
                name: Network(arrays[f"starts/{name}"], arrays[f"targets/{name}"], arrays.get(f"weights/{name}"))
                for name in told["networks"]
            },
        )  # fmt: skip

    def digest(self) -> str:
        """32 hexadecimal digits of everything in it: two states are one if these are."""
        whole = hashlib.blake2b(digest_size=16)
        for name, column in sorted(self.agents.items()):
            whole.update(f"{name}:{column.dtype.str}:{len(column)};".encode())
            whole.update(
                np.ascontiguousarray(column).tobytes() if column.dtype != object else repr(column.tolist()).encode()
            )
        for name, network in sorted(self.networks.items()):
            whole.update(name.encode() + network.digest)
        rest = [self.society, self.round, self.is_over, sorted(self.stocks.items()), self.values]
        whole.update(json.dumps(rest, sort_keys=True, ensure_ascii=False).encode())
        whole.update(self.events.digest() + self.memories.digest())
        return whole.hexdigest()
