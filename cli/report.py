# SPDX-License-Identifier: Apache-2.0
"""What the commands print: tables and one-line summaries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from wsfracbnn.gen.design import NOMINAL_MHZ, AcceleratorDesign
from wsfracbnn.gen.sizing.area import AreaEstimate
from wsfracbnn.gen.sizing.cost import DeviceCost
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.errors import counted
from wsfracbnn.model.operations import LayerOperations, total

if TYPE_CHECKING:
    from wsfracbnn.gen.simulation.run import SimulationResult
    from wsfracbnn.model.checkpoint import Checkpoint

RESOURCES = {"luts": "LUTs", "flip_flops": "flip-flops", "block_rams": "block RAMs"}
"""Of an FPGA, as figures and as tables name them."""


def design_table(design: AcceleratorDesign) -> Table:
    """One row per stage: shape, PE, SIMD, cycles of work per image, ROM bits."""
    table = Table("stage", "in", "out", "PE", "SIMD", "cycles of work", "gates open", "ROM bits", title=design.name)
    for column in table.columns[3:]:
        column.justify = "right"
    for stage in design.stages:
        *rows_and_columns, outputs = stage.out_shape
        table.add_row(
            stage.name,
            "x".join(map(str, stage.in_shape)),
            "x".join(map(str, stage.out_shape)) if rows_and_columns else f"{outputs} logits",
            str(stage.fold.pe),
            str(stage.fold.simd),
            f"{stage.cycles:,}",
            "-" if stage.gates_open is None else f"{100 * stage.gates_open:.0f} %",
            f"{stage.rom_bits:,}",
        )
    return table


def design_totals(design: AcceleratorDesign) -> str:
    """Slowest stage, rate at the nominal clock, balance of the convolutions, ROM bits in all."""
    rate = f"at most {NOMINAL_MHZ * 1e6 / design.cycles:,.0f} images/s at {NOMINAL_MHZ} MHz"
    bits = f"{design.rom_bits:,} ROM bits"
    if design.one_engine:
        return f"{design.parts}, {design.cycles:,} cycles an image: {rate}; {bits}"
    slowest = max(design.stages, key=lambda stage: stage.cycles)
    work = [stage.cycles for stage in design.convs]
    balance = f"; the convolutions' work differs by up to {max(work) / min(work) - 1:.0%}" if len(work) > 1 else ""
    return f"{design.parts}; {slowest.name} has most to do, {slowest.cycles:,} cycles an image: {rate}{balance}; {bits}"


def checkpoint_line(checkpoint: Checkpoint) -> str:
    """Accuracy and mean gate fraction of a trained checkpoint."""
    gates = checkpoint.gate_fractions
    on = f" on {checkpoint.measured_on}" if checkpoint.validation_share else ""
    text = f"{checkpoint.name}: top-1 {checkpoint.test_accuracy:.2f} %{on}"
    return text if gates is None else f"{text}, gates open {100 * sum(gates) / len(gates):.1f} %"


def operations_table(networks: Mapping[str, Sequence[LayerOperations]]) -> Table:
    """One column per network: BOPs, FLOPs by kind, integer operations, parameters, load."""
    sums = {name: total(layers) for name, layers in networks.items()}
    kinds = list(dict.fromkeys(kind for counted in sums.values() for kind in counted.flops))
    table = Table("one image", *sums, title="operations; load = BOPs / 64 + FLOPs")
    for column in table.columns[1:]:
        column.justify = "right"

    def row(label: str, value: Callable[[LayerOperations], float]) -> None:
        table.add_row(label, *(f"{value(counted):,.0f}" for counted in sums.values()))

    row("BOPs, first bit", lambda c: c.msb)
    row("BOPs, second bit where gated", lambda c: c.lsb)
    for kind in kinds:
        row(f"FLOPs, {kind}", lambda c, kind=kind: c.flops.get(kind, 0))  # type: ignore[misc]
    row("FLOPs", lambda c: sum(c.flops.values()))
    row("integer additions", lambda c: c.adds)
    row("shifts", lambda c: c.shifts)
    row("compares", lambda c: c.compares)
    row("parameters", lambda c: c.parameters)
    row("parameter bits", lambda c: c.bits)
    row("load", lambda c: c.load)
    return table


def shape_line(config: NetworkConfig) -> str:
    """A network's shape in a sentence."""
    stages = ", ".join(
        f"{counted(blocks, 'block')} of {width}" for blocks, width in zip(config.blocks, config.widths, strict=True)
    )
    image = f"{config.image_height}x{config.image_width}x{config.image_channels}"
    return (
        f"{image} images in {config.thermometer_levels} levels; {stages} channels; {config.classes} classes; "
        f"{config.residual_bits}-bit residual stream"
    )


