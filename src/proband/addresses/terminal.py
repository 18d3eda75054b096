"""``terminal``: a person at this terminal."""

from proband.addresses.opening import Scheme
from proband.models.terminal import TerminalEngine


def _open(rest: str) -> TerminalEngine:
    return TerminalEngine()


SCHEME = Scheme(pattern="terminal", about="a person at this terminal, asked one question after another", open=_open)
