"""``proband show``: the exact text an engine would receive."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from proband import runs
from proband.cli.choosing import EngineOption, StudyArgument, chosen, refuse_unread
from proband.cli.talk import emit, talk
from proband.errors import DesignError
from proband.instruments.codebooks.files import load_codebook
from proband.societies.design import Society
from proband.societies.written.odd import odd_page


def show(
    study: StudyArgument,
    place: Annotated[str, typer.Argument(help="Trial, as SUBJECT/ITEM/..., or its beginning; default the first.")] = "",
    after: Annotated[Path | None, typer.Option(help="A run whose answers come before, for conversations.")] = None,
    engine: EngineOption = None,
    odd: Annotated[bool, typer.Option("--odd", help="Of a world by tables: its ODD page, in Markdown.")] = False,
    json: Annotated[bool, typer.Option("--json", help="The text on stdout inside JSON.")] = False,
) -> None:
    """Print exactly what an engine would receive for one trial; nothing is sent.

    Of a codebook, what coders read: `proband show codebook sentiment`

    Example: `proband show examples/anes1996.toml 17/vote`
    """
    if str(study) == "codebook" and place:
        refuse_unread("a codebook is not asked of anybody yet; leave it out", after=after, engine=engine)
        book = load_codebook(place)
        if json:
            emit({"codebook": book.id, "hash": book.hash, "text": book.preamble})
        else:
            sys.stdout.write(book.preamble + "\n")
        return
    found = chosen(study, engine)
    if odd:
        refuse_unread("an ODD page tells the whole world; leave it out", after=after, place=place or None)
        if not isinstance(found.design, Society):
            raise DesignError(f"{study}: no society, of which an ODD page could be written; leave --odd out")
        page = odd_page(found.design)
        emit({"study": found.name, "odd": page}) if json else sys.stdout.write(page + "\n")
        return
    if not found.design.is_adaptive:
        refuse_unread("no trial of this study depends on earlier answers; leave it out", after=after)
    answered = None if after is None else runs.Run(after).responses()
    text = runs.show(found, place=place, answered=answered)
    if found.design.is_adaptive and after is None:
        talk.print("note: some trials depend on earlier answers; --after RUN shows them as they are asked then")
    if json:
        emit({"study": found.name, "engine": found.answered_by, "text": text})
    else:
        sys.stdout.write(text + "\n")
