"""``proband list``: what there is to choose from."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from proband.cli.talk import emit, out
from proband.errors import DesignError

if TYPE_CHECKING:
    from proband.designs.quiz.prompts import Prompt


def list_(
    what: Annotated[str, typer.Argument(help="instruments, populations, engines, banks, prompts or arms.")],
    json: Annotated[bool, typer.Option("--json", help="On stdout as JSON.")] = False,
) -> None:
    """List instruments, populations, engines, banks, prompts or arms, one a line.

    Example: `proband list instruments`
    """
    rows = _rows(what)
    if json:
        emit({what: rows})
        return
    for row in rows:
        name, title = escape(str(row["name"])), escape(str(row["title"]))
        out.print(f"[bold]{name}[/bold]  {title}", soft_wrap=True, highlight=False)


def _rows(what: str) -> list[dict[str, object]]:
    if what == "instruments":
        from proband.instruments import catalogue, load_instrument

        found = [load_instrument(name) for name in catalogue()]
        return [
            {"name": i.id, "title": f"{i.title} ({len(i.items)} items; {i.licence})", "items": len(i.items)}
            for i in found
        ]
    if what == "populations":
        from proband.subjects.files import catalogue as populations

        return [
            {"name": name, "title": f"{file.title} ({file.licence})"} for name, file in populations().items()
        ]
    if what == "engines":
        from proband.models.addresses import engines

        return [{"name": pattern, "title": line} for pattern, line in engines()]
    if what == "banks":
        from proband.instruments.banks.embedded import EMBEDDED

        return [{"name": name, "title": title} for name, title in EMBEDDED.items()]
    if what == "prompts":
        from proband.designs.quiz.prompts import PROMPTS

        return [{"name": name, "title": _prompt_title(prompt)} for name, prompt in PROMPTS.items()]
    if what == "arms":
        from proband.tuning.interventions.arms import ABOUT

        rows: list[dict[str, object]] = [{"name": name, "title": about} for name, about in ABOUT.items()]
        mixed = "questions it gets wrong; its own answer is taught for a share R of them, the right one for the rest"
        return [*rows, {"name": "mixture-R", "title": mixed}]
    raise DesignError(
        f"nothing to list under {what!r}; there are instruments, populations, engines, banks, prompts and arms"
    )


def _prompt_title(prompt: "Prompt") -> str:
    shown = "options shown" if prompt.shows_options else "options not shown"
    examples = f"{prompt.shots} solved examples" if prompt.shots else "no examples"
    again = f", {prompt.draws} different sets of them" if prompt.draws > 1 else ""
    scored = prompt.answer_by.replace("_", " ")
    return f"{prompt.template}, {examples}{again}, scored by {scored}, {shown}"
