"""How important what happened is, asked once for each text, whoever remembers it.

What an agent perceives waits until the importance of its words is known; then it is a memory. A text is asked as a
cell, so it is asked once in a society, in any round or arm. One that was refused is remembered all the same, with an
importance that is not known; nothing stands in for it.
"""

from collections.abc import Sequence

from proband.instruments.items import Item
from proband.societies.agents.memory import UNKNOWN, WAITING, known_importance, remember
from proband.societies.asking import OUTSIDE
from proband.societies.state import State
from proband.societies.world import Ask, Heard

IMPORTANCE = Item(
    id="importance",
    text="On a scale of 1 to 10, how much does this matter to the one who remembers it? 1 is of no account (brushing "
    "one's teeth, making the bed), 10 changes a life (a separation, being admitted to a college).",
    form="scale",
    options=tuple(map(str, range(1, 11))),
)


def perceive(
    state: State, agent: int, text: str, *, event: int = -1, kind: str = "seen", importance: float | None = None
) -> None:
    """Have an agent remember something: at once where its importance is given or known, else once it was asked.

    See `remember` for the parameters; `importance` None asks for it, in the turn that `importance_asks` gives next.
    """
    known = known_importance(state, text) if importance is None else importance
    if known is not None:
        remember(state, agent, text, event=event, importance=known, kind=kind)
        return
    state.values.setdefault(WAITING, []).append([int(agent), int(event), text, kind, state.round])


def importance_asks(state: State, *, answerer: str = "") -> list[Ask]:
    """One question for each text whose importance is not known yet; put to nobody in the world (`World.outside`)."""
    texts = dict.fromkeys(row[2] for row in state.values.get(WAITING, ()))
    return [
        Ask(
            item=IMPORTANCE, told=f"Somebody remembers: {text}", cell=(("memory", text),), archetype=OUTSIDE,
            answerer=answerer, facts=(("memory", text),),
        )
        for text in texts
    ]  # fmt: skip


def is_importance(heard: Heard) -> bool:
    """Whether this answers one of `importance_asks`."""
    return heard.ask.item.id == IMPORTANCE.id


def hear_importance(state: State, heard: Sequence[Heard]) -> None:
    """Make memories of what waited; call it in `advance` with the answers to `importance_asks`."""
    known = {one.ask.facts[0][1]: _points(one) for one in heard if is_importance(one)}
    waits = []
    for row in state.values.pop(WAITING, ()):
        agent, event, text, kind, round = row
        if text in known:
            remember(state, agent, text, event=event, importance=known[text], kind=kind, round=round)
        else:
            waits.append(row)
    if waits:
        state.values[WAITING] = waits


def _points(heard: Heard) -> float:
    """The expected value where there are probabilities: everybody who remembers it takes the same."""
    if not heard.is_valid:
        return UNKNOWN
    probs, answer = heard.response.probs, heard.response.answer
    return round(sum(p * (k + 1) for k, p in enumerate(probs)), 6) if probs else float(answer) + 1  # type: ignore[arg-type]
