# SPDX-License-Identifier: Apache-2.0
"""The trainings of a plan end with the process that started them, whatever ends it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PATIENCE_S = 120

CARRY_OUT = """
import faulthandler, os, signal, sys, time
faulthandler.register(signal.SIGUSR1)
from pathlib import Path
from wsfracbnn.model.training import plan, side_by_side
folder = Path(sys.argv[1])
(folder / "run.toml").touch()
(folder / "plan.toml").write_text('[[run]]\\nname = "a"\\nrole = "full"\\nconfig = "run.toml"\\n')
command = [sys.executable, "-c", "import time; time.sleep(600)", str(folder / "training")]
plan.PlannedRun.command = lambda self, arguments: command
{before}
side_by_side.carry_out(plan.read_plan(folder / "plan.toml", folder / "out"), 1, [], print)
"""

# The signal comes when the training has been started and the parent does not know yet.
SIGNAL_IN_BETWEEN = """
class Child(side_by_side.Child):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        os.kill(os.getpid(), signal.{number})
        time.sleep(1)
side_by_side.Child = Child
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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_training_ends_with_its_parent(tmp_path: Path, number: signal.Signals) -> None:
    """The signal goes to the parent alone."""
    said = tmp_path / "said.txt"
    with (
        said.open("w") as output,
        subprocess.Popen(
            [sys.executable, "-c", CARRY_OUT.format(before=""), str(tmp_path)], stdout=output, stderr=output
        ) as parent,
    ):
        try:
            wait_for(tmp_path, "/training", there=True)
            parent.send_signal(number)
            parent.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            pytest.fail(f"the parent stays:\n{state_of(parent, said)}")
        finally:
            parent.kill()
    wait_for(tmp_path, "", there=False)


def state_of(process: subprocess.Popen[bytes], said: Path) -> str:
    """What a process is doing, and waits for."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    process.send_signal(signal.SIGUSR1)
    time.sleep(1)
    return status + said.read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_training_that_starts_when_the_signal_comes_ends_too(tmp_path: Path, number: signal.Signals) -> None:
    script = CARRY_OUT.format(before=SIGNAL_IN_BETWEEN.format(number=number.name))
    parent = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], stderr=subprocess.PIPE, timeout=PATIENCE_S, check=False
    )
    assert parent.stderr.decode().splitlines()[-1] == "KeyboardInterrupt"
    wait_for(tmp_path, "", there=False)


def test_a_process_that_stays_would_be_found(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", str(tmp_path)]) as process:
        wait_for(tmp_path, "", there=True)
        assert started_for(tmp_path, "no such word") == []
        process.kill()
