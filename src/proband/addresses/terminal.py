"""``terminal``: a person at this terminal."""

from proband.addresses.opening import Scheme
from proband.instruments.reading import read
from proband.models.terminal import TerminalEngine
from proband.records import Completion, Trial


def _open(rest: str) -> TerminalEngine:
    return TerminalEngine(_unread)


def _unread(trial: Trial, said: str) -> str:
    """Why a line is no answer, by the rules that read it later; a refusal, or not knowing, is one."""
    found = read(Completion(text=said), trial, "terminal")
    if found.status != "unparsed":
        return ""
    reply = trial.reply
    shown = map(". ".join, zip(reply.labels, reply.options, strict=True)) if reply.labels else reply.options
    how = found.error or (trial.card.instruction if trial.card is not None else "")
    return " ".join([part for part in (f"{said!r} is read as no answer.", how, " | ".join(shown)) if part])


SCHEME = Scheme(
    pattern="terminal",
    about="a person at this terminal, asked one question after another",
    open=_open,
    is_person=True,
    only_one="a person at the terminal answers once",
)
