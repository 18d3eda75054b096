"""What `probe` and `evaluate` share: which questions of a bank are asked, and which stand before them."""

from typing import Annotated

import typer

from proband.cli.tuning.listening import say
from proband.designs.quiz.material import asked_of
from proband.instruments.banks.bank import Bank
from proband.instruments.banks.loading import load_bank

BankArgument = Annotated[
    str, typer.Argument(help="A file, a folder, hub:OWNER/NAME, or an embedded bank: facts.")
]
DomainOption = Annotated[list[str] | None, typer.Option(help="Only this domain; may be given again.")]
LimitOption = Annotated[int | None, typer.Option(help="At most so many questions a domain.")]
ExemplarsOption = Annotated[int, typer.Option(help="Questions a domain set aside as worked ones.")]
UnfitOption = Annotated[bool, typer.Option(help="Leave unfit questions out instead of refusing the bank.")]
SeedOption = Annotated[int, typer.Option(help="Root of all randomness.")]


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
