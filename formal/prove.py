# SPDX-License-Identifier: Apache-2.0
"""Formal proofs of the RTL's blocks.

    .venv/bin/python -m formal.prove [--faults] [--only BLOCK] [--results FILE] [--page docs/verification.md]

Prints a row for each proof: block, parameters, properties, method, depth, seconds. `--faults` also puts mistakes into
the blocks, one at a time, and expects that the proofs find them. What is in build/formal is not proven again. Of blocks
that `--only` leaves out, rows in `--results` stay as they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.table import Table

from formal.block import BOUNDED, CELLWISE, Block, Fault
from formal.blocks import BLOCKS
from formal.solver import PROPERTIES, Problem, rtl_of, solve
from wsfracbnn.cli.app import run
from wsfracbnn.cli.console import console
from wsfracbnn.cli.figures import CheckFailedError, Figures, with_json
from wsfracbnn.cli.markdown import replace_section, require_section
from wsfracbnn.cli.progress import bar_of
from wsfracbnn.gen.locations import ROOT
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.files import require_writable, write_text
from wsfracbnn.model.reading import read_json
from wsfracbnn.model.rows import markdown_table

RESULTS = ROOT / "results" / "formal.json"

MANY = 8
"""Proofs of a block, each of which has its parameters on the page."""


@dataclass(frozen=True)
class Proof:
    """A row of the results.

    Attributes:
        properties: what is shown of the block from outside.
        invariants: what is shown of its inside besides, for the induction.
        depth: cycles.
        failed: assertions that do not hold, none if all is well.
    """

    block: str
    sizes: Mapping[str, int]
    properties: tuple[str, ...]
    invariants: tuple[str, ...]
    method: str
    depth: int
    failed: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Refutation:
    """A row of the results: a fault, the property that must find it, those that did, and in which cycle."""

    block: str
    fault: str
    refuted: str
    failed: tuple[str, ...]
    step: int
    seconds: float

    @property
    def found(self) -> bool:
        return self.refuted in self.failed


Row = TypeVar("Row", bound=Proof | Refutation)


@dataclass(frozen=True)
class Results:
    """All rows of a run."""

    proofs: tuple[Proof, ...] = ()
    faults: tuple[Refutation, ...] = ()

    @property
    def figures(self) -> Figures:
        """As `--json` prints them and results/formal.json holds them."""
        return {"proofs": [asdict(row) for row in self.proofs], "faults": [asdict(row) for row in self.faults]}

    @property
    def complaints(self) -> list[str]:
        """A sentence for each proof that fails and each fault that is not found."""
        return [
            *(f"{row.block} {_sizes(row.sizes)}: fails: {', '.join(row.failed)}" for row in self.proofs if row.failed),
            *(
                f"{row.block}: fault '{row.fault}': expected {row.refuted} to fail, "
                f"found {', '.join(row.failed) or 'none'}"
                for row in self.faults
                if not row.found
            ),
        ]


def read_results(path: Path = RESULTS) -> Results:
    """Rows that an earlier run wrote.

    Raises:
        InputError: no such file, or it holds something else.
    """
    try:
        rows = read_json(path, "a file of proofs")
        proofs = [
            Proof(**(row | {name: tuple(row[name]) for name in ("properties", "invariants", "failed")}))
            for row in rows["proofs"]
        ]
        faults = [Refutation(**(row | {"failed": tuple(row["failed"])})) for row in rows["faults"]]
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{path}: found no rows of proofs and faults ({error}), expected those of formal.prove"
        ) from None
    return Results(tuple(proofs), tuple(faults))


def proof_of(block: Block, sizes: Mapping[str, int]) -> Proof:
    """Prove a block's properties at one set of parameters."""
    problem = Problem(block.name, sizes, block.method, block.depth, sources_of(block, sizes), free=block.free)
    outcome = solve(problem)
    inside = invariants_of(block)
    properties = tuple(label for label in outcome.properties if label not in inside)
    invariants = tuple(label for label in outcome.properties if label in inside)
    return Proof(block.name, sizes, properties, invariants, block.method, block.depth, outcome.failed, outcome.seconds)


