# SPDX-License-Identifier: Apache-2.0
"""Whole accelerators in both simulators: folds, shapes, skip FIFO depths, and reports that name the broken layer."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.emission.folder import emit, emit_design
from wsfracbnn.gen.emission.vectors import random_images
from wsfracbnn.gen.locations import CHECKPOINTS, ROOT
from wsfracbnn.gen.simulation.run import SimulationResult, simulate
from wsfracbnn.gen.sizing.pace import cycles_per_image
from wsfracbnn.gen.sizing.presets import preset
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.gen.stages import ConvStage
from wsfracbnn.gen.stages.folding import Folding
from wsfracbnn.model.checkpoint import load_checkpoint
from wsfracbnn.model.config import NetworkConfig, resnet20
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.lower import lower_checkpoint
from wsfracbnn.model.random_network import random_description, random_multiplied
from wsfracbnn.tb.common.simulators import VERILATOR_IF_SLOW
from wsfracbnn.tb.common.stages import folding_of

EXACT = "bit_exact"
STALLS = "random_stalls"

SQUARE = NetworkConfig(4, 4, 1, 4, (2, 4), (1, 1), 3)
ROW = NetworkConfig(1, 16, 1, 4, (3,), (1,), 2)
COLUMN = NetworkConfig(16, 1, 1, 4, (3,), (1,), 2)
BROKEN = NetworkConfig(4, 4, 1, 8, (4, 8), (1, 1), 3)
WIDE = NetworkConfig(4, 6, 1, 8, (10, 20), (1, 1), 3)
COLOUR = NetworkConfig(4, 8, 3, 8, (4, 8), (1, 2), 5, residual_bits=12, residual_fraction=6)


def run(folder: Path, simulator: str, images: int = 2, tests: str | None = None) -> SimulationResult:
    """Simulate an emitted folder on its own vectors."""
    return simulate(folder, simulator, folder / "vectors.npz", images, tests=tests, reproduce="pytest tb/network")


def assert_exact(result: SimulationResult, images: int = 2) -> None:
    """No failed test, no mismatch, and the images really were compared."""
    assert not result.failures, "\n".join(result.failures)
    assert result.images == images
    assert result.mismatches == 0
    assert all(layer["values"] > 0 for layer in result.layers)


SERIAL: dict[str, tuple[int, ...]] = {}
MIXED = {"input": (2, 36), "stage_01": (2, 18), "stage_02": (1, 9), "stage_03": (4, 9), "head": (3, 1)}
COLOURED = {"stage_01": (4, 36), "stage_02": (1, 18), "stage_03": (8, 9), "stage_05": (2, 72), "head": (5, 1)}


@pytest.mark.parametrize(
    "simulator, config, folds",
    [
        pytest.param("icarus", SQUARE, SERIAL, id="icarus-serial"),
        pytest.param("icarus", SQUARE, MIXED, id="icarus-mixed"),
        pytest.param("icarus", COLOUR, COLOURED, id="icarus-colour", marks=pytest.mark.slow),
        pytest.param("verilator", SQUARE, SERIAL, id="verilator-serial", marks=pytest.mark.slow),
        pytest.param("verilator", SQUARE, MIXED, id="verilator-mixed"),
        pytest.param("verilator", COLOUR, COLOURED, id="verilator-colour", marks=pytest.mark.slow),
    ],
)
def test_random_networks_pass_every_test(
    tmp_path: Path, simulator: str, config: NetworkConfig, folds: dict[str, tuple[int, ...]]
) -> None:
    """Bit-exact layers, stalls, bad frames and resets (tb/network/bench_network.py)."""
    emit(random_description(config, seed=7), folding_of(config, folds), tmp_path / "net")
    assert_exact(run(tmp_path / "net", simulator))


@pytest.mark.parametrize("simulator, config, lut_inputs", [("icarus", SQUARE, 6), ("verilator", COLOUR, 4)])
def test_unrolled_networks_pass_every_test(
    tmp_path: Path, simulator: str, config: NetworkConfig, lut_inputs: int
) -> None:
    description = random_description(config, seed=7)
    emit(description, choose_folding(description, "unrolled").with_lut_inputs(lut_inputs), tmp_path / "net")
    assert_exact(run(tmp_path / "net", simulator))


@pytest.mark.parametrize("simulator", VERILATOR_IF_SLOW)
def test_parity_of_the_constant_memories_reports_nothing_by_itself(tmp_path: Path, simulator: str) -> None:
    """Nor does it change a result; words at addresses that mean nothing have the right parity too."""
    folds = {"input": (2, 36), "stage_01": (2, 18), "stage_03": (4, 9), "head": (3, 1)}
    emit(random_description(SQUARE, seed=7), folding_of(SQUARE, folds).with_rom_parity(), tmp_path / "net")
    assert_exact(run(tmp_path / "net", simulator))


@pytest.mark.parametrize(
    "simulator, bits, fold",
    [
        pytest.param("icarus", 18, "small", marks=pytest.mark.slow),
        ("verilator", 18, "fast"),
        pytest.param("verilator", 12, "unrolled", marks=pytest.mark.slow),
    ],
)
def test_networks_that_multiply_pass_every_test(tmp_path: Path, simulator: str, bits: int, fold: str) -> None:
    description = random_multiplied(COLOUR, seed=7, factor_bits=bits)
    emit(description, choose_folding(description, fold), tmp_path / "net")
    assert_exact(run(tmp_path / "net", simulator))


def test_multipliers_compute_what_shifts_and_adds_do(tmp_path: Path) -> None:
    """The same numbers in the multiplied form: the hardware gives the digits' golden vectors."""
    digits = random_description(SQUARE, seed=7)
    folding = choose_folding(digits, "small")
    emit(digits, folding, tmp_path / "digits")
    emit(digits.in_multiplied_form(8), folding, tmp_path / "net")
    assert not list((tmp_path / "digits").rglob("*_affine_multiply.v"))
    vectors = tmp_path / "digits" / "vectors.npz"
    result = simulate(tmp_path / "net", "verilator", vectors, 2, tests=EXACT, reproduce="pytest tb/network")
    assert_exact(result)


