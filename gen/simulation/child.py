# SPDX-License-Identifier: Apache-2.0
"""Child process of a simulation: one cocotb-test run, its arguments as JSON in argv[1] (job.py writes them).

A process of its own, because cocotb-test takes search paths and the results file from the process environment.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from cocotb_test.simulator import run


def main(arguments: dict[str, Any]) -> None:
    """Build, and run unless `build_only`."""
    # cocotb looks for the testbench along this path, after nothing of the caller's.
    sys.path[:0] = arguments["search"]
    run(
        simulator=arguments["simulator"],
        verilog_sources=arguments["sources"],
        toplevel=arguments["toplevel"],
        module=arguments["module"],
        python_search=arguments["search"],
        sim_build=arguments["build"],
        parameters=arguments["parameters"],
        compile_args=arguments["compile"],
        plus_args=arguments["plus"],
        waves=False,  # of cocotb-test, which would record all levels
        compile_only=arguments["build_only"],
        **({"make_args": arguments["make"]} if arguments["make"] else {}),  # an argument that only Verilator's takes
        force_compile=arguments["build_anew"],  # by their times, files of another network may look older than the build
    )


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
