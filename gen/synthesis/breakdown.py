# SPDX-License-Identifier: Apache-2.0
"""Where a design's area goes, by stage and by function, counted in the netlist that Yosys made of the whole.

Each cell of the netlist counts once, so that the sum is the area of the design. Which block a LUT counts with is a
matter of definition where synthesis drew logic of two blocks into one: see `scopes`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from wsfracbnn.gen.design import AcceleratorDesign
from wsfracbnn.gen.devices import Family
from wsfracbnn.gen.sizing.memories import is_one_of
from wsfracbnn.gen.synthesis.cached import Module, PartArea, Share, Shares, read_modules, read_shares
from wsfracbnn.gen.synthesis.functions import AROUND, STAGE, function_of
from wsfracbnn.gen.synthesis.scopes import ROOT, Scope, places_of_cells, scopes_of
from wsfracbnn.gen.synthesis.yosys import NETLIST, area_of
from wsfracbnn.model.files import write_text

BREAKDOWN = "breakdown.json"
"""File beside a netlist that keeps the counts, since reading the netlist of a large design takes a minute."""


def break_down(design: AcceleratorDesign, run: Path, family: Family) -> list[Share]:
    """What each function of each stage takes, and of what is in no stage; those that take nothing are left out.

    run: folder of a synthesis, which holds `NETLIST`.

    Raises:
        InputError: what is there is damaged.
    """
    kept = run / BREAKDOWN
    if kept.is_file():
        return read_shares(kept)
    modules = read_modules(run / NETLIST, design.top)
    top = modules[design.top]
    scopes = scopes_of(top)
    functions = _functions(scopes, design)
    memories = (*family.block_rams, *family.lut_rams)

    def is_named(kind: str) -> bool:
        return is_one_of(kind, memories) or _is_kept(modules, kind)

    names = {stage.instance: stage.name for stage in design.stages}
    counts: dict[tuple[str, str], Counter[str]] = {}
    for name, path in places_of_cells(top, scopes, design.instances, is_named).items():
        part = names.get(path.split(".")[0], ROOT)
        counts.setdefault((part, functions[path]), Counter()).update(_cells_of(modules, top.cells[name].type))
    shares = []
    for (part, function), cells in counts.items():
        found = area_of(cells, family)
        area = PartArea(found.luts, found.flip_flops, found.block_rams)
        if area != PartArea(0, 0, 0):
            shares.append(Share(part, function, area))
    order = {part: place for place, part in enumerate((*names.values(), ROOT))}
    shares.sort(key=lambda share: (order[share.part], -share.area.luts, share.function))
    write_text(kept, Shares(shares).model_dump_json(indent=2) + "\n")
    return shares


def by_part(shares: Iterable[Share], design: AcceleratorDesign) -> dict[str, PartArea]:
    """Area of each stage by its name, and under "" of what is in none: registers and guards around the stages."""
    sums = {name: PartArea(0, 0, 0) for name in (*(stage.name for stage in design.stages), ROOT)}
    for share in shares:
        sums[share.part] += share.area
    return sums


def by_function(shares: Iterable[Share]) -> dict[str, PartArea]:
    """Area of each function in all stages, the one with most LUTs first."""
    sums: dict[str, PartArea] = {}
    for share in shares:
        sums[share.function] = sums.get(share.function, PartArea(0, 0, 0)) + share.area
    return dict(sorted(sums.items(), key=lambda item: (-item[1].luts, -item[1].flip_flops, item[0])))


def _functions(scopes: Mapping[str, Scope], design: AcceleratorDesign) -> dict[str, str]:
    """What each instance is for."""
    found = {ROOT: AROUND}
    for path, scope in scopes.items():
        if path == ROOT:
            continue
        if path in design.instances:
            found[path] = STAGE
        else:
            block = scope.module.removeprefix(f"{design.name}_")
            found[path] = function_of(block, scope.instance, found[scope.parent])
    return found


def _is_kept(modules: Mapping[str, Module], kind: str) -> bool:
    """Whether a cell is a module whose hierarchy was kept."""
    return kind in modules and "blackbox" not in modules[kind].attributes


def _cells_of(modules: Mapping[str, Module], kind: str) -> Counter[str]:
    """Primitive cells of one cell: itself, or those inside where it is a module whose hierarchy was kept."""
    if not _is_kept(modules, kind):
        return Counter([kind])
    found: Counter[str] = Counter()
    for cell in modules[kind].cells.values():
        found.update(_cells_of(modules, cell.type))
    return found
