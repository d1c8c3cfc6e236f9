# SPDX-License-Identifier: Apache-2.0
"""docs/verification.md and results/verification.json say what the records say, and name tests that there are."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from scripts.verification import GATHERED, RECORDS, SOURCES, gather, main, table, text
from wsfracbnn.gen.locations import ROOT
from wsfracbnn.model.errors import InputError

PAGE = ROOT / "docs" / "verification.md"
NAMED = re.compile(r"`((?:tests|tb)/[\w/]+\.py)(?:::(\w+))?`")


def test_the_file_and_the_page_are_in_step_with_the_records() -> None:
    gathered = gather(RECORDS)
    assert (RECORDS / GATHERED).read_text() == text(gathered), "python -m scripts.verification"
    assert f"<!-- verification -->\n{table(gathered)}\n<!-- /verification -->" in PAGE.read_text()


def test_every_test_that_the_plan_names_is_there() -> None:
    rows = [line for line in PAGE.read_text().split("## The plan")[1].split("\n## ")[0].splitlines() if line[:1] == "|"]
    assert len(rows) > 20
    for row in rows[2:]:
        named = NAMED.findall(row)
        assert named, f"no test: {row}"
        for file, name in named:
            assert (ROOT / file).is_file(), file
            tests = [
                node.name
                for node in ast.walk(ast.parse((ROOT / file).read_text()))
                if isinstance(node, ast.FunctionDef)
            ]
            assert not name or name in tests, f"{file}::{name}"
            assert any(test.startswith("test_") for test in tests), file


def write(folder: Path, **records: object) -> Path:
    for name, record in records.items():
        (folder / f"{name}.json").write_text(json.dumps(record))
    return folder


def test_each_record_gives_its_part_and_a_missing_one_is_said_to_be(tmp_path: Path) -> None:
    proofs = [{"failed": [], "block": "a"}, {"failed": ["x"]}, {"failed": []}]
    write(
        tmp_path,
        formal={"proofs": proofs, "faults": []},
        mutants={"total": 10, "killed": 7, "equivalent": 2, "rows": []},
        soak={"frames": 9, "wrong": 0},
        fuzz={"cases": 5, "failures": 1},
        gates={"blocks": 3, "images": 4, "wrong": 0},
        coverage={"python_line": 97.5, "verilog_line": 99.0, "verilog_toggle": 80.25},
    )
    gathered = gather(tmp_path)
    assert gathered == {
        "proofs": {"total": 3, "passed": 2},
        "mutants": {"total": 10, "killed": 7, "equivalent": 2},
        "soak": {"frames": 9, "wrong": 0},
        "fuzz": {"cases": 5, "failures": 1},
        "gates": {"blocks": 3, "images": 4, "wrong": 0},
        "coverage": {"python_line": 97.5, "verilog_line": 99.0, "verilog_toggle": 80.25},
        "absent": {"random_networks": "random_networks.json"},
    }
    rows = table(gathered).splitlines()[2:]
    assert len(rows) == len(SOURCES)
    assert "2 of 3 proofs hold" in rows[0]
    assert [row for row in rows if "*not measured*" in row] == [row for row in rows if "drawn at random" in row]


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ({"cases": -1, "failures": 0}, "key 'cases': found -1, expected at least 0"),
        ({"cases": 3}, "key 'failures' is missing"),
        ({"cases": 3, "failures": 4}, "key 'failures': found 4, expected at most 3, as 'cases'"),
        ([], "found [], expected a table of keys"),
    ],
)
def test_a_damaged_record_is_refused_and_nothing_written(tmp_path: Path, record: object, sentence: str) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- verification --><!-- /verification -->")
    write(tmp_path, fuzz=record)
    with pytest.raises(InputError) as refused:
        main(tmp_path, page)
    assert str(refused.value) == f"{tmp_path}/fuzz.json: {sentence}"
    assert not (tmp_path / GATHERED).exists()
    assert page.read_text() == "<!-- verification --><!-- /verification -->"
