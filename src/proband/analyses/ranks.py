"""Which of several models knows most, and which cannot be told apart."""

from collections.abc import Sequence

from proband.analyses.answers import Form, cautions, listed, tabled
from proband.analyses.quizzed import ALL, CHAPTER, Quizzed, mean_over_questions
from proband.analyses.section import Analysis, Cell, Figure, Section, limits
from proband.errors import DataError, DesignError
from proband.estimates import Estimate
from proband.measures import Ranking, ranking
from proband.runs.run import Run
from proband.tuning.probing.beliefs import bank_of

_MOST_PAIRS = 120
_FORMS: dict[str, Form] = {
    "domain": "text", "model": "text", "questions": "count", "right": ("share", "model"), "rank": "number"
}  # fmt: skip


def needs(run: Run) -> str | None:
    """Several models that were asked the same questions."""
    design = run.manifest["design"] or {}
    if design.get("design") != "quiz" or bank_of(run) is None:
        return "models are ranked by questions with right answers, and this run has none whose options were scored"
    if len(design.get("models") or ()) < 2:
        return "one model has no rank; name several, e.g. models = [...], each with an engine of its own"
    if run.table()["probs"].null_count() == run.table().height:
        return "nothing was answered yet"
    return None


def sections(run: Run) -> Sequence[Section]:
    """For each prompt that several models were asked under: ranks, in every domain and over all, and all pairs."""
    bank = bank_of(run)
    if bank is None:
        return ()
    quizzed = Quizzed(run, bank)
    found: list[Section] = []
    for ask in dict.fromkeys(ask for _, ask in quizzed.places):
        models = [model for model, name in quizzed.places if name == ask]
        if len(models) > 1:
            found += _ranked(quizzed, ask, models)
    return found


def _ranked(quizzed: Quizzed, ask: str, models: Sequence[str]) -> list[Section]:
    right = {model: quizzed.right((model, ask)) for model in models}
    shared = [id for id in right[models[0]] if all(id in known for known in right.values())]
    domains = {d: [q.id for q in quizzed.bank.of(d) if q.id in set(shared)] for d in quizzed.bank.domains}
    domains = {domain: ids for domain, ids in domains.items() if ids}
    if len(domains) > 1:
        domains[ALL] = shared
    rows: list[tuple[Cell, ...]] = []
    doubts: list[tuple[str, Estimate]] = []
    last: Ranking | None = None
    reasons: list[str] = []
    for domain, ids in domains.items():
        try:
            last = ranking({model: [right[model][id] for id in ids] for model in models})
        except (DataError, DesignError) as error:
            reasons.append(f"{domain}: {error}")
            continue
        for model, rank in last.ranks.items():
            known = quizzed.right((model, ask), ids)
            share = mean_over_questions(known, "share", f"share of {domain} questions answered right")
            rows.append((domain, model, len(ids), share, rank))
        doubts += [(domain, rank) for rank in last.ranks.values()]
    if last is None:
        return []
    where = "" if len(quizzed.prompts) == 1 else f"-{ask}"
    under = "" if len(quizzed.prompts) == 1 else f", prompt {ask}"
    return [
        Section(
            name=f"ranks{where}",
            heading=f"Ranks{under}",
            chapter=CHAPTER,
            sentences=(_best(last),),
            table=tabled(
                _FORMS,
                rows,
                "Share answered right, and rank with an interval that holds for all models at once",
                digits=0,
            ),
            figure=Figure(
                form="intervals",
                rows=tuple({"label": model, "side": "model", **limits(rank)} for model, rank in last.ranks.items()),
                caption="Rank of each model over all questions, 1 is best",
            ),
            notes=(
                "A rank's interval counts the models that are shown to be better, and those shown to be worse, all "
                "pairs tested together (Mogstad et al. 2024).",
                *((f"The row {ALL} is the mean over all questions, beside the domains it is made of.",)
                  if len(domains) > 1 else ()),
            ),
            warnings=(*reasons, *cautions(doubts)),
        ),
        _pairs(last, where, under),
    ]  # fmt: skip


def _best(found: Ranking) -> str:
    first = [model for model, rank in found.ranks.items() if rank.interval and rank.interval[0] <= 1]
    if len(first) == 1:
        return f"{first[0]} is shown to be the best of {len(found.ranks)} models."
    return f"Which of {listed(first)} is the best cannot be told from these questions."


def _pairs(found: Ranking, where: str, under: str) -> Section:
    rows: list[tuple[Cell, ...]] = [
        (a, b, gap, gap.p_value, found.adjusted[a, b]) for (a, b), gap in list(found.pairs.items())[:_MOST_PAIRS]
    ]
    clear = sum(p <= 0.05 for p in found.adjusted.values())
    return Section(
        name=f"ranks-pairs{where}",
        heading=f"Every two models{under}",
        chapter=CHAPTER,
        sentences=(f"{clear} of {len(found.pairs)} pairs are told apart, all pairs taken together.",),
        table=tabled(
            {"model": "text", "less": "text", "difference": "points", "p, alone": "p", "p, all pairs": "p"},
            rows,
            "Difference in the share answered right, over the same questions",
            is_folded=len(rows) > 30,
        ),
        notes=(f"p, all pairs: {found.method}, one-sided, signs of questions' differences flipped.",),
    )


ANALYSIS = Analysis(
    name="ranks",
    about="ranks of several models with intervals, and every pair compared, all pairs tested together",
    needs=needs,
    sections=sections,
    is_quiet=True,
)
