"""Whose politics a model's own answers are like: its answers as itself regressed on those it gives as others."""

from collections.abc import Mapping, Sequence

from proband.analyses.answers import answers, cautions, expected_scores, measured, tabled, told, unanswered
from proband.analyses.section import Analysis, Cell, Section
from proband.batteries.politics.impersonation import DOSES, ITSELF
from proband.estimates import Estimate
from proband.measures import clustered_mean, clustered_regression
from proband.runs.run import Run

_TOPICS = ("politics", "placebo")


def needs(run: Run) -> str | None:
    """A run of the battery."""
    if (run.manifest.get("design") or {}).get("battery") != "impersonation":
        return "own answers are compared with impersonated ones in runs of the battery impersonation, and this is none"
    return unanswered(run)


def sections(run: Run) -> Sequence[Section]:
    """Slope of own on impersonated answers over statements, by voice; and what a step of dose does."""
    rows: list[tuple[Cell, ...]] = []
    known: list[tuple[str, Estimate]] = []
    for topic in _TOPICS:
        means = _means(run, topic)
        own = means[ITSELF]
        for voice, at in means.items():
            if voice == ITSELF:
                continue
            both = [k for k in own if k in at]
            slope = measured(lambda b=both, x=own, y=at: _slope(b, x, y), "slope of own on impersonated answers")  # type: ignore[misc]
            near = measured(
                lambda b=both, x=own, y=at: clustered_mean([abs(x[k] - y[k]) for k in b], b),  # type: ignore[misc]
                "distance of own from impersonated answers, in points",
            )
            rows.append((topic, voice, len(both), slope, near))
            known.append((f"{topic}, {voice}", slope))
    steps = {topic: measured(lambda t=topic: _dose(run, t), "points a step of dose") for topic in _TOPICS}  # type: ignore[misc]
    slopes = dict(known)
    said = [
        f"Over statements its own answers follow those it gives for the left with a slope of "
        f"{told(slopes['politics, left'])}, and those for the right with {told(slopes['politics, right'])}.",
        f"A step of dose to the right moves answers by {told(steps['politics'])} points; those to statements without "
        f"politics by {told(steps['placebo'])}.",
    ]
    low = (steps["politics"].interval or (0.0, 0.0))[0]
    if not low > 0:
        said.append("The dose does nothing that could be told from 0, so it does not impersonate; slopes say nothing.")
    return [
        Section(
            name="impersonation",
            heading="Whose politics its answers are like",
            chapter="Politics",
            sentences=tuple(said),
            table=tabled(
                {"statements": "text", "voice": "text", "n": "count", "slope": "number", "distance": "number"}, rows,
                "Own answers by those given for others, over statements", side="model",
            ),
            notes=(
                "Each statement is one point: its mean over contexts as itself by its mean as the voice, keyed so that "
                "5 is the right end. Errors are over statements (CR2). Doses are -2, -1, 1 and 2.",
            ),
            warnings=cautions([*known, *((f"dose, {topic}", step) for topic, step in steps.items())]),
        )
    ]  # fmt: skip


def _means(run: Run, topic: str) -> Mapping[str, Mapping[str, float]]:
    """Voice -> statement -> score towards the right."""
    table, found = answers(run), dict[str, dict[str, float]]()
    for scale in run.manifest["design"]["scales"]:
        kind, _, voice = scale["id"].partition("-")
        if kind != topic:
            continue
        at = found.setdefault(voice, {})
        for id_, sign in scale["items"].items():
            scores = expected_scores(run.items[id_], table.filter(table["item"] == id_), ("item",))
            for score in scores.values():
                at[id_.removesuffix(f"-{voice}")] = score if sign > 0 else 6 - score
    return found


def _slope(both: Sequence[str], own: Mapping[str, float], voiced: Mapping[str, float]) -> Estimate:
    x = {"1": [1.0] * len(both), "as another": [voiced[k] for k in both]}
    return clustered_regression([own[k] for k in both], x, cluster=list(both))["as another"]


def _dose(run: Run, topic: str) -> Estimate:
    means = _means(run, topic)
    points = [(score, DOSES[voice], k) for voice, at in means.items() if voice in DOSES for k, score in at.items()]
    scores, doses, statements = zip(*points, strict=True)
    x = {"1": [1.0] * len(doses), "dose": list(doses)}
    return clustered_regression(list(scores), x, cluster=list(statements))["dose"]


ANALYSIS = Analysis(
    name="impersonation",
    about="own answers by those given as people of both sides, dose-response, and a placebo questionnaire",
    needs=needs,
    sections=sections,
    is_quiet=True,
)
