"""``proband portrait``: what a model is like as itself, with its instability beside it."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from proband.addresses import open_engine
from proband.cli.choosing import YesOption
from proband.cli.studying import STOPPED, ask_first, folder_of, much, refuse_no_folder, stopped
from proband.cli.talk import emit, out, progress, talk
from proband.errors import DesignError
from proband.models.engine import BaseEngine
from proband.portraits.page import findings_of, summary, told, write_pages
from proband.portraits.portrait import SEED, PortraitPlan, Portrayed, Sitting, chosen, planned, portrait_in, portray
from proband.reports.terminal import terminal
from proband.runs.planning import duration

_FOLDER = "portraits"
_MOST_SHOWN = 3  # batteries that are told whole on a terminal; of more the page tells


def portrait(
    engine: Annotated[str, typer.Argument(help="Who is portrayed: an address, also that of a checkpoint.")],
    only: Annotated[
        str, typer.Option(help="Disciplines or batteries, separated by commas; without it all of them.")
    ] = "",
    against: Annotated[
        str, typer.Option(help="Another engine, which is asked the same, or the folder of a portrait that is there.")
    ] = "",
    quick: Annotated[bool, typer.Option("--quick", help="Fewer items and contexts.")] = False,
    language: Annotated[str, typer.Option(help="BCP 47 tag; batteries without that translation are left out.")] = "en",
    seed: Annotated[
        int, typer.Option(min=0, help="Root of all randomness; the same in portraits that are compared.")
    ] = SEED,
    into: Annotated[
        Path | None, typer.Option(help="Folder of the runs, one a battery, and the page; default portraits/ENGINE.")
    ] = None,
    plan_only: Annotated[bool, typer.Option("--plan", help="Say what it takes, and ask nobody.")] = False,
    yes: YesOption = False,
    json: Annotated[bool, typer.Option("--json", help="Results on stdout as JSON.")] = False,
) -> None:
    """Ask an engine a selection of batteries as itself: scores over contexts, beside people's, and how stable they are.

    The same command again resumes, and nothing already answered is asked twice.

    Example: `proband portrait scripted:uniform --only crt --quick`
    """
    folder = _folder(engine, quick) if into is None else into
    refuse_no_folder(folder)
    names = [name.strip() for name in only.split(",") if name.strip()]
    if only and not names:
        raise DesignError(f"--only {only!r} names nothing; name disciplines or batteries, or leave it out for all")
    batteries = chosen(names)

    def sitting(address: str) -> Sitting:
        return Sitting(engine=open_engine(address), batteries=batteries, is_quick=quick, seed=seed, language=language)

    is_there = bool(against) and Path(against).is_dir()
    sat = sitting(engine)
    sittings = [(sat, folder)]
    if against and not is_there:
        sittings.append((sitting(against), _folder(against, quick) if into is None else into / "against"))
    plans = [planned(one) for one, _ in sittings]
    for (one, _), takes in zip(sittings, plans, strict=True):
        _tell(takes, one.engine)
    if plan_only:
        if json:
            emit({one.engine.address: _plain(takes) for (one, _), takes in zip(sittings, plans, strict=True)})
        return
    if not any(takes.plans for takes in plans[:1]):
        raise DesignError(f"{engine} can take none of these batteries: {next(iter(plans[0].refused.values()))}")
    if not yes:
        ask_first(much(sum(p.trials for p in plans), sum(p.dollars or 0.0 for p in plans)))
    done: list[list[Portrayed]] = []
    with stopped(), progress() as watch:
        for one, where in sittings:
            done.append(portray(one, where, watch=watch, tell=partial(talk.print, soft_wrap=True, markup=False)))
            one.engine.close()
    if all(one.run is None for one in done[0]):
        raise DesignError(f"{engine} could be asked none of these batteries: {done[0][0].refused}")
    others = portrait_in(Path(against)) if is_there else done[1] if against else []
    found = findings_of(done[0])
    page = told(done[0], engine, found, others=others, other_name=against)
    path = write_pages(done[0], page, found, folder)
    if json:
        emit({**page.as_dict(), "report": str(path)})
    else:
        out.print(terminal(page if len(found) <= _MOST_SHOWN else summary(page), out.width))
    talk.print(f"report: {path}", soft_wrap=True, markup=False)
    # A battery that was planned and not asked, e.g. because a server went away, is asked when the command comes again.
    if any(not one.run.is_complete if one.run else one.battery.name in plans[0].plans for one in done[0]):
        raise typer.Exit(STOPPED)


def _folder(engine: str, quick: bool) -> Path:
    return Path(_FOLDER) / (folder_of(engine) + "-quick" * quick)


def _tell(takes: PortraitPlan, engine: BaseEngine) -> None:
    """The plan of a portrait, one line a battery, and the whole."""
    talk.print(f"portrait of {engine.address}", style="bold", markup=False)
    for name, one in takes.plans.items():
        talk.print(f"  {name}: {one.trials:,} trials, {_time(one.seconds)}", markup=False, highlight=False)
    for name, why in takes.refused.items():
        talk.print(f"  {name} is left out: {why}", soft_wrap=True, markup=False, highlight=False)
    price = "price unknown" if takes.dollars is None else f"${takes.dollars:.2f}"
    talk.print(
        f"in all {len(takes.plans)} batteries, {takes.trials:,} trials, {_time(takes.seconds)}, {price}",
        markup=False, highlight=False,
    )  # fmt: skip


def _time(seconds: float | None) -> str:
    return "time unknown" if seconds is None else f"about {duration(seconds)}"


def _plain(takes: PortraitPlan) -> dict[str, object]:
    return {
        "batteries": {name: one.as_dict() for name, one in takes.plans.items()},
        "refused": dict(takes.refused),
        "trials": takes.trials,
        "seconds": takes.seconds,
        "dollars": takes.dollars,
    }
