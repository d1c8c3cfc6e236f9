# SPDX-License-Identifier: Apache-2.0
"""Outside the simulator: build a Verilog module with its cocotb testbench and run it (cocotb-test)."""

from __future__ import annotations

import hashlib
import json
import os
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from wsfracbnn.gen.locations import ROOT, RTL
from wsfracbnn.gen.simulation.job import CocotbJob
from wsfracbnn.gen.simulation.waves import Waves

BUILD = ROOT / "build" / "tb"

EACH_ALONE = "TB_EACH_ALONE"
"""Environment: 1 where each cocotb test is run by itself as well; conftest.py sets it."""


def run_block(
    simulator: str,
    module: str,
    bench: Path,
    parameters: Mapping[str, int],
    *,
    sources: Sequence[Path] | None = None,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Simulate `module` with the cocotb tests in the file `bench`; a failed one fails the calling pytest test.

    Args:
        parameters: Verilog parameters of the module.
        sources: Verilog files; default all of rtl/.
        environment: more variables for the testbench.
    """
    files = tuple(sources or sorted(RTL.glob("*.v")))
    key = json.dumps([simulator, module, dict(parameters), [str(path) for path in files]], sort_keys=True)
    build = BUILD / f"{module}-{simulator}-{hashlib.sha1(key.encode(), usedforsecurity=False).hexdigest()[:10]}"
    build.mkdir(parents=True, exist_ok=True)
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rsplit(" ", 1)[0]
    job = CocotbJob(
        simulator=simulator,
        sources=files,
        toplevel=module,
        module=bench.stem,
        search=bench.parent,
        build=build,
        parameters=parameters,
        variables={
            "REPRODUCE": f"WAVES=1 pytest '{test}'",
            "COCOTB_RANDOM_SEED": os.environ.get("COCOTB_RANDOM_SEED", "1"),
            "PYTHONDONTWRITEBYTECODE": "1",
            **(environment or {}),
        },
        waves=Waves() if os.environ.get("WAVES") == "1" else None,
    )
    code = job.start().wait()
    failures = job.failures()
    assert not failures, "\n".join(failures)
    assert code == 0, f"the simulator ended with exit code {code}, see {job.log}"
    if os.environ.get(EACH_ALONE) == "1" and simulator == "icarus":
        _run_each_alone(job)


def _run_each_alone(job: CocotbJob) -> None:
    """Each test again in a simulation of its own: nothing has reset the block before, and its registers are unknown."""
    names = [str(case.get("name")) for case in ElementTree.parse(job.results).iter("testcase")]
    if len(names) < 2:
        return
    for name in names:
        variables = {**job.variables, "COCOTB_TEST_FILTER": rf"^{re.escape(f'{job.module}.{name}')}$"}
        alone = replace(job, variables=variables)
        alone.start(goes_on=True).wait()
        failures = alone.failures([name])
        assert not failures, f"alone: {'; '.join(failures)}"
