# SPDX-License-Identifier: Apache-2.0
"""Where in a design's hierarchy the cells of its flattened netlist come from.

Flattening leaves a `$scopeinfo` cell for each instance, the hierarchical names of the source's signals, and the place
in the source of registers and adders. LUTs lose theirs: synthesis makes them anew, across the borders of blocks. A LUT
is therefore where the signal that it drives is, else where that is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wsfracbnn.gen.synthesis.cached import Cell, Module
from wsfracbnn.gen.synthesis.functions import ROM_INSTANCE

SCOPE = "$scopeinfo"
"""Type of the cells that say which instance was where."""

WORD = "_data"
"""End of the name of a signal that carries words of a constant memory."""

ROOT = ""
"""Path of the top module."""


@dataclass(frozen=True)
class Scope:
    """An instance. path: names of instances with dots between. module, file: its module, and the source of that."""

    path: str
    parent: str
    module: str
    file: str

    @property
    def instance(self) -> str:
        """Its name in its parent."""
        return self.path.removeprefix(self.parent).lstrip(".")


def scopes_of(top: Module) -> dict[str, Scope]:
    """Every instance of a flattened module by its path, each behind its parent."""
    found = {ROOT: Scope(ROOT, ROOT, "", _files(top.attributes)[0] if _files(top.attributes) else "")}
    info = {name: cell.attributes for name, cell in top.cells.items() if cell.type == SCOPE}
    for path in sorted(info, key=len):
        attributes = info[path]
        module = str(attributes.get("module_hdlname", attributes.get("module", "")))
        file = str(attributes.get("module_src", "")).split(":")[0]
        found[path] = Scope(path, _innermost(path, found), module, file)
    return found


def places_of_cells(
    top: Module, scopes: Mapping[str, Scope], pipeline: Sequence[str], is_named: Callable[[str], bool]
) -> dict[str, str]:
    """The path of the instance that each cell belongs to.

    Args:
        top: the flattened module.
        pipeline: instances in it in the order in which data pass them.
        is_named: whether cells of a type, memories and modules whose hierarchy was kept, bear a name of the source.
    """
    cells = {name: cell for name, cell in top.cells.items() if cell.type != SCOPE}
    names = _names_of_bits(top, scopes, pipeline)
    found: dict[str, str] = {}
    for name, cell in cells.items():
        place = _innermost(name, scopes) if is_named(cell.type) else _driven(cell, names, scopes)
        if place is not None:
            found[name] = place
    waiting = [name for name in cells if name not in found]
    readers: dict[int, list[str]] = {}
    for name, cell in cells.items():
        for bit in cell.signals("input"):
            readers.setdefault(bit, []).append(name)
    while waiting:
        nearer = {}
        for name in waiting:
            behind = (found[reader] for reader in _readers(cells[name], readers) if reader in found)
            place = next(behind, None)
            if place is not None:
                nearer[name] = place
        if not nearer:
            break
        found |= nearer
        waiting = [name for name in waiting if name not in nearer]
    return found | {name: _innermost(name, scopes) for name in waiting}


def _readers(cell: Cell, readers: Mapping[int, list[str]]) -> Iterator[str]:
    for bit in cell.signals("output"):
        yield from readers.get(bit, ())


def _driven(cell: Cell, names: Mapping[int, list[str]], scopes: Mapping[str, Scope]) -> str | None:
    """The instance in which a cell drives a signal; None where the source names none that it drives.

    A signal has a name in each block that it passes, of which synthesis may keep one alone. A register's place in the
    source says whose it is; else it is the block that names most of the cell's inputs, and the first of the pipeline
    among equals: the sender.
    """
    found = list(dict.fromkeys(path for bit in cell.signals("output") for path in names.get(bit, ())))
    if not found:
        return None
    files = set(_files(cell.attributes))
    if files and not any(scopes[path].file in files for path in found):
        found = [path for path, scope in scopes.items() if scope.file in files and _meet(path, found[0])] or found
    elif files:
        found = [path for path in found if scopes[path].file in files]
    inputs = [path for bit in cell.signals("input") for path in names.get(bit, ())]
    return max(found, key=inputs.count)


def _meet(path: str, other: str) -> bool:
    """Whether two instances are in the same part of the top module."""
    return path.split(".")[0] == other.split(".")[0]


def _names_of_bits(top: Module, scopes: Mapping[str, Scope], pipeline: Sequence[str]) -> dict[int, list[str]]:
    """The instances in which the source names each signal, by the pipeline and then the innermost first."""
    stages = {instance: place for place, instance in enumerate(pipeline)}

    def order(path: str) -> tuple[int, int, str]:
        return stages.get(path.split(".")[0], len(stages)), -path.count("."), path

    found: dict[int, list[str]] = {}
    for name, signal in top.netnames.items():
        path = _scope_of_signal(name, signal.attributes, scopes)
        if path is not None and not signal.hide_name:
            for bit in signal.bits:
                if isinstance(bit, int):
                    found.setdefault(bit, []).append(path)
    return {bit: sorted(set(paths), key=order) for bit, paths in found.items()}


def _scope_of_signal(name: str, attributes: Mapping[str, Any], scopes: Mapping[str, Scope]) -> str | None:
    """The instance that a signal belongs to; None for signals that synthesis made and named after others.

    That is where it is declared. Words of a constant memory, whose registers and LUTs lose their place in the source,
    belong to it wherever their signal has a name: `weight_data` to `weights_rom`.
    """
    if "src" not in attributes or any(file.startswith("/") for file in _all_files(attributes)):
        return None
    *instances, local = str(attributes.get("hdlname", name)).split(" ")
    path = ".".join(instances)
    inside = f"{path}.{local}" if path else local
    if path not in scopes or _innermost(inside, scopes) != path:
        return None
    rom = f"{path.split('.')[0]}.{local.removesuffix(WORD)}s{ROM_INSTANCE}"
    return rom if local.endswith(WORD) and rom in scopes else path


def _innermost(name: str, scopes: Mapping[str, Scope]) -> str:
    """The longest path of an instance that a hierarchical name begins with."""
    path = name.removeprefix("\\")
    while "." in path:
        path = path.rpartition(".")[0]
        if path in scopes:
            return path
    return ROOT


def _files(attributes: Mapping[str, Any]) -> list[str]:
    """The design's own files in a place in the source; others are Yosys's."""
    return [file for file in _all_files(attributes) if not file.startswith("/")]


def _all_files(attributes: Mapping[str, Any]) -> list[str]:
    return [part.split(":")[0] for part in str(attributes.get("src", "")).split("|")] if "src" in attributes else []
