# SPDX-License-Identifier: Apache-2.0
"""How an exploration scales with its workers, on one machine.

    .venv/bin/python benchmarks/explore_scaling.py [--workers 100,300,1000] [--page docs/explore.md]

Runs what `wsfracbnn explore` runs (jobs, Dask, the store of outcomes) with steps that sleep in place of the tools. How
long each sleeps is drawn from the seconds that real runs took (results/hardware.json), divided by --speedup. The
scheduler has a process of its own; the workers share a few processes, each with a thread and a connection of its own.
Prints the table, adds its lines to results/explore_scaling.json and writes all of them to the section 'scaling' of the
page. Three minutes a size.
"""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Annotated

import dask
import psutil
import typer
from distributed import Worker

from wsfracbnn.cli.app import run
from wsfracbnn.cli.markdown import replace_section, require_section
from wsfracbnn.gen.explore.cluster import Cluster
from wsfracbnn.gen.explore.jobs import Job
from wsfracbnn.gen.explore.outcomes import ROUTE, SIMULATION, SYNTHESIS, Failed, Routed, Synthesized
from wsfracbnn.gen.explore.probe import Tools, own_copy
from wsfracbnn.gen.explore.runner import carry_out
from wsfracbnn.gen.explore.store import Store
from wsfracbnn.gen.locations import ROOT
from wsfracbnn.gen.synthesis.record import HardwareResults
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.files import write_text
from wsfracbnn.model.rows import markdown_table

RESULTS = ROOT / "results" / "explore_scaling.json"

HOSTS = 2
"""Processes that the workers share."""

SEEDS = 5
"""Routes of each design."""

NETLIST = 64 * 1024
"""Bytes of a netlist. Real ones are some ten times larger, and travel --speedup times more rarely."""

QUIET = {
    "distributed.admin.tick.interval": "10s",
    "distributed.admin.system-monitor.interval": "60s",
    "distributed.worker.profile.enabled": False,
}
"""Housekeeping of which each worker has a core's share to itself elsewhere, and a five-hundredth here."""


HEARTBEATS = 0.1
"""Share of the heartbeats that a worker sends, of those that Dask asks for: a thousand would fill a core."""


class SharingWorker(Worker):
    """A worker that shares its core with hundreds."""

    async def heartbeat(self) -> None:
        """Tell the scheduler of this worker, now and then."""
        if Random().random() < HEARTBEATS:
            await super().heartbeat()


@dataclass(frozen=True)
class Row:
    """One size. ideal_s: of the same steps on as many workers that lose no time. scheduler_load: cores it was busy."""

    workers: int
    steps: int
    speedup: float
    seconds: float
    ideal_s: float
    scheduler_load: float

    @property
    def cells(self) -> tuple[str, ...]:
        """Its line of the table."""
        return (
            f"{self.workers:,}",
            f"{self.steps:,}",
            f"{self.seconds:.1f}",
            f"{self.ideal_s:.1f}",
            f"{self.ideal_s / self.seconds:.0%}",
            f"{self.steps / self.seconds:.0f}",
            f"{self.scheduler_load:.0%}",
        )


COLUMNS = ("workers", "steps", "s", "s, no overhead", "efficiency", "steps/s", "scheduler, of a core")


def probe() -> Tools:
    """Nothing is needed."""
    return Tools(*own_copy(), "none", "none", "none")


def pretend_to_synthesize(cache: Path, seconds: float, number: int) -> Synthesized:
    """Sleep, and give a netlist that cannot be compressed."""
    time.sleep(seconds)
    netlist = Random(number).randbytes(NETLIST)
    return Synthesized({"LUT4": number}, seconds, hashlib.sha256(netlist).hexdigest(), netlist)


def pretend_to_route(cache: Path, seconds: float, synthesized: Synthesized | Failed) -> Routed:
    """Sleep."""
    assert isinstance(synthesized, Synthesized)
    assert len(synthesized.netlist) == NETLIST
    time.sleep(seconds)
    return Routed(100.0, 1, 1, 1, 1, ("a",), seconds)


def pretend_to_simulate(cache: Path, seconds: float) -> Routed:
    """Sleep."""
    time.sleep(seconds)
    return Routed(100.0, 1, 1, 1, 1, ("a",), seconds)


def steps_of(designs: int, speedup: float) -> list[tuple[Job, float]]:
    """All steps, each with its seconds."""
    measured = HardwareResults.read(ROOT / "results" / "hardware.json")
    synthesis = [row.seconds for row in measured.rows if row.seconds and row.fmax_mhz is None]
    routes = [row.seconds for row in measured.rows if row.seconds and row.fmax_mhz is not None]
    simulations = [row.cocotb_s for row in measured.simulation]
    random = Random(1)
    found = []
    for number in range(designs):
        seconds = random.choice(synthesis) / speedup
        name = f"{number:05d}"
        found.append((Job(SYNTHESIS, name, name, pretend_to_synthesize, (seconds, number)), seconds))
        seconds = random.choice(simulations) / speedup
        found.append((Job(SIMULATION, f"{name}s", name, pretend_to_simulate, (seconds,)), seconds))
        for seed in range(SEEDS):
            seconds = random.choice(routes) / speedup
            found.append((Job(ROUTE, f"{name}r{seed}", name, pretend_to_route, (seconds,), needs=name), seconds))
    return found


