import pytest

from proband.literature.evidence.passages import spans_of
from proband.literature.evidence.sentences import Shown
from proband.literature.records.library import library_of
from proband.literature.records.record import Record

PAPERS = (
    ("Defaults and organ donation", "Ahn, Mi; Bo, Ed; Cy, Al", 2011, "Health Psychology", "We randomly assigned 412 adults in Norway to an opt-in or an opt-out form. Consent was higher under the opt-out form (68% against 41%; OR = 3.06, 95% CI 2.04 to 4.58). The default did not change how satisfied people were with their choice. The study was funded by the Norwegian Research Council."),  # noqa: E501
    ("Defaults fade when people are told", "Dahl, Ea", 2014, "Journal of Choice", "In a randomised controlled trial with 230 students we told half of them that a default had been set for them. Disclosure did not reduce the effect of the default (d = 0.05, 95% CI -0.21 to 0.31). All participants were recruited at a single university, which limits generalisation."),  # noqa: E501
    ("Green defaults in the household", "Eik, Bo; Fro, Di", 2016, "Energy and People", "A field experiment with 1,540 households compared two tariffs. Most households stayed with the green tariff when it was the default. Opting out was rare and did not depend on income. Funding: Ministry of Energy, grant 77-12."),  # noqa: E501
    ("A meta-analysis of nudges", "Gade, Ly; Hoy, Jo; Ida, Mo", 2019, "Review of Interventions", "We pooled 58 studies with 21,733 participants. The mean effect was small and positive (d = 0.21, 95% CI 0.14 to 0.28). Studies that were not preregistered reported larger effects. Funnel plots suggested publication bias."),  # noqa: E501
    ("Feedback and hand hygiene", "Jul, An; Kim, Su", 2008, "Journal of Hospital Practice", "In 14 wards we compared peer feedback with usual practice. Compliance rose from 49% to 61% with feedback and was unchanged without it. There was no retention of the effect after three months. The wards were not randomised."),  # noqa: E501
    ("Reminders do little for saving", "Lund, Pa", 2012, "Journal of Choice", "A survey experiment with 890 customers of a bank tested monthly reminders. Reminders increased deposits by 4% only among customers who had set a goal. Customers without a goal saved no more than before."),  # noqa: E501
    ("Social norms on the energy bill", "Mork, Ty; Nes, Vi", 2010, "Energy and People", "Households that were shown the consumption of their neighbours reduced their own by 2.1% over twelve months. Households that already consumed little consumed more afterwards. Adding an approving face removed this effect."),  # noqa: E501
    ("Framing of risk to patients", "Opal, Ru; Pil, Ga", 2005, "Health Psychology", "In a cross-sectional survey of 305 patients, losses weighed heavier than gains. Patients who saw survival rates chose surgery more often than patients who saw mortality rates. Age and education made no difference."),  # noqa: E501
    ("Small plates, small meals?", "Quist, Ne", 2018, "Appetite and Context", "We served lunch to 96 volunteers on small or large plates. Plate size had no significant effect on intake (p = .43). The result contradicts earlier reports from the same laboratory. No external funding was received."),  # noqa: E501
    ("Commitment contracts for smokers", "Rask, Ib; Sol, Aa; Tun, My", 2015, "Health Psychology", "Smokers who signed a deposit contract were more likely to have stopped after six months than controls (RR = 1.42, 95% CI 1.08 to 1.87; N = 618). Only 11% of those who were offered a contract accepted it."),  # noqa: E501
    ("Priming does not move donations", "Ulv, Er; Ved, Ki", 2020, "Review of Interventions", "Three preregistered replications with 1,205 participants found no effect of priming on donations (d = -0.02, 95% CI -0.13 to 0.09). The original study had 38 participants. We conclude that the effect is unlikely to be real."),  # noqa: E501
    ("Simplified letters and tax", "Wik, Ol; Yde, Fi", 2017, "Journal of Choice", "Tax payers who received a simplified letter paid 9 days earlier on average. The letters cost nothing in addition. A threat of audits was more effective than simplification, but complaints increased."),  # noqa: E501
)  # fmt: skip


@pytest.fixture(scope="session")
def library():
    return library_of(
        Record(title=title, authors=tuple(names.split("; ")), year=year, venue=venue, abstract=text)
        for title, names, year, venue, text in PAPERS
    )


@pytest.fixture(scope="session")
def ids(library):
    """By family name of the first author, the id of the record."""
    return {record.authors[0].split(",")[0]: id for id, record in library.records.items()}


@pytest.fixture(scope="session")
def shown(library):
    """Every sentence of every abstract."""
    return Shown.of(library, spans_of(library.corpus()))
