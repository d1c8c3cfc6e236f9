# SPDX-License-Identifier: Apache-2.0
"""What the hardware is aimed at, beside what results/ has measured.

    .venv/bin/python benchmarks/aims.py [--json]

Prints a line for each aim: the aim, the measured value, whether it is reached, and where not, why. A dash stands for
what has not been measured. Nothing is run: hardware.json, boards.json, area.json, peers.json and figures.json of
results/ are read.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from wsfracbnn.cli.app import run
from wsfracbnn.cli.console import console
from wsfracbnn.gen.locations import ROOT
from wsfracbnn.gen.synthesis.record import HardwareResults, HardwareRow, SimulationRow
from wsfracbnn.model.reading import read_json

if TYPE_CHECKING:
    from benchmarks.peer_designs.results import LayerRow
    from wsfracbnn.gen.boards.record import BoardRow

OWN = "WSFracBNN"
SEEDS = 5
"""Placer seeds that a routed figure is the median of."""

Measured = Callable[["Results"], float | None]


@dataclass(frozen=True)
class Results:
    """What is measured.

    Attributes:
        rows, simulation: of results/hardware.json.
        layers: rows of the binary layers of results/peers.json.
        areas: LUTs of networks by (family, network, fold), of results/area.json.
        figures: of results/figures.json, by name.
        boards: rows of results/boards.json.
    """

    rows: Sequence[HardwareRow]
    layers: Sequence[LayerRow]
    simulation: Sequence[SimulationRow] = ()
    areas: Mapping[tuple[str, str, str], float] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)
    boards: Sequence[BoardRow] = ()

    def of(self, network: str, fold: str, device: str, speed_grade: int | None = None) -> list[HardwareRow]:
        """Rows of a design, of all its seeds."""
        wanted = (network, fold, device, speed_grade)
        return [row for row in self.rows if (row.network, row.fold, row.device, row.speed_grade) == wanted]


@dataclass(frozen=True)
class Aim:
    """value: at most, or, where `least`, at least. unit: what it counts. why: what stands in its way, if anything."""

    what: str
    value: float
    unit: str
    measured: Measured
    least: bool = False
    why: str = ""


@dataclass(frozen=True)
class Outcome:
    """An aim and what there is. reached: None where nothing is measured. why: empty where it is reached."""

    what: str
    aim: float
    unit: str
    measured: float | None
    reached: bool | None
    why: str


def synthesized(network: str, fold: str, family: str, value: Callable[[HardwareRow], float | None]) -> Measured:
    """A figure of a synthesized design."""

    def find(results: Results) -> float | None:
        rows = results.of(network, fold, family)
        return value(rows[0]) if rows else None

    return find


def median_of_seeds(
    network: str, fold: str, device: str, grade: int, value: Callable[[HardwareRow], float | None]
) -> Measured:
    """The median over the seeds of a routed design, where there are SEEDS at least."""

    def find(results: Results) -> float | None:
        found = [figure for row in results.of(network, fold, device, grade) if (figure := value(row)) is not None]
        return statistics.median(found) if len(found) >= SEEDS else None

    return find


def luts_per_rate(row: HardwareRow) -> float | None:
    """LUTs per image a second."""
    return round(row.luts / row.images_per_s, 2) if row.images_per_s else None


def best_luts_per_rate(network: str, device: str) -> Measured:
    """The least over all that is routed of a network."""

    def find(results: Results) -> float | None:
        rows = [row for row in results.rows if (row.network, row.device) == (network, device)]
        return min((figure for row in rows if (figure := luts_per_rate(row)) is not None), default=None)

    return find


def layer(luts: Callable[[LayerRow], int]) -> Measured:
    """LUTs an operation of this project's layer of constant weights."""

    def find(results: Results) -> float | None:
        own = [row for row in results.layers if (row.tool, row.weights) == (OWN, "constant")]
        return round(luts(own[0]) / own[0].operations, 2) if own else None

    return find


def figure(name: str) -> Measured:
    """A figure of results/figures.json."""
    return lambda results: results.figures.get(name)


