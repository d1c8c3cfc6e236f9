# SPDX-License-Identifier: Apache-2.0
"""A few flips, what is counted of them, and that the command goes on where it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from wsfracbnn.gen.locations import CHECKPOINTS

from .bench_flips import KINDS
from .run import flip_bits, rows_of, table_of


def row(number: int, kind: str, hit: str, *, same_class: bool, behind: str, reset: str | None = None) -> dict[str, Any]:
    """A flip's outcome."""
    found = {"number": number, "kind": kind, "place": "dut.x[0][0]", "bits": 8}
    found |= {"hit": hit, "hit_class": same_class, "next": behind}
    return found | ({} if reset is None else {"reset": reset})


def test_outcomes_are_counted_by_kind() -> None:
    rows = [
        row(0, "weights", "right", same_class=True, behind="right"),
        row(1, "registers", "wrong", same_class=True, behind="right"),
        row(2, "registers", "wrong", same_class=False, behind="wrong", reset="right"),
        row(3, "registers", "missing", same_class=False, behind="missing", reset="missing"),
        {"number": 4, "kind": "registers", "place": None, "bits": 8},  # a bit that was unknown
    ]
    table = {row["kind"]: row for row in table_of(rows)}
    assert set(table) == set(KINDS)
    assert table["registers"] == {
        **{"kind": "registers", "bits": 8, "flips": 3, "reported": 0, "unseen": 0, "logits": 1, "changed": 1},
        **{"missing": 1, "next": 1, "reset": 1, "stays": 1},
    }
    assert (table["weights"]["flips"], table["weights"]["unseen"], table["weights"]["next"]) == (1, 1, 1)
    assert table["memories"]["flips"] == 0


def test_a_line_that_was_cut_off_is_done_again(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"number": 0}) + "\n" + json.dumps({"number": 1}) + '\n{"numb')
    assert [row["number"] for row in rows_of(path)] == [0, 1]
    assert rows_of(tmp_path / "none.jsonl") == []


@pytest.mark.slow
@pytest.mark.simulator
def test_bits_of_every_kind_are_flipped_without_parity(tmp_path: Path) -> None:
    rows = flip_bits(CHECKPOINTS / "digits.pt", "auto", 4, 1, tmp_path)
    assert [row["kind"] for row in rows] == list(KINDS)
    assert all(row["bits"] > 0 for row in rows)
    assert any(row["place"] is not None for row in rows)


@pytest.mark.simulator
def test_bits_of_every_kind_are_flipped_and_parity_reports_each_word_that_is_read_wrong(tmp_path: Path) -> None:
    """Of bits in ROMs and in the registers behind them; what is flipped elsewhere has no parity."""
    rows = flip_bits(CHECKPOINTS / "digits.pt", "auto", 8, 1, tmp_path, rom_parity=True)
    assert [row["kind"] for row in rows] == 2 * list(KINDS)
    assert all(row["bits"] > 0 for row in rows)
    assert flip_bits(CHECKPOINTS / "digits.pt", "auto", 7, 1, tmp_path, rom_parity=True) == rows[:7]
    in_roms = [row for row in rows if row["kind"] in ("weights", "constants") and row["place"] is not None]
    wrong = [row for row in in_roms if row["hit"] != "right"]
    assert wrong
    assert all(row["reported"] for row in wrong)
    elsewhere = [row for row in rows if row["place"] is not None and "_rom." not in row["place"]]
    assert elsewhere
    assert not any(row["reported"] for row in elsewhere)
