# SPDX-License-Identifier: Apache-2.0
"""The designs that are put side by side: each is made, checked in simulation and measured, and becomes a row."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.peer_designs.area import CLOCK, STEPS, XC7, Measured, measure, route, smallest_device
from benchmarks.peer_designs.environment import (
    kept,
    make_environment,
    own_text,
    run_command,
    run_exporter,
    version_of,
)
from benchmarks.peer_designs.networks import Int8Cnn, Integers, Mlp, binary_layer, packed
from benchmarks.peer_designs.results import OWN, LayerRow, PeerRow
from benchmarks.peer_designs.simulation import Pipeline, run_nngen, run_pipeline
from wsfracbnn.cli.networks import description_of
from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.devices import Family, family_named
from wsfracbnn.gen.emission.render import design_sources
from wsfracbnn.gen.locations import CHECKPOINTS, RTL
from wsfracbnn.gen.simulation.run import EXACTNESS_TEST
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.gen.synthesis.cached import read_netlist
from wsfracbnn.gen.synthesis.floorplan import pin_block_rams
from wsfracbnn.gen.synthesis.stagewise import synthesize_by_stage
from wsfracbnn.gen.synthesis.tools import Report
from wsfracbnn.gen.synthesis.yosys import LANE_BITS, NETLIST, Area, lane_sources, synthesize
from wsfracbnn.model.data.digits import Digits
from wsfracbnn.model.errors import InputError

HIDDEN = 128
"""Hidden values of the network that da4ml builds."""

ADDERS = 2
"""Adders between two registers of da4ml's pipelines."""

CHANNELS = (16, 16)
"""Of the convolutions of the network that NNgen builds."""

PARALLEL = 1
"""Channels that NNgen computes at once, its default."""

LAYER = 64
"""Inputs and outputs of the binary layer."""

PATTERNS = 1000
"""Random inputs of the binary layer that are simulated."""

COUNT_STAGES = 4
"""Registers in this project's popcount, as where its area is measured alone."""

COUNT_LAYER = "count_layer"
"""Module of the binary layer that is made of it."""

OWN_IMAGES = 100
"""Images of this project's network that are simulated, as `wsfracbnn sim` does."""


@dataclass(frozen=True)
class Bench:
    """Where the work is done.

    Attributes:
        cache: folder of networks, Verilog, simulations. synthesis: of Yosys's and nextpnr's runs.
        steps: what of `area.STEPS` is measured of an accelerator.
    """

    cache: Path
    synthesis: Path
    report: Report
    steps: Collection[str] = STEPS

    @property
    def python(self) -> Path:
        """Of the tools' environment, which is made at the first call."""
        return make_environment(self.cache / "venv")

    def checked(
        self, name: str, inputs: Sequence[str | bytes], check: Callable[[Path], dict[str, float]]
    ) -> dict[str, float]:
        """What a simulation measured, which is run where its inputs are new. check: runs it in a folder."""

        def make(folder: Path) -> None:
            (folder / "measured.json").write_text(json.dumps(check(folder)))

        folder = kept(self.cache, f"{name}-simulation", [*inputs, *own_text("simulation.py", "networks.py")], make)
        found: dict[str, float] = json.loads((folder / "measured.json").read_text())
        return found


def da4ml_mlp(bench: Bench) -> PeerRow:
    """A ternary network, unrolled: an image a cycle."""
    dataset = Digits().load(None)

    def train(folder: Path) -> None:
        from benchmarks.peer_designs.training import train_mlp

        train_mlp(dataset, HIDDEN).write(folder / "network.npz")

    trained = kept(bench.cache, "mlp", [str(HIDDEN), *own_text("training.py", "networks.py")], train)
    network = Mlp.read(trained / "network.npz")
    x = network.pixels(dataset.test_images)
    folder, pipeline = _export_da4ml(bench, "mlp", network, x)
    sources = _verilog(folder)
    measured = _check_pipeline(bench, "mlp", network, pipeline, sources, x)
    area = measure(sources, pipeline.name, "clk", bench.synthesis, bench.report, bench.steps)
    shape = "-".join(str(size) for size in (x.shape[1], HIDDEN, len(dataset.class_names)))
    return _row(
        (f"da4ml {version_of('da4ml')}", f"ternary MLP {shape}", f"{ADDERS} adders between registers"),
        network.accuracy(dataset.test_images, dataset.test_labels),
        measured,
        area,
    )


