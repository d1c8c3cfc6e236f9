# SPDX-License-Identifier: Apache-2.0
"""The report's charts as Vega-Lite specifications. Colours of text and lines are the page's, which knows the theme."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from wsfracbnn.gen.design import NOMINAL_MHZ
from wsfracbnn.gen.report.facts import AROUND, ENGINE, DesignFacts
from wsfracbnn.gen.report.simulated import SimulatorRun
from wsfracbnn.gen.synthesis.cached import PartArea

PALETTE = ("#3d7ebd", "#c0651a", "#2b8a63", "#9a5fb4", "#b3484f", "#7a7a3a")
"""Of the designs in their order; each stands out from white and from black by 3 to 1 or more."""

BAR_STEP = 20
"""Height of a bar with its gap, in pixels."""

GROUP_STEP, GROUP_GAP = 16, 6
"""The same of a bar in a group, and what stands between groups."""

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Chart:
    """A chart of the page.

    key: its place in the page. title, caption: above and below it. label: what it shows, for readers who do not see it.
    spec: Vega-Lite.
    """

    key: str
    title: str
    caption: str
    label: str
    spec: dict[str, Any]


def charts_of(designs: Sequence[DesignFacts]) -> list[Chart]:
    """Every chart that there are figures for."""
    return [*_work(designs), *_gates(designs), *_areas(designs), *_comparison(designs), *_occupancies(designs)]


def colours_of(designs: Sequence[DesignFacts]) -> dict[str, str]:
    """The colour of each design, by its label."""
    return {design.label: PALETTE[number % len(PALETTE)] for number, design in enumerate(designs)}


def stage_order(designs: Sequence[DesignFacts]) -> list[str]:
    """Names of all stages in dataflow order: those of the deepest network, which hold those of the others."""
    deepest = max(designs, key=lambda design: len(design.stages))
    names = [stage.name for stage in deepest.stages]
    return names + [s.name for design in designs for s in design.stages if s.name not in names]


def _work(designs: Sequence[DesignFacts]) -> Iterator[Chart]:
    rows = [
        {"design": design.label, "stage": stage.name, "value": stage.hardware.cycles}
        for design in designs
        for stage in design.stages
    ]
    ticks = [
        {"design": design.label, "stage": stage.name, "value": round(stage.busy * design.cycles)}
        for design in designs
        for stage in design.stages
        if stage.busy is not None
    ]
    caption = "Bars: by the folding solver's formula, the most of engine, input and output. " + (
        "Marks: cycles that the engine was at work in the simulation." if ticks else "Nothing was simulated."
    )
    yield Chart(
        "work",
        "Cycles of work an image",
        caption,
        "Bars: cycles of work an image of each stage.",
        _bars(designs, rows, "cycles", ticks, "cycles at work, simulated"),
    )


def _gates(designs: Sequence[DesignFacts]) -> Iterator[Chart]:
    rows = [
        {"design": design.label, "stage": stage.name, "value": round(100 * stage.hardware.gates_open, 2)}
        for design in designs
        for stage in design.stages
        if stage.hardware.gates_open is not None
    ]
    if rows:
        yield Chart(
            "gates",
            "Gates open",
            "Share of outputs whose lower bits are computed, on the test images, as the network's description says.",
            "Bars: share of open gates of each gated layer.",
            _bars(designs, rows, "open gates, %"),
        )


_RESOURCES: dict[str, tuple[str, Callable[[PartArea], int]]] = {
    "luts": ("LUTs", lambda area: area.luts),
    "flip_flops": ("Flip-flops", lambda area: area.flip_flops),
    "block_rams": ("Block RAMs", lambda area: area.block_rams),
}


def _areas(designs: Sequence[DesignFacts]) -> Iterator[Chart]:
    for key, (title, count) in _RESOURCES.items():
        rows: Rows = []
        ticks: Rows = []
        for design in designs:
            for part in design.parts:
                if part.area is not None:
                    entry = {"design": design.label, "stage": part.name, "is": part.area_is}
                    rows.append(entry | {"value": count(part.area)})
                    if part.measured is not None and part.estimated is not None:
                        ticks.append(entry | {"value": count(part.estimated), "is": "estimated"})
        if rows:
            family = designs[0].family.title  # "Lattice ECP5 (LUT4)"
            family = family if key == "luts" else family.partition(" (")[0]
            yield Chart(
                f"area_{key}",
                f"{title} on {family}",
                _where_areas_are_from(designs),
                f"Bars: {title} of each stage.",
                _bars(designs, rows, title, ticks, f"{title}, estimated"),
            )


def _where_areas_are_from(designs: Sequence[DesignFacts]) -> str:
    """Which designs' areas were measured, in words."""
    measured = [design.label for design in designs if design.total.measured is not None]
    others = [design.label for design in designs if design.total.measured is None]
    parts = []
    if measured:
        parts.append(f"Measured in Yosys's netlist: {'; '.join(measured)}. Marks: the area model's estimate.")
    if others:
        parts.append(f"Estimated by the area model, pale: {'; '.join(others)}.")
    return " ".join(parts)