def area_ratio(family: str, network: str, fold: str, against: str) -> Measured:
    """LUTs of one folding of a network over those of another."""

    def find(results: Results) -> float | None:
        luts = [results.areas.get((family, network, name)) for name in (fold, against)]
        return None if luts[0] is None or luts[1] is None else round(luts[0] / luts[1], 2)

    return find


def on_board(board: str, network: str, value: Callable[[BoardRow], float]) -> Measured:
    """A figure of a network on a board, of the fastest that there is."""

    def find(results: Results) -> float | None:
        rows = [row for row in results.boards if (row.board, row.network) == (board, network)]
        return value(max(rows, key=lambda row: row.images_per_s)) if rows else None

    return find


def testbench_overhead(network: str) -> Measured:
    """What the testbench adds to a simulation's time, in percent."""

    def find(results: Results) -> float | None:
        rows = [row for row in results.simulation if row.network == network]
        return round(100 * rows[0].overhead, 1) if rows else None

    return find


SUM_AND_MORE = "lists, gates, windows and scale paths take as much for the fewest bits a cycle as for many"
MORE_BITS = "they fall with the bits a cycle, but larger foldings fill the 85F and lose clock to long wires"
NOT_RECORDED = "benchmarks/cycle_estimate.py --results has not been run to its end"
LONG_RUN = "each seed routes for half an hour to an hour"

FAST_RESNET = median_of_seeds("cifar100", "cycles=12400", "ecp5-85f", 8, lambda row: row.images_per_s)
"""Images a second of the larger ResNet-20 on the fastest 85F; two aims ask for it."""

AIMS = (
    Aim("digits, fast", 280, "cycles an image", figure("digits, fast: cycles an image"), why=NOT_RECORDED),
    Aim(
        "estimated cycles, presets and random foldings",
        3,
        "% off at worst",
        figure("estimated cycles: worst, %"),
        why=NOT_RECORDED,
    ),
    Aim(
        "estimated cycles, foldings compared",
        23,
        "",
        figure("estimated cycles: foldings"),
        least=True,
        why=NOT_RECORDED,
    ),
    Aim("digits, small against auto, ECP5", 0.99, "of its LUT4", area_ratio("ecp5", "digits", "small", "auto")),
    Aim("ResNet-20, ECP5", 4.0, "LUT4 per image/s", best_luts_per_rate("cifar100", "ecp5-85f"), why=MORE_BITS),
    Aim("digits, auto, ECP5", 7000, "LUT4", synthesized("digits", "auto", "ecp5", lambda row: row.luts)),
    Aim(
        "digits, auto, ECP5",
        8,
        "LUT4 a bit",
        synthesized("digits", "auto", "ecp5", lambda row: row.luts_per_bit),
        why=SUM_AND_MORE,
    ),
    Aim(
        "ResNet-20, auto, ECP5",
        8,
        "LUT4 a bit",
        synthesized("cifar100", "auto", "ecp5", lambda row: row.luts_per_bit),
        why=SUM_AND_MORE,
    ),
    Aim(
        "ResNet-20, cycles=3000, 7 series",
        2.2,
        "LUT6 a bit",
        synthesized("cifar100", "cycles=3000", "xc7", lambda row: row.luts_per_bit),
        why="the sum alone takes 1.35 LUT6 a bit; a measurement takes an hour",
    ),
    Aim(
        "digits, auto, 7 series",
        6,
        "LUT6 a bit",
        synthesized("digits", "auto", "xc7", lambda row: row.luts_per_bit),
        why=SUM_AND_MORE,
    ),
    Aim("constant weights, ECP5", 1.0, "LUT4 an XNOR", layer(lambda row: row.lut4)),
    Aim("constant weights, 7 series", 1.0, "LUT6 an XNOR", layer(lambda row: row.lut6)),
    Aim(
        "digits_small, cycles=80, 25F",
        1_000_000,
        "images/s, median",
        median_of_seeds("digits_small", "cycles=80", "ecp5-25f", 6, lambda row: row.images_per_s),
        least=True,
        why="networks of three stages from width 4 on fit; none is trained to 98 % yet",
    ),
    Aim(
        "ResNet-20, cycles=12400, 85F speed 8",
        10_000,
        "images/s, median",
        FAST_RESNET,
        least=True,
        why=LONG_RUN,
    ),
    Aim(
        "ResNet-20, cycles=12400, 85F speed 8: the far aim",
        12_500,
        "images/s, median",
        FAST_RESNET,
        least=True,
        why=LONG_RUN,
    ),
    Aim(
        "ResNet-20, auto, 85F speed 6",
        120,
        "MHz, median",
        median_of_seeds("cifar100", "auto", "ecp5-85f", 6, lambda row: row.fmax_mhz),
        least=True,
        why=LONG_RUN,
    ),
    Aim(
        "ResNet-20, CIFAR-10, sequential, 25F",
        5000,
        "LUT4, median",
        median_of_seeds("cifar10", "sequential", "ecp5-25f", 6, lambda row: row.luts),
    ),
    Aim(
        "ResNet-20, CIFAR-10, sequential, 25F",
        100,
        "images/s, median",
        median_of_seeds("cifar10", "sequential", "ecp5-25f", 6, lambda row: row.images_per_s),
        least=True,
    ),
    Aim(
        "ResNet-20, CIFAR-10, sequential, Tang Nano 20K",
        200,
        "images/s",
        on_board("tang-nano-20k", "cifar10", lambda row: row.images_per_s),
        least=True,
    ),
    Aim(
        "digits, sequential, iCEBreaker (UP5K)",
        5280,
        "logic cells",
        on_board("icebreaker", "digits", lambda row: row.logic_cells),
    ),
    Aim(
        "emit of ResNet-20",
        3,
        "s of computing",
        figure("emit of ResNet-20: s of computing"),
        why="a third is PyTorch's import",
    ),
    Aim(
        "synthesis of ResNet-20 by stage",
        3,
        "times as fast",
        figure("synthesis of ResNet-20: times as fast by stage"),
        least=True,
        why="benchmarks/tool_speed.py has measured `emit` alone",
    ),
    Aim(
        "simulation of digits, testbench over bare C++",
        30,
        "%",
        testbench_overhead("digits"),
        why="starting Python takes 2 s, and the event loop steps twice for each of a small model's cycles",
    ),
    Aim("simulation of ResNet-20, testbench over bare C++", 30, "%", testbench_overhead("cifar100")),
)