def nngen_cnn(bench: Bench) -> PeerRow:
    """An int8 convolutional network; weights and images are in a memory outside."""
    dataset = Digits().load(None)

    def train(folder: Path) -> None:
        from benchmarks.peer_designs.training import train_cnn

        train_cnn(dataset, CHANNELS).write(folder / "network.npz")

    trained = kept(bench.cache, "cnn", [str(CHANNELS), *own_text("training.py", "networks.py")], train)
    network = Int8Cnn.read(trained / "network.npz")
    x = network.pixels(dataset.test_images)
    expected = network.logits(x)

    def export(folder: Path) -> None:
        np.save(folder / "inputs.npy", x)
        given = (str(trained / "network.npz"), str(folder / "inputs.npy"), str(PARALLEL), str(folder))
        run_exporter(bench.python, "nngen_export.py", *given)
        _require_equal("NNgen's own model", np.load(folder / "predictions.npy"), expected)

    inputs: list[str | bytes] = [
        str(PARALLEL),
        version_of("nngen"),
        (trained / "network.npz").read_bytes(),
        *own_text("nngen_export.py"),
    ]
    folder = kept(bench.cache, "nngen", inputs, export)
    text = (folder / "nngen_network.v").read_text()

    def check(work: Path) -> dict[str, float]:
        logits, cycles = run_nngen(folder / "nngen_bench.v", work, len(x), expected.shape[1])
        _require_equal("NNgen's Verilog", logits, expected)
        mean = round(float(np.mean(cycles)))
        return {"checked": len(logits), "cycles": mean, "latency": mean}

    measured = bench.checked("nngen", [text], check)
    area = measure({"nngen_network.v": text}, "nngen_network", "CLK", bench.synthesis, bench.report, bench.steps)
    return _row(
        (
            f"NNgen {version_of('nngen')}",
            f"int8 CNN, {CHANNELS[0]} and {CHANNELS[1]} channels",
            f"{PARALLEL} channel at once",
        ),
        network.accuracy(dataset.test_images, dataset.test_labels),
        measured,
        area,
    )


def own_network(bench: Bench, fold: str) -> PeerRow:
    """The bundled digits network at a folding, as `wsfracbnn sim`, `synth` and `pnr` measure it."""
    description = description_of(CHECKPOINTS / "digits.pt")
    folding = choose_folding(description, fold)
    design = build_design(description, folding)

    def check(work: Path) -> dict[str, float]:
        command = [sys.executable, "-m", "wsfracbnn.cli", "sim", "--weights", "digits", "--fold", fold]
        command += ["--simulator", "verilator", "--images", str(OWN_IMAGES), "--out", str(work / "sim")]
        run_command([*command, "--tests", EXACTNESS_TEST], "wsfracbnn sim")
        summary = json.loads((work / "sim" / "summary.json").read_text())
        simulated = summary["simulators"]["verilator"]
        if simulated["failures"] or simulated["mismatches"]:
            raise InputError(f"wsfracbnn sim --fold {fold}: outputs differ from the integer model's")
        keys = {"checked": "images", "cycles": "cycles_per_image", "latency": "latency_cycles"}
        return {name: simulated[key] for name, key in keys.items()} | {"accuracy": summary["accuracy"]}

    measured = bench.checked(f"wsfracbnn-{fold}", list(design_sources(design).values()), check)
    areas: dict[str, Area] = {}
    routed = None
    for name in ("ecp5", "xc7") if XC7 in bench.steps else ("ecp5",):
        family = family_named(name)
        made = build_design(description, folding.for_family(family))
        given = (design_sources(made), made.top, made.stage_modules, family, bench.synthesis)
        areas[name], folder = synthesize_by_stage(*given, report=bench.report)
        if name == "ecp5" and CLOCK in bench.steps:
            netlist = read_netlist(folder / NETLIST, made.top)
            device = smallest_device(areas[name])
            text = netlist.text if device is None else pin_block_rams(netlist, device, made.instances)
            routed = route(text, areas[name], bench.synthesis, bench.report)
    names = (OWN, "bundled digits network", f"`--fold {fold}`")
    return _row(names, measured["accuracy"], measured, Measured(areas["ecp5"], routed, areas.get("xc7")))


