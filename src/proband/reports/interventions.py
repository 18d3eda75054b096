"""A study of knowledge interventions as findings: the same page, terminal and data as any other study."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from proband.analyses.intervention_verdicts import whole
from proband.analyses.interventions import sections_of
from proband.errors import StoreError
from proband.reports.findings import Findings
from proband.reports.page import write_findings
from proband.tuning.analysis import findings as tuning

_LIMITS = (
    "These numbers describe this base model, these domains and this training recipe. A supported difference need not "
    "come from agreement with what the model knows where the training sets differ in other things, which stand beside "
    "each verdict."
)
_METHODS = (
    "Accuracy is the share of questions whose most probable option is the right one. Arms are compared on the "
    "same questions and, seed by seed, on runs; intervals (95 %) are for other questions and other trainings at "
    "once: the variance of a mean over crossed runs and questions, with degrees of freedom between those of "
    "questions and of runs, and domains as strata that count alike. Shares have score intervals, differences of "
    "shares Bonett and Price's adjustment, divergences t intervals on the logarithm. With one seed an interval is "
    "about questions only. Consistency is the mean over questions of Spearman's correlation between the options' "
    "probabilities before and after training, both under the prompt of the evaluation. Rows of the method ren2024 "
    "reproduce the paper's code: dense ranks, undefined questions counted as 0, the few-shot base model as "
    "reference (so that a change of prompt is part of the number), one run, no interval. The partial correlation "
    "ranks and shuffles within domains, with consistency and accuracy from different halves of the questions. "
    "Noise alone gives such correlations, too: accuracy is compared with that of the base model's own probabilities "
    "under Gaussian noise on their logarithms at equal consistency, question by question (the delta method), and the "
    "claim is about how this excess differs between more and less consistent mixtures. "
    "Published numbers: Ren et al. (2024), Learning or Self-aligning?, ACL 2024, 6090-6105. arXiv:2402.18243"
)


def intervention_findings(found: tuning.Findings) -> Findings:
    """What the analysis of a study found, for every face."""
    judged = whole(found)
    outcomes = Counter(verdict.outcome for verdict in judged)
    plan = found.plan
    models = _count(plan["n_models"], "tuned model")
    parts = ", ".join(_count(len(plan[f"{what}s"]), what) for what in ("arm", "domain", "seed"))
    told = ", ".join(f"{outcomes[name]} {name}" for name in ("supported", "contradicted", "undecided"))
    n = _count(len(judged), "verdict")
    models = f"{models} of {_count(len(plan['bases']), 'base model')}" if plan["bases"] else models
    against = "them" if plan["bases"] else "the base model"
    lead = f"{models} ({parts}) against {against}"
    lead += f": of {n} on the paper's claims, {told} at this size." if judged else "."
    return Findings(
        title=found.title,
        sections=tuple(sections_of(found)),
        lead=(lead,),
        facts=_facts(found),
        is_plan_last=True,
        methods=_METHODS,
        warnings=found.warnings,
        limits=_LIMITS,
    )


def write_interventions(found: tuning.Findings, path: str | Path) -> Path:
    """Write the page of a study, its JSON twin beside it, and every estimate as CSV.

    Parameters
    ----------
    found : Findings
        From `analyse`.
    path : path
        The HTML file. It loads nothing from anywhere: scripts, styles and data are inside.

    Returns
    -------
    pathlib.Path
        The HTML file; its twins have the same name and end in ``.json`` and ``.csv``.

    Raises
    ------
    StoreError
        If the name does not end in ``.html``, or the files cannot be written.
    """
    told = intervention_findings(found)
    written = write_findings(told, path)
    numbers = written.with_suffix(".csv")
    try:
        told.table().write_csv(numbers)
    except OSError as error:
        raise StoreError(f"{numbers}: cannot be written ({error.strerror}); choose another folder") from None
    return written


def _facts(found: tuning.Findings) -> Mapping[str, str]:
    plan = found.plan
    others = f"; all models also under {_listed(plan['asks'][1:])}" if len(plan["asks"]) > 1 else ""
    weights = f" (weights {plan['base_weights']})" if plan["base_weights"] else ""
    facts = {
        "Base model": f"{plan['base']}{weights}",
        "Test bank": f"{plan['bank']} ({plan['bank_hash']})",
        "Arms": _listed(plan["arms"]),
        "Domains": _listed(plan["domains"]),
        "Seeds": _listed(plan["seeds"]),
        "Prompts": f"{plan['ask']} for the evaluation, {plan['base_ask']} for the probe{others}",
        "Questions": "; ".join(f"{test}: {n:,}" for test, n in plan["tests"].items()),
        "Without answer": "; ".join(f"{model}: {n}" for model, n in plan["lost"].items()),
    }
    return {name: text for name, text in facts.items() if text}


def _listed(names: Sequence[object]) -> str:
    return ", ".join(map(str, names))


def _count(n: int, one: str) -> str:
    return f"{n} {one}{'' if n == 1 else 's'}"
