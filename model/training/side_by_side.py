# SPDX-License-Identifier: Apache-2.0
"""A plan's runs, carried out side by side: each in a process of its own, which saves when this one is stopped."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT, SIGTERM, signal

from wsfracbnn.model.checkpoint import load_checkpoint
from wsfracbnn.model.data.registry import load_dataset
from wsfracbnn.model.errors import InputError, counted
from wsfracbnn.model.processors import processors
from wsfracbnn.model.supervise import WAKE_S, Child
from wsfracbnn.model.training.plan import PlannedRun


def carry_out(
    runs: Sequence[PlannedRun],
    jobs: int,
    arguments: Sequence[str],
    report: Callable[[str], None],
    data: Path | None = None,
) -> list[PlannedRun]:
    """Train what has no checkpoint yet, `jobs` at a time, each in a process of its own; returns those that failed.

    Runs are taken in their order, students as soon as their teacher is there. Each run's output goes to its
    checkpoint's name with `.txt`; a run that is cut off resumes the next time. Ctrl-C or SIGTERM lets each run under
    way finish its epoch and save; when this process is killed, so are they. The processors are divided among the runs.

    data: folder of the published files, for the runs whose dataset is read from files.

    Raises:
        InputError: a folder is given and no run reads from it.
        KeyboardInterrupt: after such a stop.
    """
    if data is not None and not any(run.takes_data for run in runs):
        raise InputError(f"--data: found '{data}', but no run of the plan reads its images from files")
    waiting = [run for run in runs if not run.out.is_file()]
    if data is not None:
        for dataset in dict.fromkeys(run.run.dataset for run in waiting if run.takes_data):
            load_dataset(dataset, data)  # what is wrong with it is said once, and before anything is written
    threads = max(1, processors() // jobs)
    report(f"{jobs} side by side, {counted(threads, 'thread')} each")
    running: dict[Future[int], PlannedRun] = {}
    failed: list[PlannedRun] = []
    under_way = _UnderWay()
    with under_way.told_of_signals(), ThreadPoolExecutor(jobs) as pool:
        while waiting or running:
            ready = [r for r in waiting if not r.run.teacher or Path(r.run.teacher).is_file()]
            for run in [] if under_way.stopped else ready[: jobs - len(running)]:
                waiting.remove(run)
                report(f"{run.out.stem}: training, see {run.out.with_suffix('.txt')}")
                source = ["--data", str(data)] if data is not None and run.takes_data else []
                running[pool.submit(_train, run, [*arguments, *source], threads, under_way)] = run
            if not running:
                break  # stopped, or the teachers of those that wait failed
            for done in wait(running, WAKE_S, return_when=FIRST_COMPLETED).done:
                run = running.pop(done)
                if done.result() == 0:
                    report(f"{run.out.stem}: top-1 {load_checkpoint(run.out).test_accuracy:.2f} %")
                elif not under_way.stopped:
                    report(f"{run.out.stem}: failed, see {run.out.with_suffix('.txt')}")
                    failed.append(run)
        if under_way.stopped:
            raise KeyboardInterrupt
    return failed + waiting


class _UnderWay:
    """The trainings that run, each of which saves and ends upon a SIGTERM.

    Attributes:
        stopped: whether Ctrl-C or SIGTERM has come.
    """

    def __init__(self) -> None:
        self.stopped = False
        self._processes: set[Child] = set()
        # Reentrant: a second signal may come while the first is handled, in the same thread.
        self._lock = threading.RLock()

    @contextmanager
    def told_of_signals(self) -> Iterator[None]:
        """Turn each Ctrl-C and SIGTERM into a SIGTERM to each training."""

        def handle(signum: int, frame: object) -> None:
            with self._lock:
                self.stopped = True
                for process in self._processes:
                    process.terminate()

        previous = {number: signal(number, handle) for number in (SIGINT, SIGTERM)}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal(number, handler)

    def add(self, process: Child) -> None:
        """Count a training that has started. A signal that came while it did is passed on."""
        with self._lock:
            self._processes.add(process)
            if self.stopped:
                process.terminate()

    def discard(self, process: Child) -> None:
        """Count it no more."""
        with self._lock:
            self._processes.discard(process)


def _train(run: PlannedRun, arguments: Sequence[str], threads: int, under_way: _UnderWay) -> int:
    run.out.parent.mkdir(parents=True, exist_ok=True)
    # Threads that spin at OpenMP's barriers take the processors from the other runs: two busy threads on two busy
    # cores trained 20 times slower.
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "passive"}
    with (
        run.out.with_suffix(".txt").open("a") as output,
        # A terminal's Ctrl-C reaches this process alone, which passes it on.
        Child(run.command(arguments), stdout=output, stderr=subprocess.STDOUT, env=environment) as process,
    ):
        under_way.add(process)
        try:
            return process.wait()
        finally:
            under_way.discard(process)
