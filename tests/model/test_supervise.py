# SPDX-License-Identifier: Apache-2.0
"""Children end with their parent, whatever ends it, and take their own children along."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from wsfracbnn.model.supervise import Child

FAMILY = "sleep 600 & echo $! > pids; echo $$ >> pids; mv pids born; sleep 600 & wait"
"""A shell with two children; the file `born` says the numbers of the first and of the shell."""

PARENT = """
import sys, time
from wsfracbnn.model.supervise import Child
child = Child(["sh", "-c", sys.argv[1]])
time.sleep(600)
"""


def wait_for(path: Path) -> list[int]:
    """The numbers in a file, once it is there."""
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} does not appear"
        time.sleep(0.02)
    return [int(number) for number in path.read_text().split()]


def assert_gone(numbers: list[int]) -> None:
    """No process has any of these numbers any more, or it is a zombie that nobody has waited for."""
    deadline = time.monotonic() + 20
    while living := [number for number in numbers if _lives(number)]:
        assert time.monotonic() < deadline, f"{living} still run"
        time.sleep(0.02)


def _lives(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_family_ends_with_its_parent(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, FAMILY], cwd=tmp_path, stderr=subprocess.DEVNULL) as parent:
        born = wait_for(tmp_path / "born")
        parent.send_signal(number)
        parent.wait()
    assert_gone(born)


def test_a_family_ends_with_the_block(tmp_path: Path) -> None:
    with suppress(KeyboardInterrupt), Child(["sh", "-c", FAMILY], cwd=tmp_path) as child:
        born = wait_for(tmp_path / "born")
        raise KeyboardInterrupt
    assert child.returncode == 128 + signal.SIGKILL
    assert_gone(born)


def test_what_a_command_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    with Child(["sh", "-c", "sleep 600 & echo $! > pids; mv pids born; exit 7"], cwd=tmp_path) as child:
        assert child.wait() == 7
    assert_gone(wait_for(tmp_path / "born"))


def test_output_and_exit_code_are_the_commands(tmp_path: Path) -> None:
    with Child(["sh", "-c", "echo out; echo err >&2; exit 3"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.communicate() == (b"out\n", b"err\n")
    assert child.returncode == 3
    with Child(["sh", "-c", "kill -9 $$"]) as child:
        assert child.wait() == 128 + signal.SIGKILL
    with Child(["no-such-command"], stderr=subprocess.PIPE) as child:
        assert child.communicate()[1] == b"no-such-command: No such file or directory\n"
    assert child.returncode == 127


def test_a_request_to_end_reaches_the_command_which_may_take_its_time(tmp_path: Path) -> None:
    script = "trap 'echo saved > saved; exit 5' TERM; echo 1 > pids; mv pids born; while :; do sleep 0.05; done"
    with Child(["sh", "-c", script], cwd=tmp_path) as child:
        wait_for(tmp_path / "born")
        child.terminate()
        assert child.wait() == 5
    assert (tmp_path / "saved").exists()


SIGNAL_AT_THE_LAST_MOMENT = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

static void signal_once(const char *call)
{
    static int sent;
    if (!strcmp(call, getenv("SIGNAL_BEFORE")) && !sent++)
        kill(getpid(), SIGTERM);
}

pid_t waitpid(pid_t pid, int *status, int options)
{
    pid_t (*real)(pid_t, int *, int) = dlsym(RTLD_NEXT, "waitpid");
    signal_once("waitpid");
    return real(pid, status, options);
}

int select(int count, fd_set *reading, fd_set *writing, fd_set *failing, struct timeval *timeout)
{
    int (*real)(int, fd_set *, fd_set *, fd_set *, struct timeval *) = dlsym(RTLD_NEXT, "select");
    signal_once("select");
    return real(count, reading, writing, failing, timeout);
}
"""
"""A library to load before libc's: SIGTERM comes behind Python's last look at signals, before a call that may wait."""


def signalled(folder: Path, call: str) -> dict[str, str]:
    """An environment in which each process gets SIGTERM as it makes a system call for the first time."""
    (folder / "last.c").write_text(SIGNAL_AT_THE_LAST_MOMENT)
    library = folder / "last.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, folder / "last.c", "-ldl"], check=True)
    return os.environ | {"LD_PRELOAD": str(library), "SIGNAL_BEFORE": call}


@pytest.mark.parametrize("call", ["waitpid", "select"])
def test_a_signal_that_comes_as_the_supervisor_begins_to_wait_is_passed_on(tmp_path: Path, call: str) -> None:
    with Child(["sleep", "600"], env=signalled(tmp_path, call)) as child:
        assert child.wait(60) == 128 + signal.SIGTERM


def test_a_signal_that_comes_as_the_parent_begins_to_wait_ends_it(tmp_path: Path) -> None:
    """The child is given the usual environment, so that the parent alone is signalled."""
    parent = """
import os, signal, sys
from wsfracbnn.model.supervise import Child
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit("told to end"))
with Child(["sleep", "600"], env={key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}) as child:
    child.wait()
"""
    done = subprocess.run(
        [sys.executable, "-c", parent],
        env=signalled(tmp_path, "waitpid"),
        timeout=60,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == "told to end\n"


def test_modules_of_the_working_directory_do_not_stand_in_for_ours(tmp_path: Path) -> None:
    (tmp_path / "wsfracbnn").mkdir()
    (tmp_path / "wsfracbnn/__init__.py").write_text("raise SystemExit(99)")
    with Child(["true"], cwd=tmp_path) as child:
        assert child.wait() == 0
