# SPDX-License-Identifier: Apache-2.0
"""Jobs on a Dask cluster: one of this machine's processes, or any that has a scheduler. Nothing else imports dask.

No file system is shared: what a step needs travels with it, what it gives comes back. A step whose worker dies runs
again elsewhere. A scheduler that is lost takes its queue with it; `SchedulerLostError` says so, and `connect` finds the
next one.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import multiprocessing
import pickle
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import dask
from distributed import Client, Future, KilledWorker, LocalCluster, as_completed, get_worker
from distributed.comm.core import CommClosedError

from wsfracbnn.gen.explore.jobs import Job, SchedulerLostError
from wsfracbnn.gen.explore.outcomes import ROUTE, SIMULATION, SYNTHESIS, Failed, Outcome
from wsfracbnn.gen.explore.probe import Tools, require_same, tools_here
from wsfracbnn.gen.explore.quiet import silence
from wsfracbnn.model.errors import InputError

RETRIES = 2
"""How often a step is tried again that failed for another reason than its tool's."""

PRIORITIES = {SYNTHESIS: 2, SIMULATION: 1, ROUTE: 0}
"""Routes wait for their synthesis, which therefore comes first."""

CONNECT_S = 10
"""Of one try to reach a scheduler."""

LARGE_GRAPH = "1 GiB"
"""Verilog and netlists travel with their tasks on purpose, up to this without a warning."""

_LOST = (asyncio.CancelledError, concurrent.futures.CancelledError, CommClosedError, TimeoutError, OSError)
"""What dask raises where the scheduler is gone."""


class Cluster:
    """A connection to a scheduler, for a `with` block.

    Args:
        address: of a scheduler; None: a cluster of this machine's processes, which ends with the block.
        workers: of such a cluster, one thread each.
        cache: folder for runs of tools; None: in each worker's own folder.
        patience_s: how long a scheduler that cannot be reached, or has no worker, is waited for.
        probe: what is called on each worker to ask what it has to work with; default `tools_here`.
    """

    def __init__(
        self,
        address: str | None,
        workers: int,
        cache: Path | None,
        *,
        patience_s: float = 120.0,
        probe: Callable[[], Tools] | None = None,
    ) -> None:
        self._address = address
        self._workers = workers
        self._cache = cache
        self._patience_s = patience_s
        self._probe = probe or tools_here
        self._client: Client | None = None
        self._local: LocalCluster | None = None
        self._tools: Tools | None = None

    def __enter__(self) -> Cluster:
        # What dask has to say comes as an outcome or as an exception.
        silence()
        dask.config.set({"distributed.admin.large-graph-warning-threshold": LARGE_GRAPH})
        try:
            self.connect()
        except BaseException:
            self._drop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._drop()

    @property
    def dashboard(self) -> str:
        """The address of Dask's pages."""
        assert self._client is not None
        return str(self._client.dashboard_link)

    @property
    def tools(self) -> Tools:
        """What every worker has to work with."""
        assert self._tools is not None
        return self._tools

    def connect(self) -> None:
        """Reach the scheduler, or start one; wait for a worker, and ask all workers what they have.

        Raises:
            InputError: neither is there in time, or workers lack something or differ.
        """
        self._drop()
        deadline = time.monotonic() + self._patience_s
        while True:
            left = deadline - time.monotonic()
            try:
                self._open(max(1.0, min(CONNECT_S, left)))
                assert self._client is not None
                self._client.wait_for_workers(1, timeout=max(1.0, left))
                answers = self._client.run(_probed, self._probe)
                break
            except ValueError as error:
                raise InputError(f"--scheduler: found '{self._address}', expected tcp://HOST:PORT ({error})") from None
            except _LOST:
                self._drop()
                if time.monotonic() > deadline:
                    where = "the local cluster" if self._address is None else self._address
                    raise InputError(
                        f"{where}: no scheduler with a worker within {self._patience_s:g} s, expected one there"
                    ) from None
                time.sleep(0.5)
        self._tools = require_same(answers)

    def wait_for(self, workers: int, seconds: float) -> None:
        """Wait until so many workers are there.

        Raises:
            InputError: they are not in time.
        """
        assert self._client is not None
        try:
            self._client.wait_for_workers(workers, timeout=seconds)
        except TimeoutError:
            raise InputError(f"scheduler: found fewer than {workers} workers within {seconds:g} s") from None

    def run(self, jobs: Sequence[Job], done: Mapping[str, Outcome]) -> Iterator[tuple[Job, Outcome]]:
        """Do jobs and yield each with its outcome as it comes. done: outcomes that jobs may need, by key.

        Raises:
            SchedulerLostError: those that were not yielded are to be done again.
        """
        assert self._client is not None
        with _as_lost():
            waiting = self._submit(jobs, done)
            # Without a second reference an outcome leaves the cluster as soon as it was fetched.
            coming = iter(as_completed(list(waiting), loop=self._client.loop))  # type: ignore[no-untyped-call]
        while waiting:
            with _as_lost():
                future = next(coming)
                job = waiting.pop(future)
                outcome = _outcome_of(future)
                del future
            yield job, outcome

    def _submit(self, jobs: Sequence[Job], done: Mapping[str, Outcome]) -> dict[Future[Any], Job]:
        assert self._client is not None
        cache = None if self._cache is None else self._cache.resolve()
        futures: dict[str, Future[Any]] = {}
        waiting = {}
        for job in jobs:
            needed = []
            if job.needs is not None:
                if job.needs not in futures:
                    # As a task and not as scattered data, which would be lost with the worker that holds it.
                    key = f"netlist-{job.needs}"
                    futures[job.needs] = self._client.submit(_given, pickle.dumps(done[job.needs]), key=key)
                needed = [futures[job.needs]]
            futures[job.key] = self._client.submit(
                _perform,
                pickle.dumps((job.function, job.arguments)),  # one value, in which dask looks for nothing
                self._probe,
                self._tools,
                cache,
                *needed,
                key=f"{job.step}-{job.key}",
                retries=RETRIES,
                priority=PRIORITIES.get(job.step, 0),
            )
            waiting[futures[job.key]] = job
        return waiting

    def _open(self, timeout: float) -> None:
        target: str | LocalCluster
        if self._address is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that another dashboard has the usual port
                self._local = target = LocalCluster(  # type: ignore[no-untyped-call]
                    n_workers=self._workers,
                    threads_per_worker=1,
                    host="127.0.0.1",
                    silence_logs=logging.CRITICAL,
                    preload=["wsfracbnn.gen.explore.quiet"],
                )
        else:
            target = self._address
        self._client = Client(target, timeout=timeout, set_as_default=False)  # type: ignore[no-untyped-call]

    def _drop(self) -> None:
        """Let go of client and local cluster, which ends its workers and their tools."""
        pids = set() if self._local is None else {nanny.pid for nanny in self._local.workers.values()}
        for part in (self._client, self._local):
            if part is not None:
                with suppress(Exception):  # of a connection that is broken already
                    part.close(timeout=5)
        self._client = self._local = None
        # A worker that could not be asked to end, as its scheduler was gone first.
        for child in multiprocessing.active_children():
            if child.pid in pids:
                child.kill()