def refutation_of(block: Block, fault: Fault) -> Refutation:
    """Put the fault into the block and look what fails."""
    sizes = fault.sizes or block.sizes[0]
    method, depth = (CELLWISE, block.depth) if block.method == CELLWISE else (BOUNDED, fault.depth)
    outcome = solve(Problem(block.name, sizes, method, depth, faulty(block, fault), False, block.free))
    return Refutation(block.name, fault.name, fault.refuted, outcome.failed, outcome.step, outcome.seconds)


def invariants_of(block: Block) -> frozenset[str]:
    """Labels of the assertions that a file of properties makes of the inside."""
    _, *inside = (PROPERTIES / f"{block.name}.sv").read_text().split("`ifdef INVARIANTS\n")
    return frozenset(re.findall(r"(\w+): assert", "".join(inside)))


def sources_of(block: Block, sizes: Mapping[str, int]) -> dict[str, str]:
    """Verilog of the block and of what it instantiates; what is emitted depends on the sizes."""
    if block.emitted is not None:
        return block.emitted(sizes)
    return rtl_of(block.name, (PROPERTIES / f"{block.name}.sv").read_text())


def faulty(block: Block, fault: Fault) -> dict[str, str]:
    """The block's sources with the fault in one of them.

    Raises:
        InputError: the text that it replaces is not there exactly once.
    """
    sources = sources_of(block, fault.sizes or block.sizes[0])
    name = f"{fault.source or block.name}.v"
    place = "rtl" if block.emitted is None else "emitted"
    if (count := sources[name].count(fault.old)) != 1:
        raise InputError(f"{place}/{name}: fault '{fault.name}': found its text {count} times, expected once")
    return sources | {name: sources[name].replace(fault.old, fault.new)}


def carry_out(blocks: Sequence[Block], *, faults: bool) -> Results:
    """All proofs, and on request all faults, behind a progress bar."""
    proofs = [(block, sizes) for block in blocks for sizes in block.sizes]
    mistakes = [(block, fault) for block in blocks for fault in block.faults] if faults else []
    shown: list[Proof] = []
    found: list[Refutation] = []
    with bar_of("proofs", len(proofs) + len(mistakes)) as show:
        for block, sizes in proofs:
            shown.append(proof_of(block, sizes))
            show(len(shown))
        for block, fault in mistakes:
            found.append(refutation_of(block, fault))
            show(len(shown) + len(found))
    return Results(tuple(shown), tuple(found))


def with_others(results: Results, before: Results) -> Results:
    """Results with the earlier rows of other blocks, as far as these are still proven, in the order of BLOCKS."""
    place = {block.name: number for number, block in enumerate(BLOCKS)}

    def together(now: Sequence[Row], earlier: Sequence[Row]) -> tuple[Row, ...]:
        again = {row.block for row in now}
        kept = [row for row in earlier if row.block in place and row.block not in again]
        return tuple(sorted([*now, *kept], key=lambda row: place[row.block]))

    return Results(together(results.proofs, before.proofs), together(results.faults, before.faults))


def print_tables(results: Results) -> None:
    """What was shown, and which faults were found."""
    table = Table("block", "parameters", "property", "method", "depth", "s", title="shown")
    before: tuple[str, ...] = ()
    for row in results.proofs:
        holds = "the same" if row.properties == before else ", ".join(row.properties)
        before = row.properties
        if row.failed:
            holds = f"FAILS: {', '.join(row.failed)}"
        table.add_row(row.block, _sizes(row.sizes), holds, row.method, str(row.depth), f"{row.seconds:.1f}")
    console.print(table)
    if results.faults:
        table = Table("block", "fault", "refuted by", "cycle", "s", title="faults")
        for fault in results.faults:
            by = fault.refuted if fault.found else f"NOT FOUND ({', '.join(fault.failed) or 'all is shown'})"
            table.add_row(fault.block, fault.fault, by, str(fault.step), f"{fault.seconds:.1f}")
        console.print(table)


