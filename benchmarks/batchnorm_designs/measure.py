# SPDX-License-Identifier: Apache-2.0
"""The designs that are compared, and what is measured of each."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.batchnorm_designs.rows import DSPS, LUTS, NO_MULTIPLIERS, Design, Precision
from wsfracbnn.gen.design import AcceleratorDesign, build_design
from wsfracbnn.gen.devices import FAMILIES, Family
from wsfracbnn.gen.emission.folder import emit_design
from wsfracbnn.gen.emission.render import design_sources
from wsfracbnn.gen.locations import CHECKPOINTS, ROOT
from wsfracbnn.gen.simulation.run import simulate
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.gen.synthesis.breakdown import break_down, by_function
from wsfracbnn.gen.synthesis.cached import read_netlist
from wsfracbnn.gen.synthesis.floorplan import pin_block_rams
from wsfracbnn.gen.synthesis.nextpnr import PlaceAndRoute, place_and_route
from wsfracbnn.gen.synthesis.stagewise import synthesize_by_stage
from wsfracbnn.gen.synthesis.tools import Report
from wsfracbnn.gen.synthesis.yosys import NETLIST
from wsfracbnn.model import golden
from wsfracbnn.model.checkpoint import load_checkpoint
from wsfracbnn.model.data.dataset import Dataset
from wsfracbnn.model.data.digits import Digits
from wsfracbnn.model.data.registry import load_dataset
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.lower import DEFAULT_GATE_FRACTION, lower_checkpoint
from wsfracbnn.model.lower_fracbnn import lower_fracbnn
from wsfracbnn.model.measure import image_tensor
from wsfracbnn.model.networks.fracbnn import FracBNN
from wsfracbnn.model.networks.layers import ThermometerEncoder
from wsfracbnn.model.released import import_released

DEVICE = "ecp5-25f"
MHZ = 150.0
IMAGES = 100
"""Simulated of each design."""

BATCH = 250
RELEASED_FRACTION = 11
"""Of the released network's stream of 16 bits, whose largest value on 1,500 test images is just saturated then."""

MATCHED = CHECKPOINTS / "accuracy-100" / "cifar100-fracbnn-like-for-like-s1.pt"

WIDTHS = (18, 12, 10, 8)
"""Of factors, where it is measured how near they come to floating point."""

OWN, BASELINE = "WSFracBNN", "FracBNN"
DESIGNS = (
    Design(OWN, 0, NO_MULTIPLIERS),
    Design(OWN, 8, DSPS),
    Design(OWN, 8, LUTS),
    Design(BASELINE, 18, DSPS),
    Design(BASELINE, 18, LUTS),
    Design(BASELINE, 8, DSPS),
    Design(BASELINE, 8, LUTS),
)
"""A factor of WSFracBNN has 8 bits; 18 are what a DSP takes, and 8 what the baseline's digits network does with."""

WITHOUT_DSPS = {"ecp5": "synth_ecp5 -nodsp", "xc7": "synth_xilinx -nodsp"}
"""The synthesis commands' beginnings that keep multipliers in LUTs."""


@dataclass(frozen=True)
class Bench:
    """Where things are. baseline: FracBNN's checkpoint; fold: of all designs, as `--fold` names it."""

    baseline: Path
    fold: str
    cache: Path
    synthesis: Path
    report: Report

    def design(self, wanted: Design, family: Family) -> AcceleratorDesign:
        """The design for a family's LUTs; the folding is that of the bundled network."""
        own = lower_checkpoint(load_checkpoint(CHECKPOINTS / "digits.pt"))
        folding = choose_folding(own, self.fold).for_family(family)
        if wanted.network == OWN:
            return build_design(own.in_multiplied_form(wanted.factor_bits) if wanted.factor_bits else own, folding)
        lowered = lower_checkpoint(load_checkpoint(self.baseline), "digits_fracbnn", factor_bits=wanted.factor_bits)
        return build_design(lowered, folding)


def family_of(wanted: Design, name: str) -> Family:
    """The family, with or without DSPs."""
    family = FAMILIES[name]
    if wanted.multipliers != LUTS:
        return family
    without = WITHOUT_DSPS[name]
    return replace(family, command=family.command.replace(without.split()[0], without, 1))


def synthesized(bench: Bench, wanted: Design, name: str) -> tuple[dict[str, Any], AcceleratorDesign, Path]:
    """Yosys's figures by what they count, the design, and the folder of the run."""
    family = family_of(wanted, name)
    design = bench.design(wanted, FAMILIES[name])
    area, folder = synthesize_by_stage(
        design_sources(design), design.top, design.stage_modules, family, bench.synthesis, report=bench.report
    )
    scale = by_function(break_down(design, folder, family))["scale and RPReLU"].luts
    found = {"luts": area.luts, "scale": scale, "flip_flops": area.flip_flops}
    return found | {"block_rams": area.block_rams, "dsps": area.dsps}, design, folder


def ecp5_area(bench: Bench, wanted: Design) -> dict[str, Any]:
    """LUTs, flip-flops, block RAMs and DSPs on ECP5."""
    found, _, _ = synthesized(bench, wanted, "ecp5")
    return {"lut4": found.pop("luts"), "scale_lut4": found.pop("scale")} | found


def xc7_area(bench: Bench, wanted: Design) -> dict[str, Any]:
    """The same on Xilinx 7."""
    found, _, _ = synthesized(bench, wanted, "xc7")
    return {
        "lut6": found["luts"],
        "xc7_scale_lut6": found["scale"],
        "xc7_flip_flops": found["flip_flops"],
        "xc7_dsps": found["dsps"],
    }


