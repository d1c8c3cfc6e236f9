# SPDX-License-Identifier: Apache-2.0
"""Campaigns: a plan of training runs, carried out side by side, and the accuracy table that they make.

A plan is a TOML file beside the run configurations that it names:

    [set]                        settings that every run takes over its own (the number of epochs, say)
    [[run]]
    role = "cifar100.fracbnn"    dataset.what; the roles of `ROLES` fill results/accuracy.json, others are ablations
    config = "cifar100-fracbnn.toml"
    seeds = [1, 2, 3]
    teacher = "cifar100.teacher" role whose first seed is the teacher; it is trained first
    set = { width = 64 }         settings of this run alone
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wsfracbnn.model.checkpoint import Checkpoint, load_checkpoint
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.operations import count_fracbnn, count_wsfracbnn, load_ratio
from wsfracbnn.model.settings import Run, make_run, parse_assignments, read_toml

ROLES = {
    "teacher": "full-precision teacher",
    "fracbnn": "FracBNN, its own recipe",
    "fracbnn_like_for_like": "FracBNN, WSFracBNN's recipe and teacher",
    "wsfracbnn": "WSFracBNN",
    "wide": "WSFracBNN, wide",
}


@dataclass(frozen=True)
class PlannedRun:
    """One training run of a plan: its role, its seed, where its checkpoint goes and the file it learns from."""

    role: str
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
        return [
            sys.executable,
            "-m",
            "wsfracbnn.cli",
            "train",
            "--config",
            str(self.config),
            *sets,
            *arguments,
        ]


def read_plan(path: Path, out: Path) -> list[PlannedRun]:
    """The runs of a plan, teachers before their students.

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
    if not entries:
        raise InputError(f"{path}: key 'run' is missing, expected at least one [[run]]")
    roles = [entry.get("role") for entry in entries]
    runs: list[PlannedRun] = []
    for entry in entries:
        unknown = set(entry) - {"role", "config", "seeds", "teacher", "set"}
        if unknown or not isinstance(entry.get("role"), str) or "." not in entry["role"]:
            raise InputError(
                f"{path}: a [[run]] has keys {', '.join(map(repr, sorted(entry)))}, expected 'role' (dataset.what), "
                "'config' and optionally 'seeds', 'teacher', 'set'"
            )
        if "teacher" in entry and entry["teacher"] not in roles:
            raise InputError(f"{path}: teacher '{entry['teacher']}' of '{entry['role']}' is no [[run]]'s role")
        for seed in entry.get("seeds", [1]):
            runs.append(_planned(path, out, entry, plan.get("set", {}), int(seed)))
    is_student = [run.run.teacher != "" for run in runs]
    return [r for r, s in zip(runs, is_student, strict=True) if not s] + [
        r for r, s in zip(runs, is_student, strict=True) if s
    ]


def _planned(plan: Path, out: Path, entry: Mapping[str, Any], common: Mapping[str, Any], seed: int) -> PlannedRun:
    role = entry["role"]
    config = plan.parent / str(entry.get("config"))
    checkpoint = out / f"{role}-s{seed}.pt"
    values = {**common, **entry.get("set", {}), "seed": seed}
    values["name"] = role.replace(".", "_")
    values["out"] = checkpoint.as_posix()
    if "teacher" in entry:
        values["teacher"] = (out / f"{entry['teacher']}-s1.pt").as_posix()
    overrides = tuple(f"{key}={json.dumps(value)}" for key, value in values.items())
    return PlannedRun(
        role, make_run(read_toml(config) | parse_assignments(list(overrides))), config, checkpoint, overrides
    )


