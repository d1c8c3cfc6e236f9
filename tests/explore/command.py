# SPDX-License-Identifier: Apache-2.0
"""The command line with made-up steps, for a process of its own; routing starts a tool that never ends by itself."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from wsfracbnn.cli.app import main
from wsfracbnn.gen.explore import cluster, jobs
from wsfracbnn.gen.explore.outcomes import Routed
from wsfracbnn.model.supervise import Child

from . import fakes


def route_for_ever(cache: Path, top: str, instances: Any, settings: Any, synthesized: Any) -> Routed:
    """Start a tool as the real step does, and say which process it is."""
    script = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    path = Path(os.environ[fakes.LOG]).with_suffix(".tool")
    with path.open("wb") as said, Child([sys.executable, "-c", script], stdout=said) as tool:
        tool.wait()
    raise AssertionError("the tool ended")


if __name__ == "__main__":
    for module, name, stand_in in (
        (cluster, "tools_here", fakes.probe),
        (jobs, "synthesize_design", fakes.synthesize),
        (jobs, "simulate_design", fakes.simulate),
        (jobs, "route_netlist", route_for_ever),
    ):
        setattr(module, name, stand_in)
    main()
