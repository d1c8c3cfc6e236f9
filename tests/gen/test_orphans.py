# SPDX-License-Identifier: Apache-2.0
"""Simulators, synthesis and trainings end with the process that started them, whatever ends it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wsfracbnn.gen.emission.folder import emit
from wsfracbnn.gen.emission.vectors import random_images
from wsfracbnn.gen.sizing.presets import preset
from wsfracbnn.model.description import NetworkDescription

SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGKILL]
PATIENCE_S = 120

SIMULATE = """
import sys
from pathlib import Path
from wsfracbnn.gen.simulation.run import simulate
folder = Path(sys.argv[1]) / "net"
simulate(folder, "icarus", folder / "vectors.npz", 5000)
"""

SYNTHESIZE = """
import sys
from pathlib import Path
from wsfracbnn.gen.synthesis.tools import run_in
folder = Path(sys.argv[1])
run_in(folder / "run", {}, ["python", "-c", "import time; time.sleep(600)", f"{folder}/tool"], "log")
"""

TRAIN = """
import sys
from pathlib import Path
from wsfracbnn.model.training import plan
folder = Path(sys.argv[1])
(folder / "run.toml").touch()
(folder / "plan.toml").write_text('[[run]]\\nname = "a"\\nrole = "full"\\nconfig = "run.toml"\\n')
command = [sys.executable, "-c", "import time; time.sleep(600)", f"{folder}/training"]
plan.PlannedRun.command = lambda self, arguments: command
plan.carry_out(plan.read_plan(folder / "plan.toml", folder / "out"), 1, [], print)
"""


def started_for(folder: Path, word: str = "") -> list[int]:
    """Processes whose command line names the folder, and the word."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(folder) in command and word in command:
            found.append(int(entry.name))
    return found


def wait_for(folder: Path, word: str, there: bool) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while bool(started_for(folder, word)) != there:
        assert time.monotonic() < deadline, f"processes: {started_for(folder)}"
        time.sleep(0.05)


def assert_nothing_stays(script: str, folder: Path, word: str, number: signal.Signals) -> None:
    """Run a script until a process of that word is there, end the script alone, and look what still runs."""
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(folder, word, there=True)
        parent.send_signal(number)
        parent.wait(PATIENCE_S)
        wait_for(folder, "", there=False)
    finally:
        parent.kill()
        parent.wait()


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an emitted network and images for minutes of simulation."""
    return tmp_path_factory.mktemp("orphans")


@pytest.mark.simulator
@pytest.mark.parametrize("number", SIGNALS)
def test_a_simulator_ends_with_its_parent(tiny: NetworkDescription, simulated: Path, number: signal.Signals) -> None:
    if not (simulated / "net").exists():
        emit(tiny, preset(tiny, "small"), simulated / "net", random_images(tiny, 5000))
    assert_nothing_stays(SIMULATE, simulated, "vvp", number)


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("script, word", [(SYNTHESIZE, "/tool"), (TRAIN, "/training")])
def test_tools_and_trainings_end_with_their_parent(
    tmp_path: Path, script: str, word: str, number: signal.Signals
) -> None:
    assert_nothing_stays(script, tmp_path, word, number)


def test_a_process_that_stays_would_be_found(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", str(tmp_path)]) as process:
        wait_for(tmp_path, "", there=True)
        assert started_for(tmp_path, "no such word") == []
        process.kill()
