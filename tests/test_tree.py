# SPDX-License-Identifier: Apache-2.0
"""The tree itself: licence lines, and a test folder for every block and template."""

from __future__ import annotations

import pytest

from wsfracbnn.gen.locations import BOARD_RTL, ROOT, RTL, SEQUENTIAL_RTL, SOC_RTL, TEMPLATES

SOURCES = ("*.py", "*.cpp", "*.h", "*.v", "*.sv", "*.j2", "*.sh", "*.toml", "*.yml", "Makefile", ".ci/run")
FOLDERS = (
    "model",
    "gen",
    "cli",
    "benchmarks",
    "rtl",
    "templates",
    "tb",
    "formal",
    "tests",
    "scripts",
    "configs",
    ".ci",
    ".github",
)


@pytest.mark.parametrize("pattern", SOURCES)
def test_every_source_file_names_its_licence(pattern: str) -> None:
    files = [path for path in ROOT.glob(pattern) if path.is_file()]
    files += [path for folder in FOLDERS for path in (ROOT / folder).rglob(pattern)]
    assert files, pattern
    missing = [
        str(path.relative_to(ROOT))
        for path in files
        if "SPDX-License-Identifier: Apache-2.0" not in "".join(path.read_text().splitlines(keepends=True)[:3])
    ]
    assert missing == []


def test_every_block_has_its_testbench() -> None:
    blocks = [path.stem for folder in (RTL, BOARD_RTL, SEQUENTIAL_RTL, SOC_RTL) for path in folder.glob("*.v")]
    missing = [block for block in blocks if not (ROOT / "tb" / block / f"test_{block}.py").is_file()]
    assert missing == []


def test_every_stage_template_has_its_testbench() -> None:
    """Parts and what stands around stages have none: tb/network exercises macros.j2, the folder's files, the tops."""
    modules = {p.name.removesuffix(".v.j2") for p in TEMPLATES.glob("*.v.j2")} - {"top", "testbench"}
    modules -= {name for name in modules if name.startswith("sequential_")}
    assert modules == {"input_stage", "conv_stage", "head", "rom"}
    assert [m for m in modules if not (ROOT / "tb" / m / f"test_{m}.py").is_file()] == []