def _comparison(designs: Sequence[DesignFacts]) -> Iterator[Chart]:
    rows = [
        {
            "design": design.label,
            "luts": area.luts,
            "rate": round(design.rate),
            "clock": f"{design.mhz:.1f} MHz, {'routed' if design.routed else 'nominal'}",
            "is": design.total.area_is,
        }
        for design in designs
        if (area := design.total.area) is not None
    ]
    if len(rows) < 2:
        return
    points = alt.Chart(alt.InlineData(values=rows)).encode(
        x=alt.X("luts:Q", title=f"LUTs on {designs[0].family.title}", scale=alt.Scale(zero=True, nice=True)),
        y=alt.Y("rate:Q", title="images/s", scale=alt.Scale(zero=True, nice=True)),
        tooltip=["design:N", "luts:Q", "is:N", "rate:Q", "clock:N"],
    )
    marks = points.mark_point(filled=True, size=140, opacity=1).encode(
        color=_colour(designs, legend=False), shape=alt.Shape("design:N", legend=None)
    )
    names = points.mark_text(align="center", dy=-14, fontSize=12).encode(text="design:N")
    yield Chart(
        "comparison",
        "Speed against area",
        f"Images a second at the routed clock where there is one, else at a nominal {NOMINAL_MHZ} MHz.",
        "Points: images a second over LUTs of each design.",
        finished(alt.layer(marks, names).properties(width="container", height=300)),
    )


def _occupancies(designs: Sequence[DesignFacts]) -> Iterator[Chart]:
    for number, design in enumerate(designs, start=1):
        run = design.simulation.observed if design.simulation else None
        if run is not None:
            yield _measured_occupancy(number, design, run)
        else:
            yield _estimated_occupancy(number, design, designs)


def _measured_occupancy(number: int, design: DesignFacts, run: SimulatorRun) -> Chart:
    interval = design.design.occupancy_interval
    rows = [
        {"stage": name, "from": place * interval, "to": (place + 1) * interval, "value": round(100 * n / interval, 1)}
        for name, counts in run.occupancy.items()
        for place, n in enumerate(counts)
    ]
    chart = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_rect()
        .encode(
            x=alt.X("from:Q", title="cycles since the first pixel", axis=alt.Axis(format="~s"), scale=_tight()),
            x2="to:Q",
            y=alt.Y("stage:N", title=None, sort=list(run.occupancy)),
            color=alt.Color(
                "value:Q",
                title="at work, %",
                scale=alt.Scale(scheme="viridis", domain=[0, 100]),
                legend=alt.Legend(orient="bottom", gradientLength=200),
            ),
            tooltip=["stage:N", "from:Q", "to:Q", alt.Tooltip("value:Q", title="at work, %")],
        )
        .properties(width="container", height=BAR_STEP * len(run.occupancy))
    )
    return Chart(
        f"occupancy_{number}",
        f"Engines at work over time: {design.label}",
        f"Measured in the simulation, in intervals of {interval:,} cycles. Dark is idle.",
        "Heat map: how busy the engine of each stage was over time.",
        finished(chart),
    )


