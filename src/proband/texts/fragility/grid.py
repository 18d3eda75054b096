"""The grid: every way of asking that was as defensible as the locked one, as coders of a coding."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from proband.addresses.opening import address_beside
from proband.designs.studies import Study
from proband.errors import DesignError, meant
from proband.instruments.codebooks import Codebook, load_codebook
from proband.instruments.items import Instrument
from proband.texts.coders import Coder
from proband.texts.design import Coding
from proband.texts.fragility.settings import FragilityTable, WordingTable

Order = Literal["both", "rotations", "as_written", "reversed"]
AnswerBy = Literal["option_text", "option_text_mean", "label", "channel", "written"]
FACTORS = ("wording", "order", "method", "engine", "temperature")
LOCKED = "locked"  # name of the wording that was locked
MOST = 200  # cells of a grid
_UNASKED = ("learned", "dictionary", "codes", "human")  # engines that read neither the question nor its codes


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """A cell of the grid.

    Attributes
    ----------
    name : str
        Of its coder in runs.
    levels : mapping of str to str
        Its level of every factor, as tables have them; empty where it has none.
    coder : Coder
        How it is asked, all repeats together.
    address : str
        Of its engine.
    is_locked : bool
        Whether it is what was locked.
    """

    name: str
    levels: Mapping[str, str]
    coder: Coder
    address: str
    is_locked: bool

    def differs_in(self, other: "Arm") -> list[str]:
        """Factors in which it differs from another."""
        return [factor for factor in FACTORS if self.levels[factor] != other.levels[factor]]


def is_asked(address: str) -> bool:
    """Whether an engine reads questions and codes, so that another wording of them is another treatment."""
    return address.partition(":")[0] not in _UNASKED


def arms_of(table: FragilityTable, locked: Coder, address: str, engines: Mapping[str, str], folder: Path) -> list[Arm]:
    """Cells of the grid, the locked one first; those that would be asked the same thing are one.

    Parameters
    ----------
    table : FragilityTable
        What is varied.
    locked, address : Coder, str
        The locked coder and its engine.
    engines : mapping of str to str
        Coders of the study and their engines.
    folder : Path
        Where addresses of files start.

    Raises
    ------
    DesignError
        If nothing is varied, something is varied that no cell shows, or there are too many cells.
    """
    if table.replicates < 1 or not 0 < table.threshold < 1 or any(t < 0 for t in table.temperatures):
        raise DesignError(
            f"coding.fragility: replicates {table.replicates}, threshold {table.threshold}, temperatures "
            f"{table.temperatures}; give 1 replicate or more, a threshold between 0 and 1, temperatures from 0 on"
        )
    named = {wording.name for wording in table.wordings}
    if len(named) < len(table.wordings) or LOCKED in named:
        raise DesignError(f'coding.fragility.wordings: each needs a name of its own, and "{LOCKED}" is the locked one')
    methods = list(dict.fromkeys([locked.answer_by, *table.methods]))
    if table.temperatures and "written" not in methods:
        raise DesignError('coding.fragility.temperatures: only written replies have one; add methods = ["written"]')
    addresses = {address: "locked engine"} | {
        engines.get(name) or address_beside(name, folder): name for name in table.engines
    }
    levels = (
        list(dict.fromkeys([LOCKED, *(wording.name for wording in table.wordings)])),
        list(dict.fromkeys([locked.order, *table.orders])),
        methods,
        [address, *(found for found in addresses if found != address)],
        list(dict.fromkeys([locked.temperature, *table.temperatures])),
    )
    arms: dict[tuple[object, ...], Arm] = {}
    for cell in itertools.product(*levels):
        wording, order, method, engine, temperature = _asked(cell, locked)
        differs = sum(one != other for one, other in zip(cell, (level[0] for level in levels), strict=True))
        if table.grid == "one_by_one" and differs > 1:
            continue
        told = {
            "wording": str(wording), "order": "" if method == "channel" else str(order), "method": str(method),
            "engine": addresses[engine] if engine != address else "locked engine",
            "temperature": f"{temperature:g}" if method == "written" else "",
        }  # fmt: skip
        key = tuple(told.values())
        if key not in arms:
            how = replace(
                locked, name=f"arm{len(arms) + 1:02d}", order=order, answer_by=method, temperature=temperature,
                replicates=locked.replicates * table.replicates,
            )  # fmt: skip
            arms[key] = Arm(name=how.name, levels=told, coder=how, address=engine, is_locked=not arms)
    if len(arms) < 2:
        raise DesignError(
            "coding.fragility: nothing is varied that this coder would notice; give wordings, orders, methods, engines "
            "or temperatures beside the locked ones"
        )
    if len(arms) > MOST:
        raise DesignError(
            f'coding.fragility: {len(arms)} cells are more than {MOST}; vary less, or set grid = "one_by_one"'
        )
    return list(arms.values())


def _asked(cell: tuple[str, Order, AnswerBy, str, float], locked: Coder) -> tuple[str, Order, AnswerBy, str, float]:
    """A cell as it is asked: what its engine or method does not show is as it was locked."""
    wording, order, method, engine, temperature = cell
    if not is_asked(engine):
        return LOCKED, "as_written", "option_text", engine, 0.0
    return (
        wording,
        (locked.order if method == "channel" else order),
        method,
        engine,
        (temperature if method == "written" else 0.0),
    )


def wording_of(wording: WordingTable, book: Instrument, folder: Path) -> Instrument:
    """A codebook in other words, with the same questions and codes.

    Raises
    ------
    DesignError
        If it names what the codebook does not have, or its questions or codes are others.
    """
    where = f"coding.fragility.wordings ({wording.name!r})"
    if wording.codebook:
        path = folder / wording.codebook
        other: Instrument = load_codebook(path if path.suffix == ".toml" else wording.codebook)
        there = [item.id for item in other.items]
        if lost := [item.id for item in book.items if item.id not in there]:
            raise DesignError(f"{where}: no question {lost[0]!r} in {wording.codebook}{meant(lost[0], there)}")
        other = other.subset(tuple(item.id for item in book.items))
        for item in book.items:
            if (other[item.id].options, other[item.id].form) != (item.options, item.form):
                raise DesignError(
                    f"{where}: {item.id!r} has the codes {', '.join(other[item.id].options)} in {wording.codebook}, "
                    f"and {', '.join(item.options)} in the locked codebook; a wording changes no codes"
                )
        book = other
    ids = [item.id for item in book.items]
    for id in (*wording.questions, *wording.definitions):
        if id not in ids:
            raise DesignError(f"{where}: no question {id!r}{meant(id, ids)}; there are {', '.join(ids)}")
    book = replace(book, items=tuple(replace(i, text=wording.questions.get(i.id, i.text)) for i in book.items))
    if (wording.definitions or wording.introduction) and not isinstance(book, Codebook):
        raise DesignError(f"{where}: definitions and introduction are a codebook's, and {book.id!r} is none")
    if isinstance(book, Codebook):
        codes = dict(book.codes)
        for id, said in wording.definitions.items():
            labels = [code.label for code in codes.get(id, ())]
            if strange := [label for label in said if label not in labels]:
                raise DesignError(f"{where}: no code {strange[0]!r} of {id!r}{meant(strange[0], labels)}")
            codes[id] = tuple(replace(code, definition=said.get(code.label, code.definition)) for code in codes[id])
        book = replace(book, codes=codes, introduction=wording.introduction or book.introduction)
    return book


def studies_of(design: Coding, arms: Sequence[Arm], wordings: Sequence[WordingTable], folder: Path) -> dict[str, Study]:
    """A study a wording, whose coders are the cells of the grid with it.

    Parameters
    ----------
    design : Coding
        What was locked, on the documents that are asked.
    arms : sequence of Arm
        Cells.
    wordings, folder : sequence of WordingTable, Path
        Other wordings, and where their files are.
    """
    books = {LOCKED: (design.codebook, "")}
    books |= {wording.name: (wording_of(wording, design.codebook, folder), wording.framing) for wording in wordings}
    found = {}
    for name, (book, framing) in books.items():
        if own := [arm for arm in arms if arm.levels["wording"] == name]:
            coders = tuple(replace(arm.coder, framing=framing or arm.coder.framing) for arm in own)
            made = replace(design, codebook=book, coders=coders)
            found[name] = Study(made, {arm.name: arm.address for arm in own})
    return found
