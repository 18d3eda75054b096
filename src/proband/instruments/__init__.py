"""What is asked, in which words, how an answer is read, and how it is scored."""

from proband.instruments.files import catalogue, instrument_from_dict, load_instrument
from proband.instruments.items import Instrument, Item, Rule, Scale
from proband.instruments.reading import read
from proband.instruments.scoring import keyed_scores, scale_matrix, scale_scores, score_scales

__all__ = ["Instrument", "Item", "Rule", "Scale", "catalogue", "instrument_from_dict", "keyed_scores"]
__all__ += ["load_instrument", "read", "scale_matrix", "scale_scores", "score_scales"]