def da4ml_layer(bench: Bench) -> LayerRow:
    """A binary layer with constant weights, built by da4ml."""
    network = binary_layer(LAYER, LAYER, seed=1)
    patterns = _patterns()
    folder, pipeline = _export_da4ml(bench, "layer", network, patterns)
    sources = _verilog(folder)
    measured = _check_pipeline(bench, "layer", network, pipeline, sources, patterns)
    areas = _areas(bench, lambda family: sources, pipeline.name)
    operations = LAYER * LAYER
    tool, checked = f"da4ml {version_of('da4ml')}", int(measured["checked"])
    return LayerRow(tool, f"layer of {LAYER} x {LAYER}", "constant", operations, checked, *areas)


def own_layer(bench: Bench) -> LayerRow:
    """The same layer by this project's popcount with the same weights as constants, an output each."""
    network = binary_layer(LAYER, LAYER, seed=1)
    widths = (LAYER.bit_length(),) * LAYER
    pipeline = Pipeline(COUNT_LAYER, COUNT_STAGES - 1, (1,) * LAYER, widths, (False,) * LAYER)
    # The number of matches is the sum of x w and the number of weights that are -1.
    counting = replace(network, offsets=((network.weights[0] < 0).sum(axis=0),))
    patterns = _patterns()
    for family in _families():
        sources = _count_layer(network, family)
        measured = _check_pipeline(bench, f"count-layer-{family.name}", counting, pipeline, sources, patterns)
    areas = _areas(bench, lambda family: _count_layer(network, family), COUNT_LAYER)
    return LayerRow(OWN, f"layer of {LAYER} x {LAYER}", "constant", LAYER * LAYER, int(measured["checked"]), *areas)


def own_lane(bench: Bench) -> LayerRow:
    """This project's lane, whose weights come from a memory: both operands are free."""
    areas = _areas(bench, lane_sources, "lane_bench")
    return LayerRow(OWN, f"lane of {LANE_BITS}", "inputs", LANE_BITS, 0, *areas)


def _count_layer(network: Mlp, family: Family) -> dict[str, str]:
    """Verilog of a binary layer by `match_rows`, with the ports of a da4ml pipeline."""
    columns = [packed([int(weight > 0) for weight in column], (1,) * LAYER) for column in network.weights[0].T]
    weights = ", ".join(f"{LAYER}'h{column:x}" for column in reversed(columns))
    ports = f"input clk, input [{LAYER - 1}:0] model_inp, output [{LAYER * LAYER.bit_length() - 1}:0] model_out"
    counts = (
        f"match_rows #(.WIDTH({LAYER}), .ROWS({LAYER}), .STAGES({COUNT_STAGES}), .LUT_INPUTS({family.lut_inputs}), "
        f".WEIGHTS({{{weights}}})) counts (.clk(clk), .data(model_inp), .counts(model_out));"
    )
    names = ("match_rows.v", "match_count.v", "count_six.v", "lut6.v")
    sources = {name: (RTL / name).read_text() for name in names}
    return sources | {f"{COUNT_LAYER}.v": f"module {COUNT_LAYER}({ports});\n{counts}\nendmodule\n"}


def _patterns() -> Integers:
    """Inputs of the binary layer: none, all and random bits."""
    random = np.random.default_rng(2).integers(0, 2, size=(PATTERNS - 2, LAYER))
    return np.concatenate([np.zeros((1, LAYER), int), np.ones((1, LAYER), int), random])


