# SPDX-License-Identifier: Apache-2.0
"""Waveforms of a simulation: how each simulator is told to record them."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

DUMP_MODULE = "waves_dump"
"""The module that starts Icarus's recording."""


@dataclass(frozen=True)
class Waves:
    """What is recorded. depth: levels of hierarchy, the testbench being the first; 0: all."""

    depth: int = 0

    def dump_module(self, toplevel: str, file: str) -> str:
        """Verilog that records `toplevel` into `file` under Icarus."""
        return (
            f"module {DUMP_MODULE}();\ninitial begin\n"
            f'    $dumpfile("{file}");\n    $dumpvars({self.depth}, {toplevel});\nend\nendmodule\n'
        )

    def verilator_control(self, toplevel: str) -> str:
        """A control file for Verilator, whose --trace-depth would count an inlined module as its parent's level."""
        if not self.depth:
            return "`verilator_config\n"
        below = toplevel + ".*" * (self.depth + 1)
        return f'`verilator_config\ntracing_off -scope "{below}" -levels 0\n'


def wave_suffix(simulator: str) -> str:
    """fst, or vcd where Verilator's writer of .fst cannot be compiled because lz4's or zlib's headers are missing."""
    if simulator == "icarus":
        return "fst"
    source = "#include <lz4.h>\n#include <zlib.h>\n"
    done = subprocess.run(["c++", "-E", "-x", "c++", "-"], input=source, capture_output=True, text=True, check=False)
    return "vcd" if done.returncode else "fst"
