# SPDX-License-Identifier: Apache-2.0
"""The memories of a whole design, and what a netlist made of them."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from wsfracbnn.gen.design import AcceleratorDesign
from wsfracbnn.gen.devices import Family
from wsfracbnn.gen.stages.memory import Memory
from wsfracbnn.model.contract import stage_name
from wsfracbnn.model.rows import markdown_table


def memories(design: AcceleratorDesign) -> list[Memory]:
    """Every memory of a design that is more than a few registers."""
    return design.memories


def is_one_of(cell: str, kinds: Iterable[str]) -> bool:
    """Whether a cell's type is among `kinds`, of which one that ends in * stands for all that begin so."""
    return any(fnmatch.fnmatchcase(cell, kind) for kind in kinds)


@dataclass(frozen=True)
class MappedMemory:
    """A memory and what the netlist made of it."""

    memory: Memory
    meant_for_block_ram: bool
    block_rams: int
    lut_ram_cells: int

    @property
    def as_meant(self) -> bool:
        """Block RAM where block RAM was meant, and nowhere else."""
        return (self.block_rams > 0) == self.meant_for_block_ram


def map_memories(
    design: AcceleratorDesign, cells: Mapping[str, str], family: Family
) -> tuple[list[MappedMemory], list[str]]:
    """Every memory of a design with the RAM cells that bear its name; and block RAMs that bear no memory's.

    cells: type of each cell of the flattened top module, by name.
    """
    blocks = [name for name, kind in cells.items() if is_one_of(kind, family.block_rams)]
    luts = [name for name, kind in cells.items() if is_one_of(kind, family.lut_rams)]
    mapped, known = [], set()
    for memory in memories(design):
        pattern = re.compile(memory.cell)
        own = [name for name in blocks if pattern.match(name)]
        known |= set(own)
        in_luts = sum(1 for name in luts if pattern.match(name))
        mapped.append(MappedMemory(memory, memory.in_block_ram(family), len(own), in_luts))
    return mapped, [name for name in blocks if name not in known]


def memory_table(mapped: Sequence[MappedMemory]) -> str:
    """The memories as a Markdown table: a row for those of one name, size and place, with the stages that have it."""
    stages: dict[tuple[str, str, str, str], list[str]] = {}
    for entry in mapped:
        memory = entry.memory
        size = f"{memory.words:,} x {memory.width}" + (f", {memory.copies} of them" if memory.copies > 1 else "")
        found = []
        if entry.block_rams:
            found.append(f"{entry.block_rams} block RAM")
        if entry.lut_ram_cells:
            found.append(f"{entry.lut_ram_cells} LUT RAM cells")
        meant = "block RAM" if entry.meant_for_block_ram else "LUTs"
        kind = memory.name, size, meant, ", ".join(found) or "LUTs"
        stages.setdefault(kind, []).append(memory.stage)
    names = [kind[0] for kind in stages]
    lines = [(*kind, _ranges(stages[kind])) for kind in sorted(stages, key=lambda kind: names.index(kind[0]))]
    return markdown_table(("memory", "words x bits", "meant for", "netlist", "stages"), lines)


def _ranges(stages: Sequence[str]) -> str:
    """Names of stages in their order, runs of numbered ones as `stage_01 to 06`."""
    runs: list[list[str]] = []
    for name in stages:
        if runs and name in (runs[-1][-1], _next(runs[-1][-1])):
            runs[-1].append(name)
        else:
            runs.append([name])
    return ", ".join(run[0] if run[0] == run[-1] else f"{run[0]} to {run[-1].rsplit('_', 1)[-1]}" for run in runs)


def _next(stage: str) -> str:
    """The name of the stage behind a numbered one; that of no stage behind another."""
    number = stage.rsplit("_", 1)[-1]
    return stage_name(int(number) + 1) if number.isdigit() else ""
