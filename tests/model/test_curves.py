# SPDX-License-Identifier: Apache-2.0
"""The picture of training curves: names, colours, line styles and the epoch at which weights turn binary."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from wsfracbnn.gen.locations import ROOT
from wsfracbnn.model.training.curves import COLOURS, PANELS, Curve, draw_curves
from wsfracbnn.model.training.outcomes import curves
from wsfracbnn.model.training.plan import read_plan

SVG = "{http://www.w3.org/2000/svg}"


def write_log(path: Path, epochs: int) -> Path:
    rows = [f"{epoch},{5 / epoch},{0.3 + epoch / 100},{10 + epoch}" for epoch in range(1, epochs + 1)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["epoch,loss,gate_fraction,test_accuracy", *rows]) + "\n")
    return path


def strokes(picture: Path, colour: str) -> list[str]:
    """Styles of the lines of a colour, without markers."""
    found = ElementTree.parse(picture).iter(f"{SVG}path")
    styles = [path.get("style", "") for path in found]
    return [style for style in styles if f"stroke: {colour}" in style and "stroke-width: 1.2" in style]


def diamonds(picture: Path, colour: str) -> int:
    """Markers of a colour that matplotlib places one by one."""
    uses = [use.get("style", "") for use in ElementTree.parse(picture).iter(f"{SVG}use")]
    return sum(f"fill: {colour}" in style for style in uses)


def test_runs_of_one_role_share_a_colour_and_differ_in_style(tmp_path: Path) -> None:
    logs = [write_log(tmp_path / f"{n}.csv", 40) for n in range(3)]
    runs = [
        Curve("a", "full", logs[0], 16),
        Curve("b", "own_recipe", logs[1], 20),
        Curve("c", "own_recipe", logs[2], 0),
    ]
    picture = draw_curves(runs, "cifar100: runs of a plan", tmp_path / "p.svg")
    # A line in each panel, and one in the legend.
    assert len(strokes(picture, COLOURS["full"])) == len(PANELS) + 1
    own = strokes(picture, COLOURS["own_recipe"])
    assert len(own) == 2 * (len(PANELS) + 1)
    assert sum("stroke-dasharray" in style for style in own) == len(PANELS) + 1
    # Without markers of single epochs, the switch alone is marked: once a panel, for a run that has one.
    assert diamonds(picture, COLOURS["full"]) == len(PANELS)
    assert diamonds(picture, COLOURS["own_recipe"]) == len(PANELS)
    assert "cifar100: runs of a plan" in picture.read_text()


@pytest.mark.parametrize("switch", [None, 0, 40])
def test_a_run_whose_weights_do_not_turn_has_no_mark(tmp_path: Path, switch: int | None) -> None:
    log = write_log(tmp_path / "a.csv", 40)
    picture = draw_curves([Curve("a", "full", log, switch)], "t", tmp_path / "p.svg")
    assert diamonds(picture, COLOURS["full"]) == 0


def test_curves_of_a_plan_bear_the_names_of_the_table(tmp_path: Path) -> None:
    runs = read_plan(ROOT / "configs" / "accuracy-h100.toml", tmp_path)
    for planned in runs:
        write_log(planned.log, 3)
    assert curves(runs) == {}, "none has finished"
    for planned in runs:
        planned.out.touch()
    (found,) = curves(runs).values()
    labels = {curve.label: curve for curve in found}
    assert set(labels) == {
        "full-precision ResNet, teacher, width 64, seed 1",
        "FracBNN, its own recipe, seed 1",
        "FracBNN, its own recipe, seed 2",
        "WSFracBNN, seed 1",
        "FracBNN, WSFracBNN's recipe and teacher, seed 1",
        "WSFracBNN, width 64, seed 1",
    }
    assert labels["WSFracBNN, seed 1"].switch == 16, "40 % of 40 epochs"
    assert labels["FracBNN, its own recipe, seed 2"].switch == 20, "half of 40 epochs"
    assert labels["full-precision ResNet, teacher, width 64, seed 1"].switch is None
    assert all(re.fullmatch(r"#[0-9a-f]{6}", COLOURS[curve.role]) for curve in found)