def _estimated_occupancy(number: int, design: DesignFacts, designs: Sequence[DesignFacts]) -> Chart:
    rows = [
        {
            "design": design.label,
            "stage": stage.name,
            "value": round(100 * stage.hardware.cycles / design.design.cycles, 1),
            "is": "estimated",
        }
        for stage in design.stages
    ]
    share = "stage's cycles over the busiest stage's, once the pipeline is full"
    if design.design.one_engine:
        share = "layer's share of an image's cycles"
    return Chart(
        f"occupancy_{number}",
        f"Stages at work: {design.label}",
        f"Estimated: each {share}. A simulation of this build would show it over time.",
        "Bars: estimated share of the time that each stage is at work.",
        _bars(designs, rows, "at work, % (estimated)"),
    )


def _bars(
    designs: Sequence[DesignFacts], rows: Rows, title: str, ticks: Rows | None = None, ticks_are: str = ""
) -> dict[str, Any]:
    """Horizontal bars of "value", a group for each "stage" with a bar for each "design"; pale where "is" estimated.

    ticks: values of the same, each shown as a mark across its bar.
    """
    present = [design for design in designs if any(row["design"] == design.label for row in rows)]
    names = [name for name in (*stage_order(designs), ENGINE, AROUND) if any(row["stage"] == name for row in rows)]
    grouped = len(present) > 1

    def placed(values: Rows) -> alt.Chart:
        return alt.Chart(alt.InlineData(values=values)).encode(
            y=alt.Y("stage:N", sort=names, title=None, axis=alt.Axis(domain=False, ticks=False)),
            x=alt.X("value:Q", title=title, axis=alt.Axis(tickMinStep=1)),
            yOffset=alt.YOffset("design:N", sort=[d.label for d in present]) if grouped else alt.Undefined,
        )

    bars = placed(rows)
    kinds = ["design:N", "stage:N", alt.Tooltip("value:Q", title=title, format=",")]
    marks = bars.mark_bar(cornerRadiusEnd=2).encode(
        color=_colour(designs, legend=grouped),
        opacity=alt.condition("datum.is === 'estimated'", alt.value(0.55), alt.value(1)),
        tooltip=[*kinds, *(["is:N"] if any("is" in row for row in rows) else [])],
    )
    numbers = bars.mark_text(align="left", dx=5, fontSize=11).encode(text=alt.Text("value:Q", format=","))
    layers = [marks, numbers]
    if ticks:
        tips = ["design:N", "stage:N", alt.Tooltip("value:Q", title=ticks_are, format=",")]
        layers.insert(1, placed(ticks).mark_tick(thickness=2, size=13).encode(color=alt.value(TICK), tooltip=tips))
    # In pixels and not as a step, with which Vega-Lite warns that it cannot fit the height, which nobody asks of it.
    height = len(names) * (GROUP_STEP * len(present) + GROUP_GAP if grouped else BAR_STEP)
    return finished(alt.layer(*layers).properties(width="container", height=height))


TICK = "#111111"
"""Of marks across bars; the page turns it light where bars are on dark."""


def _colour(designs: Sequence[DesignFacts], legend: bool) -> alt.Color:
    colours = colours_of(designs)
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    shown = alt.Legend(orient="top", direction="vertical", labelLimit=400) if legend else None
    return alt.Color("design:N", scale=scale, title=None, legend=shown)


def _tight() -> alt.Scale:
    return alt.Scale(nice=False, zero=False)


def finished(chart: alt.Chart | alt.LayerChart | alt.FacetChart) -> dict[str, Any]:
    """The specification, without a background and without labels of its own for each mark, which the page's replace."""
    config = {
        "aria": False,
        "background": "transparent",
        "view": {"stroke": None},
        "font": "system-ui, sans-serif",
        "axis": {"titleFontWeight": "normal", "titleFontSize": 12, "labelFontSize": 12, "tickCount": 6},
        "legend": {"titleFontWeight": "normal", "labelFontSize": 12},
    }
    padded = chart.properties(padding={"left": 0, "right": 12, "top": 4, "bottom": 4})
    spec: dict[str, Any] = padded.properties(autosize=alt.AutoSizeParams(type="fit-x", contains="padding")).to_dict()
    return spec | {"config": config}
