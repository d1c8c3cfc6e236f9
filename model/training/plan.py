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
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from signal import SIGINT, SIGTERM, signal
from typing import Any

from wsfracbnn.model.checkpoint import Checkpoint, load_checkpoint
from wsfracbnn.model.data.registry import SOURCES
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.operations import count_fracbnn, count_wsfracbnn, load_ratio
from wsfracbnn.model.supervise import Child
from wsfracbnn.model.training.results import ROLES, AccuracyResults, AccuracyRow, mean_or_none
from wsfracbnn.model.training.settings import Run, make_run, parse_assignments, read_toml

KEYS = dict.fromkeys(("name", "role", "config", "teacher", "without", "change"), str) | {"seeds": list, "set": dict}


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
            dataset=self.run.dataset,
            network=self.run.model.removesuffix("_matched"),
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
        InputError: for a missing file, an unknown key or role, or a value of the wrong type.
    """
    try:
        plan = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a TOML plan of runs ({error})") from None
    for key in plan:
        if key not in ("set", "run"):
            raise InputError(f"{path}: key '{key}' is unknown, expected 'set' and [[run]]")
    entries = plan.get("run", [])
    if not isinstance(entries, list) or not entries:
        raise InputError(f"{path}: key 'run' is missing, expected at least one [[run]]")
    for number, entry in enumerate(entries, start=1):
        _check_entry(f"{path}: [[run]] {number}", entry)
    names = [entry["name"] for entry in entries]
    runs: list[PlannedRun] = []
    for entry in entries:
        if "teacher" in entry and entry["teacher"] not in names:
            raise InputError(f"{path}: teacher '{entry['teacher']}' of '{entry['name']}' is no [[run]]'s name")
        for seed in entry.get("seeds", [1]):
            runs.append(_planned(path, out, entry, plan.get("set", {}), seed))
    return runs


def _check_entry(where: str, entry: Any) -> None:
    if not isinstance(entry, dict):
        raise InputError(f"{where}: found {entry!r}, expected a table")
    for key, value in entry.items():
        if key not in KEYS:
            raise InputError(f"{where}: key '{key}' is unknown, expected one of {', '.join(KEYS)}")
        if not isinstance(value, KEYS[key]):
            raise InputError(f"{where}: key '{key}': found {value!r}, expected a {KEYS[key].__name__}")
    for key in ("name", "role", "config"):
        if key not in entry:
            raise InputError(f"{where}: key '{key}' is missing")
    if entry["role"] not in ROLES:
        raise InputError(f"{where}: key 'role': found '{entry['role']}', expected {', '.join(ROLES)}")
    for role, key in (("ablation", "without"), ("trial", "change")):
        if (entry["role"] == role) != (key in entry):
            raise InputError(f"{where}: key '{key}' belongs to the role '{role}', which needs it")
    if not all(type(seed) is int for seed in entry.get("seeds", [1])):
        raise InputError(f"{where}: key 'seeds': found {entry['seeds']!r}, expected integers")


def _planned(plan: Path, out: Path, entry: Mapping[str, Any], common: Mapping[str, Any], seed: int) -> PlannedRun:
    name = entry["name"]
    config = plan.parent / entry["config"]
    checkpoint = out / f"{name}-s{seed}.pt"
    values = {**common, **entry.get("set", {}), "seed": seed}
    values["name"] = name.replace("-", "_").replace(".", "_")
    values["out"] = checkpoint.as_posix()
    if "teacher" in entry:
        values["teacher"] = (out / f"{entry['teacher']}-s1.pt").as_posix()
    overrides = tuple(f"{key}={json.dumps(value)}" for key, value in values.items())
    run = make_run(read_toml(config) | parse_assignments(list(overrides)))
    return PlannedRun(
        name, entry["role"], entry.get("without", ""), entry.get("change", ""), run, config, checkpoint, overrides
    )


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
    report(f"{jobs} side by side, {threads} thread{'s' if threads > 1 else ''} each")
    waiting = [run for run in runs if not run.out.is_file()]
    running: dict[Future[int], PlannedRun] = {}
    failed: list[PlannedRun] = []
    processes: set[Child] = set()
    with _passing_on(processes) as stopped, ThreadPoolExecutor(jobs) as pool:
        while waiting or running:
            ready = [r for r in waiting if not r.run.teacher or Path(r.run.teacher).is_file()]
            for run in [] if stopped() else ready[: jobs - len(running)]:
                waiting.remove(run)
                report(f"{run.out.stem}: training, see {run.out.with_suffix('.txt')}")
                source = ["--data", str(data)] if data is not None and run.takes_data else []
                running[pool.submit(_train, run, [*arguments, *source], threads, processes)] = run
            if not running:
                break  # stopped, or the teachers of those that wait failed
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                run = running.pop(done)
                if done.result() == 0:
                    report(f"{run.out.stem}: top-1 {load_checkpoint(run.out).test_accuracy:.2f} %")
                elif not stopped():
                    report(f"{run.out.stem}: failed, see {run.out.with_suffix('.txt')}")
                    failed.append(run)
        if stopped():
            raise KeyboardInterrupt
    return failed + waiting


def processors() -> int:
    """How many this process may run on, which taskset or a container may have made fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _passing_on(processes: set[Child]) -> Iterator[Callable[[], bool]]:
    """Turn Ctrl-C and SIGTERM into a SIGTERM to each process, upon which it saves and ends."""
    pressed = False

    def handle(signum: int, frame: object) -> None:
        nonlocal pressed
        pressed = True
        for process in list(processes):
            process.terminate()

    previous = {number: signal(number, handle) for number in (SIGINT, SIGTERM)}
    try:
        yield lambda: pressed
    finally:
        for number, handler in previous.items():
            signal(number, handler)


def _train(run: PlannedRun, arguments: Sequence[str], threads: int, processes: set[Child]) -> int:
    run.out.parent.mkdir(parents=True, exist_ok=True)
    # Threads that spin at OpenMP's barriers take the processors from the other runs: two busy threads on two busy
    # cores trained 20 times slower.
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "passive"}
    with (
        run.out.with_suffix(".txt").open("a") as output,
        # A terminal's Ctrl-C reaches this process alone, which passes it on.
        Child(run.command(arguments), stdout=output, stderr=subprocess.STDOUT, env=environment) as process,
    ):
        processes.add(process)
        try:
            return process.wait()
        finally:
            processes.discard(process)


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
                loads.setdefault(planned.run.dataset, round(100 * ratio, 2))
    return AccuracyResults(tuple(rows), loads)


def best_networks(runs: Sequence[PlannedRun]) -> dict[str, Checkpoint]:
    """The most accurate WSFracBNN of each dataset and width, named after both where the width is not the usual one."""
    best: dict[str, Checkpoint] = {}
    for planned in runs:
        if planned.role == "full" and planned.out.is_file():
            found = load_checkpoint(planned.out)
            name = planned.run.dataset + (f"_w{planned.run.width}" if planned.run.width else "")
            if name not in best or (found.test_accuracy or 0) > (best[name].test_accuracy or 0):
                best[name] = replace(found, name=name)
    return best


def curves(runs: Sequence[PlannedRun]) -> dict[str, dict[str, Path]]:
    """The logs that exist: by dataset, and by the runs' names in it."""
    logs: dict[str, dict[str, Path]] = {}
    for planned in runs:
        if planned.log.is_file():
            logs.setdefault(planned.run.dataset, {})[planned.out.stem] = planned.log
    return logs
