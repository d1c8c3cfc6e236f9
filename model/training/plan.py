# SPDX-License-Identifier: Apache-2.0
"""Plans of training runs: which networks are trained, with which settings, and what each is for.

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
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from wsfracbnn.model.checkpoint import Checkpoint
from wsfracbnn.model.data.registry import SOURCES
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.reading import Schema, checked, one_of, printable, read_toml
from wsfracbnn.model.training.results import ROLES, AccuracyRow, mean_or_none, title_of
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
            validation_share=checkpoint.validation_share,
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
