# SPDX-License-Identifier: Apache-2.0
"""results/boards.json: rows of boards, and the page that shows them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wsfracbnn.gen.boards.catalog import board_named
from wsfracbnn.gen.boards.project import make_project
from wsfracbnn.gen.boards.record import BoardRow, add_board_row, board_row, board_table, read_board_rows
from wsfracbnn.gen.boards.toolchain import Bitstream
from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.locations import ROOT
from wsfracbnn.gen.sizing.pace import cycles_per_image
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.gen.synthesis.yosys import Area
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError


def row_of(board: str, fmax: float, seed: int, description: NetworkDescription) -> BoardRow:
    chosen = board_named(board)
    folding = choose_folding(description, "small").for_family(chosen.family)
    project = make_project(chosen, build_design(description, folding), baud=1_000_000)
    used = {"TRELLIS_FF": (7, 24_288), "TRELLIS_COMB": (900, 24_288), "DP16KD": (3, 56)}
    made = Bitstream("top.bit", b"", Area(900, 7, 3, 0, 0, {}, 1.0), fmax, used, 1.0)
    return board_row(project, made, "small", seed)


def test_rows_are_of_a_board_a_network_and_a_fold(tiny: NetworkDescription, tmp_path: Path) -> None:
    path = tmp_path / "boards.json"
    assert read_board_rows(path) == ()
    first = row_of("ulx3s-25f", 91.24, 1, tiny)
    chosen = choose_folding(tiny, "small").for_family(board_named("ulx3s-25f").family)
    cycles = cycles_per_image(build_design(tiny, chosen))
    assert (first.logic_cells, first.block_rams, first.clock_mhz) == (900, 3, 75.0)
    assert first.images_per_s == int(75e6 / cycles)
    assert add_board_row(path, first) == (first,)
    other, again = row_of("ulx3s-85f", 88.0, 1, tiny), row_of("ulx3s-25f", 95.0, 2, tiny)
    add_board_row(path, other)
    assert add_board_row(path, again) == read_board_rows(path) == (again, other)
    assert board_table([first]).splitlines()[-1] == (
        f"| `ulx3s-25f` | tiny | small | 900 of 24,288 | 3 of 56 | 75 | 91.2 | {cycles:,} | {first.images_per_s:,} |"
    )


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        ({"rows": [{"board": "ulx3s-25f"}]}, r"rows\[0\]: key 'network' is missing"),
        ({"lines": []}, "key 'lines' is unknown"),
    ],
)
def test_a_file_of_something_else_is_one_sentence(contents: object, said: str, tmp_path: Path) -> None:
    path = tmp_path / "boards.json"
    path.write_text(json.dumps(contents))
    with pytest.raises(InputError, match=rf"boards\.json: not a file of boards' results \({said}"):
        read_board_rows(path)


def test_the_page_shows_the_recorded_rows() -> None:
    rows = read_board_rows(ROOT / "results" / "boards.json")
    assert f"<!-- boards -->\n{board_table(rows)}\n<!-- /boards -->" in (ROOT / "docs" / "boards.md").read_text()
