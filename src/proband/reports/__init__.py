"""What a run says: comparison with people, tables, figures, prose, and the report page."""

from proband.reports.comparison import LIMITS, Comparison, ItemComparison, compare
from proband.reports.figures import distance_ladder, means_figure, overview_figure, save_figure, shares_figure
from proband.reports.methods import methods_paragraph
from proband.reports.page import write_report
from proband.reports.tables import ResultRow, results_rows, row_cells

__all__ = [
    "LIMITS",
    "Comparison",
    "ItemComparison",
    "ResultRow",
    "compare",
    "distance_ladder",
    "means_figure",
    "methods_paragraph",
    "overview_figure",
    "results_rows",
    "row_cells",
    "save_figure",
    "shares_figure",
    "write_report",
]
