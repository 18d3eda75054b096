"""``proband vignettes``: a construct and factors become texts, which code checks."""

from pathlib import Path
from typing import Annotated

import typer

from proband.cli.choosing import refuse_unread
from proband.cli.studying import stopped
from proband.cli.talk import emit, out, progress, talk
from proband.designs.experiments.material import Vignettes, read_vignettes
from proband.designs.experiments.spans import unmarked
from proband.designs.experiments.vignettes import (
    Drafting,
    VignetteFile,
    chosen,
    filled,
    problems,
    read_vignette_file,
    write_vignettes,
)
from proband.errors import DesignError
from proband.instruments.defects.reading_level import reading_grade
from proband.runs import collect


def vignettes(
    file: Annotated[Path, typer.Argument(help="Vignette file (TOML): construct, factors, perhaps a template.")],
    engine: Annotated[str | None, typer.Option(help="Who drafts a template, where the file has none.")] = None,
    into: Annotated[Path | None, typer.Option(help="CSV file of the texts; default FILE.csv beside FILE.toml.")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Check the CSV file as it was edited; nothing is written.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="The texts on stdout as JSON.")] = False,
) -> None:
    """Write one text for every combination of levels, check that they differ where they should, and re-check them.

    Example: `proband vignettes suspects.toml --check`
    """
    described, path = read_vignette_file(file), into or file.with_suffix(".csv")
    if described.template or check:
        refuse_unread("nothing is drafted; take the template out of the file to have one drafted", engine=engine)
    if not check and path.exists():
        raise DesignError(f"{path}: is there already, perhaps edited; --check checks it, --into writes another")
    made = read_vignettes(path) if check else _made(described, file, engine)
    if set(made.factors) != set(described.factors):
        raise DesignError(
            f"{path}: its factors are {', '.join(made.factors)}, those of {file} {', '.join(described.factors)}; name "
            "the columns like the factors"
        )
    if found := problems(made, described.limits):
        raise DesignError(*(f"{path if check else file}: {problem}" for problem in found))
    if not check:
        write_vignettes(made, path)
    rows = [
        {**dict(zip(made.factors, levels, strict=True)), "text": text, "words": len(unmarked(text).split())}
        for levels, text in made.texts.items()
    ]
    if json:
        emit({"vignettes": rows, "file": str(path)})
        return
    for row, text in zip(rows, made.texts.values(), strict=True):
        level = f"{row['words']} words, grade {reading_grade(unmarked(text)):.1f}"
        out.print(f"{', '.join(str(row[name]) for name in made.factors)} ({level})", style="bold", markup=False)
        out.print(text, soft_wrap=True, markup=False, highlight=False)
    talk.print(f"{'checked' if check else 'written'}: {path}", soft_wrap=True, markup=False)


def _made(described: VignetteFile, file: Path, engine: str | None) -> Vignettes:
    """From the template of the file, or from drafts, which are kept as a run."""
    if described.template:
        return filled(described.template, described.factors)
    folder = Path("runs") / f"vignettes-{file.stem}"
    with stopped(), progress() as watch:
        run = collect(Drafting(file=described, seed=described.seed), engine or described.engine, folder, watch=watch)
    return chosen([str(r.answer) for r in run.responses().values() if r.answer is not None], described)