def test_an_unrolled_network_takes_a_pixel_a_cycle(tmp_path: Path) -> None:
    """Images follow each other without a pause."""
    description = random_description(NetworkConfig(8, 8, 1, 16, (4, 8), (1, 1), 3), seed=7)
    emit(description, choose_folding(description, "unrolled"), tmp_path / "net", random_images(description, 8))
    result = run(tmp_path / "net", "verilator", images=8, tests=EXACT)
    assert_exact(result, images=8)
    assert result.cycles_per_image == 64


@pytest.mark.parametrize("simulator", VERILATOR_IF_SLOW)
def test_every_test_of_the_testbench_is_right_alone(tmp_path: Path, simulator: str) -> None:
    """Registers are unknown at the start of a simulation, and no other test has reset them."""
    emit(random_description(SQUARE, seed=7), folding_of(SQUARE, {}), tmp_path / "net")
    assert_exact(run(tmp_path / "net", simulator, tests=EXACT))
    for test in (STALLS, "bad_frames", "reset_at"):
        result = run(tmp_path / "net", simulator, tests=test)
        assert not result.failures, "\n".join(result.failures)


def test_the_testbench_is_right_in_another_order(tmp_path: Path) -> None:
    """The comparison of all streams comes last: what the tests before it sent is not counted."""
    emit(random_description(SQUARE, seed=7), folding_of(SQUARE, {}), tmp_path / "net")
    first = r"@cocotb\.test\(\)(?=\nasync def test_images)"
    _edit(tmp_path / "net/tb/bench_network.py", first, lambda _: "@cocotb.test(stage=1)")
    result = run(tmp_path / "net", "icarus")
    assert_exact(result)
    log = (tmp_path / "net-icarus" / "log.txt").read_text()
    assert log.index("test_reset_at_any_cycle_leaves_no_trace passed") < log.index("running bench_network.test_images")


@pytest.mark.parametrize(("fold", "lut_inputs"), [("small", 4), pytest.param("fast", 6, marks=pytest.mark.slow)])
def test_digits_at_other_folds(tmp_path: Path, fold: str, lut_inputs: int) -> None:
    """Bit-exact, and as fast as is estimated."""
    checkpoint = load_checkpoint(CHECKPOINTS / "digits.pt")
    description = lower_checkpoint(checkpoint)
    assert checkpoint.samples is not None
    images = checkpoint.samples["images"].numpy()
    folding = choose_folding(description, fold).with_lut_inputs(lut_inputs)
    emit(description, folding, tmp_path / "digits", images)
    result = run(tmp_path / "digits", "verilator", images=4)
    assert_exact(result, images=4)
    assert result.cycles_per_image == pytest.approx(cycles_per_image(build_design(description, folding)), rel=0.03)


@pytest.mark.parametrize(
    "simulator, fold",
    [
        pytest.param("icarus", "small", marks=pytest.mark.slow),
        pytest.param("verilator", "small", marks=pytest.mark.slow),
        ("verilator", "auto"),
    ],
)
def test_networks_with_windows_in_memories_pass_every_test(tmp_path: Path, simulator: str, fold: str) -> None:
    description = random_description(WIDE, seed=7)
    folding = choose_folding(description, fold)
    in_memory = [fold.in_memory for name, fold in folding.stages.items() if name.startswith("stage")]
    assert all(in_memory) if fold == "small" else any(in_memory)
    emit(description, folding, tmp_path / "net")
    assert_exact(run(tmp_path / "net", simulator))


