"""``proband list``: what there is to choose from."""

from typing import Annotated

import typer
from rich.markup import escape

from proband.cli.talk import emit, out
from proband.errors import DesignError


def list_(
    what: Annotated[str, typer.Argument(help="instruments, populations or engines.")],
    json: Annotated[bool, typer.Option("--json", help="On stdout as JSON.")] = False,
) -> None:
    """List instruments, populations or engines, one a line.

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
    raise DesignError(f"nothing to list under {what!r}; there are instruments, populations and engines")
