"""``proband demo``: the main job, on a real model and real people's answers."""

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from proband.cli.studying import carry_out_and_tell, folder_for
from proband.cli.talk import talk
from proband.designs import Survey
from proband.designs.studies import Study, people_survey
from proband.instruments import load_instrument
from proband.subjects import load_population

ITEMS = ("vote", "clinton-placement", "dole-placement", "tv-news")
SCRIPTED = "scripted:spatial?fact=PID&low=0&high=6&width=0.35&position_bias=0.05&refuse=0.02"


def demo(
    engine: Annotated[
        str, typer.Option(help="Who answers: smollm2 (a real small model), scripted (rules, in seconds), any address.")
    ] = "smollm2",
    n: Annotated[int, typer.Option(help="People to describe to the engine, of the 944 in the file.")] = 100,
    into: Annotated[Path | None, typer.Option(help="Run directory; default runs/demo-ENGINE.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Results on stdout as JSON.")] = False,
) -> None:
    """Ask a language model what real voters were asked in 1996, and compare.

    One persona for each of n respondents of the American National Election Study 1996; the model answers as them,
    and its answers stand beside theirs, with null rows and the human noise floor. Run it again: nothing is asked
    twice.

    Example: `proband demo --engine scripted`
    """
    study = demo_study(engine, n)
    folder = into or folder_for(study)
    carry_out_and_tell(study, folder, as_json=json)
    talk.print(f"to look at every answer in a browser: proband view {quote(str(folder))}", soft_wrap=True, markup=False)


def demo_study(engine: str = "smollm2", n: int = 100) -> Study:
    """The study that the demo carries out.

    Parameters
    ----------
    engine : str
        An address; "scripted" stands for voters placed by party, with a known bias towards what is shown first.
    n : int
        People to sample as personas.
    """
    everybody = load_population("anes-1996")
    instrument = load_instrument("anes-1996").subset(ITEMS)
    survey = Survey(instrument=instrument, subjects=everybody.sample(n, seed=1996), seed=1996, title="demo")
    return Study(survey, SCRIPTED if engine == "scripted" else engine, people=people_survey(survey, everybody))