def ideal(steps: Sequence[tuple[Job, float]], workers: int) -> float:
    """Seconds on workers that lose none: each takes the next step that can begin, in their order."""
    order = {SYNTHESIS: 0, SIMULATION: 1, ROUTE: 2}
    ready = [(order[job.step], number) for number, (job, _) in enumerate(steps) if job.needs is None]
    heapq.heapify(ready)
    waiting: dict[str, list[int]] = {}
    for number, (job, _) in enumerate(steps):
        if job.needs is not None:
            waiting.setdefault(job.needs, []).append(number)
    running: list[tuple[float, int]] = []
    now = 0.0
    while ready or running:
        while ready and len(running) < workers:
            _, number = heapq.heappop(ready)
            heapq.heappush(running, (now + steps[number][1], number))
        now, number = heapq.heappop(running)
        for freed in waiting.pop(steps[number][0].key, ()):
            heapq.heappush(ready, (order[ROUTE], freed))
    return now


async def host(address: str, workers: int) -> None:
    """Be so many workers until the scheduler is gone."""
    dask.config.set(QUIET)
    with tempfile.TemporaryDirectory() as folder:
        started = [
            SharingWorker(
                address, nthreads=1, memory_limit=0, dashboard=False, local_directory=folder, heartbeat_interval="10s"
            )
            for _ in range(workers)
        ]
        for first in range(0, workers, 50):
            await asyncio.gather(*started[first : first + 50])
        await asyncio.gather(*(worker.finished() for worker in started))  # type: ignore[no-untyped-call]


def measure(workers: int, speedup: float) -> Row:
    """Run as many designs as there are workers."""
    steps = steps_of(workers, speedup)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:

        def start(*command: str) -> subprocess.Popen[bytes]:
            child = subprocess.Popen(command, **quiet)  # type: ignore[call-overload]
            stack.callback(child.wait)
            stack.callback(child.kill)
            return child  # type: ignore[no-any-return]

        dask_command = str(Path(sys.executable).parent / "dask")
        port = address.rpartition(":")[2]
        scheduler = start(dask_command, "scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")
        for number in range(HOSTS):
            share = workers // HOSTS + (number < workers % HOSTS)
            start(sys.executable, __file__, "--address", address, "--workers", str(share))
        with Cluster(address, 1, None, patience_s=300, probe=probe) as cluster:
            cluster.wait_for(workers, 600)
            process = psutil.Process(scheduler.pid)
            busy, begin = sum(process.cpu_times()[:2]), time.monotonic()
            outcomes = carry_out([job for job, _ in steps], cluster, Store(Path(folder)), lambda *_: None, print)
            seconds = time.monotonic() - begin
            load = (sum(process.cpu_times()[:2]) - busy) / seconds
    failed = [outcome for outcome in outcomes.values() if isinstance(outcome, Failed)]
    if failed:
        raise InputError(f"{len(failed)} steps failed: {failed[0].reason}")
    return Row(workers, len(steps), speedup, round(seconds, 1), round(ideal(steps, workers), 1), round(load, 3))


def main(
    workers: Annotated[str, typer.Option(help="How many, with commas between.")] = "100,300,1000",
    speedup: Annotated[float, typer.Option(min=1, help="How many times shorter steps are than in earnest.")] = 100.0,
    page: Annotated[Path | None, typer.Option(help="Markdown file with a section 'scaling'.")] = None,
    address: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Measure, print, record."""
    sizes = [int(size) for size in workers.split(",")]
    if address is not None:
        asyncio.run(host(address, sizes[0]))
        return
    if page is not None:
        require_section(page, "scaling")
    rows = {row["workers"]: Row(**row) for row in json.loads(RESULTS.read_text())} if RESULTS.exists() else {}
    for size in sizes:
        rows[size] = measure(size, speedup)
        print(*(f"{name}: {cell}" for name, cell in zip(COLUMNS, rows[size].cells, strict=True)), sep=", ", flush=True)
        write_text(RESULTS, json.dumps([asdict(rows[key]) for key in sorted(rows)], indent=2) + "\n")
    if page is not None:
        replace_section(page, "scaling", markdown_table(COLUMNS, [rows[key].cells for key in sorted(rows)]))


if __name__ == "__main__":
    command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    command.command()(main)
    run(command)
