"""Defects of questionnaires: rules over items, without a model and without a parser."""

from proband.instruments.defects.defect import KINDS, Defect, DefectKind
from proband.instruments.defects.judging import defects_of, not_judged

__all__ = ["KINDS", "Defect", "DefectKind", "defects_of", "not_judged"]
