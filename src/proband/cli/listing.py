"""``proband list``: what there is to choose from, also in packages beside Proband."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from proband.cli.talk import emit, out
from proband.errors import DesignError
from proband.shelves import HOUSE, Shelf

if TYPE_CHECKING:
    from proband.designs.quiz.prompts import Prompt

_WHAT = "instruments, populations, engines, rules, kinds, analyses, banks, prompts or arms"


def list_(
    what: Annotated[str, typer.Argument(help=f"{_WHAT[0].upper()}{_WHAT[1:]}.")],
    json: Annotated[bool, typer.Option("--json", help="On stdout as JSON.")] = False,
) -> None:
    """List what there is to choose from, one a line; what comes from another package says so.

    Example: `proband list instruments`
    """
    rows = _rows(what)
    if json:
        emit({what: rows})
        return
    for row in rows:
        name, title = escape(str(row["name"])), escape(str(row["title"]))
        package = row.get("package", HOUSE)
        source = "" if package == HOUSE else f"  [dim]from {escape(str(package))}[/dim]"
        out.print(f"[bold]{name}[/bold]  {title}{source}", soft_wrap=True, highlight=False)


def _rows(what: str) -> list[dict[str, object]]:
    if what == "instruments":
        from proband.instruments.files import INSTRUMENTS, catalogue

        return _shelved(INSTRUMENTS, catalogue())
    if what == "populations":
        from proband.subjects.files import POPULATIONS
        from proband.subjects.files import catalogue as populations

        return _shelved(POPULATIONS, populations())
    if what == "engines":
        from proband.addresses import SCHEMES

        rows = _shelved(SCHEMES, SCHEMES.lines(lambda scheme: scheme.about))
        patterns = {name: scheme.pattern for name, scheme in SCHEMES.loaded().items()}
        return [row | {"name": patterns.get(str(row["name"]), row["name"])} for row in rows]
    if what == "rules":
        from proband.models.rules import RULES

        return _shelved(RULES, RULES.lines(lambda rule: str(rule.__doc__).partition("\n")[0]))
    if what == "kinds":
        from proband.designs.kind import KINDS

        return _shelved(KINDS, KINDS.lines(lambda kind: kind.about))
    if what == "analyses":
        from proband.analyses.section import ANALYSES

        return _shelved(ANALYSES, ANALYSES.lines(lambda analysis: analysis.about))
    if what == "banks":
        from proband.instruments.banks.embedded import EMBEDDED

        return [{"name": name, "title": title} for name, title in EMBEDDED.items()]
    if what == "prompts":
        from proband.designs.quiz.prompts import PROMPTS

        return [{"name": name, "title": _prompt_title(prompt)} for name, prompt in PROMPTS.items()]
    if what == "arms":
        from proband.tuning.interventions.arms import ABOUT

        arms: list[dict[str, object]] = [{"name": name, "title": about} for name, about in ABOUT.items()]
        mixed = "questions it gets wrong; its own answer is taught for a share R of them, the right one for the rest"
        return [*arms, {"name": "mixture-R", "title": mixed}]
    raise DesignError(f"nothing to list under {what!r}; there are {_WHAT}")


def _shelved(shelf: Shelf[Any], lines: Mapping[str, str]) -> list[dict[str, object]]:
    return [{"name": name, "title": line, "package": shelf.package(name)} for name, line in lines.items()]


def _prompt_title(prompt: "Prompt") -> str:
    shown = "options shown" if prompt.shows_options else "options not shown"
    examples = f"{prompt.shots} solved examples" if prompt.shots else "no examples"
    again = f", {prompt.draws} different sets of them" if prompt.draws > 1 else ""
    scored = prompt.answer_by.replace("_", " ")
    return f"{prompt.template}, {examples}{again}, scored by {scored}, {shown}"
