# SPDX-License-Identifier: Apache-2.0
"""Plans of training runs, carried out side by side.

A plan is a TOML file beside the run configurations that it names:

    [set]                        settings that every run takes over its own (the number of epochs, say)
    [[run]]
    name = "cifar100-fracbnn"    of its checkpoint, which gets the seed behind it
    role = "own_recipe"          full, like_for_like, own_recipe, teacher, ablation or trial
    config = "cifar100-fracbnn.toml"
    seeds = [1, 2, 3]
    teacher = "cifar100-teacher" name of the run whose first seed is the teacher; it is trained first
    without = "distillation"     what an ablation leaves out
    change = "batch 64"          what a trial does otherwise
    set = { width = 64 }         settings of this run alone
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from signal import SIGINT, SIGTERM, signal
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from wsfracbnn.model.checkpoint import Checkpoint, load_checkpoint
from wsfracbnn.model.data.registry import SOURCES
from wsfracbnn.model.errors import InputError, counted
from wsfracbnn.model.names import module_name
from wsfracbnn.model.operations import count_fracbnn, count_wsfracbnn, load_ratio
from wsfracbnn.model.processors import processors
from wsfracbnn.model.reading import Schema, checked, one_of, printable, read_toml
from wsfracbnn.model.supervise import WAKE_S, Child
from wsfracbnn.model.training.curves import Curve
from wsfracbnn.model.training.results import ROLES, AccuracyResults, AccuracyRow, mean_or_none, title_of
from wsfracbnn.model.training.settings import TABLES, Run, combined, make_run, parse_assignments
from wsfracbnn.model.training.settings import read_toml as read_settings


def _file_name(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9._-]{0,55}", name):
        raise ValueError("up to 56 lower-case letters, digits, '.', '_' and '-', a letter first")
    return name


Words = Annotated[str, Field(max_length=200), AfterValidator(printable)]


class _Entry(Schema):
    """A [[run]] of a plan, see the module's docstring."""

    name: Annotated[str, AfterValidator(_file_name)]
    role: Annotated[str, one_of(*ROLES)]
    config: Words
    seeds: list[Annotated[int, Field(ge=0, lt=2**63)]] = Field(default=[1], min_length=1, max_length=1000)
    teacher: Words = ""
    without: Words = ""
    change: Words = ""
    set: dict[str, Any] = Field(default_factory=dict)


class _Plan(Schema):
    """A plan's file."""

    run: Annotated[list[_Entry], Field(min_length=1, max_length=1000)]
    set: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True)
class PlannedRun:
    """One training run of a plan, of one seed: what it is for, and where its checkpoint goes."""

    name: str
    role: str
    without: str
    change: str
    run: Run
    config: Path
    out: Path
    overrides: tuple[str, ...]

    @property
    def log(self) -> Path:
        """The CSV log of its epochs."""
        return self.out.with_name(self.out.stem + ".log.csv")

    @property
    def network(self) -> str:
        """Its model, as results name it."""
        return self.run.model.removesuffix("_matched")

    @property
    def title(self) -> str:
        """What it is, in words: network and role, the width where it is not the usual one, the seed."""
        words = title_of(self.network, self.role, self.without, self.change)
        width = f", width {self.run.width}" if self.run.width else ""
        return f"{words}{width}, seed {self.run.settings.seed}"

    def command(self, arguments: Sequence[str]) -> list[str]:
        """The command line that carries it out."""
        sets = [part for override in self.overrides for part in ("--set", override)]
        train = [sys.executable, "-P", "-m", "wsfracbnn.cli", "train", "--config", str(self.config)]
        return [*train, *sets, *arguments]

    @property
    def takes_data(self) -> bool:
        """Whether its dataset is read from a folder of published files."""
        return self.run.dataset in SOURCES and SOURCES[self.run.dataset].is_read_from_files

    def row(self, checkpoint: Checkpoint, plan: str) -> AccuracyRow:
        """What its checkpoint reached."""
        return AccuracyRow(
            dataset=self.run.dataset_name,
            network=self.network,
            role=self.role,
            without=self.without,
            change=self.change,
            width=checkpoint.config.widths[0],
            seed=self.run.settings.seed,
            epochs=self.run.settings.epochs,
            top1=round(float(checkpoint.test_accuracy or 0), 2),
            gate_fraction=mean_or_none(checkpoint.gate_fractions),
            plan=plan,
        )


