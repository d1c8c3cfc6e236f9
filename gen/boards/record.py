# SPDX-License-Identifier: Apache-2.0
"""results/boards.json: what a board's whole top takes and how fast it was routed, as typed rows and as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from wsfracbnn.gen.boards.project import Project
from wsfracbnn.gen.boards.toolchain import Bitstream
from wsfracbnn.gen.sizing.pace import cycles_per_image
from wsfracbnn.gen.synthesis.record import Count, NotNegative, Text
from wsfracbnn.model.errors import escaped
from wsfracbnn.model.rows import add_rows, markdown_table, rows_in

WHAT = "a file of boards' results"

LOGIC_CELLS = ("TRELLIS_COMB", "ICESTORM_LC", "LUT4")
BLOCK_RAM_CELLS = ("DP16KD", "ICESTORM_RAM", "BSRAM")
"""What nextpnr's reports call them, of ECP5, iCE40 and Gowin."""

COLUMNS = (
    "board",
    "network",
    "fold",
    "logic cells, of",
    "block RAMs, of",
    "clock, MHz",
    "routed for, MHz",
    "cycles/image",
    "images/s at that clock",
)


@dataclass(frozen=True)
class BoardRow:
    """A board with a network.

    Attributes:
        board, network: their names; fold: what `--fold` was. sha256: of the network. seed: of the placer.
        logic_cells, block_rams: of the whole top, as nextpnr counts them; there_are_*: on the device.
        clock_mhz: that the PLL makes. fmax_mhz: that the top was routed for.
        cycles_per_image: estimated (gen/sizing/pace.py). images_per_s: of the accelerator at that clock.
    """

    board: Text
    network: Text
    fold: Text
    seed: int
    logic_cells: Count
    there_are_logic_cells: Count
    block_rams: Count
    there_are_block_rams: Count
    clock_mhz: NotNegative
    fmax_mhz: NotNegative
    cycles_per_image: Annotated[int, Field(ge=1, lt=2**63)]
    sha256: Text

    @property
    def images_per_s(self) -> int:
        """Of the accelerator; the serial line brings fewer."""
        return int(self.clock_mhz * 1e6 / self.cycles_per_image)

    @property
    def key(self) -> tuple[str, str, str]:
        """What a later measurement of the same takes the place of."""
        return self.board, self.network, self.fold


def board_row(project: Project, made: Bitstream, fold: str, seed: int) -> BoardRow:
    """What the tools reported of a board's top."""
    build = project.build
    logic, blocks = (_first(made.used, kinds) for kinds in (LOGIC_CELLS, BLOCK_RAM_CELLS))
    return BoardRow(
        board=build.board.name,
        network=build.design.name,
        fold=escaped(fold),
        seed=seed,
        logic_cells=logic[0],
        there_are_logic_cells=logic[1],
        block_rams=blocks[0],
        there_are_block_rams=blocks[1],
        clock_mhz=build.clock.mhz,
        fmax_mhz=made.fmax_mhz,
        cycles_per_image=cycles_per_image(build.design),
        sha256=build.design.digest,
    )


def read_board_rows(path: Path) -> tuple[BoardRow, ...]:
    """The rows of a file; none where there is no file yet.

    Raises:
        InputError: not such a file.
    """
    return rows_in(path, BoardRow, WHAT)


def add_board_row(path: Path, row: BoardRow) -> tuple[BoardRow, ...]:
    """Add to a file of results, in the place of an earlier row of the same; returns what it holds then.

    Raises:
        InputError: it is no such file, or cannot be written.
    """
    return add_rows(path, [row], WHAT)


def board_table(rows: Sequence[BoardRow]) -> str:
    """The rows as a Markdown table."""
    return markdown_table(COLUMNS, [*map(_cells, rows)])


def _cells(row: BoardRow) -> tuple[str, ...]:
    return (
        f"`{row.board}`",
        row.network,
        row.fold,
        f"{row.logic_cells:,} of {row.there_are_logic_cells:,}",
        f"{row.block_rams:,} of {row.there_are_block_rams:,}",
        f"{row.clock_mhz:g}",
        f"{row.fmax_mhz:.1f}",
        f"{row.cycles_per_image:,}",
        f"{row.images_per_s:,}",
    )


def _first(used: Mapping[str, tuple[int, int]], kinds: Sequence[str]) -> tuple[int, int]:
    """(used, there are) of the first kind that there is."""
    return next((used[kind] for kind in kinds if kind in used), (0, 0))
