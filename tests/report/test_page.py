# SPDX-License-Identifier: Apache-2.0
"""The page as a file: whole in itself, every chart with its marks, text from outside is text."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import vl_convert

from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.devices import FAMILIES
from wsfracbnn.gen.report.charts import PALETTE, charts_of
from wsfracbnn.gen.report.facts import DesignFacts, gather, told_apart
from wsfracbnn.gen.report.graph import BOX_H, BOX_W, graph_of
from wsfracbnn.gen.report.page import commands_of, render_report
from wsfracbnn.gen.report.sources import Measurements
from wsfracbnn.gen.sizing.area import estimate
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.gen.synthesis.record import HardwareRow
from wsfracbnn.model.description import NetworkDescription

from .pages import everything_known, nothing_known

ECP5 = FAMILIES["ecp5"]
VOID = {"meta", "link", "img", "br", "hr", "input", "rect", "path"}


class Page(HTMLParser):
    """Elements of a page with their attributes; text of scripts and all other text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        elif self.open and self.open[-1] != "style":
            self.text += data

    def values(self, attribute: str) -> list[str]:
        """Of an attribute, wherever it stands."""
        return [attributes[attribute] for _, attributes in self.elements if attribute in attributes]


@pytest.fixture
def both(network: NetworkDescription, simulation_folder: Path, nothing_measured: Measurements) -> list[DesignFacts]:
    """A design of which all is known beside one of which nothing is."""
    return [everything_known(simulation_folder, nothing_measured), nothing_known(network)]


def test_the_page_needs_nothing_but_itself(both: list[DesignFacts]) -> None:
    text = render_report(both, "wsfracbnn report")
    page = Page(text)
    assert page.open == []
    assert page.values("src") == []
    assert all(link.startswith("#") for link in page.values("href"))
    assert not re.search(r"@import|url\(\s*['\"]?(?!#)", text.split("</style>")[0])
    (policy,) = (attributes["content"] for _, attributes in page.elements if "http-equiv" in attributes)
    assert policy.startswith("default-src 'none'")


def test_every_link_leads_somewhere_and_every_id_is_there_once(both: list[DesignFacts]) -> None:
    page = Page(render_report(both, "wsfracbnn report"))
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {link.removeprefix("#") for link in page.values("href")} <= set(ids)
    for number, design in enumerate(both, start=1):
        for stage in design.stages:
            # From the drawing for a screen and from that for a phone.
            assert page.values("href").count(f"#stage-{number}-{stage.name}") == 2


def test_equal_facts_give_equal_bytes(both: list[DesignFacts]) -> None:
    assert render_report(both, "x") == render_report(both, "x")


def marks(spec: dict[str, Any], role: str) -> list[dict[str, str]]:
    """The marks of a kind that Vega draws, as SVG elements, at a width of 600."""
    svg = vl_convert.vegalite_to_svg(spec | {"width": 600})
    groups = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}g")
    return [dict(mark.attrib) for group in groups if role in group.get("class", "") for mark in group]


def test_every_chart_has_a_mark_for_each_of_its_figures(both: list[DesignFacts]) -> None:
    charts = {chart.key: chart for chart in charts_of(told_apart(both))}
    assert set(charts) == {
        "work",
        "gates",
        "area_luts",
        "area_flip_flops",
        "area_block_rams",
        "comparison",
        "occupancy_1",
        "occupancy_2",
    }
    stages, gated = len(both[0].stages), len(both[0].design.convs)
    assert len(marks(charts["gates"].spec, "mark-rect role-mark")) == 2 * gated
    for key, parts in (("work", stages), ("area_luts", stages + 1), ("area_flip_flops", stages + 1)):
        drawn = marks(charts[key].spec, "mark-rect role-mark")
        # A bar for each part of both designs, and a tick for those of the one that was measured.
        assert len(drawn) == 3 * parts, key
        assert sum(mark["fill"] == PALETTE[0] for mark in drawn) == parts
        assert sum(mark["fill"] == PALETTE[1] for mark in drawn) == parts
    assert both[0].simulation is not None
    run = both[0].simulation.observed
    assert run is not None
    intervals = sum(len(counts) for counts in run.occupancy.values())
    assert len(marks(charts["occupancy_1"].spec, "mark-rect role-mark")) == intervals
    assert len(marks(charts["occupancy_2"].spec, "mark-rect role-mark")) == stages
    assert len(marks(charts["comparison"].spec, "mark-symbol role-mark")) == 2


def test_estimates_are_pale_and_said_to_be(both: list[DesignFacts]) -> None:
    charts = {chart.key: chart for chart in charts_of(told_apart(both))}
    drawn = marks(charts["area_luts"].spec, "mark-rect role-mark")
    opacities = {fill: {mark.get("opacity", "1") for mark in drawn if mark["fill"] == fill} for fill in PALETTE[:2]}
    assert opacities == {PALETTE[0]: {"1"}, PALETTE[1]: {"0.55"}}
    measured, estimated = (design.label for design in told_apart(both))
    assert f"Measured in Yosys's netlist: {measured}." in charts["area_luts"].caption
    assert f"Estimated by the area model, pale: {estimated}." in charts["area_luts"].caption
    assert "Measured in the simulation" in charts["occupancy_1"].caption
    assert charts["occupancy_2"].caption.startswith("Estimated: ")