def page_of(results: Results) -> str:
    """The section 'formal' of docs/verification.md: a line for each block, in its properties' own words."""
    columns = ("block", "what is shown", "parameters", "method, depth", "properties", "faults found", "s")
    proven = {row.block for row in results.proofs}
    table = markdown_table(columns, [_cells(block, results) for block in BLOCKS if block.name in proven])
    total = sum(row.seconds for row in results.proofs) + sum(row.seconds for row in results.faults)
    properties = sum(len(row.properties) for row in results.proofs)
    found = sum(row.found for row in results.faults)
    summary = (
        f"{len(results.proofs)} proofs of {properties} assertions; {found} of {len(results.faults)} faults found; "
        f"{total:.0f} s in all on one core."
    )
    return f"{table}\n\n{summary}"


def _cells(block: Block, results: Results) -> tuple[str, ...]:
    proofs = [row for row in results.proofs if row.block == block.name]
    faults = [row for row in results.faults if row.block == block.name]
    return (
        f"`{block.name}`",
        statement_of(block),
        _all_sizes([row.sizes for row in proofs]),
        f"{proofs[0].method}, {proofs[0].depth}",
        str(max(len(row.properties) for row in proofs)),
        f"{sum(row.found for row in faults)} of {len(faults)}",
        f"{sum(row.seconds for row in proofs) + sum(row.seconds for row in faults):.0f}",
    )


def statement_of(block: Block) -> str:
    """What the header of a file of properties says of the block."""
    header = (PROPERTIES / f"{block.name}.sv").read_text().split("/*\n")[1].split(" */")[0]
    text = " ".join(line.removeprefix(" *").strip() for line in header.splitlines())
    return text.strip().removeprefix(f"{block.name}: ").split("  ")[0]


def _all_sizes(sizes: Sequence[Mapping[str, int]]) -> str:
    """Parameters of a block's proofs, one after the other; of many proofs the values of each parameter."""
    if len(sizes) <= MANY:
        return "; ".join(filter(None, map(_sizes, sizes)))
    values = {name: sorted({row[name] for row in sizes}) for name in sizes[0]}
    return "; ".join(f"{name} {', '.join(map(str, found))}" for name, found in values.items())


def _sizes(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sizes.items())


def chosen(only: Iterable[str]) -> Iterator[Block]:
    """The blocks of those names; all for none.

    Raises:
        InputError: a name is no block's.
    """
    names = [block.name for block in BLOCKS]
    for name in (wanted := list(only)):
        if name not in names:
            raise InputError(f"--only: found '{name}', expected one of: {', '.join(names)}")
    yield from (block for block in BLOCKS if not wanted or block.name in wanted)


def main(
    only: Annotated[list[str] | None, typer.Option(metavar="BLOCK", help="This block only; may be repeated.")] = None,
    faults: Annotated[bool, typer.Option("--faults", help="Also put faults into the blocks.")] = False,
    results: Annotated[Path | None, typer.Option(help="JSON file that the rows are written to.")] = None,
    page: Annotated[Path | None, typer.Option(help="Markdown file with a section 'formal'.")] = None,
) -> Figures:
    """Prove, print, record; exit code 1 where a proof fails or a fault is not found."""
    blocks = list(chosen(only or ()))
    before = Results()
    if results is not None:
        require_writable(results)
        before = read_results(results) if only and results.exists() else before
    if page is not None:
        require_section(page, "formal")
    rows = carry_out(blocks, faults=faults)
    print_tables(rows)
    for complaint in rows.complaints:
        console.print(complaint)
    if rows.complaints:
        raise CheckFailedError(rows.figures)
    recorded = with_others(rows, before)
    if results is not None:
        write_text(results, json.dumps(recorded.figures, indent=2) + "\n")
    if page is not None:
        replace_section(page, "formal", page_of(recorded))
    return rows.figures


if __name__ == "__main__":
    command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    command.command()(with_json(main))
    run(command)
