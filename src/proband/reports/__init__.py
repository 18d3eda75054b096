"""What a run says, on every face: terminal, page, JSON and notebook."""

from proband.reports.figures import draw, save_figure
from proband.reports.findings import Findings, findings
from proband.reports.page import page, write_findings, write_report

__all__ = ["Findings", "draw", "findings", "page", "save_figure", "write_findings", "write_report"]
