"""Which server a request goes to: those that begin alike to the same one, by highest random weight.

Each pair of a beginning and a server has a weight of its own, and the server with the greatest weight is asked. So a
server that is left out moves only what was its own, to the second of each beginning, and one that is added takes its
share from all.
"""

from collections.abc import Collection, Sequence
from hashlib import blake2b

from proband.records import Trial

LARGE = 256  # requests of one beginning that stay together: more are split, so that every server has some
_MOST_KNOWN = 65_536


def root_of(trial: Trial) -> str:
    """What a request begins with: the messages before the last; of one that has none, the subject who is asked."""
    request = trial.request
    before = request.messages if request.premises else request.messages[:-1]
    if not before:
        return f"subject\x1f{trial.place.subject}"
    return "\x1e".join([f"{message.role}\x1f{message.text}" for message in before])


def roots(trials: Sequence[Trial]) -> dict[str, bytes]:
    """The beginning of every trial, as a digest; that of each next `LARGE` requests of one beginning is another."""
    digests: dict[str, bytes] = {}
    counts: dict[str, int] = {}
    found = {}
    for trial in trials:
        root = root_of(trial)
        if root not in digests:
            digests[root] = blake2b(root.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        number = counts[root] = counts.get(root, -1) + 1
        found[trial.id] = digests[root] + b"%d" % (number // LARGE) * (number >= LARGE)
    return found


def ranked(root: bytes, names: Collection[str]) -> list[str]:
    """Names of servers, that with the greatest weight for a beginning first."""
    return sorted(names, key=lambda name: (blake2b(root, key=_key(name), digest_size=8).digest(), name), reverse=True)


def _key(name: str) -> bytes:
    return blake2b(name.encode(), digest_size=32).digest()


class Homes:
    """Where beginnings were begun: while that server is asked, what is left of them goes there too."""

    def __init__(self) -> None:
        self._known: dict[bytes, str] = {}

    def __contains__(self, root: bytes) -> bool:
        return root in self._known

    def begin(self, root: bytes, name: str) -> None:
        """Note that a server has begun a beginning; the oldest is forgotten when there are very many."""
        if len(self._known) >= _MOST_KNOWN and root not in self._known:
            del self._known[next(iter(self._known))]
        self._known[root] = name

    def leave(self, name: str) -> None:
        """Forget a server, which comes back without what it had computed."""
        self._known = {root: at for root, at in self._known.items() if at != name}

    def of(self, root: bytes, living: Collection[str]) -> str:
        """The server of a beginning among those that are asked."""
        home = self._known.get(root, "")
        return home if home in living else ranked(root, living)[0]
