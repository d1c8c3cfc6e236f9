# SPDX-License-Identifier: Apache-2.0
"""An emitted network as a job: its own testbench compares every stream of every layer, under stalls and resets too.

Its modules from templates/ get mistakes as the blocks of rtl/ do. It is also the last to try for a block's mutant: the
emitted copy of the block gets the same mistake.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

from wsfracbnn.gen.design import AcceleratorDesign
from wsfracbnn.gen.emission.folder import emit
from wsfracbnn.gen.emission.render import own_names
from wsfracbnn.gen.locations import ROOT
from wsfracbnn.gen.simulation.selection import BENCH
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.random_network import random_description
from wsfracbnn.tb.common.stages import folding_of

from .jobs import Job

NETWORK = "network"
"""Stands for the emitted modules where a block is named."""

NAME = "mutated"
CONFIG = NetworkConfig(4, 4, 1, 4, (2, 4), (1, 1), 3)
FOLDS = {"input": (2, 36), "stage_01": (2, 18), "stage_02": (1, 9), "stage_03": (4, 9), "head": (3, 1)}
IMAGES = 2
FOLDER = ROOT / "build" / "mutants" / "network"


@functools.cache
def emitted() -> tuple[AcceleratorDesign, Job]:
    """The network, emitted anew, and the job that simulates it."""
    description = random_description(CONFIG, seed=7, name=NAME)
    design = emit(description, folding_of(CONFIG, FOLDS), FOLDER, force=True)
    files = [FOLDER / line for line in (FOLDER / "filelist.f").read_text().split()]
    sources = {path.name: path for path in (*files, *sorted((FOLDER / "tb").glob("*.v")))}
    variables = {
        "WSFRACBNN_VECTORS": str(FOLDER / "vectors.npz"),
        "WSFRACBNN_DESIGN": str(FOLDER / "design.json"),
        "WSFRACBNN_IMAGES": str(IMAGES),
        "WSFRACBNN_RESULT": "result.json",
    }
    return design, Job(NETWORK, f"{NAME}_testbench", FOLDER / "tb" / f"{BENCH}.py", {}, sources, variables)


@functools.cache
def emitted_modules() -> Mapping[str, Path]:
    """File names and places of the modules that get mistakes: the network's own, not its ROMs or copies of blocks."""
    _, job = emitted()
    return {name: path for name, path in job.sources.items() if path.parent == FOLDER / "rtl"}


def copy_of(file: str, text: str) -> tuple[str, str]:
    """File name and text of a block's source as the network holds it; ("", "") where it does not."""
    design, job = emitted()
    name = f"{NAME}_{file}"
    return (name, own_names(design, text)) if name in job.sources else ("", "")