def outcomes(results: Results) -> list[Outcome]:
    """Every aim beside what is measured."""
    found = []
    for aim in AIMS:
        measured = aim.measured(results)
        reached = None if measured is None else (measured >= aim.value if aim.least else measured <= aim.value)
        found.append(Outcome(aim.what, aim.value, aim.unit, measured, reached, "" if reached else aim.why))
    return found


def read(results: Path = ROOT / "results") -> Results:
    """What a folder of results has; the project's own."""
    from benchmarks.figures import read_figures
    from benchmarks.peer_designs.results import PeerResults
    from wsfracbnn.gen.boards.record import read_board_rows

    hardware = HardwareResults.read(results / "hardware.json")
    networks = read_json(results / "area.json", "a file of areas")["networks"]
    areas = {(family, row["network"], row["fold"]): row["luts"] for family in networks for row in networks[family]}
    layers = PeerResults.read(results / "peers.json").layers
    figures, boards = read_figures(results / "figures.json"), read_board_rows(results / "boards.json")
    return Results(hardware.rows, layers, hardware.simulation, areas, figures, boards)


def main(as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False) -> None:
    """Print every aim and what is reached."""
    found = outcomes(read())
    if as_json:
        print(json.dumps([asdict(outcome) for outcome in found]))
        return
    table = Table("what", "unit", "aim", "measured", "reached", "what stands in its way")
    words = {None: "not measured", True: "yes", False: "no"}
    for outcome in found:
        measured = "-" if outcome.measured is None else f"{outcome.measured:,}"
        table.add_row(outcome.what, outcome.unit, f"{outcome.aim:,}", measured, words[outcome.reached], outcome.why)
    console.print(table)


if __name__ == "__main__":
    # As a script this file's folder is on the path, and not the one that `benchmarks` is in.
    sys.path.insert(0, str(ROOT))
    command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    command.command()(main)
    run(command)