def carry_out(
    runs: Sequence[PlannedRun], jobs: int, arguments: Sequence[str], report: Callable[[str], None]
) -> list[PlannedRun]:
    """Train what has no checkpoint yet, `jobs` at a time, each in a process of its own; returns those that failed.

    Each run's output goes to its checkpoint's name with `.txt`; a run that is cut off resumes the next time.
    """
    waiting = [run for run in runs if not run.out.is_file()]
    running: dict[Future[int], PlannedRun] = {}
    failed: list[PlannedRun] = []
    with ThreadPoolExecutor(jobs) as pool:
        while waiting or running:
            for run in [r for r in waiting if not r.run.teacher or Path(r.run.teacher).is_file()][
                : jobs - len(running)
            ]:
                waiting.remove(run)
                report(f"{run.out.stem}: training, see {run.out.with_suffix('.txt')}")
                running[pool.submit(_train, run, arguments)] = run
            if not running:
                failed += waiting  # their teachers failed
                break
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                run = running.pop(done)
                if done.result() == 0:
                    report(f"{run.out.stem}: {_line(load_checkpoint(run.out))}")
                else:
                    report(f"{run.out.stem}: failed, see {run.out.with_suffix('.txt')}")
                    failed.append(run)
    return failed


def _train(run: PlannedRun, arguments: Sequence[str]) -> int:
    run.out.parent.mkdir(parents=True, exist_ok=True)
    with run.out.with_suffix(".txt").open("w") as output:
        return subprocess.run(run.command(arguments), stdout=output, stderr=subprocess.STDOUT, check=False).returncode


def _line(checkpoint: Checkpoint) -> str:
    return f"top-1 {checkpoint.test_accuracy:.2f} %"


def collect(runs: Sequence[PlannedRun], plan: str) -> dict[str, Any]:
    """results/accuracy.json from the checkpoints that exist: percent, one value per seed.

    The margins are differences of means; `load_ratio` counts both networks at WSFracBNN's measured gate fractions
    (model/operations.py). `plan` is the name that each row keeps of where it comes from.
    """
    results: dict[str, Any] = {}
    for dataset, of_dataset in _grouped(runs, lambda r: r.role.split(".")[0]):
        for what, seeds in _grouped(of_dataset, lambda r: r.role.split(".", 1)[1]):
            checkpoints = [load_checkpoint(r.out) for r in seeds if r.out.is_file()]
            if checkpoints:
                place = results.setdefault("wide", {}) if what == "wide" else results.setdefault(dataset, {})
                target = place if what in ROLES else place.setdefault("ablations", {})
                target[dataset if what == "wide" else what] = _summary(checkpoints) | {"plan": plan}
        entry = results.get(dataset, {})
        if "wsfracbnn" in entry:
            best = load_checkpoint(next(r.out for r in of_dataset if r.role.endswith(".wsfracbnn") and r.out.is_file()))
            gates = list(best.gate_fractions or ())
            ratio = load_ratio(count_wsfracbnn(best.config, gates), count_fracbnn(best.config, gates))
            entry["load_ratio"] = round(100 * ratio, 2)
        _add_margins(entry)
    return results


def read_results(path: Path) -> dict[str, Any]:
    """A file that `wsfracbnn accuracy` wrote.

    Raises:
        InputError: for a missing file, or one that is not such a file.
    """
    try:
        results = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a JSON file of results ({error})") from None
    if not isinstance(results, dict) or not all(isinstance(entry, dict) for entry in results.values()):
        raise InputError(f"{path}: found something else, expected an object of one object a dataset")
    return results


def merge(found: Mapping[str, Any], earlier: Mapping[str, Any]) -> dict[str, Any]:
    """The results of one plan over those of an earlier one, whose rows stay where the new plan has none.

    An ablation is held against the network that nothing was left out of, trained alike: where an earlier plan's
    ablations stay and its WSFracBNN does not, that one stays among them as `nothing_left_out`, and so does its
    like-for-like FracBNN as `with_batchnorm`.
    """
    merged = {dataset: dict(entry) for dataset, entry in earlier.items()}
    for dataset, entry in found.items():
        old = merged.setdefault(dataset, {})
        ablations = old.get("ablations", {}) | entry.get("ablations", {})
        if "ablations" in old and "ablations" not in entry and "wsfracbnn" in old and "wsfracbnn" in entry:
            stay = (("nothing_left_out", "wsfracbnn"), ("with_batchnorm", "fracbnn_like_for_like"))
            ablations = {name: old[role] for name, role in stay if role in old} | ablations
        old |= entry
        if ablations:
            old["ablations"] = ablations
        if dataset != "wide":
            _add_margins(old)
    return merged


