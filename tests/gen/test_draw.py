# SPDX-License-Identifier: Apache-2.0
"""The README's picture is what the bundled network's design draws."""

from __future__ import annotations

import re
from pathlib import Path

from wsfracbnn.gen.design import INTERVALS, build_design
from wsfracbnn.gen.emission.draw import draw_occupancy, draw_pipeline
from wsfracbnn.gen.locations import ROOT
from wsfracbnn.gen.sizing.presets import preset
from wsfracbnn.model.config import resnet20
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.random_network import random_description


def labels(path: Path) -> list[str]:
    """The texts of an SVG; matplotlib keeps each as a comment before its glyphs."""
    return re.findall(r"<!-- (.+?) -->", path.read_text())


def test_the_committed_picture_shows_this_design(digits_description: NetworkDescription, tmp_path: Path) -> None:
    design = build_design(digits_description, preset(digits_description, "auto"))
    draw_pipeline(design, tmp_path / "pipeline.svg")
    drawn = labels(tmp_path / "pipeline.svg")
    assert drawn == labels(ROOT / "docs" / "pipeline.svg")
    assert f"digits: {len(design.stages)} stages, {design.cycles:,} cycles an image in the busiest" in drawn
    for stage in design.stages:
        assert stage.name in drawn
        assert f"{stage.cycles:,} cycles of work" in drawn


def test_occupancy_has_a_title_and_each_rows_mean(tmp_path: Path) -> None:
    occupancy = {"input": [10, 0, 10, 0, 9, 9], "head": [0, 0, 0, 4, 9, 9]}
    # The last two intervals are beyond the images' time and not shown.
    draw_occupancy(occupancy, 10, 4 / INTERVALS, "net", tmp_path / "o.svg")
    drawn = labels(tmp_path / "o.svg")
    assert "net: engine at work, % of the time" in drawn
    assert {"50 %", "10 %", "mean", "input", "head"} <= set(drawn)


def test_a_deep_network_fits(tmp_path: Path) -> None:
    description = random_description(resnet20(10), seed=1, wild=False)
    draw_pipeline(build_design(description, preset(description, "auto")), tmp_path / "deep.png")
    assert (tmp_path / "deep.png").read_bytes().startswith(b"\x89PNG")
