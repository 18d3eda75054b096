"""``proband list``: what there is to choose from, also in packages beside Proband."""

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from proband.cli.talk import emit, out
from proband.errors import DesignError, ProbandError
from proband.shelves import HOUSE, Shelf

Rows = list[dict[str, object]]


# What is listed is imported when it is asked for: `proband list runs` opens no catalogue.
def _shelf(module: str, name: str) -> Rows:
    """Entries of a shelf; of a shelf of files the lines are those of its catalogue."""
    room = import_module(module)
    shelf: Shelf[Any] = getattr(room, name)
    lines = room.catalogue() if shelf.suffix else shelf.lines(lambda entry: str(getattr(entry, "about", entry.__doc__)))
    return [
        {"name": name, "title": line.partition("\n")[0], "package": shelf.package(name)} for name, line in lines.items()
    ]


def _engines() -> Rows:
    from proband.addresses import SCHEMES

    patterns = {name: scheme.pattern for name, scheme in SCHEMES.loaded().items()}
    rows = _shelf("proband.addresses", "SCHEMES")
    return [row | {"name": patterns.get(str(row["name"]), row["name"])} for row in rows]


def _banks() -> Rows:
    from proband.instruments.banks.embedded import EMBEDDED

    return [{"name": name, "title": title} for name, title in EMBEDDED.items()]


def _prompts() -> Rows:
    from proband.designs.quiz.prompts import PROMPTS

    rows: Rows = []
    for name, prompt in PROMPTS.items():
        shown = "options shown" if prompt.shows_options else "options not shown"
        examples = f"{prompt.shots} solved examples" if prompt.shots else "no examples"
        again = f", {prompt.draws} different sets of them" if prompt.draws > 1 else ""
        scored = prompt.answer_by.replace("_", " ")
        title = f"{prompt.template}, {examples}{again}, scored by {scored}, {shown}"
        rows.append({"name": name, "title": title})
    return rows


def _arms() -> Rows:
    from proband.tuning.interventions.arms import ABOUT

    mixed = "questions it gets wrong; its own answer is taught for a share R of them, the right one for the rest"
    rows: Rows = [{"name": name, "title": about} for name, about in ABOUT.items()]
    return [*rows, {"name": "mixture-R", "title": mixed}]


def _studies() -> Rows:
    """Study files here and in folders beside."""
    from proband.designs.kind import KINDS
    from proband.files import parsed, text_of

    rows: Rows = []
    for path in sorted([*Path().glob("*.toml"), *Path().glob("*/*.toml")]):
        try:
            data = parsed(text_of(path, what="study file", error=DesignError), path, error=DesignError)
        except DesignError:
            continue
        kinds = [kind for kind in KINDS if isinstance(data.get(kind), dict)]
        rows += [{"name": str(path), "title": f"{data.get('title', '')} ({kind})"} for kind in kinds]
    return rows


def _scenarios() -> Rows:
    """Scenarios in code, and those that are a study file alone."""
    from proband.designs.catalogue import SCENARIOS as FOLDER
    from proband.files import parsed

    rows = _shelf("proband.societies.scenario", "SCENARIOS")
    in_code = {row["name"] for row in rows}
    for path in sorted(FOLDER.glob("*.toml")):
        if path.stem.replace("_", "-") not in in_code:
            data = parsed(path.read_text(encoding="utf-8"), path, error=DesignError)
            rows.append({"name": path.stem.replace("_", "-"), "title": f"{data['title']} (by tables)"})
    return sorted(rows, key=lambda row: str(row["name"]))


def _on_the_shelf() -> Rows:
    """Classic studies that ship."""
    from proband.designs.catalogue import titles

    return [{"name": f"shelf:{name}", "title": title} for name, title in titles().items()]


def _runs() -> Rows:
    """Runs in the folder ``runs``."""
    from proband.runs import Run

    rows: Rows = []
    for path in sorted(Path("runs").glob("*/journal.sqlite")):
        try:
            run = Run(path.parent)
            state = "complete" if run.is_complete else "unfinished"
            title = f"{run.manifest['name']} ({sum(run.dispositions().values()):,} answers, {state})"
        except ProbandError as error:
            title = f"cannot be used: {error}"
        rows.append({"name": str(path.parent), "title": title})
    return rows


LISTS: Mapping[str, Callable[[], Rows]] = {
    "kinds": partial(_shelf, "proband.designs.kind", "KINDS"),
    "scenarios": _scenarios,
    "games": partial(_shelf, "proband.designs.games.game", "GAMES"),
    "instruments": partial(_shelf, "proband.instruments.files", "INSTRUMENTS"),
    "codebooks": partial(_shelf, "proband.instruments.codebooks.files", "CODEBOOKS"),
    "batteries": partial(_shelf, "proband.batteries.battery", "BATTERIES"),
    "populations": partial(_shelf, "proband.subjects.files", "POPULATIONS"),
    "engines": _engines,
    "rules": partial(_shelf, "proband.models.rules", "RULES"),
    "theories": partial(_shelf, "proband.societies.agents.theory", "THEORIES"),
    "analyses": partial(_shelf, "proband.analyses.section", "ANALYSES"),
    "banks": _banks,
    "prompts": _prompts,
    "arms": _arms,
    "studies": _studies,
    "shelf": _on_the_shelf,
    "runs": _runs,
}
_WHAT = ", ".join(LISTS)


def list_(
    what: Annotated[str, typer.Argument(help=f"{_WHAT[0].upper()}{_WHAT[1:]}.")],
    json: Annotated[bool, typer.Option("--json", help="On stdout as JSON.")] = False,
) -> None:
    """List what there is to choose from, one a line; what comes from another package says so.

    Example: `proband list instruments`
    """
    if what not in LISTS:
        raise DesignError(f"nothing to list under {what!r}; there are {_WHAT}")
    rows = LISTS[what]()
    if json:
        emit({what: rows})
        return
    for row in rows:
        name, title = escape(str(row["name"])), escape(str(row["title"]))
        package = row.get("package", HOUSE)
        source = "" if package == HOUSE else f"  [dim]from {escape(str(package))}[/dim]"
        out.print(f"[bold]{name}[/bold]  {title}{source}", soft_wrap=True, highlight=False)