def area_line(estimate: AreaEstimate) -> str:
    """LUTs, flip-flops and block RAMs of a design, and their share of its device."""
    shares = estimate.shares()
    parts = []
    for key, name in RESOURCES.items():
        share = f" ({shares[key]:.0%})" if key in shares else ""
        parts.append(f"{estimate.area.to_json()[key]:,} {name}{share}")
    where = f"of {estimate.device.name}" if estimate.device else f"for {estimate.family.name}"
    doubt = "; it will probably not fit" if estimate.fits is False else ""
    return f"estimated area {where}: {', '.join(parts)}{doubt}"


def device_table(costs: Sequence[DeviceCost], mhz: float) -> Table:
    """One row per device: what the folding takes of it, cycles and rate."""
    headings = "device", "architecture", *RESOURCES.values(), "cycles an image", f"images/s at {mhz:g} MHz"
    table = Table(*headings, title="area and rate")
    for column in table.columns[2:]:
        column.justify = "right"
    for cost in costs:
        if cost.design is None or cost.area is None:
            table.add_row(cost.device.name, "-", *["-"] * len(RESOURCES), "-", "does not fit")
            continue
        numbers, shares = cost.area.area.to_json(), cost.area.shares()
        cycles = cost.cycles
        rate = f"{mhz * 1e6 / cycles:,.0f}" if cost.area.fits else "does not fit"
        areas = (f"{numbers[key]:,} ({shares[key]:.0%})" for key in RESOURCES)
        table.add_row(cost.device.name, cost.architecture, *areas, f"{cycles:,}", rate)
    return table


def prediction_table(predictions: Sequence[Mapping[str, Any]]) -> Table:
    """One row per picture: its likeliest class with its logit, and the next ones."""
    table = Table("picture", "class", "logit", "then")
    table.columns[2].justify = "right"
    names = Counter(Path(found["file"]).name for found in predictions)
    for found in predictions:
        first, *others = found["classes"]
        then = ", ".join(f"{other['name']} {other['logit']:,}" for other in others)
        name = Path(found["file"]).name
        table.add_row(name if names[name] == 1 else str(found["file"]), first["name"], f"{first['logit']:,}", then)
    return table


def layer_operations_table(name: str, layers: Sequence[LayerOperations]) -> Table:
    """One row per layer of one network."""
    headings = ("layer", "first bit", "second bit", "FLOPs", "adds", "shifts", "compares", "parameters", "load")
    table = Table(*headings, title=name)
    for column in table.columns[1:]:
        column.justify = "right"
    for c in (*layers, total(layers)):
        values = (c.msb, c.lsb, sum(c.flops.values()), c.adds, c.shifts, c.compares, c.parameters, c.load)
        table.add_row(c.name, *(f"{value:,.0f}" for value in values))
    return table


def layer_table(results: Sequence[SimulationResult]) -> Table:
    """One row per layer: values compared and mismatches of each simulator."""
    table = Table(
        "layer", *(f"{result.simulator}: values" for result in results), "verdict", title="RTL against PyTorch"
    )
    for column in table.columns[1:-1]:
        column.justify = "right"
    for rows in zip(*(result.layers for result in results), strict=True):
        wrong = sum(row["mismatches"] for row in rows)
        verdict = Text(f"{wrong:,} wrong", style="red") if wrong else Text("bit-exact", style="green")
        table.add_row(rows[0]["name"], *(f"{row['values']:,}" for row in rows), verdict)
    return table


def simulator_table(results: Sequence[SimulationResult]) -> Table:
    """One row per simulator: images, mismatches, accuracy, cycles, rate, time."""
    table = Table(
        "simulator", "images", "correct", "mismatches", "cycles/image", "latency", f"images/s at {NOMINAL_MHZ} MHz", "s"
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for result in results:
        cycles = result.cycles_per_image
        table.add_row(
            result.simulator,
            str(result.images),
            "-" if result.correct is None else str(result.correct),
            str(result.mismatches),
            "-" if cycles is None else f"{cycles:,}",
            f"{result.latency_cycles:,}",
            "-" if cycles is None else f"{NOMINAL_MHZ * 1e6 / cycles:,.0f}",
            f"{result.seconds:.1f}",
        )
    return table
