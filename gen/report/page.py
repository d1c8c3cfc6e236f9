# SPDX-License-Identifier: Apache-2.0
"""Facts and charts -> one HTML file that needs nothing else: no network, no other file."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import jinja2
import vl_convert
from markupsafe import Markup

from wsfracbnn.gen.explore.results import Exploration
from wsfracbnn.gen.explore.space import FAMILY
from wsfracbnn.gen.locations import TEMPLATES
from wsfracbnn.gen.report import graph
from wsfracbnn.gen.report.charts import charts_of, colours_of
from wsfracbnn.gen.report.exploration import chart_of, verdict_of
from wsfracbnn.gen.report.facts import DesignFacts, told_apart, with_shared_accuracy
from wsfracbnn.gen.report.overview import overview, verdict
from wsfracbnn.gen.synthesis.record import HardwareRow
from wsfracbnn.model.files import write_text


def write_report(
    designs: Sequence[DesignFacts], path: Path, command: str, explorations: Sequence[Exploration] = ()
) -> None:
    """Write the page about one design or more, and about explorations. command: what writes it again.

    Raises:
        InputError: the file cannot be written.
    """
    write_text(path, render_report(designs, command, explorations))


def render_report(designs: Sequence[DesignFacts], command: str, explorations: Sequence[Exploration] = ()) -> str:
    """The page's HTML; the same facts give the same text."""
    shown = told_apart(with_shared_accuracy(designs))
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            designs=shown,
            colours=colours_of(shown),
            graphs=[(graph.graph_of(d, graph.WIDE), graph.graph_of(d, graph.NARROW)) for d in shown],
            box_w=graph.BOX_W,
            box_h=graph.BOX_H,
            overview=overview(shown),
            verdicts=[verdict(design)[0] for design in shown],
            charts=charts_of(shown),
            explorations=[(found, chart_of(found, number)) for number, found in enumerate(explorations, start=1)],
            verdict_of=verdict_of,
            commands=[commands_of(design) for design in shown],
            again=command,
            library=_library(),
        )
    )


def commands_of(design: DesignFacts) -> list[tuple[str, str]]:
    """(what it does, command) to make the figures again."""
    options = " ".join(f"{name} {shlex.quote(value)}" for name, value in design.options.items())
    runs = design.simulation.simulators.values() if design.simulation else ()
    simulated = [run.command for run in runs if run.command]
    commands = [
        *(("simulate, every layer compared", command) for command in simulated or [f"wsfracbnn sim {options}"]),
        ("synthesize: area of each stage", f"wsfracbnn synth {options} --targets {design.family.name}"),
    ]
    if design.family == FAMILY:
        routed = "" if design.routed is None else f" {routing_options(design.routed)}"
        commands.append(("place and route on an ECP5: clock, critical path", f"wsfracbnn pnr {options}{routed}"))
    return commands


def routing_options(row: HardwareRow) -> str:
    """What `wsfracbnn pnr` was given for a row, beside network and folding."""
    given: dict[str, object] = {"--device": row.device, "--speed": row.speed_grade, "--seed": row.seed}
    named = re.findall(r"--(freq|placer|router) (\S+)", row.nextpnr or "")
    given |= {{"freq": "--mhz"}.get(name, f"--{name}"): value for name, value in named}
    return " ".join(f"{name} {value}" for name, value in given.items() if value is not None)


def _environment() -> jinja2.Environment:
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=True,
    )
    env.globals["version"] = metadata.version("wsfracbnn")
    env.filters["number"] = lambda value: "-" if value is None else f"{value:,}"
    env.filters["percent"] = lambda share: "-" if share is None else f"{100 * share:.1f} %"
    return env


def _library() -> Markup:
    """Vega, Vega-Lite and Vega-Embed as one script, in which nothing ends the element that holds it."""
    return Markup(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").replace("</script", "<\\/script"))
