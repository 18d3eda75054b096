"""``proband draft-items``: items drafted for a construct, checked by rules, tried out on personas."""

from pathlib import Path
from typing import Annotated, Any

import typer

from proband.analyses.questionnaires import pilot_section, pretest_section, translation_section
from proband.analyses.section import Section
from proband.cli.choosing import refuse_unread
from proband.cli.studying import folder_about, stopped
from proband.cli.talk import emit, out, progress, talk
from proband.designs import Survey
from proband.designs.design import Design
from proband.errors import DesignError
from proband.instruments import Instrument, load_instrument
from proband.reports import write_findings
from proband.reports.findings import Findings
from proband.reports.terminal import terminal
from proband.runs import Run, collect
from proband.subjects import Population, load_population
from proband.texts.gold.tables import table_text, write_text
from proband.texts.questionnaires.drafting import Drafting, drafts_of, instrument_text
from proband.texts.questionnaires.trying import Translating, pretest, probed, texts_of, there_and_back, translated


def draft_items(
    construct: Annotated[
        str, typer.Argument(help="What the items are to measure, in your words; or an instrument file to try out.")
    ],
    engine: Annotated[str, typer.Option(help="Who drafts, stands for the personas and translates.")],
    items: Annotated[int | None, typer.Option(help="How many items are wanted. Default: 8.")] = None,
    into: Annotated[Path | None, typer.Option(help="Instrument file to write; default items.toml.")] = None,
    pretest: Annotated[int, typer.Option(min=0, help="Personas who say what they understand and what is hard.")] = 0,
    pilot: Annotated[int, typer.Option(min=0, help="Personas who answer, for the distributions to expect.")] = 0,
    translate: Annotated[str, typer.Option(help="Language to translate to and back, by its English name.")] = "",
    population: Annotated[str, typer.Option(help="Where personas come from.")] = "anes-1996",
    seed: Annotated[int, typer.Option(help="Of all draws.")] = 1,
    json: Annotated[bool, typer.Option("--json", help="Everything on stdout as JSON.")] = False,
) -> None:
    """Have an engine draft items for a construct, keep those that pass the rules, and try them out.

    What personas say is synthetic, marked so, and never counted as people's answers.

    Example: `proband draft-items "fear of flying" --engine smollm2 --items 6`
    """
    told: dict[str, Any] = {}
    people = load_population(population).sample(max(pretest, pilot), seed=seed) if pretest or pilot else None
    if construct.lower().endswith((".toml", ".csv")):
        refuse_unread(f"{construct} has its items; only their trial is done", items=items, into=into)
        if not (pretest or pilot or translate):
            raise DesignError(f"{construct} has its items; say how to try it out: --pretest, --pilot or --translate")
        path = Path(construct)
    else:
        path = into or Path("items.toml")
        told = _drafted(construct, 8 if items is None else items, path, engine, seed)
    instrument = load_instrument(path)
    if pilot:
        _refuse_unchosen(instrument, path)
    trial = _Trial(instrument, path, engine, seed)
    sections = []
    if people is not None and pretest:
        sections.append(trial.pretest(people.sample(pretest, seed=seed, weighted=False)))
    if people is not None and pilot:
        sections.append(trial.pilot(people.sample(pilot, seed=seed, weighted=False)))
    if translate:
        sections.append(trial.translation(translate))
    found = Findings(title=f"Trying out {instrument.title}", sections=tuple(sections))
    if sections:
        report = write_findings(found, path.with_name(f"{path.stem}-tried.html"))
        told |= {**found.as_dict(), "report": str(report)}
        talk.print(f"report: {report}", soft_wrap=True, markup=False)
    if json:
        emit(told | {"instrument": str(path)})
    elif sections:
        out.print(terminal(found, out.width, is_whole=True))


