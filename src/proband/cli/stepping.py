"""What `code` and `review` share: steps of a project carried out one after another, and where it stands afterwards."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import typer

from proband.cli.studying import STOPPED
from proband.cli.talk import emit, talk, tell_steps
from proband.errors import DesignError, meant
from proband.texts.gold.project import Project, Standing
from proband.texts.gold.work import Done, Waiting

_Step = TypeVar("_Step", bound=str)


class _Work(Protocol):
    @property
    def project(self) -> Project: ...

    def standings(self) -> Mapping[Any, Standing]: ...


def steps_asked(step: str | None, go: bool, steps: Iterable[_Step], later: Sequence[_Step] = ()) -> list[_Step]:
    """The steps that are meant: one, all up to it, all but the later ones; none where only the standing is asked for.

    Raises
    ------
    DesignError
        If there is no step of that name.
    """
    before = list(steps)
    if step is None:
        return before if go else []
    names = [*before, *later]
    if step not in names:
        raise DesignError(f"no step {step!r}{meant(step, names)}; the steps are {', '.join(names)}")
    found = next(name for name in names if name == step)
    return [*(before[: before.index(found)] if found in before else before), found] if go else [found]


def go_through(
    work: _Work, steps: Iterable[_Step], carry_out: Callable[[_Step], Mapping[str, Any]], *, go: bool, skips_done: bool
) -> dict[str, Any]:
    """What steps came to, by name; with `go` they end where a person is needed, which then stands under `waiting`."""
    told: dict[str, Any] = {"study": str(work.project.study), "project": str(work.project.folder)}
    for name in steps:
        if skips_done and work.standings()[name].state == "done":
            continue
        try:
            told[name] = carry_out(name)
        except Waiting as waiting:
            if not go:
                raise
            talk.print(f"waiting: {waiting}", soft_wrap=True, markup=False)
            told["waiting"] = str(waiting)
            break
    return told


def tell_done(done: Done) -> None:
    """What a step came to, on stderr."""
    for k, sentence in enumerate(done.told):
        lead = f"{done.step}: " if k == 0 else "  "
        talk.print(lead + sentence, soft_wrap=True, markup=False, highlight=False)


def tell_project(
    work: _Work,
    told: Mapping[str, Any],
    steps: Mapping[Any, str],
    *,
    as_json: bool,
    is_listed: bool,
    later: Mapping[Any, Standing] | None = None,
) -> None:
    """Where the project stands: as JSON with what was `told`, as a list, or both; then end, with 3 where it waits."""
    standings = work.standings()
    coming = next((name for name, held in standings.items() if held.state != "done"), None)
    if as_json:
        emit({**told, "steps": {name: held.as_dict() for name, held in standings.items()}, "next": coming})
    if is_listed:
        following = f"proband {work.project.verb} {work.project.study} {coming}" if coming else ""
        tell_steps(steps, {**standings, **(later or {})}, following)
    if "waiting" in told:
        raise typer.Exit(STOPPED)
