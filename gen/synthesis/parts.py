# SPDX-License-Identifier: Apache-2.0
"""What each stage takes of a design's area, counted in the netlist that Yosys made of the whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from wsfracbnn.gen.design import AcceleratorDesign
from wsfracbnn.gen.devices import Family
from wsfracbnn.gen.synthesis.cached import Module, PartArea, PartAreas, Signal, read_modules, read_parts
from wsfracbnn.gen.synthesis.yosys import NETLIST, area_of
from wsfracbnn.model.files import write_text

PARTS = "parts.json"
"""File beside a netlist that keeps the counts, since reading the netlist of a large design takes a minute."""


def areas_of_parts(design: AcceleratorDesign, run: Path, family: Family) -> dict[str, PartArea]:
    """Area of each stage by its name, and under "" of what is in none: registers and guards around the stages.

    Flattening puts the instance's name before a cell's. A cell that synthesis named itself counts where the signal that
    it drives is, or where that is read.

    run: folder of a synthesis, which holds `NETLIST`.

    Raises:
        InputError: what is there is damaged.
    """
    kept = run / PARTS
    if kept.is_file():
        return read_parts(kept)
    modules = read_modules(run / NETLIST, design.top)
    names = {stage.instance: stage.name for stage in design.stages}
    counts: dict[str, Counter[str]] = {name: Counter() for name in (*names.values(), "")}
    top = modules[design.top]
    for name, part in _parts_of_cells(top, names).items():
        counts[part].update(_cells_of(modules, top.cells[name].type))
    found = {part: area_of(cells, family) for part, cells in counts.items()}
    areas = {part: PartArea(area.luts, area.flip_flops, area.block_rams) for part, area in found.items()}
    write_text(kept, PartAreas(areas).model_dump_json(indent=2) + "\n")
    return areas


def _parts_of_cells(top: Module, names: Mapping[str, str]) -> dict[str, str]:
    """The part that each cell of a flattened module belongs to. names: those of the stages, by their instances."""
    cells = top.cells
    found = {name: names.get(_instance(name), "") for name in cells if not name.startswith("$")}
    unnamed = [name for name in cells if name not in found]
    if not unnamed:
        return found
    part_of_bit = _parts_of_signals(top.netnames, names)
    readers: dict[int, list[str]] = {}
    for name, cell in cells.items():
        for bit in cell.signals("input"):
            readers.setdefault(bit, []).append(name)
    for name in unnamed:
        parts = [part_of_bit[bit] for bit in cells[name].signals("output") if bit in part_of_bit]
        if parts:
            found[name] = parts[0]
    waiting = [name for name in unnamed if name not in found]
    while waiting:
        nearer = {}
        for name in waiting:
            behind = (
                found[reader]
                for bit in cells[name].signals("output")
                for reader in readers.get(bit, ())
                if reader in found
            )
            part = next(behind, None)
            if part is not None:
                nearer[name] = part
        if not nearer:
            break
        found |= nearer
        waiting = [name for name in waiting if name not in nearer]
    return found | dict.fromkeys(waiting, "")


def _parts_of_signals(nets: Mapping[str, Signal], names: Mapping[str, str]) -> dict[int, str]:
    """The part of each signal whose hierarchical name survived; one between two stages is the earlier's, its sender."""
    order = {instance: place for place, instance in enumerate(names)}
    found: dict[int, str] = {}
    owned = [(name, net) for name, net in nets.items() if not net.hide_name and "." in name]
    for name, net in sorted(owned, key=lambda item: order.get(_instance(item[0]), len(order))):
        for bit in net.bits:
            if isinstance(bit, int):
                found.setdefault(bit, names.get(_instance(name), ""))
    return found


def _instance(name: str) -> str:
    """First part of a hierarchical name."""
    return name.removeprefix("\\").split(".")[0]


def _cells_of(modules: Mapping[str, Module], kind: str) -> Counter[str]:
    """Primitive cells of one cell: itself, or those inside where it is a module whose hierarchy was kept."""
    module = modules.get(kind)
    if module is None or "blackbox" in module.attributes:
        return Counter([kind])
    found: Counter[str] = Counter()
    for cell in module.cells.values():
        found.update(_cells_of(modules, cell.type))
    return found
