# SPDX-License-Identifier: Apache-2.0
"""Gather what was verified: `python -m scripts.verification` makes results/verification.json and the page's table.

Each figure comes from the record of the command that measures it. A part whose record is not there is absent, and is
listed as such.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer
from pydantic import Field

from wsfracbnn.cli.app import run
from wsfracbnn.cli.console import console
from wsfracbnn.cli.figures import Figures, with_json
from wsfracbnn.cli.markdown import replace_section, require_section
from wsfracbnn.gen.locations import ROOT
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.files import require_writable, write_text
from wsfracbnn.model.reading import Schema, checked, read_json
from wsfracbnn.model.rows import markdown_table

RECORDS = ROOT / "results"
GATHERED = "verification.json"
SECTION = "verification"

Number = Annotated[int, Field(ge=0)]
Percent = Annotated[float, Field(ge=0, le=100)]


class _Record(Schema, extra="ignore"):
    """What is read of a record, whatever else it holds."""


class _Proof(_Record):
    failed: list[str]


class _Formal(_Record):
    proofs: list[_Proof]


class _Mutants(_Record):
    total: Number
    killed: Number
    equivalent: Number


class _Soak(_Record):
    frames: Number
    wrong: Number


class _Fuzz(_Record):
    cases: Number
    failures: Number


class _RandomNetworks(_Record):
    total: Number
    exact: Number


class _Gates(_Record):
    blocks: Number
    images: Number
    wrong: Number


class _Coverage(_Record):
    python_line: Percent | None = None
    verilog_line: Percent | None = None
    verilog_toggle: Percent | None = None


Part: TypeAlias = Mapping[str, int | float]


@dataclass(frozen=True)
class Source:
    """Where a part comes from.

    Attributes:
        file: the record. schema: what is read of it. figures: the part. title, words: what the table says of it.
        command: what measures it.
    """

    file: str
    schema: type[_Record]
    figures: Callable[[Any], Part]
    title: str
    words: Callable[[Part], str]
    command: str


def _as_read(record: _Record) -> Part:
    return {key: value for key, value in record.model_dump().items() if value is not None}


def _proofs(record: _Formal) -> Part:
    return {"total": len(record.proofs), "passed": sum(not proof.failed for proof in record.proofs)}


SOURCES: Mapping[str, Source] = {
    "proofs": Source(
        "formal.json",
        _Formal,
        _proofs,
        "properties of the RTL's blocks, proven",
        lambda part: f"{part['passed']:,} of {part['total']:,} proofs hold",
        "make formal",
    ),
    "mutants": Source(
        "mutants.json",
        _Mutants,
        _as_read,
        "mistakes put into the RTL",
        lambda part: (
            f"{part['killed']:,} of {part['total']:,} found by a test; {part['equivalent']:,} change nothing that can "
            "be seen"
        ),
        "make mutate",
    ),
    "soak": Source(
        "soak.json",
        _Soak,
        _as_read,
        "frames through simulated accelerators, with stalls and resets",
        lambda part: f"{part['frames']:,} frames, {part['wrong']:,} wrong",
        "make soak",
    ),
    "fuzz": Source(
        "fuzz.json",
        _Fuzz,
        _as_read,
        "damaged files and command lines",
        lambda part: f"{part['cases']:,} cases, {part['failures']:,} neither read nor refused",
        "make fuzz",
    ),
    "random_networks": Source(
        "random_networks.json",
        _RandomNetworks,
        _as_read,
        "networks drawn at random, PyTorch's integers to Verilog",
        lambda part: f"{part['exact']:,} of {part['total']:,} exact in every layer",
        "python -m tests.random_networks",
    ),
    "gates": Source(
        "gates.json",
        _Gates,
        _as_read,
        "netlists after synthesis, simulated",
        lambda part: f"{part['blocks']:,} blocks and {part['images']:,} images, {part['wrong']:,} wrong",
        "make gates",
    ),
    "coverage": Source(
        "coverage.json",
        _Coverage,
        _as_read,
        "lines and signals that the tests reach",
        lambda part: ", ".join(f"{name.replace('_', ' ')} {value:.1f} %" for name, value in part.items()),
        "make coverage",
    ),
}

_AT_MOST = (
    ("passed", "total"),
    ("killed", "total"),
    ("equivalent", "total"),
    ("exact", "total"),
    ("failures", "cases"),
)
"""Figures of which the first counts some of the second."""


def gather(folder: Path) -> dict[str, Any]:
    """All parts by their names, and under `absent` those without a record, each with the file that it lacks.

    Raises:
        InputError: a record is damaged; names the file and the key.
    """
    found: dict[str, Any] = {}
    absent: dict[str, str] = {}
    for name, source in SOURCES.items():
        path = folder / source.file
        if not path.exists():
            absent[name] = source.file
            continue
        try:
            part = source.figures(checked(source.schema, read_json(path, "a record")))
            _require_order(part)
        except InputError as error:
            raise InputError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from None
        found[name] = dict(part)
    return {**found, "absent": absent}


def _require_order(part: Part) -> None:
    for some, of_all in _AT_MOST:
        if some in part and of_all in part and part[some] > part[of_all]:
            raise InputError(f"key '{some}': found {part[some]}, expected at most {part[of_all]}, as '{of_all}'")


def table(gathered: Mapping[str, Any]) -> str:
    """The page's table."""
    return markdown_table(("what", "result", "by"), _rows(gathered))


def _rows(gathered: Mapping[str, Any]) -> Sequence[Sequence[str]]:
    return [
        (source.title, source.words(gathered[name]) if name in gathered else "*not measured*", f"`{source.command}`")
        for name, source in SOURCES.items()
    ]


def text(gathered: Mapping[str, Any]) -> str:
    """verification.json."""
    return json.dumps(gathered, indent=2) + "\n"


def main(
    records: Annotated[Path, typer.Option(help="Folder of the records, which gets verification.json.")] = RECORDS,
    page: Annotated[Path, typer.Option(help="Markdown file whose section 'verification' gets the table.")] = (
        ROOT / "docs" / "verification.md"
    ),
) -> Figures:
    """Gather the figures of all records into one file and one table."""
    path = records / GATHERED
    require_writable(path)
    require_section(page, SECTION)
    gathered = gather(records)
    write_text(path, text(gathered))
    replace_section(page, SECTION, table(gathered))
    console.print(table(gathered), markup=False, soft_wrap=True)
    return gathered


if __name__ == "__main__":
    command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    command.command()(with_json(main))
    run(command)
