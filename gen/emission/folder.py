# SPDX-License-Identifier: Apache-2.0
"""Write the self-contained folder of an accelerator: RTL, description, vectors, testbench, Makefile, core file."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsfracbnn.gen.design import AcceleratorDesign, build_design
from wsfracbnn.gen.emission.render import environment, render_modules
from wsfracbnn.gen.emission.vectors import random_images, write_vectors
from wsfracbnn.gen.locations import NETWORK_TESTBENCH
from wsfracbnn.gen.stages.folding import Folding
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError

MARKER = "design.json"
"""A folder that holds this file was emitted before and may be replaced."""

VECTORS = "vectors.npz"
"""Golden vectors in an emitted folder."""

PROBES = ("stream_probe.v", "busy_probe.v", "stream_player.v", "frame_recorder.v")
TESTBENCH_FILES = ("bench_network.py", "golden.py", *PROBES)
FOLDER_TEMPLATES = {"Makefile": "folder_makefile.j2", "README.md": "folder_readme.md.j2"}


def emit(
    description: NetworkDescription,
    folding: Folding,
    out: Path,
    images: NDArray[np.uint8] | None = None,
    labels: NDArray[np.int64] | None = None,
) -> AcceleratorDesign:
    """Emit into a temporary folder beside `out` and rename it; the same arguments give the same bytes.

    Args:
        images, labels: (n, H, W, colours) uint8 and (n,) for the golden vectors; seeded random images without.
    Raises:
        InputError: `out` exists and was not emitted by this program, or cannot be written.
    """
    design = build_design(description, folding)
    emit_design(design, out, images, labels)
    return design


def emit_design(
    design: AcceleratorDesign,
    out: Path,
    images: NDArray[np.uint8] | None = None,
    labels: NDArray[np.int64] | None = None,
) -> None:
    """`emit` for a design state that is there already."""
    description = design.description
    with _replacing(out) as folder:
        _write_rtl(design, folder / "rtl")
        description.save(folder)
        (folder / "fold.json").write_text(design.folding.text())
        (folder / MARKER).write_text(json.dumps(design_summary(design), indent=2) + "\n")
        write_vectors(folder / VECTORS, description, random_images(description) if images is None else images, labels)
        _write_testbench(design, folder)


def design_summary(design: AcceleratorDesign) -> dict[str, Any]:
    """design.json: what a testbench and a reader need to know of the built hardware."""
    return {
        "name": design.name,
        "top": design.top,
        "sha256": design.digest,
        "build": design.build_id,
        "bits": design.bits,
        "lut_inputs": design.lut_inputs,
        "cycles": design.cycles,
        "occupancy_interval": design.occupancy_interval,
        "lanes": {link.source: link.lanes_out for link in design.links},
        "stages": [
            {"name": stage.name, **stage.fold.numbers(), "cycles": stage.cycles, "rom_bits": stage.rom_bits}
            for stage in design.stages
        ],
    }


def _write_rtl(design: AcceleratorDesign, folder: Path) -> None:
    (folder / "rom").mkdir(parents=True)
    (folder / "lib").mkdir()
    for name, text in render_modules(design):
        (folder / name).write_text(text)


def _write_testbench(design: AcceleratorDesign, folder: Path) -> None:
    env = environment()
    (folder / "tb").mkdir()
    for name in TESTBENCH_FILES:
        shutil.copyfile(NETWORK_TESTBENCH / name, folder / "tb" / name)
    testbench = env.get_template("testbench.v.j2").render(design=design)
    (folder / "tb" / f"{design.name}_testbench.v").write_text(testbench)
    sources = sorted(path.relative_to(folder).as_posix() for path in (folder / "rtl").rglob("*.v"))
    (folder / "filelist.f").write_text("".join(f"{source}\n" for source in sources))
    for name, template in FOLDER_TEMPLATES.items():
        (folder / name).write_text(env.get_template(template).render(design=design, sources=sources))
    core = env.get_template("folder_core.j2").render(design=design, sources=sources)
    (folder / f"{design.name}.core").write_text(core)


@contextmanager
def _replacing(out: Path) -> Iterator[Path]:
    """A temporary folder that becomes `out` when the block succeeds, and vanishes when it does not."""
    if out.exists() and not (out / MARKER).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: exists and was not emitted by this program, expected a new or emitted folder")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror})") from None
    try:
        folder.chmod(0o755)
        yield folder
        if _tree(out) == _tree(folder):
            return
        _keep_times(out, folder)
        if out.exists():
            shutil.rmtree(out)
        folder.replace(out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder by its relative path."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def _keep_times(old: Path, new: Path) -> None:
    """Give files that stay as they were their times of before, and with them what a simulator has built of them."""
    for path in new.rglob("*"):
        before = old / path.relative_to(new)
        if path.is_file() and before.is_file() and before.read_bytes() == path.read_bytes():
            shutil.copystat(before, path)