def read_plan(path: Path, out: Path) -> list[PlannedRun]:
    """The runs of a plan in its order.

    Raises:
        InputError: for a missing file, an unknown key or role, a value of the wrong type or out of range.
    """
    table = read_toml(path, "a TOML plan of runs")
    try:
        plan = checked(_Plan, table)
        for number, entry in enumerate(plan.run, start=1):
            _check_entry(f"[[run]] {number}", entry)
        names = [entry.name for entry in plan.run]
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"name '{name}' occurs twice, expected one [[run]] of each name")
        seeds = {entry.name: entry.seeds[0] for entry in plan.run}
        runs: list[PlannedRun] = []
        for entry in plan.run:
            if entry.teacher and entry.teacher not in names:
                raise InputError(f"teacher '{entry.teacher}' of '{entry.name}' is no [[run]]'s name")
            teacher = out / f"{entry.teacher}-s{seeds[entry.teacher]}.pt" if entry.teacher else None
            runs += [_planned(path, out, entry, plan.set, seed, teacher) for seed in entry.seeds]
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return runs


def _check_entry(where: str, entry: _Entry) -> None:
    for role, key in (("ablation", "without"), ("trial", "change")):
        if (entry.role == role) != bool(getattr(entry, key)):
            raise InputError(f"{where}: key '{key}' belongs to the role '{role}', which needs it")
    for key in ("name", "out", "teacher", "seed"):
        if key in entry.set:
            raise InputError(f"{where}: key 'set.{key}': a plan sets it by itself")


def _planned(
    plan: Path, out: Path, entry: _Entry, common: Mapping[str, Any], seed: int, teacher: Path | None
) -> PlannedRun:
    config = plan.parent / entry.config
    checkpoint = out / f"{entry.name}-s{seed}.pt"
    values = {**common, **entry.set, "seed": seed}
    values["name"] = entry.name.replace("-", "_").replace(".", "_")
    values["out"] = checkpoint.as_posix()
    if teacher is not None:
        values["teacher"] = teacher.as_posix()
    for table in [key for key in TABLES if isinstance(values.get(key), dict)]:
        values |= {f"{table}.{key}": value for key, value in values.pop(table).items()}
    overrides = tuple(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in values.items())
    run = make_run(combined(read_settings(config), parse_assignments(list(overrides))))
    return PlannedRun(entry.name, entry.role, entry.without, entry.change, run, config, checkpoint, overrides)


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
    threads = max(1, processors() // jobs)
    report(f"{jobs} side by side, {counted(threads, 'thread')} each")
    waiting = [run for run in runs if not run.out.is_file()]
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


def collect(runs: Sequence[PlannedRun], plan: str) -> AccuracyResults:
    """A row for each checkpoint that exists.

    The load counts both networks at WSFracBNN's measured gate fractions (model/operations.py). `plan` is the name that
    each row keeps of where it comes from.
    """
    rows: list[AccuracyRow] = []
    loads: dict[str, float] = {}
    for planned in runs:
        if planned.out.is_file():
            checkpoint = load_checkpoint(planned.out)
            rows.append(planned.row(checkpoint, plan))
            if planned.role == "full" and planned.run.width in (0, 16):
                gates = list(checkpoint.gate_fractions or ())
                ratio = load_ratio(count_wsfracbnn(checkpoint.config, gates), count_fracbnn(checkpoint.config, gates))
                loads.setdefault(planned.run.dataset_name, round(100 * ratio, 2))
    return AccuracyResults(tuple(rows), loads)


def best_networks(runs: Sequence[PlannedRun]) -> dict[str, Checkpoint]:
    """The most accurate WSFracBNN of each dataset and width, named after both where the width is not the usual one."""
    best: dict[str, Checkpoint] = {}
    for planned in runs:
        if planned.role == "full" and planned.out.is_file():
            found = load_checkpoint(planned.out)
            name = module_name(planned.run.dataset_name) + (f"_w{planned.run.width}" if planned.run.width else "")
            if name not in best or (found.test_accuracy or 0) > (best[name].test_accuracy or 0):
                best[name] = replace(found, name=name)
    return best


def curves(runs: Sequence[PlannedRun]) -> dict[str, list[Curve]]:
    """The finished runs whose logs exist, by dataset."""
    found: dict[str, list[Curve]] = {}
    for planned in (planned for planned in runs if planned.out.is_file() and planned.log.is_file()):
        settings = planned.run.settings
        binary = planned.network != "resnet"
        curve = Curve(planned.title, planned.role, planned.log, settings.switch_epoch if binary else None)
        found.setdefault(module_name(planned.run.dataset_name), []).append(curve)
    return found
