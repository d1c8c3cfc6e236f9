# SPDX-License-Identifier: Apache-2.0
"""The part of a report about an exploration: its designs as a chart, the front among them marked, and as a table."""

from __future__ import annotations

import altair as alt

from wsfracbnn.gen.explore.results import Exploration, Result
from wsfracbnn.gen.report.charts import PALETTE, Chart, finished

FRONT, OTHERS = "on the front", "another is better"


def chart_of(exploration: Exploration, number: int) -> Chart | None:
    """Images a second over LUTs of all designs that are bit-exact and routed. number: of the exploration in the page.

    None where there is no such design.
    """
    front = exploration.front
    rows = [
        {
            "fold": result.fold,
            "design": f"{result.fold} on {result.place}",
            "device": result.place,
            "luts": round(figures["luts"]),
            "rate": round(figures["images_per_s"]),
            "mhz": round(figures["fmax_mhz"], 1),
            "is": FRONT if result in front else OTHERS,
        }
        for result in exploration.results
        if (figures := result.figures) is not None
    ]
    if not rows:
        return None
    places = list(dict.fromkeys(str(row["device"]) for row in rows))
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=alt.X("luts:Q", title="LUTs, routed", scale=alt.Scale(zero=False, nice=True, padding=30)),
        y=alt.Y("rate:Q", title="images/s", scale=alt.Scale(zero=True, nice=True)),
    )
    marks = base.mark_point(filled=True, size=120).encode(
        color=alt.value(PALETTE[0]),
        opacity=alt.condition(f"datum.is === '{FRONT}'", alt.value(1), alt.value(0.4)),
        shape=alt.Shape(
            "device:N",
            title=None,
            scale=alt.Scale(domain=places),
            legend=alt.Legend(orient="top", direction="vertical", labelLimit=400) if len(places) > 1 else None,
        ),
        tooltip=["design:N", "luts:Q", "rate:Q", alt.Tooltip("mhz:Q", title="MHz"), "is:N"],
    )
    line = base.transform_filter(f"datum.is === '{FRONT}'").mark_line(
        interpolate="step-after", strokeDash=[4, 3], color=PALETTE[0]
    )
    names = (
        base.transform_filter(f"datum.is === '{FRONT}'")
        .mark_text(align="center", dy=-14, fontSize=12)
        .encode(text="fold:N")
    )
    pale = len(rows) - len(front)
    return Chart(
        f"exploration_{number}",
        f"Speed against area: {exploration.network}",
        "Each point is a design at the clock of its fastest seed. Those of the front, with their names, are not beaten "
        f"by another in LUTs, images/s and clock at once{f'; {pale} others are pale' if pale else ''}.",
        "Points: images a second over LUTs of each design explored.",
        finished(alt.layer(line, marks, names).properties(width="container", height=320)),
    )


def verdict_of(exploration: Exploration, result: Result) -> str:
    """What became of a design, in words."""
    if result.figures is None:
        if result.images and not result.bit_exact:
            return "NOT bit-exact"
        return "; ".join(result.failures) or "not simulated"
    parts = [f"bit-exact in {result.images} images"]
    if result in exploration.front:
        parts.append("on the front")
    if exploration.best is not None and result == exploration.results[exploration.best]:
        parts.append("the best")
    parts += exploration.wanted.broken(result.figures)
    return ", ".join(parts)
