# SPDX-License-Identifier: Apache-2.0
"""What each stage takes of a design's area, counted in the netlist that Yosys made of the whole."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from wsfracbnn.gen.design import AcceleratorDesign
from wsfracbnn.gen.devices import Family
from wsfracbnn.gen.synthesis.yosys import area_of
from wsfracbnn.model.files import write_text

PARTS = "parts.json"
"""File beside a netlist that keeps the counts, since reading the netlist of a large design takes a minute."""


@dataclass(frozen=True)
class PartArea:
    """What one part of a design takes; `luts` includes those used as carries and as memory."""

    luts: int
    flip_flops: int
    block_rams: int


def areas_of_parts(design: AcceleratorDesign, run: Path, family: Family) -> dict[str, PartArea]:
    """Area of each stage by its name, and under "" of what is in none: registers and guards around the stages.

    Flattening puts the instance's name before a cell's; a cell that synthesis shared between two stages counts where
    its name says.

    run: folder of a synthesis, which holds `netlist.json`.
    """
    kept = run / PARTS
    if kept.is_file():
        return {name: PartArea(**area) for name, area in json.loads(kept.read_text()).items()}
    modules = json.loads((run / "netlist.json").read_text())["modules"]
    names = {stage.instance: stage.name for stage in design.stages}
    counts: dict[str, Counter[str]] = {name: Counter() for name in (*names.values(), "")}
    for name, cell in modules[design.top]["cells"].items():
        part = names.get(name.removeprefix("\\").split(".")[0], "")
        counts[part].update(_cells_of(modules, cell["type"]))
    found = {part: area_of(cells, family) for part, cells in counts.items()}
    areas = {part: PartArea(area.luts, area.flip_flops, area.block_rams) for part, area in found.items()}
    write_text(kept, json.dumps({part: asdict(area) for part, area in areas.items()}, indent=2) + "\n")
    return areas


def _cells_of(modules: Mapping[str, Any], kind: str) -> Counter[str]:
    """Primitive cells of one cell: itself, or those inside where it is a module whose hierarchy was kept."""
    module = modules.get(kind)
    if module is None or "blackbox" in module["attributes"]:
        return Counter([kind])
    found: Counter[str] = Counter()
    for cell in module["cells"].values():
        found.update(_cells_of(modules, cell["type"]))
    return found
