"""Figures of knowledge interventions: differences, curves over ratios, consistency against accuracy."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from proband.estimates import Estimate
from proband.reports.figures import LIGHT
from proband.tuning.analysis.accuracy import ALL_DOMAINS, Contrast
from proband.tuning.analysis.findings import Findings

# The four inks differ in lightness as well as hue, and series also differ in shape.
_INKS = (LIGHT["model"], LIGHT["people"], LIGHT["null"], LIGHT["ink"])
_SHAPES = ("circle", "diamond", "square", "triangle-up", "cross", "triangle-down")
_ROW = 27  # px of height for one difference
_HEIGHT = 260


def contrasts_figure(found: Sequence[Contrast]) -> alt.LayerChart:
    """Differences in accuracy with their intervals, one line each.

    Parameters
    ----------
    found : sequence of Contrast
        Of one domain, or the means of domains.
    """
    values = [
        {"row": f"{one.arm} − {one.against}, {one.test}", "test": one.test} | _numbers(one.estimate)
        for one in found
    ]
    base = alt.Chart(alt.Data(values=values)).encode(
        y=alt.Y("row:N", title=None, sort=None, axis=alt.Axis(labelPadding=10, labelLimit=420)),
        tooltip=[
            alt.Tooltip("row:N", title="difference"),
            alt.Tooltip("value:Q", title="accuracy", format="+.1%"),
            alt.Tooltip("low:Q", title="from", format="+.1%"),
            alt.Tooltip("high:Q", title="to", format="+.1%"),
        ],
    )
    x = alt.X("value:Q", title="difference in accuracy", axis=alt.Axis(format="+%", tickCount=5))
    zero = alt.Chart(alt.Data(values=[{"zero": 0}])).mark_rule(color=LIGHT["muted"], strokeDash=[4, 3])
    return alt.layer(
        zero.encode(x="zero:Q"),
        base.mark_rule(strokeWidth=2, color=LIGHT["model"]).encode(x=alt.X("low:Q"), x2="high:Q"),
        base.mark_point(filled=True, size=90, opacity=1, color=LIGHT["model"]).encode(x=x),
    ).properties(
        width="container",
        height=len(values) * _ROW,
        description="Differences in accuracy between arms, with intervals",
    )


def curve_figure(findings: Findings, test: str, of: str) -> alt.LayerChart:
    """Accuracy or divergence by share of own answers, a line a domain and the mean of domains with its intervals.

    Parameters
    ----------
    findings : Findings
        With a `curve`.
    test : str
        Which test.
    of : {"accuracy", "kl"}
        What is drawn.
    """
    here = [point for point in findings.curve if point.test == test]
    domains = list(dict.fromkeys(point.domain for point in here))
    values = [{"domain": point.domain, "ratio": point.ratio} | _numbers(getattr(point, of)) for point in here]
    colour, shape = _series(domains)
    is_share = of == "accuracy"
    y = alt.Y(
        "value:Q",
        title="accuracy" if is_share else "KL from the base model (nats)",
        scale=alt.Scale(zero=False, padding=12) if is_share else alt.Scale(domainMin=0, nice=True),
        axis=alt.Axis(format="%" if is_share else "", tickCount=5, grid=True),
    )
    x = alt.X("ratio:Q", title="share of the model's own answers", axis=alt.Axis(format="%", tickCount=6))
    form = ".1%" if is_share else ".3f"
    base = alt.Chart(alt.Data(values=values)).encode(
        x=x,
        color=colour,
        tooltip=[
            alt.Tooltip("domain:N", title="domain"),
            alt.Tooltip("ratio:Q", title="own answers", format=".0%"),
            alt.Tooltip("value:Q", title=of, format=form),
            alt.Tooltip("low:Q", title="from", format=form),
            alt.Tooltip("high:Q", title="to", format=form),
        ],
    )
    main = ALL_DOMAINS if ALL_DOMAINS in domains else domains[0]
    is_main = f"datum.domain == {main!r}"
    return alt.layer(
        base.transform_filter(is_main).mark_rule(strokeWidth=2).encode(y=alt.Y("low:Q"), y2="high:Q"),
        base.mark_line(strokeWidth=1.5, opacity=0.75).encode(y=y),
        base.mark_point(filled=True, size=70, opacity=1).encode(y=y, shape=shape),
    ).properties(
        width="container",
        height=_HEIGHT,
        description=f"{of} on {test} questions by share of the model's own answers",
    )


def scatter_figure(findings: Findings, test: str) -> alt.LayerChart:
    """Consistency with the base model against accuracy, with a regression line over the mixtures of each domain.

    Parameters
    ----------
    findings : Findings
        With `points`.
    test : str
        Which test.
    """
    here = [point for point in findings.points if point.test == test]
    domains = list(dict.fromkeys(point.domain for point in here))
    colour, shape = _series(domains)
    values = [
        {
            "domain": point.domain,
            "arm": point.arm,
            "consistency": point.consistency,
            "accuracy": point.accuracy,
        }
        for point in here
    ]
    fitted = [
        {"domain": line.domain, "consistency": end, "accuracy": line.intercept + line.slope * end}
        for line in findings.lines
        if line.test == test
        for end in (line.low, line.high)
    ]
    x = alt.X(
        "consistency:Q",
        title="mean rank correlation with the base model",
        scale=alt.Scale(zero=False, padding=16),
        axis=alt.Axis(tickCount=5),
    )
    y = alt.Y(
        "accuracy:Q",
        title="accuracy",
        scale=alt.Scale(zero=False, padding=16),
        axis=alt.Axis(format="%", tickCount=5, grid=True),
    )
    return alt.layer(
        alt.Chart(alt.Data(values=fitted))
        .mark_line(strokeWidth=1.5, opacity=0.75)
        .encode(x=x, y=y, color=colour),
        alt.Chart(alt.Data(values=values))
        .mark_point(filled=True, size=80, opacity=1)
        .encode(
            x=x,
            y=y,
            color=colour,
            shape=shape,
            tooltip=[
                alt.Tooltip("domain:N"),
                alt.Tooltip("arm:N"),
                alt.Tooltip("consistency:Q", format=".3f"),
                alt.Tooltip("accuracy:Q", format=".1%"),
            ],
        ),
    ).properties(
        width="container",
        height=_HEIGHT + 40,
        description=f"Consistency with the base model and accuracy on {test} questions, by domain",
    )


def _series(domains: Sequence[str]) -> tuple[alt.Color, alt.Shape]:
    inks = [_INKS[k % len(_INKS)] for k in range(len(domains))]
    shapes = [_SHAPES[k % len(_SHAPES)] for k in range(len(domains))]
    legend = alt.Legend(title=None) if len(domains) > 1 else None
    return (
        alt.Color("domain:N", scale=alt.Scale(domain=list(domains), range=inks), legend=legend),
        alt.Shape("domain:N", scale=alt.Scale(domain=list(domains), range=shapes), legend=legend),
    )


def _numbers(found: Estimate) -> dict[str, Any]:
    low, high = found.interval or (None, None)
    return {"value": found.as_dict()["value"], "low": low, "high": high}
