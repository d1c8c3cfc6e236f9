# SPDX-License-Identifier: Apache-2.0
"""Write the self-contained folder of an accelerator: RTL, description, vectors, testbench, Makefile, core file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsfracbnn.gen.design import AcceleratorDesign, build_design
from wsfracbnn.gen.emission.licence import LICENCE, licence_text
from wsfracbnn.gen.emission.manifest import emit_into
from wsfracbnn.gen.emission.render import environment, render_modules
from wsfracbnn.gen.emission.vectors import Reference, random_images, write_vectors
from wsfracbnn.gen.locations import NETWORK_TESTBENCH
from wsfracbnn.gen.sizing.area import area_estimate
from wsfracbnn.gen.soc.files import wrapper_files, wrapper_modules
from wsfracbnn.gen.soc.wrapper import AxiWidths, AxiWrapper
from wsfracbnn.gen.stages.folding import Folding
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.reading import read_text

DESIGN = "design.json"
"""What was built, for programs."""

FOLDING = "fold.json"
"""The folding, as a folding file."""

LOAD = "weights.bin"
"""The stream that loads a network's weights, where they are loaded."""

VECTORS = "vectors.npz"
"""Golden vectors in an emitted folder."""

FILE_LIST = "filelist.f"
"""Names of the accelerator's Verilog files in an emitted folder."""

PROBES = ("stream_probe.v", "busy_probe.v", "stream_player.v", "frame_recorder.v")
TESTBENCH_FILES = ("bench_network.py", "golden.py", "verdict.py", *PROBES)
FOLDER_TEMPLATES = {"Makefile": "folder_makefile.j2", "README.md": "folder_readme.md.j2"}


def emit(
    description: NetworkDescription,
    folding: Folding,
    out: Path,
    images: NDArray[np.uint8] | None = None,
    labels: NDArray[np.int64] | None = None,
    *,
    reference: Reference | None = None,
    axi: AxiWidths | None = None,
    force: bool = False,
) -> AcceleratorDesign:
    """Emit a folder; the same arguments give the same bytes.

    Args:
        out: a new or empty folder, or one that was emitted before, whose other files stay (manifest.py).
        images: (n, H, W, colours) uint8 for the golden vectors; seeded random ones without.
        labels: (n,) of these images.
        reference: what the golden vectors must equal, PyTorch's eval forward; without, the folder says that nothing
            was compared.
        axi: the streams of a wrapper for a system on chip; None: no wrapper.
        force: whether to replace emitted files that were changed since.
    Raises:
        InputError: `out` is something else, or cannot be written; or the golden vectors differ from `reference`.
    """
    design = build_design(description, folding)
    emit_design(design, out, images, labels, reference=reference, axi=axi, force=force)
    return design


def emit_design(
    design: AcceleratorDesign,
    out: Path,
    images: NDArray[np.uint8] | None = None,
    labels: NDArray[np.int64] | None = None,
    *,
    reference: Reference | None = None,
    axi: AxiWidths | None = None,
    force: bool = False,
) -> None:
    """`emit` for a design state that is there already."""
    description = design.description
    wrapper = None if axi is None else AxiWrapper(design, axi)

    def fill(folder: Path) -> None:
        _write_rtl(design, folder / "rtl", wrapper)
        description.save(folder)
        (folder / FOLDING).write_text(design.folding.text())
        (folder / LICENCE).write_text(licence_text())
        if design.load is not None:
            (folder / LOAD).write_bytes(design.load.stream())
        compared = reference is not None
        summary = design_summary(design, wrapper) | {"vectors_equal_pytorch": compared}
        (folder / DESIGN).write_text(json.dumps(summary, indent=2) + "\n")
        chosen = random_images(description) if images is None else images
        write_vectors(folder / VECTORS, description, chosen, labels, reference)
        sources = _write_testbench(design, folder, compared, wrapper)
        if wrapper is not None:
            for name, text in wrapper_files(wrapper, sources).items():
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_text(text)

    emit_into(out, fill, force=force)


def emitted_sources(folder: Path) -> list[Path]:
    """The accelerator's Verilog files in an emitted folder, without the testbench's.

    Raises:
        InputError: the list of them cannot be read.
    """
    return [folder / line for line in read_text(folder / FILE_LIST, "a list of files").split()]


def design_summary(design: AcceleratorDesign, wrapper: AxiWrapper | None = None) -> dict[str, Any]:
    """design.json: what a testbench and a reader need to know of the built hardware."""
    area = area_estimate(design)
    return {
        "name": design.name,
        "top": design.top,
        "sha256": design.digest,
        "build": design.build_id,
        "bits": design.bits,
        "lut_inputs": design.lut_inputs,
        "rom_parity": design.rom_parity,
        "cycles": design.cycles,
        "occupancy_interval": design.occupancy_interval,
        "estimated_area": None if area is None else area.to_json(),
        "lanes": {link.source: link.lanes_out for link in design.links},
        "stages": [
            {"name": stage.name, **stage.fold.to_json(), "cycles": stage.cycles, "rom_bits": stage.rom_bits}
            for stage in design.stages
        ],
        **({} if wrapper is None else {"axi": wrapper.summary()}),
    }


def _write_rtl(design: AcceleratorDesign, folder: Path, wrapper: AxiWrapper | None) -> None:
    (folder / "rom").mkdir(parents=True)
    (folder / "lib").mkdir()
    for name, text in render_modules(design, {} if wrapper is None else wrapper_modules(wrapper)):
        (folder / name).write_text(text)


def _write_testbench(design: AcceleratorDesign, folder: Path, compared: bool, wrapper: AxiWrapper | None) -> list[str]:
    """All that is about the Verilog that is there; returns its files by their names in the folder."""
    env = environment()
    (folder / "tb").mkdir()
    for name in TESTBENCH_FILES:
        shutil.copyfile(NETWORK_TESTBENCH / name, folder / "tb" / name)
    testbench = env.get_template(design.testbench_template).render(design=design)
    (folder / "tb" / f"{design.name}_testbench.v").write_text(testbench)
    sources = sorted(path.relative_to(folder).as_posix() for path in (folder / "rtl").rglob("*.v"))
    (folder / FILE_LIST).write_text("".join(f"{source}\n" for source in sources))
    given = {
        "design": design,
        "sources": sources,
        "compared": compared,
        "area": area_estimate(design),
        "wrapper": wrapper,
        "cycles": f"{design.cycles:,}",
        "images_per_s": f"{100e6 / design.cycles:,.0f}",
    }
    for name, template in FOLDER_TEMPLATES.items():
        (folder / name).write_text(env.get_template(template).render(**given))
    core = env.get_template("folder_core.j2").render(design=design, sources=sources, wrapper=wrapper)
    (folder / f"{design.name}.core").write_text(core)
    return sources
