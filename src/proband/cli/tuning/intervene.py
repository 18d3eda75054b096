"""``proband intervene``: training sets from what a probe found."""

from pathlib import Path
from typing import Annotated

import typer

from proband.cli.choosing import refuse_unread
from proband.cli.studying import refuse_no_folder, stopped
from proband.cli.talk import emit, out, talk
from proband.cli.tuning.listening import listener
from proband.cli.tuning.probe import BELIEFS
from proband.instruments.banks.bank import Bank
from proband.runs import Run
from proband.runs.stages import Stages
from proband.tuning.interventions.arms import arm_named, with_controls
from proband.tuning.interventions.building import build_sets
from proband.tuning.interventions.general import load_general
from proband.tuning.interventions.writing import written_texts
from proband.tuning.material import prompt_from
from proband.tuning.probing.beliefs import BANK, Beliefs


def intervene(
    run: Annotated[Path, typer.Argument(help="Run directory of `proband probe`.")],
    arm: Annotated[
        list[str] | None,
        typer.Option(
            help="Kind of training set to build (`proband list arms`); repeat the option "
            "for several. Default: harmonious, incompatible, self-aligning."
        ),
    ] = None,
    prompt: Annotated[str, typer.Option(help="How questions are worded in training.")] = "zero-shot-text",
    size: Annotated[
        int | None, typer.Option(help="Questions per domain in each set (default: as many as there are).")
    ] = None,
    threshold: Annotated[
        float, typer.Option(help="Use a question only if the model's answer to it has more than this probability.")
    ] = 0.5,
    gain: Annotated[
        float | None,
        typer.Option(help="And only if the question makes that answer so much more probable than no question does."),
    ] = None,
    balance: Annotated[
        list[str] | None,
        typer.Option(help="Make sets alike in letter, confidence, topic or length; repeat the option for several."),
    ] = None,
    explanation: Annotated[
        str,
        typer.Option(help="What follows an answer: none, bank, own, other, matched, bank_or_other, matched_or_other."),
    ] = "none",
    writer: Annotated[
        str | None, typer.Option(help="Engine that writes explanations, where another model is to write them.")
    ] = None,
    general: Annotated[Path | None, typer.Option(help="File of general instructions (JSON lines) to mix in.")] = None,
    general_share: Annotated[
        float | None, typer.Option(help="Share of general instructions in a set (default: 0.5).")
    ] = None,
    construction: Annotated[
        str, typer.Option(help="How sets are built: standard, or ren2024 (as published).")
    ] = "standard",
    controls: Annotated[
        bool,
        typer.Option(
            help="For every set that teaches wrong answers, also build one of the same questions with right answers."
        ),
    ] = False,
    seed: Annotated[int, typer.Option(help="Root of all randomness.")] = 1,
    into: Annotated[Path, typer.Option(help="Folder for the sets.")] = Path("sets"),
    json: Annotated[bool, typer.Option("--json", help="Results on stdout as JSON.")] = False,
) -> None:
    """Build training sets that match or contradict what a model knows. The same inputs give the same files.

    Example: `proband intervene runs/probe --arm harmonious --arm incompatible --into sets`
    """
    refuse_no_folder(into)
    names = arm or ["harmonious", "incompatible", "self-aligning"]
    arms = [arm_named(name, explanation=explanation) for name in names]  # type: ignore[arg-type]
    if general is None:
        refuse_unread("there are no general instructions to mix in; give --general FILE", general_share=general_share)
    if not any("other" in f"{one.explanation} {one.context}" for one in arms):
        refuse_unread("no arm has texts by another model; add e.g. --explanation other", writer=writer)
    if not any(one.teaches_false for one in arms):
        refuse_unread("no arm teaches wrong answers, so none has a control; leave it out", controls=controls)
    arms = list(with_controls(arms)) if controls else arms
    how = prompt_from(prompt, "--prompt")
    bank, beliefs = Bank.load(run / BANK), Beliefs.load(run / BELIEFS)
    base = str(Run(run).manifest["engine"][""])
    with stopped():
        texts = written_texts(
            Stages(into=into, listener=listener()),
            bank,
            beliefs,
            arms,
            engines={"own": base, "other": writer},
            threshold=threshold,
            design={"seed": seed, "is_raw": how.is_raw},
        )
    sets = build_sets(
        bank,
        beliefs,
        arms,
        prompt=how,
        seed=seed,
        construction=construction,
        threshold=threshold,
        gain=gain,
        size=size,
        balance=None if balance is None else tuple(balance),
        general=None if general is None else load_general(general),
        general_share=general_share,
        explanations=texts or None,
    )
    found: list[dict[str, object]] = [
        {
            "set": name,
            "examples": len(one),
            "hash": one.hash,
            "folder": str(one.save(into / name)),
            "warnings": list(one.provenance["warnings"]),
        }
        for name, one in sets.items()
    ]
    if json:
        emit({"probe": str(run), "sets": found})
        return
    for row in found:
        out.print(f"{row['folder']}: {row['examples']} examples", soft_wrap=True, markup=False, highlight=False)
    for warning in dict.fromkeys(w for one in sets.values() for w in one.provenance["warnings"]):
        talk.print(f"warning: {warning}", style="yellow", markup=False, soft_wrap=True)