def _add_margins(entry: dict[str, Any]) -> None:
    """WSFracBNN's mean over the baseline's, in points, where both are there and were trained by one plan."""
    ours = entry.get("wsfracbnn")
    for key, baseline in (("margin", "fracbnn"), ("margin_like_for_like", "fracbnn_like_for_like")):
        theirs = entry.get(baseline)
        entry.pop(key, None)
        if ours and theirs and ours["epochs"] == theirs["epochs"] and ours.get("plan") == theirs.get("plan"):
            entry[key] = round(ours["mean"] - theirs["mean"], 3)


def best_networks(runs: Sequence[PlannedRun]) -> dict[str, Checkpoint]:
    """The most accurate WSFracBNN of each dataset, under the dataset's name, and the wide ones under theirs."""
    best: dict[str, Checkpoint] = {}
    for run in runs:
        dataset, what = run.role.split(".", 1)
        if what in ("wsfracbnn", "wide") and run.out.is_file():
            name = dataset if what == "wsfracbnn" else f"{dataset}_wide"
            found = load_checkpoint(run.out)
            if name not in best or (found.test_accuracy or 0) > (best[name].test_accuracy or 0):
                best[name] = replace(found, name=name)
    return best


def _grouped(runs: Sequence[PlannedRun], key: Callable[[PlannedRun], str]) -> Iterator[tuple[str, list[PlannedRun]]]:
    for value in dict.fromkeys(key(r) for r in runs):
        yield value, [r for r in runs if key(r) == value]


def _summary(checkpoints: Sequence[Checkpoint]) -> dict[str, Any]:
    top1 = [round(float(c.test_accuracy or 0), 2) for c in checkpoints]
    summary: dict[str, Any] = {
        "top1": top1,
        "mean": round(statistics.mean(top1), 3),
        "spread": round(max(top1) - min(top1), 3),
        "seeds": [c.training["seed"] for c in checkpoints],
        "epochs": checkpoints[0].training["epochs"],
    }
    gates = [statistics.mean(c.gate_fractions) for c in checkpoints if c.gate_fractions]
    if gates:
        summary["gate_fraction"] = round(statistics.mean(gates), 4)
    return summary


def table(results: Mapping[str, Any]) -> str:
    """The results as a Markdown table."""
    lines = [
        "| dataset | network | top-1, % | seeds | epochs | gates open | load, % of FracBNN's |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for dataset, entry in results.items():
        names = ROLES if dataset != "wide" else {name: f"{ROLES['wide']}, {name}" for name in entry}
        rows = [(title, entry[name]) for name, title in names.items() if name in entry]
        rows += [(_ablation_title(name), row) for name, row in entry.get("ablations", {}).items()]
        for title, row in rows:
            spread = f" (spread {row['spread']:.2f})" if len(row["top1"]) > 1 else ""
            gates = f"{100 * row['gate_fraction']:.1f} %" if "gate_fraction" in row else "-"
            load = f"{entry['load_ratio']:.1f}" if title == ROLES["wsfracbnn"] else "-"
            lines.append(
                f"| {dataset} | {title} | {row['mean']:.2f}{spread} | {len(row['top1'])} | {row['epochs']} | "
                f"{gates} | {load} |"
            )
    return "\n".join(lines)


def _ablation_title(name: str) -> str:
    return "ablation: " + name.replace("_", " ").replace("batchnorm", "BatchNorm")


def margins(results: Mapping[str, Any]) -> str:
    """One sentence per dataset with its margins."""
    sentences = []
    for dataset, entry in results.items():
        for key, against in (("margin", ROLES["fracbnn"]), ("margin_like_for_like", ROLES["fracbnn_like_for_like"])):
            if key in entry:
                sentences.append(f"{dataset}: WSFracBNN {entry[key]:+.2f} points against {against}.")
    return " ".join(sentences)
