"""What `probe` and `evaluate` share: which questions of a bank are asked, and what is told of the answers."""

from collections.abc import Sequence
from typing import Annotated

import typer

from proband.cli.choosing import refuse_unread
from proband.cli.talk import emit, out
from proband.cli.tuning.listening import say
from proband.designs.quiz.material import asked_of
from proband.designs.quiz.prompts import Prompt
from proband.instruments.banks.bank import Bank
from proband.instruments.banks.loading import load_bank
from proband.reports import findings
from proband.reports.terminal import terminal
from proband.runs import Run

BankArgument = Annotated[
    str, typer.Argument(help="A file or folder of questions, hub:OWNER/NAME, or facts (comes with Proband).")
]
DomainOption = Annotated[
    list[str] | None, typer.Option(help="Only questions of this domain; repeat the option for several.")
]
LimitOption = Annotated[int | None, typer.Option(help="At most this many questions per domain.")]
ExemplarsOption = Annotated[
    int | None, typer.Option(help="Questions per domain reserved as solved examples (default: 10).")
]
UnfitOption = Annotated[
    bool, typer.Option(help="Leave out questions that cannot be asked, instead of refusing the file.")
]
SeedOption = Annotated[int, typer.Option(help="Root of all randomness.")]


def set_aside(exemplars: int | None, prompts: Sequence[Prompt]) -> int:
    """How many questions of each domain are solved examples: none where no prompt shows any."""
    if any(prompt.shots for prompt in prompts):
        return 10 if exemplars is None else exemplars
    refuse_unread(f"{prompts[0].name} shows no solved examples; leave it out", exemplars=exemplars)
    return 0


def asked(
    source: str, domains: list[str] | None, *, limit: int | None, exemplars: int, drop_unfit: bool, seed: int
) -> tuple[Bank, Bank | None]:
    """The questions that are asked, and those that may stand before them; None where none are wanted."""
    loaded = load_bank(source, drop_unfit=drop_unfit)
    for reason in loaded.left_out[:3]:
        say(f"left out: {reason}")
    if len(loaded.left_out) > 3:
        say(f"left out: {len(loaded.left_out) - 3} more")
    return asked_of(loaded, domains=domains, limit=limit, exemplars=exemplars, seed=seed)


def tell_knowledge(run: Run, *, as_json: bool, **more: object) -> None:
    """What models know, on stdout: sections on a terminal, or everything as JSON."""
    found = findings(run, only=("knowledge",))
    if as_json:
        emit({**found.as_dict(), **more})
    else:
        out.print(terminal(found, out.width))
