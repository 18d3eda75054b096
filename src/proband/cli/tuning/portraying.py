"""Portraits of the models of a study of knowledge interventions, each beside its base."""

from functools import partial
from pathlib import Path

from proband.addresses import open_engine
from proband.cli.studying import stopped
from proband.cli.talk import progress, talk
from proband.portraits.page import findings_of, told, write_pages
from proband.portraits.portrait import Portrayed, Sitting, chosen, portray
from proband.tuning.alignment import BASE, Aligned
from proband.tuning.study_file import PortraitsTable


def portray_models(done: Aligned, table: PortraitsTable, into: Path) -> list[Path]:
    """Portray every base and its checkpoints; what is answered already is not asked again. The pages, in that order."""
    pages = []
    batteries = chosen(table.batteries)
    with stopped(), progress() as watch:
        for name, one in done.bases.items():
            folder = into / name if len(done.bases) > 1 else into
            engines = {BASE: one.address} | {model: found.address for model, found in one.checkpoints.items()}
            of_base: list[Portrayed] = []
            for model, address in engines.items():
                talk.print(f"portrait of {model}", markup=False, highlight=False)
                engine = open_engine(address)
                sitting = Sitting(engine=engine, batteries=batteries, is_quick=table.quick, seed=table.seed)
                tell = partial(talk.print, soft_wrap=True, markup=False)
                sat = portray(sitting, folder / model, watch=watch, tell=tell)
                engine.close()
                found = findings_of(sat)
                if not found:
                    continue  # it can take none of these batteries, and each was told why
                page = told(sat, model, found, others=of_base, other_name=BASE)
                pages.append(write_pages(sat, page, found, folder / model))
                of_base = of_base or sat
    return pages