def skip_fifo_design(tmp_path: Path, config: NetworkConfig, fold: str, missing: int) -> Path:
    """A network with its first skip FIFO at its least depth, less `missing` entries."""
    description = random_description(config, seed=7)
    folding = choose_folding(description, fold)
    design = build_design(description, folding)
    first, conv, *others = design.stages
    assert isinstance(conv, ConvStage)
    shallow = dataclasses.replace(conv, skip_depth=conv.skip_minimum - missing)
    emit_design(dataclasses.replace(design, stages=(first, shallow, *others)), tmp_path / "net")
    return tmp_path / "net"


# The square one has its windows in registers, the wide one in memories.
LEAST_DEPTHS = pytest.mark.parametrize(
    ("config", "fold"),
    [
        (SQUARE, "small"),
        (SQUARE, "unrolled"),
        pytest.param(WIDE, "small", marks=pytest.mark.slow),
        (ROW, "small"),
        (COLUMN, "small"),
    ],
)


@LEAST_DEPTHS
def test_skip_fifos_of_the_least_depth_do_not_deadlock(tmp_path: Path, config: NetworkConfig, fold: str) -> None:
    result = run(skip_fifo_design(tmp_path, config, fold, missing=0), "icarus", tests=f"{EXACT}|{STALLS}")
    assert_exact(result)


@LEAST_DEPTHS
def test_one_skip_fifo_entry_less_deadlocks(tmp_path: Path, config: NetworkConfig, fold: str) -> None:
    result = run(skip_fifo_design(tmp_path, config, fold, missing=1), "icarus", tests=EXACT)
    assert result.failures
    assert "no result" in result.failures[0]
    assert re.search(
        r"what came is right in every layer, values: input \d+ of \d+, stage_01 0 of \d+,", result.failures[0]
    )


def flip_a_weight(folder: Path) -> None:
    _edit(folder / "rtl/rom/random_stage_02_weights.v", r"([0-9a-f])(,  // group 2, chunk 3)", _other_digit)


def _other_digit(match: re.Match[str]) -> str:
    return f"{int(match[1], 16) ^ 1:x}{match[2]}"


def drop_the_rounding(folder: Path) -> None:
    _edit(folder / "rtl/random_stage_03.v", r"SHIFT\((\d+)\)", lambda m: f"SHIFT({int(m[1]) + 1})")


def swap_the_thresholds(folder: Path) -> None:
    _edit(folder / "rtl/random_stage_01.v", r"\.rom_data\(threshold_data\)", lambda m: ".rom_data(~threshold_data)")


def _edit(path: Path, pattern: str, replace: Callable[[re.Match[str]], str]) -> None:
    text, count = re.subn(pattern, replace, path.read_text(), count=1)
    assert count == 1
    path.write_text(text)


@pytest.mark.parametrize(
    "break_it, layer",
    [(flip_a_weight, "stage_02"), (drop_the_rounding, "stage_03"), (swap_the_thresholds, "stage_01")],
)
def test_a_broken_line_is_reported_with_its_layer(tmp_path: Path, break_it: Callable[[Path], None], layer: str) -> None:
    """The message names layer, pixel, channel, expected, got, seed and the command that reproduces it."""
    emit(random_description(BROKEN, seed=7), folding_of(BROKEN, {}), tmp_path / "net")
    break_it(tmp_path / "net")
    result = run(tmp_path / "net", "icarus", tests=EXACT)
    assert result.mismatches > 0
    assert len(result.failures) == 1
    assert re.search(
        rf"first wrong layer: {layer}: image \d+, pixel \(row \d+, column \d+\), channel \d+: "
        r"expected -?\d+, got -?\d+; seed 1; reproduce: pytest tb/network",
        result.failures[0],
    )


def test_a_fault_in_the_head_is_told_from_the_layers(tmp_path: Path) -> None:
    emit(random_description(SQUARE, seed=7), folding_of(SQUARE, {}), tmp_path / "net")
    _edit(tmp_path / "net/rtl/rom/random_head_biases.v", r"'h([0-9a-f]{8})", lambda m: f"'h{int(m[1], 16) ^ 1:08x}")
    result = run(tmp_path / "net", "icarus", tests=EXACT)
    assert "the fault is in the head" in result.failures[0]
    assert re.search(r"logit \d: expected -?\d+, got -?\d+", result.failures[0])


def cifar_network() -> tuple[NetworkDescription, Folding]:
    description = random_description(resnet20(100), seed=9, name="resnet20", wild=False)
    return description, preset(description, "auto")


def test_cifar_resnet20_is_bit_exact_under_verilator() -> None:
    """The full-size network, random weights, one image."""
    description, folding = cifar_network()
    folder = ROOT / "build" / "tb" / "resnet20"
    images = random_images(description, 3)[2:]
    emit(description, folding, folder, images, np.array([0]))
    assert_exact(run(folder, "verilator", images=1, tests=EXACT), images=1)
