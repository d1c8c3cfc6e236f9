# SPDX-License-Identifier: Apache-2.0
"""A simulation is of what was asked for, whatever the caller sets; it is alone in its folder and ends with us."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from wsfracbnn.gen.emission.folder import emit
from wsfracbnn.gen.emission.vectors import random_images
from wsfracbnn.gen.simulation.run import SimulationResult, simulate
from wsfracbnn.gen.sizing.presets import preset
from wsfracbnn.gen.synthesis.tools import run_in
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.files import working_in


@pytest.fixture
def folder(tiny: NetworkDescription, tmp_path: Path) -> Path:
    """The emitted folder of a small network, with three images."""
    emit(tiny, preset(tiny, "small"), tmp_path / "net", random_images(tiny, 3))
    return tmp_path / "net"


def run(folder: Path, images: int = 3, tests: str | None = "bit_exact") -> SimulationResult:
    return simulate(folder, "icarus", folder / "vectors.npz", images, tests=tests)


@pytest.mark.simulator
def test_the_callers_environment_decides_nothing(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = {name: str(tmp_path / "nothing") for name in ("DESIGN", "VECTORS", "RESULT", "WSFRACBNN_VECTORS")}
    counts = dict.fromkeys(("IMAGES", "WSFRACBNN_IMAGES", "PYTHONOPTIMIZE", "WAVES"), "1")
    chosen = {"COCOTB_TESTCASE": "test_random", "COCOTB_TEST_FILTER": "none", "SIM": "verilator", "TOPLEVEL": "other"}
    for name, value in (elsewhere | counts | chosen).items():
        monkeypatch.setenv(name, value)
    # Nor does a module of the working directory stand in for the testbench.
    (tmp_path / "here").mkdir()
    for module in ("bench_network.py", "golden.py"):
        (tmp_path / "here" / module).write_text("raise SystemExit('not this one')\n")
    monkeypatch.chdir(tmp_path / "here")
    result = run(folder, images=2)
    assert not result.failures, result.failures
    assert (result.images, result.mismatches) == (2, 0)
    assert [layer["name"] for layer in result.layers] == ["input", *(f"stage_0{n}" for n in range(1, 5)), "head"]


def edit(path: Path, old: str, new: str) -> None:
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def fewer_images(bench: Path) -> None:
    edit(bench, '"vectors.npz"), count)', '"vectors.npz"), 2)')


def a_layer_less(bench: Path) -> None:
    edit(bench, "rows.append(", "rows.pop(1)\n    rows.append(")


def fewer_values(bench: Path) -> None:
    edit(bench, '"values": layer.values,', '"values": layer.values // 2,')


def no_result(bench: Path) -> None:
    edit(bench, 'os.environ.get("WSFRACBNN_RESULT", "result.json")', "os.devnull")


@pytest.mark.simulator
@pytest.mark.parametrize(
    "change, failure",
    [
        (fewer_images, "compared 2 images, expected 3"),
        (a_layer_less, "stage_01: compared 0 values, expected"),
        (fewer_values, "input: compared .* values, expected"),
        (no_result, "compared 0 images, expected 3"),
    ],
)
def test_what_was_not_compared_is_a_failure(folder: Path, change: Callable[[Path], None], failure: str) -> None:
    change(folder / "tb/bench_network.py")
    result = run(folder)
    assert result.failures
    assert re.search(failure, result.failures[0]), result.failures


def test_tests_that_are_not_there_are_refused_before_anything_is_built(folder: Path) -> None:
    with pytest.raises(InputError, match="--tests: 'nosuch' matches no test"):
        run(folder, tests="nosuch")


def test_two_simulations_of_a_folder_are_one_and_a_sentence(folder: Path) -> None:
    sentence = "net-icarus: another process is at work there; wait until it has ended"
    with working_in(folder.parent / "net-icarus"), pytest.raises(InputError, match=sentence):
        run(folder)


def processes_in(folder: Path) -> dict[int, str]:
    """Running processes whose command line or working directory names a folder."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if command and (str(folder) in command or str(folder) in str((entry / "cwd").readlink())):
                    found[int(entry.name)] = command
            except OSError:
                continue
    return found


def wait_until(holds: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


SIMULATE = """
import sys
from pathlib import Path
from wsfracbnn.gen.simulation.run import simulate
folder = Path(sys.argv[1])
simulate(folder, "icarus", folder / "vectors.npz", 3)
"""

SYNTHESIZE = """
import sys
from pathlib import Path
from wsfracbnn.gen.synthesis.tools import run_in
work = "import subprocess, time; subprocess.Popen(['sleep', '600']); open('vvp', 'w'); time.sleep(600)"
run_in(Path(sys.argv[1]) / "run", {"a.v": "module a; endmodule"}, ["python", "-c", work, "vvp"], "tool.log")
"""


@pytest.mark.simulator
@pytest.mark.parametrize("script", [SIMULATE, SYNTHESIZE], ids=["simulation", "synthesis"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_nothing_runs_on_when_we_are_ended(folder: Path, tmp_path: Path, script: str, number: signal.Signals) -> None:
    """The signal goes to our process alone, at work in its simulator or tool."""
    if script is SIMULATE:  # a test that takes as long as it is let
        edit(
            folder / "tb/bench_network.py",
            "    tb = TB(dut, streams=False)\n",
            "    while True:\n        await Timer(1)\n",
        )
    command = [sys.executable, "-c", script, str(folder)]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL) as parent:

        def at_work() -> bool:
            assert parent.poll() is None, "ended before its time"
            return any(" vvp" in f" {line}" for line in processes_in(tmp_path).values())

        wait_until(at_work, 120, "no simulator or tool was started")
        parent.send_signal(number)
        try:
            wait_until(lambda: parent.poll() is not None, 60, "the process did not end")
        finally:
            parent.kill()
    wait_until(lambda: not processes_in(tmp_path), 30, f"still running: {processes_in(tmp_path)}")


def test_a_tool_that_fails_leaves_its_log_and_no_folder(tmp_path: Path) -> None:
    work = "import sys; open('tool.log', 'w').write('line 3: wrong'); sys.exit('ERROR: wrong')"
    for _ in range(2):
        with pytest.raises(InputError, match=r"run\.log: python failed: ERROR: wrong"):
            run_in(tmp_path / "run", {}, ["python", "-c", work], "tool.log")
    assert [path.name for path in tmp_path.iterdir()] == ["run.log"]
    assert (tmp_path / "run.log").read_text() == "line 3: wrong"


def test_of_two_equal_runs_at_once_one_is_kept(tmp_path: Path) -> None:
    """The second ends after the first has put its results in place; an incomplete folder is replaced."""
    work = "open('result', 'w').write('made')"
    (tmp_path / "run").mkdir()
    for name in ("result", "seconds.json"):
        run_in(tmp_path / "run", {}, ["python", "-c", work], "tool.log")
        assert (tmp_path / "run/result").read_text() == "made"
        (tmp_path / "run" / name).unlink()
    run_in(tmp_path / "run", {}, ["python", "-c", work], "tool.log")
    (tmp_path / "run/result").write_text("first")
    run_in(tmp_path / "run", {}, ["python", "-c", work], "tool.log")
    assert (tmp_path / "run/result").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