def simulated(bench: Bench, wanted: Design) -> dict[str, Any]:
    """Accuracy of the integer model, and cycles of test images whose every layer is the integer model's in simulation.

    Raises:
        InputError: it is not.
    """
    data = Digits().load(None)
    design = bench.design(wanted, FAMILIES["ecp5"])
    logits, _ = golden.run_logits(design.description, data.test_images)
    if wanted.network == OWN:
        digits = bench.design(DESIGNS[0], FAMILIES["ecp5"]).description
        if not np.array_equal(logits, golden.run_logits(digits, data.test_images)[0]):
            raise InputError(f"{' '.join(wanted.words)}: other logits than with signed digits, expected the same")
    accuracy = 100 * float((logits.argmax(axis=1) == data.test_labels).mean())
    folder = bench.cache / f"{wanted.network.lower()}-{wanted.factor_bits}"
    emit_design(design, folder, data.test_images[:IMAGES], data.test_labels[:IMAGES], force=True)
    exact = "images_are_bit_exact"
    result = simulate(folder, "verilator", folder / "vectors.npz", IMAGES, tests=exact, reproduce="make sim")
    if result.failures or result.mismatches:
        raise InputError(f"{' '.join(wanted.words)}: {'; '.join(result.failures)}, expected the integer model's values")
    checked = {"images_checked": result.images, "cycles_per_image": result.cycles_per_image}
    return {"accuracy": round(accuracy, 2)} | checked


def clock(bench: Bench, wanted: Design, seed: int) -> dict[str, Any]:
    """nextpnr's clock with one seed, as `wsfracbnn pnr` routes."""
    _, design, folder = synthesized(bench, wanted, "ecp5")
    text = pin_block_rams(read_netlist(folder / NETLIST, design.top), DEVICE, design.instances)
    placement, _ = place_and_route(text, PlaceAndRoute(DEVICE, MHZ, seed=seed), bench.synthesis, report=bench.report)
    return {"device": DEVICE, "fmax_mhz": {str(seed): placement.fmax_mhz}}


def train_baseline(path: Path) -> None:
    """Train FracBNN on the digits, where there is no checkpoint yet."""
    if not path.exists():
        config = ROOT / "configs" / "digits-fracbnn.toml"
        train = [sys.executable, "-m", "wsfracbnn.cli", "train", "--config", str(config), "--out", str(path)]
        if subprocess.run(train).returncode:
            raise InputError(f"{path}: training of the baseline failed, expected a checkpoint")


def rounds_of(seeds: Sequence[int]) -> dict[str, Sequence[Callable[[Bench, Design], dict[str, Any]]]]:
    """What each round measures of all designs."""

    def with_seed(seed: int) -> Callable[[Bench, Design], dict[str, Any]]:
        return lambda bench, wanted: clock(bench, wanted, seed)

    clocks = [with_seed(seed) for seed in seeds]
    return {"area": [ecp5_area], "simulation": [simulated], "xc7": [xc7_area], "clock": clocks}


def precisions(network: FracBNN, title: str, data: Dataset, widths: Sequence[int] = WIDTHS) -> Iterator[Precision]:
    """Top-1 of a FracBNN in floating point, then of integers of each of `widths`. title: of network and data."""
    count = len(data.test_labels)
    images = image_tensor(data.test_images)
    with torch.no_grad():
        real = np.concatenate([network(images[n : n + BATCH]).argmax(1).numpy() for n in range(0, count, BATCH)])
    fractions = (DEFAULT_GATE_FRACTION,) * len(network.config.convolutions())
    for bits in (0, *widths):
        found = real
        if bits:
            description = lower_fracbnn(network, "baseline", data.class_names, fractions, bits)
            found = golden.run_logits(description, data.test_images)[0].argmax(axis=1)
        shares = (100 * float(np.mean(found == other)) for other in (data.test_labels, real))
        yield Precision(title, bits, count, *(round(share, 2) for share in shares))


def digits_precisions(bench: Bench) -> Iterator[Precision]:
    """Of the network that is compared in hardware."""
    yield from precisions(_fracbnn(bench.baseline), "FracBNN, digits", Digits().load(None))


def matched_precisions(folder: Path) -> Iterator[Precision]:
    """Of the baseline of the like-for-like comparison. folder: with CIFAR-100's files."""
    data = load_dataset("cifar100", folder)
    yield from precisions(_fracbnn(MATCHED), "FracBNN, matched, CIFAR-100", data, WIDTHS[:1])


def _fracbnn(path: Path) -> FracBNN:
    network = load_checkpoint(path).network()
    if not isinstance(network, FracBNN):
        raise InputError(f"{path}: found another network, expected a FracBNN")
    return network


def released_precisions(archive: Path, folder: Path | None) -> Iterator[Precision]:
    """Of FracBNN's released network. archive: as `import_released` takes it; folder: with CIFAR-10's files.

    Its pixels get the contract's thermometer code, which rounds half up. The usual 10 fractional bits would leave a bit
    of its stream idle: top-1 of integers of 18 bits was 88.16 % with them.
    """
    network = import_released(archive)
    network.config = replace(network.config, residual_fraction=RELEASED_FRACTION)
    network.encoder = ThermometerEncoder(network.config.thermometer_levels)
    yield from precisions(network, "FracBNN as released, CIFAR-10", load_dataset("cifar10", folder))
