"""To which domain a subject belongs: the map of Ren et al. (2024), and MMLU's own categories for the rest."""

from collections.abc import Mapping

from proband.files import beside

_TABLES: Mapping[str, Mapping[str, str]] = beside(__file__)
MMLU_CATEGORIES = {subject: category for category, names in _TABLES["mmlu"].items() for subject in names.split()}
"""The 57 subjects of MMLU and their 17 categories, after Hendrycks et al. (2021), arXiv:2009.03300."""
_REN2024 = _TABLES["ren2024"]
REN2024_DOMAINS = {name: _REN2024[category] for name, category in MMLU_CATEGORIES.items() if category in _REN2024}
"""MMLU subject -> domain as in Ren et al. (2024), arXiv:2402.18243. What it does not name is out of every domain:
"engineering" is one subject, "jurisprudence" is law and all the social sciences."""
XIEZHI_DOMAINS = _TABLES["xiezhi"]
"""Xiezhi label -> domain as in Ren et al. (2024)."""
FOLDER_DOMAINS = _TABLES["folders"]
"""Folder of the published files -> domain, where they are named otherwise."""