@contextmanager
def _as_lost() -> Iterator[None]:
    try:
        yield
    except _LOST:
        raise SchedulerLostError from None


def _outcome_of(future: Future[Any]) -> Outcome:
    """Of a future that is done; raises where it was cancelled, as all are when the scheduler is lost."""
    if future.status in ("cancelled", "lost"):
        raise SchedulerLostError
    error = future.exception()  # type: ignore[no-untyped-call]
    if isinstance(error, KilledWorker):
        died = f"{error.allowed_failures + 1} workers died while they ran it"
        return Failed(f"{died}, the last was {error.last_worker.address}", final=False)
    if isinstance(error, Exception):
        return Failed.of(error, final=False)
    outcome: Outcome = future.result()
    return outcome


def _perform(job: bytes, probe: Callable[[], Tools], expected: Tools, cache: Path | None, *needed: Outcome) -> Outcome:
    """Run a step on a worker, which may have come after the others were asked what they have."""
    worker = get_worker()
    require_same({"that was asked first": expected, worker.address: _probed(probe)})
    function, arguments = pickle.loads(job)
    folder = Path(worker.local_directory) / "wsfracbnn" if cache is None else cache
    outcome: Outcome = function(folder, *arguments, *needed)
    return outcome


def _probed(probe: Callable[[], Tools]) -> Tools | str:
    """What this machine has, or in a sentence what it lacks."""
    try:
        return probe()
    except InputError as missing:
        return str(missing)


def _given(outcome: bytes) -> Outcome:
    found: Outcome = pickle.loads(outcome)
    return found
