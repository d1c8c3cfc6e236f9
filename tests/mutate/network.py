# SPDX-License-Identifier: Apache-2.0
"""An emitted network as a job: its own testbench compares every stream of every layer, under stalls and resets too.

Its modules from templates/ get mistakes as the blocks of rtl/ do. It is also the last to try for a block's mutant: the
emitted copy of the block gets the same mistake.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from wsfracbnn.gen.design import AcceleratorDesign
from wsfracbnn.gen.emission.folder import emit, emitted_sources
from wsfracbnn.gen.emission.render import own_names
from wsfracbnn.gen.emission.vectors import random_images
from wsfracbnn.gen.locations import ROOT
from wsfracbnn.gen.simulation.selection import BENCH
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.files import temporary_folder
from wsfracbnn.model.random_network import random_description
from wsfracbnn.tb.common.stages import folding_of

from .jobs import Job
from .mutants import code_of

NETWORK = "network"
"""Stands for the emitted modules where a block is named."""

NAME = "mutated"
CONFIG = NetworkConfig(4, 4, 1, 4, (2, 4), (1, 1), 3)
FOLDS = {"input": (2, 36), "stage_01": (2, 18), "stage_02": (1, 9), "stage_03": (4, 9), "head": (3, 1)}
SLOW_FOLDS = FOLDS | {"stage_03": (1, 9)}
"""The third convolution is the slowest, so that results wait in the stages before it."""

IMAGES = 8
FOLDERS = ROOT / "build" / "mutants"


def emitted() -> tuple[AcceleratorDesign, Job]:
    """The network, emitted anew, and the job that simulates it."""
    return _emitted(NETWORK, tuple(FOLDS.items()))


def jobs_of(file: str) -> list[Job]:
    """Those that simulate a module of the network: where another folding has the same module, that one's, too."""
    _, job = emitted()
    _, slow = _emitted(f"{NETWORK} with a slow stage_03", tuple(SLOW_FOLDS.items()))
    texts = [code_of(one.sources[file].read_text()) for one in (job, slow)]
    return [job, slow] if texts[0] == texts[1] else [job]


@functools.cache
def _emitted(name: str, folds: tuple[tuple[str, tuple[int, int]], ...]) -> tuple[AcceleratorDesign, Job]:
    description = random_description(CONFIG, seed=7, name=NAME, wild=False)  # values that vary in every layer
    with temporary_folder(FOLDERS / "emission") as work:
        design = emit(description, folding_of(CONFIG, dict(folds)), work / "net", random_images(description, IMAGES))
        folder = FOLDERS / f"network-{_digest(work / 'net')}"
        if not folder.exists():
            with suppress(OSError):  # another process was quicker
                (work / "net").rename(folder)
    sources = {path.name: path for path in (*emitted_sources(folder), *sorted((folder / "tb").glob("*.v")))}
    variables = {
        "WSFRACBNN_VECTORS": str(folder / "vectors.npz"),
        "WSFRACBNN_DESIGN": str(folder / "design.json"),
        "WSFRACBNN_IMAGES": str(IMAGES),
        "WSFRACBNN_RESULT": "result.json",
    }
    return design, Job(name, f"{NAME}_testbench", folder / "tb" / f"{BENCH}.py", {}, sources, variables)


def _digest(folder: Path) -> str:
    """Of all files: what is emitted never changes under a process that simulates it."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:12]


@functools.cache
def emitted_modules() -> Mapping[str, Path]:
    """File names and places of the modules that get mistakes: the network's own, not its ROMs or copies of blocks."""
    _, job = emitted()
    return {name: path for name, path in job.sources.items() if path.parent.name == "rtl"}


def copy_of(file: str, text: str) -> tuple[str, str]:
    """File name and text of a block's source as the network holds it; ("", "") where it does not."""
    design, job = emitted()
    name = f"{NAME}_{file}"
    return (name, own_names(design, text)) if name in job.sources else ("", "")
