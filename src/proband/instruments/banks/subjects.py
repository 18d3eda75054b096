"""To which domain a subject belongs: the map of Ren et al. (2024), and MMLU's own categories for the rest."""

from collections.abc import Mapping

MMLU_CATEGORIES: Mapping[str, str] = {
    subject: category
    for category, subjects in {
        "biology": "college_biology high_school_biology",
        "business": "business_ethics management marketing",
        "chemistry": "college_chemistry high_school_chemistry",
        "computer science": "college_computer_science computer_security high_school_computer_science machine_learning",
        "culture": "human_sexuality sociology",
        "economics": "econometrics high_school_macroeconomics high_school_microeconomics",
        "engineering": "electrical_engineering",
        "geography": "high_school_geography",
        "health": "anatomy clinical_knowledge college_medicine human_aging medical_genetics nutrition "
        "professional_medicine virology",
        "history": "high_school_european_history high_school_us_history high_school_world_history prehistory",
        "law": "international_law jurisprudence professional_law",
        "math": "abstract_algebra college_mathematics elementary_mathematics high_school_mathematics "
        "high_school_statistics",
        "other": "global_facts miscellaneous professional_accounting",
        "philosophy": "formal_logic logical_fallacies moral_disputes moral_scenarios philosophy world_religions",
        "physics": "astronomy college_physics conceptual_physics high_school_physics",
        "politics": "high_school_government_and_politics public_relations security_studies us_foreign_policy",
        "psychology": "high_school_psychology professional_psychology",
    }.items()
    for subject in subjects.split()
}
"""The 57 subjects of MMLU and their 17 categories, after Hendrycks et al. (2021), arXiv:2009.03300."""

_REN2024_CATEGORIES = {
    "health": "medicine",
    "history": "history",
    "engineering": "engineering",
    **dict.fromkeys(("law", "politics", "culture", "economics", "geography", "psychology"), "jurisprudence"),
}

REN2024_DOMAINS: Mapping[str, str] = {
    subject: _REN2024_CATEGORIES[category]
    for subject, category in MMLU_CATEGORIES.items()
    if category in _REN2024_CATEGORIES
}
"""MMLU subject -> domain as in Ren et al. (2024), arXiv:2402.18243. What it does not name is out of every domain:
"engineering" is one subject, "jurisprudence" is law and all the social sciences."""

XIEZHI_DOMAINS: Mapping[str, str] = {
    "History": "history",
    "Engineering": "engineering",
    "Jurisprudence": "jurisprudence",
}
"""Xiezhi label -> domain as in Ren et al. (2024)."""