def _export_da4ml(bench: Bench, name: str, network: Mlp, x: Integers) -> tuple[Path, Pipeline]:
    """The folder of da4ml's Verilog, whose own model agrees with ours on x."""

    def export(folder: Path) -> None:
        network.write(folder / "network.npz")
        np.save(folder / "inputs.npy", x)
        given = (str(folder / "network.npz"), str(folder / "inputs.npy"), str(ADDERS), str(folder))
        run_exporter(bench.python, "da4ml_export.py", *given)
        _require_equal("da4ml's own model", np.load(folder / "predictions.npy"), network.logits(x))

    arrays = [array.tobytes() for array in (*network.weights, *network.offsets, x)]
    numbers = str((ADDERS, network.input_bits, network.hidden_bits, network.shifts, version_of("da4ml")))
    folder = kept(bench.cache, f"da4ml-{name}", [numbers, *arrays, *own_text("da4ml_export.py")], export)
    return folder, Pipeline.read("da4ml_network", folder / "ports.json")


def _check_pipeline(
    bench: Bench, name: str, network: Mlp, pipeline: Pipeline, sources: Mapping[str, str], x: Integers
) -> dict[str, float]:
    """Run all of x through a pipeline, one a cycle."""

    def check(work: Path) -> dict[str, float]:
        paths = [work / file for file in sources]
        for path in paths:
            path.write_text(sources[path.name])
        found = run_pipeline(pipeline, paths, x, work)
        _require_equal(f"Verilog of {name}", found, network.logits(x))
        return {"checked": len(found), "cycles": 1, "latency": pipeline.registers + 1}

    return bench.checked(name, [str(pipeline), x.tobytes(), *sources.values()], check)


def _verilog(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.glob("*.v"))}


def _families() -> tuple[Family, Family]:
    """Those that layers are synthesized for, in the order of a row's LUTs."""
    return family_named("ecp5"), family_named("xc7")


def _areas(bench: Bench, sources_for: Callable[[Family], Mapping[str, str]], top: str) -> list[int]:
    """LUTs on ECP5 and Xilinx 7."""
    return [
        synthesize(sources_for(family), top, family, bench.synthesis, report=bench.report)[0].luts
        for family in _families()
    ]


def _require_equal(what: str, found: Integers, expected: Integers) -> None:
    """Raise `InputError` where outputs are not those of the integer model."""
    if found.shape != expected.shape or not np.array_equal(found, expected):
        wrong = "another shape" if found.shape != expected.shape else f"{int((found != expected).sum())} values differ"
        raise InputError(f"{what}: not the integer model's outputs, {wrong}")


def _row(names: tuple[str, str, str], accuracy: float, measured: Mapping[str, float], area: Measured) -> PeerRow:
    """names: tool, network, options. measured: by simulation."""
    tool, network, options = names
    return PeerRow(
        tool=tool,
        network=network,
        options=options,
        accuracy=round(accuracy, 2),
        images_checked=int(measured["checked"]),
        cycles_per_image=int(measured["cycles"]),
        latency_cycles=int(measured["latency"]),
        lut4=area.ecp5.luts,
        flip_flops=area.ecp5.flip_flops,
        block_rams=area.ecp5.block_rams,
        dsps=area.ecp5.dsps,
        device=None if area.routed is None else area.routed.settings.device,
        fmax_mhz=None if area.routed is None else area.routed.fmax_mhz,
        placed_lut4=None if area.routed is None else area.routed.luts,
        lut6=None if area.xc7 is None else area.xc7.luts,
        xc7_block_rams=None if area.xc7 is None else area.xc7.block_rams,
        xc7_dsps=None if area.xc7 is None else area.xc7.dsps,
    )


DESIGNS: Mapping[str, Callable[[Bench], PeerRow | LayerRow]] = {
    "da4ml-layer": da4ml_layer,
    "own-layer": own_layer,
    "own-lane": own_lane,
    "da4ml": da4ml_mlp,
    "nngen": nngen_cnn,
    "auto": lambda bench: own_network(bench, "auto"),
    "fast": lambda bench: own_network(bench, "fast"),
}
"""By the names that --only takes, in the order in which they are measured."""
