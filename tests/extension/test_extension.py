# SPDX-License-Identifier: Apache-2.0
"""CONTRIBUTING's worked example: a kind of stage and a family of FPGAs that the package does not know."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wsfracbnn.gen import devices
from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.emission.draw import draw_pipeline
from wsfracbnn.gen.emission.folder import emit
from wsfracbnn.gen.locations import ROOT
from wsfracbnn.gen.simulation.run import simulate
from wsfracbnn.gen.sizing import area
from wsfracbnn.gen.sizing.presets import cheapest, preset, priced_folds
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.gen.stages.folding import StageFold, Target
from wsfracbnn.gen.synthesis.yosys import synthesize
from wsfracbnn.model import golden
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.structure import load_description

from .gowin import GOWIN, GW1N_9
from .shift_stage import ShiftLayer, ShiftStage

HERE = Path(__file__).parent


@pytest.fixture
def shifted(tiny: NetworkDescription) -> NetworkDescription:
    """The tiny network with a shift by 2 behind its first convolution."""
    first, conv, *others = tiny.layers
    shift = ShiftLayer(conv.out_height, conv.out_width, conv.out_channels, 2)
    return dataclasses.replace(tiny, layers=(first, conv, shift, *others))


@pytest.fixture
def gowin() -> Iterator[None]:
    """The family and its device for one test, with the coefficients of an ECP5, whose LUTs are alike."""
    tables: list[dict[str, Any]] = [devices.FAMILIES, devices.DEVICES, area._calibrations()]
    before = [dict(table) for table in tables]
    devices.add_family(GOWIN)
    devices.add_device(GW1N_9)
    area.add_calibration(GOWIN.name, area.coefficients_of("ecp5"))
    yield
    for table, contents in zip(tables, before, strict=True):
        table.clear()
        table.update(contents)


def test_the_golden_model_runs_the_layer(shifted: NetworkDescription) -> None:
    trace = golden.run(shifted, np.full((1, 4, 4, 1), 200, np.uint8))
    assert list(trace.layers) == ["input", "stage_01", "stage_02", "stage_03", "stage_04", "stage_05"]
    assert np.array_equal(trace.layers["stage_02"].output, trace.layers["stage_01"].output >> 2)


def test_the_description_is_saved_and_read_back(shifted: NetworkDescription, tmp_path: Path) -> None:
    shifted.save(tmp_path)
    back = load_description(tmp_path)
    assert back.layers[2] == shifted.layers[2]
    assert back.digest() == shifted.digest()


def test_the_solver_folds_and_rates_the_stage(shifted: NetworkDescription, tmp_path: Path) -> None:
    stage = dict(shifted.named_layers())["stage_02"]
    assert cheapest(priced_folds(stage), 16).fold == StageFold(2, 1)
    folding = choose_folding(shifted, "cycles=400")
    assert folding["stage_02"] == StageFold(1, 1)
    design = build_design(shifted, folding)
    assert isinstance(design.stages[2], ShiftStage)
    family = devices.FAMILIES["ecp5"]
    assert area.estimate(design, family).luts > area.estimate_stage(design.stages[2], family).luts > 0
    draw_pipeline(design, tmp_path / "pipeline.svg")
    assert "shift by 2" in (tmp_path / "pipeline.svg").read_text()


@pytest.mark.simulator
@pytest.mark.parametrize("pe", [1, 2])
def test_the_emitted_stage_is_bit_exact(shifted: NetworkDescription, tmp_path: Path, pe: int) -> None:
    folding = preset(shifted, "small").with_stages({"stage_02": StageFold(pe, 1)})
    emit(shifted, folding, tmp_path / "net")
    result = simulate(tmp_path / "net", "icarus", tmp_path / "net" / "vectors.npz", 2)
    assert not result.failures, "\n".join(result.failures)
    assert result.mismatches == 0
    assert {"name": "stage_02", "values": 2 * 4 * 4 * 2, "mismatches": 0} in result.layers


@pytest.mark.usefixtures("gowin")
def test_a_folding_is_found_for_the_device(tiny: NetworkDescription) -> None:
    folding = choose_folding(tiny, "device=gw1n-9")
    assert folding.target == Target(4, "gowin", "gw1n-9")
    assert area.estimate(build_design(tiny, folding), GOWIN).fits(GW1N_9)


@pytest.mark.synthesis
@pytest.mark.usefixtures("gowin")
def test_designs_are_synthesized_for_the_family(tmp_path: Path) -> None:
    adder = (
        "module adder(input clk, input [7:0] a, b, output reg [8:0] sum); always @(posedge clk) sum <= a + b; endmodule"
    )
    found, _ = synthesize({"adder.v": adder}, "adder", GOWIN, tmp_path, report=lambda line: None)
    assert found.flip_flops == 9
    assert 8 <= found.luts <= 20
    assert (found.block_rams, found.dsps) == (0, 0)


@pytest.mark.parametrize("name", ["shift_stage.py", "shift_stage.v.j2", "gowin.py"])
def test_contributing_shows_the_files_as_they_are(name: str) -> None:
    shown = (ROOT / "CONTRIBUTING.md").read_text()
    text = (HERE / name).read_text().split("\n", 1)[1] if name.endswith(".py") else (HERE / name).read_text()
    assert text.strip() in shown
