"""Who is asked: personas, populations from microdata, weights and raking."""

from proband.subjects.files import catalogue, inspect_population, load_population
from proband.subjects.microdata import Microdata, inspect_microdata, read_microdata
from proband.subjects.personas import Field, PersonaFormat, Subject, describe
from proband.subjects.populations import Population
from proband.subjects.synthetic import from_joint, from_margins
from proband.weighting import RakedWeights, kish_n_eff, rake

__all__ = ["Field", "Microdata", "PersonaFormat", "Population", "RakedWeights", "Subject", "catalogue", "describe"]
__all__ += ["from_joint", "from_margins", "inspect_microdata", "inspect_population", "kish_n_eff", "load_population"]
__all__ += ["rake", "read_microdata"]