def test_one_design_alone_has_no_comparison(network: NetworkDescription) -> None:
    assert "comparison" not in {chart.key for chart in charts_of([nothing_known(network)])}


def test_the_specifications_in_the_page_are_the_charts(both: list[DesignFacts]) -> None:
    page = Page(render_report(both, "wsfracbnn report"))
    specs = [json.loads(script) for script in page.scripts if script.startswith("{")]
    assert specs == [chart.spec for chart in charts_of(told_apart(both))]


def test_what_was_verified_and_the_commands_are_on_the_page(both: list[DesignFacts]) -> None:
    page = Page(render_report(both, "wsfracbnn report a b"))
    text = " ".join(page.text.split())
    for piece in (
        "PyTorch's eval forward was compared with the golden model on the same images, every layer: equal.",
        "images are bit exact in every layer",
        "No simulation of this build was found.",
        "123.4 MHz",
        "stage_01.a -> stage_02.b",
        "wsfracbnn sim --weights tiny.pt --simulator verilator --images 7",
        "wsfracbnn synth --weights tiny.pt --fold small --targets ecp5",
        "wsfracbnn report a b",
        both[0].design.build_id,
    ):
        assert piece in text, piece


def test_commands_can_be_typed_as_they_are(network: NetworkDescription) -> None:
    facts = replace(nothing_known(network), options={"--weights": "my net's.pt", "--fold": "small"})
    assert (
        "synthesize: area of each stage",
        "wsfracbnn synth --weights 'my net'\"'\"'s.pt' --fold small --targets ecp5",
    ) in (commands_of(facts))


def test_a_routed_clock_is_made_again_by_its_own_options(network: NetworkDescription) -> None:
    row = HardwareRow(
        "tiny", "small", "ecp5-25f", speed_grade=7, seed=3, fmax_mhz=99.0, nextpnr="--25k --freq 120 --placer static"
    )
    facts = replace(nothing_known(network), rows=(row,), options={"--weights": "t.pt", "--fold": "small"})
    pnr = "wsfracbnn pnr --weights t.pt --fold small --device ecp5-25f --speed 7 --seed 3 --mhz 120 --placer static"
    assert pnr in dict(commands_of(facts)).values()
    others = replace(facts, family=FAMILIES["xc7"])
    assert not any("pnr" in command for _, command in commands_of(others))


def test_one_engine_is_a_part_of_its_own(network: NetworkDescription) -> None:
    design = build_design(network, choose_folding(network, "sequential"))
    facts = gather(design, ECP5, options={"--weights": "tiny.pt"})
    whole = estimate(design, ECP5)
    assert [part.name for part in facts.parts] == ["head", "engine"]
    assert facts.total.area is not None
    assert abs(facts.total.area.luts - whole.luts) <= 1
    assert facts.total.area.block_rams == whole.block_rams
    text = " ".join(Page(render_report([facts], "wsfracbnn report a")).text.split())
    assert "One engine computes all but the head, layer by layer" in text
    assert "none of its own: one engine computes it" in text
    assert "the engine of all layers but the head, its memories" in text


def test_text_from_outside_is_text(both: list[DesignFacts]) -> None:
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    facts = both[0]
    assert facts.simulation is not None
    run = facts.simulation.simulators["icarus"].model_copy(update={"command": evil, "failures": (evil,)})
    simulation = facts.simulation.model_copy(update={"simulators": {evil: run}})
    rows = tuple(replace(row, critical_path=evil, device=evil) for row in facts.rows)
    page = Page(render_report([replace(facts, simulation=simulation, rows=rows, label=evil, accuracy_is=evil)], evil))
    assert "img" not in {tag for tag, _ in page.elements}
    assert not any("alert" in script for script in page.scripts)
    assert page.text.count(evil) >= 5


@pytest.mark.parametrize("columns", [1, 2, 5, 50])
def test_boxes_of_the_drawing_do_not_touch(network: NetworkDescription, columns: int) -> None:
    graph = graph_of(nothing_known(network), columns)
    corners = [(box.x, box.y) for box in graph.boxes]
    for number, (x, y) in enumerate(corners):
        assert 0 <= x <= graph.width - BOX_W
        assert 0 <= y <= graph.height - BOX_H
        assert all(abs(x - a) > BOX_W or abs(y - b) > BOX_H for a, b in corners[number + 1 :])
    assert len(graph.arrows) == len(graph.boxes) - 1
    assert max(box.share for box in graph.boxes) == 1
    assert [box.busiest for box in graph.boxes] == [box.share == 1 for box in graph.boxes]