def _drafted(construct: str, items: int, path: Path, engine: str, seed: int) -> dict[str, Any]:
    """Write the instrument file of the drafts that pass; what was refused is told with its reason."""
    if path.exists():
        raise DesignError(f"{path}: is there already, perhaps edited; name another with --into, or give it instead")
    if path.suffix.lower() != ".toml":
        raise DesignError(f"--into {path}: a file of items ends in .toml; name it {path.with_suffix('.toml').name}")
    run = _asked(
        Drafting(construct=construct, n_items=items, seed=seed), engine, f"drafts-{path.stem}", construct, str(seed)
    )
    drafts = drafts_of(run, items)
    write_text(path, instrument_text(path.stem, construct, drafts.kept, engine))
    for text, why in drafts.refused:
        talk.print(f"refused: {text!r}: {why}", soft_wrap=True, markup=False, highlight=False)
    for text, key in drafts.kept:
        talk.print(f"{'+' if key > 0 else '-'} {text}", soft_wrap=True, markup=False, highlight=False)
    lack = f", {items} were wanted" if len(drafts.kept) < items else ""
    talk.print(f"{len(drafts.kept)} items in {path}{lack}; nobody has validated them", soft_wrap=True, markup=False)
    kept = [{"text": text, "key": key} for text, key in drafts.kept]
    return {"kept": kept, "refused": [{"text": text, "why": why} for text, why in drafts.refused]}


def _asked(design: Design, engine: str, name: str, *about: str) -> Run:
    """Carry a small design out, in a folder of its own for what it is about: other words are another run."""
    with stopped(), progress() as watch:
        return collect(design, engine, folder_about(name, engine, *about), watch=watch)


def _refuse_unchosen(instrument: Instrument, path: Path) -> None:
    """A pilot tells how many choose each option, of items whose answer is one option."""
    if other := [item for item in instrument.items if item.form not in ("choice", "scale")]:
        raise DesignError(
            f"{path}: item {other[0].id!r} of form {other[0].form!r} has no options of which one is chosen, and a "
            "pilot judges these; make it a choice or a scale, or leave it out"
        )


class _Trial:
    """An instrument that is tried out on an engine."""

    def __init__(self, instrument: Instrument, path: Path, engine: str, seed: int) -> None:
        self.instrument, self.path, self.engine, self.seed = instrument, path, engine, seed

    def _asked(self, design: Design, name: str, *about: str) -> Run:
        return _asked(design, self.engine, f"{name}-{self.path.stem}", self.instrument.hash, str(self.seed), *about)

    def pretest(self, people: Population) -> Section:
        """Probe every persona on every item; all that was said stands in a table beside the instrument."""
        said = probed(self._asked(pretest(self.instrument, people, self.seed), "pretest", people.hash))
        path = self.path.with_name(f"{self.path.stem}-pretest.csv")
        rows = [{"synthetic": "yes", "engine": self.engine, **one._asdict()} for one in said]
        write_text(path, table_text(["synthetic", "engine", *said[0]._fields], rows))
        talk.print(f"all that was said (synthetic): {path}", soft_wrap=True, markup=False)
        return pretest_section(said)

    def pilot(self, people: Population) -> Section:
        """Have personas answer."""
        title = f"Synthetic pilot of {self.instrument.title}"
        design = Survey(instrument=self.instrument, subjects=people, seed=self.seed, title=title)
        return pilot_section(self._asked(design, "pilot", people.hash))

    def translation(self, language: str) -> Section:
        """There, and from what came, back."""
        texts, spoken = texts_of(self.instrument), self.instrument.language
        source = "English" if spoken == "en" else f"the language {spoken!r}"  # who translates back knows of no other
        there = translated(
            self._asked(Translating(texts=texts, spoken=source, wanted=language), "translation", language)
        )
        # Who translates back sees the translation only.
        back = Translating(texts=there, spoken=language, wanted=source)
        return translation_section(
            there_and_back(texts, there, translated(self._asked(back, "back", language))), language
        )
