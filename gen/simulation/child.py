# SPDX-License-Identifier: Apache-2.0
"""Child process of a simulation: one cocotb-test run, its arguments as JSON in argv[1] (job.py writes them).

A process of its own, because cocotb-test takes search paths and the results file from the process environment.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from cocotb_test.simulator import run

from wsfracbnn.gen.simulation.job import ICARUS_ARGS, VERILATOR_ARGS, VERILATOR_MAKE_ARGS


def main(arguments: dict[str, Any]) -> None:
    """Build, and run unless `build_only`."""
    verilator = arguments["simulator"] == "verilator"
    waves = arguments["waves"]
    # cocotb looks for the testbench along this path, after nothing of the caller's.
    sys.path[:0] = arguments["search"]
    # VCD, which needs no library: Verilator's FST writer wants lz4's headers.
    trace_args = ["--trace", "--trace-structs"] if waves and verilator else []
    run(
        simulator=arguments["simulator"],
        verilog_sources=arguments["sources"],
        toplevel=arguments["toplevel"],
        module=arguments["module"],
        python_search=arguments["search"],
        sim_build=arguments["build"],
        parameters=arguments["parameters"],
        compile_args=[*VERILATOR_ARGS, *trace_args] if verilator else ICARUS_ARGS,
        plus_args=["--trace"] if trace_args else [],
        waves=waves and not verilator,
        compile_only=arguments["build_only"],
        force_compile=arguments["build_anew"],  # by their times, files of another network may look older than the build
        **({"make_args": VERILATOR_MAKE_ARGS} if verilator else {}),
    )


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
