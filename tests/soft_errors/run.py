# SPDX-License-Identifier: Apache-2.0
"""A checkpoint's network, emitted, with single bits flipped in simulation."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from wsfracbnn.gen.emission.folder import emit, emitted_sources
from wsfracbnn.gen.simulation.job import CocotbJob
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.model import golden
from wsfracbnn.model.checkpoint import load_checkpoint
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.files import write_text
from wsfracbnn.model.lower import lower_checkpoint

from ..soak.run import sources_digest
from .bench_flips import KINDS

HERE = Path(__file__).parent
AT_ONCE = 8
"""Flips of one run of the simulator."""

Row = dict[str, Any]


def flip_bits(
    weights: Path,
    fold: str,
    count: int,
    seed: int,
    folder: Path,
    show: Callable[[int], None] = lambda done: None,
    *,
    rom_parity: bool = False,
) -> list[Row]:
    """Flip `count` bits, one after the other; those that `folder` has from before are taken from there.

    Args:
        fold: as `wsfracbnn emit --fold` takes it.
        folder: of this checkpoint, folding and seed.
        show: called with the flips that are done.
        rom_parity: whether the accelerator checks its constant memories.
    Returns: a row for each flip, see bench_flips.Flips.flip.
    Raises:
        InputError: a bad checkpoint or folding, or a simulation that failed.
    """
    checkpoint = load_checkpoint(weights)
    if checkpoint.samples is None:
        raise InputError(f"{weights}: found no sample images, expected a checkpoint with some")
    description = lower_checkpoint(checkpoint)
    images = checkpoint.samples["images"].numpy()
    folding = choose_folding(description, fold)
    if rom_parity:
        folding = folding.with_rom_parity()
    design = emit(description, folding, folder / "net", images)
    trace = golden.run(description, images)
    np.savez(folder / "flips.npz", images=images, logits=trace.logits, classes=trace.classes)
    out = folder / f"{design.build_id[:12]}-{sources_digest()}.jsonl"
    rows = rows_of(out)
    write_text(out, "".join(json.dumps(row) + "\n" for row in rows))  # without a line that was cut off
    net, build = folder / "net", folder / "build"
    build.mkdir(exist_ok=True)
    while len(rows) < count:
        show(len(rows))
        job = CocotbJob(
            simulator="icarus",
            sources=tuple(emitted_sources(net)),
            toplevel=design.top,
            module="bench_flips",
            search=HERE,
            build=build,
            variables={
                "FLIPS_IN": str(folder / "flips.npz"),
                "FLIPS_OUT": str(out),
                "FLIPS_FIRST": str(len(rows)),
                "FLIPS_COUNT": str(min(AT_ONCE, count - len(rows))),
                "FLIPS_CYCLES": str(3 * design.cycles),
                "FLIPS_RTL": str(net / "rtl"),
                "COCOTB_RANDOM_SEED": str(seed),
            },
        )
        job.start().wait()
        if failures := job.failures(["flips"]):
            raise InputError("\n".join(failures))
        rows = rows_of(out)
    show(count)
    return rows[:count]


def rows_of(path: Path) -> list[Row]:
    """The rows of a file, up to the first that is missing or cut off."""
    rows: list[Row] = []
    for line in path.read_text().splitlines() if path.is_file() else []:
        try:
            row = json.loads(line)
        except ValueError:
            break
        if row["number"] == len(rows):
            rows.append(row)
    return rows


def table_of(rows: list[Row]) -> list[Row]:
    """For each kind of bits what became of the image that was hit, and of the next.

    Counts: flips; reported by rom_error; unseen, logits (they differ, the class does not), changed (the class differs)
    and missing (no result) of the image that was hit; next (the one behind it is right), reset (right behind a reset
    only), stays (wrong even then).
    """
    table = []
    for kind in KINDS:
        own = [row for row in rows if row["kind"] == kind and row["place"] is not None]
        late = [row for row in own if row["next"] != "right"]
        table.append(
            {
                "kind": kind,
                "bits": next((row["bits"] for row in own), 0),
                "flips": len(own),
                "reported": sum(row.get("reported", False) for row in own),
                "unseen": sum(row["hit"] == "right" for row in own),
                "logits": sum(row["hit"] == "wrong" and row["hit_class"] for row in own),
                "changed": sum(row["hit"] == "wrong" and not row["hit_class"] for row in own),
                "missing": sum(row["hit"] == "missing" for row in own),
                "next": len(own) - len(late),
                "reset": sum(row["reset"] == "right" for row in late),
                "stays": sum(row["reset"] != "right" for row in late),
            }
        )
    return table
