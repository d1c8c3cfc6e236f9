# SPDX-License-Identifier: Apache-2.0
"""Fit the area coefficients of gen/sizing/area.py to what Yosys makes of single stages.

    .venv/bin/python benchmarks/calibrate_area.py [--family NAME] [--keep-coefficients] [--form FORM]

Synthesizes each stage of SAMPLES alone for each family (cached in build/synthesis, so that a second call goes on where
the first was cut off), fits non-negative coefficients that make the relative error least, and writes them to
gen/sizing/area_coefficients.json; results/area.json gets estimate and measurement of each. With --keep-coefficients
only the whole networks are measured again: after a bundled checkpoint changed. Some hours for all families, the first
time; --family measures one of them. With --form only some stages are measured, 'unrolled' ones, those with windows in
'memory', those that have their operands in 'block' RAM, those whose scale path and RPReLU take 'turns', or the 'head',
and what they have more of than the others, or less, is fitted beside the coefficients that are known.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from pydantic import Field
from rich.progress import Progress
from scipy.optimize import nnls

from wsfracbnn.cli.app import run
from wsfracbnn.cli.markdown import replace_section, require_section
from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.devices import FAMILIES, Family, family_named
from wsfracbnn.gen.emission.render import design_sources
from wsfracbnn.gen.locations import CHECKPOINTS
from wsfracbnn.gen.sizing.area import (
    AROUND,
    COEFFICIENTS,
    Coefficients,
    add_calibration,
    coefficients_of,
    estimate,
    is_calibrated,
)
from wsfracbnn.gen.sizing.presets import preset, unrolled
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.gen.stages.folding import IN_MEMORY, UNROLLED, Folding, StageFold
from wsfracbnn.gen.synthesis.stagewise import synthesize_by_stage
from wsfracbnn.gen.synthesis.yosys import synthesize
from wsfracbnn.model.checkpoint import load_checkpoint
from wsfracbnn.model.config import NetworkConfig, resnet20
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.files import write_text
from wsfracbnn.model.lower import lower_checkpoint
from wsfracbnn.model.random_network import random_description
from wsfracbnn.model.reading import Schema, checked, read_json
from wsfracbnn.model.rows import markdown_table

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / "build" / "synthesis"
RECORD = ROOT / "results" / "area.json"
PAGE = ROOT / "docs" / "hardware.md"

RESNET20 = resnet20(10)
HUNDRED = resnet20(100)
SMALL = NetworkConfig(8, 8, 1, 16, (8, 16), (1, 1), 10)

WIDER = NetworkConfig(8, 8, 1, 16, (12, 24), (1, 1), 10)

Sample = tuple[NetworkConfig, str, StageFold | None]
"""Network, stage, fold; None: unrolled."""

SAMPLES: list[Sample] = [
    *[(RESNET20, "stage_01", StageFold(*fold)) for fold in ((1, 144), (2, 144), (4, 36), (1, 9))],
    *[(RESNET20, "stage_07", StageFold(*fold)) for fold in ((1, 72), (2, 144))],
    *[(RESNET20, "stage_08", StageFold(*fold)) for fold in ((1, 9), (1, 144), (2, 288), (4, 288, 2))],
    *[(RESNET20, "stage_13", StageFold(*fold)) for fold in ((1, 72),)],
    *[(RESNET20, "stage_14", StageFold(*fold)) for fold in ((1, 9), (1, 144), (1, 576), (4, 72))],
    *[(SMALL, "stage_01", StageFold(*fold)) for fold in ((1, 72), (2, 36), (1, 9), (8, 72), (8, 72, 2))],
    *[(SMALL, "stage_02", StageFold(*fold)) for fold in ((8, 36), (8, 72))],
    *[(SMALL, "stage_03", StageFold(*fold)) for fold in ((2, 36),)],
    *[(SMALL, "stage_04", StageFold(*fold)) for fold in ((4, 144),)],
    *[(RESNET20, "input", StageFold(*fold)) for fold in ((1, 864), (4, 864), (1, 96))],
    *[(SMALL, "input", StageFold(*fold)) for fold in ((1, 144), (2, 48))],
]
BLOCK, TURNS, HEAD = "block", "turns", "head"

STAGES_IN_MEMORY = [
    (RESNET20, "stage_01", 1, 144),
    (RESNET20, "stage_07", 1, 72),
    (RESNET20, "stage_08", 1, 144),
    (RESNET20, "stage_14", 1, 72),
    (RESNET20, "stage_14", 1, 144),
    (RESNET20, "stage_14", 4, 72),
    (SMALL, "stage_04", 1, 144),
]
"""Network, stage, PE and SIMD."""

FORM_SAMPLES: dict[str, list[Sample]] = {
    UNROLLED: [
        *[(SMALL, stage, None) for stage in ("stage_01", "stage_03", "stage_04")],
        (WIDER, "stage_03", None),
    ],
    IN_MEMORY: [(net, stage, StageFold(pe, simd, in_memory=True)) for net, stage, pe, simd in STAGES_IN_MEMORY],
    BLOCK: [
        (net, stage, StageFold(pe, simd, in_memory=True, moved=("taps",))) for net, stage, pe, simd in STAGES_IN_MEMORY
    ],
    TURNS: [
        *[(RESNET20, "stage_08", StageFold(*fold)) for fold in ((1, 9), (1, 144))],
        *[(RESNET20, "stage_14", StageFold(*fold)) for fold in ((1, 144), (4, 72))],
        *[(SMALL, "stage_01", StageFold(*fold)) for fold in ((1, 9), (2, 36))],
    ],
    HEAD: [
        *[(RESNET20, "head", StageFold(*fold)) for fold in ((1, 1), (5, 1), (1, 3), (5, 3))],
        (HUNDRED, "head", StageFold(1, 1)),
    ],
}
"""Those of stages of other forms, by the form; those that take turns are among SAMPLES too."""
OWN_TERMS = {
    UNROLLED: {"unrolled_lane", "unrolled_match", "unrolled_window"},
    IN_MEMORY: {"copy", "copy_width", "tap_banks"},
    BLOCK: {"taps_moved", "taps_gathered"},
    TURNS: {"turns"},
    HEAD: {"head", "head_lane", "head_digits", "head_in", "head_constants"},
}
"""Terms of Stage.area_terms that only stages of a form have."""

NETWORKS = {
    "ecp5": [
        ("digits", "auto"),
        ("digits", "small"),
        ("digits", "fast"),
        ("small", "auto"),
        ("small", "fast"),
        ("cifar100", "auto"),
    ],
    "ice40": [("digits", "small"), ("small", "small")],
    "xc7": [("digits", "auto"), ("small", "auto")],
}
"""Whole networks that the estimate is compared with: bundled checkpoints, and a random one (SMALL)."""


Row = tuple[str, dict[str, float], int, int]
"""Name, terms, LUTs and flip-flops of a sample."""


def measure(family: Family, samples: Sequence[Sample], progress: Progress) -> list[Row]:
    """Every sample."""
    rows = []
    task = progress.add_task(family.name, total=len(samples))
    for config, name, fold in samples:
        description = random_description(config, seed=1, wild=False)
        if fold is None:
            folding, called = unrolled(description), UNROLLED
        else:
            folding = preset(description, "small").with_stages({name: fold})
            lanes = () if fold.lanes is None else (fold.lanes,)
            parts = [IN_MEMORY] * fold.in_memory + [BLOCK] * bool(fold.moved)
            called = " ".join(("x".join(map(str, (fold.pe, fold.simd, *lanes))), *parts))
        label = f"{'x'.join(map(str, config.widths))} {name} {called}"
        rows.append(measure_stage(description, folding, name, label, family))
        progress.advance(task)
    return rows


def measure_stage(description: NetworkDescription, folding: Folding, name: str, label: str, family: Family) -> Row:
    """One stage alone. label: what its row is called."""
    design = build_design(description, folding.for_family(family))
    stage = next(s for s in design.stages if s.name == name)
    top = f"{design.name}_{name}"
    sources = {file: text for file, text in design_sources(design).items() if _needed(file, top, design.name)}
    area, _ = synthesize(sources, top, family, CACHE, report=lambda _: None)
    return label, dict(stage.area_terms(family)), area.luts, area.flip_flops


def _needed(file: str, top: str, network: str) -> bool:
    """Sources of one stage: its own modules and the library."""
    return top in file or not any(
        part in file for part in (f"{network}_stage", f"{network}_input", f"{network}_head", f"{network}_top")
    )


def measure_around(family: Family) -> tuple[int, int]:
    """LUTs and flip-flops of what stands around the stages: the digits network's top with its stages as black boxes."""
    description = description_of("digits")
    design = build_design(description, preset(description, "auto").for_family(family))
    stages = {f"{design.name}_{stage.name}.v" for stage in design.stages}
    sources = {}
    for file, text in design_sources(design).items():
        if any(file.endswith(stage) for stage in stages):
            start, end = text.index("module "), text.index(");\n") + len(");\n")
            sources[file] = f"(* blackbox *)\n{text[start:end]}endmodule\n"
        else:
            sources[file] = text
    area, _ = synthesize(sources, design.top, family, CACHE, report=lambda _: None)
    return area.luts, area.flip_flops


def fit(rows: list[tuple[dict[str, float], int]], known: Mapping[str, float]) -> dict[str, float]:
    """Non-negative coefficients of least relative error, and the known ones with them."""
    names = sorted({name for sizes, _ in rows for name in sizes} - set(known))
    matrix = np.array([[sizes.get(name, 0.0) / measured for name in names] for sizes, measured in rows])
    left = [1 - sum(known.get(name, 0.0) * size for name, size in sizes.items()) / measured for sizes, measured in rows]
    solution, _ = nnls(matrix, np.array(left))
    return {**known, **{name: round(float(value), 4) for name, value in zip(names, solution, strict=True)}}


def description_of(name: str) -> NetworkDescription:
    """A bundled network, or the small random one."""
    if name == "small":
        return random_description(SMALL, seed=1, name="small", wild=False)
    return lower_checkpoint(load_checkpoint(CHECKPOINTS / f"{name}.pt"))


def compare_networks(family: Family, progress: Progress) -> list[dict[str, Any]]:
    """Estimate and measurement of every whole network."""
    task = progress.add_task(f"{family.name}, whole networks", total=len(NETWORKS.get(family.name, [])))
    entries: list[dict[str, Any]] = []
    for name, fold in NETWORKS.get(family.name, []):
        description = description_of(name)
        design = build_design(description, choose_folding(description, fold).for_family(family))
        sources, stages = design_sources(design), design.stage_modules
        area, _ = synthesize_by_stage(sources, design.top, stages, family, CACHE, report=lambda _: None)
        expected = estimate(design, family)
        entries.append(
            {
                "network": name,
                "fold": fold,
                "luts": area.luts,
                "estimated_luts": round(expected.luts),
                "flip_flops": area.flip_flops,
                "estimated_flip_flops": round(expected.flip_flops),
                "block_rams": area.block_rams,
                "estimated_block_rams": expected.block_rams,
            }
        )
        progress.advance(task)
    return entries


def calibrate(family: Family, progress: Progress) -> tuple[Coefficients, list[dict[str, Any]]]:
    """Measure the samples and fit; returns the coefficients, and estimate and measurement of each sample."""
    coefficients, samples = fitted(measure(family, SAMPLES, progress))
    around = measure_around(family)
    known: Coefficients = {
        what: {**table, AROUND: size} for (what, table), size in zip(coefficients.items(), around, strict=True)
    }
    for form in forms_of(family):
        known = with_form(known, samples, form, measure(family, FORM_SAMPLES[form], progress))
    return known, samples


def forms_of(family: Family) -> list[str]:
    """Forms of stages that the family can have."""
    return [form for form in FORM_SAMPLES if form not in (IN_MEMORY, BLOCK) or family.has_lut_ram]


def fitted(rows: list[Row], known: Coefficients | None = None) -> tuple[Coefficients, list[dict[str, Any]]]:
    """Coefficients, and estimate and measurement of each sample. known: those of terms that are not fitted."""
    beside = known or {"luts": {}, "flip_flops": {}}
    luts = fit([(sizes, luts_used) for _, sizes, luts_used, _ in rows], beside["luts"])
    flip_flops = fit([(sizes, registers) for _, sizes, _, registers in rows], beside["flip_flops"])
    samples: list[dict[str, Any]] = [
        {
            "stage": label,
            "luts": measured,
            "estimated_luts": round(sum(luts[n] * s for n, s in sizes.items())),
            "flip_flops": registers,
            "estimated_flip_flops": round(sum(flip_flops[n] * s for n, s in sizes.items())),
        }
        for label, sizes, measured, registers in rows
    ]
    return {"luts": luts, "flip_flops": flip_flops}, samples


def with_form(known: Coefficients, samples: list[dict[str, Any]], form: str, rows: list[Row]) -> Coefficients:
    """The coefficients with a form's own terms fitted to its rows, which go to `samples` in place of earlier ones."""
    others: Coefficients = {
        what: {name: value for name, value in table.items() if name not in OWN_TERMS[form]}
        for what, table in known.items()
    }
    found, measured = fitted(rows, others)
    labels = {sample["stage"] for sample in measured}
    samples[:] = [sample for sample in samples if sample["stage"] not in labels] + measured
    return found


def main(
    family: Annotated[list[str] | None, typer.Option(help="Family to measure; may be repeated; default all.")] = None,
    keep_coefficients: Annotated[bool, typer.Option("--keep-coefficients", help="Measure the networks only.")] = False,
    form: Annotated[
        str | None, typer.Option(help=f"Measure stages of one form only: {', '.join(FORM_SAMPLES)}.")
    ] = None,
) -> None:
    """Measure, fit, write."""
    require_section(PAGE, "area")
    if form is not None and form not in FORM_SAMPLES:
        raise InputError(f"--form: found '{form}', expected one of {', '.join(FORM_SAMPLES)}")
    record = read_record(RECORD)
    table: dict[str, Coefficients] = {name: coefficients_of(name) for name in FAMILIES if is_calibrated(name)}
    with Progress() as progress:
        for chosen in map(family_named, family or FAMILIES):
            if form is not None:
                if form not in forms_of(chosen):
                    continue
                rows = measure(chosen, FORM_SAMPLES[form], progress)
                table[chosen.name] = with_form(table[chosen.name], record["stages"][chosen.name], form, rows)
            elif not keep_coefficients:
                table[chosen.name], record["stages"][chosen.name] = calibrate(chosen, progress)
            add_calibration(chosen.name, table[chosen.name])
            if form is None:
                record["networks"][chosen.name] = compare_networks(chosen, progress)
            # Together, so that a call that is cut off leaves no coefficients without what they are fitted to.
            write_text(COEFFICIENTS, json.dumps(table, indent=2) + "\n")
            write_text(RECORD, json.dumps(record, indent=2) + "\n")
    for name in record["networks"]:
        for what in ("stages", "networks"):
            entries = record[what][name]
            errors = [abs(entry["estimated_luts"] / entry["luts"] - 1) for entry in entries]
            mean, worst = np.mean(errors), max(errors)
            print(f"{name}: LUTs of {len(entries)} {what} {mean:.1%} off on average, {worst:.1%} at most")
    replace_section(PAGE, "area", markdown(record["networks"]))


class _Measured(Schema, extra="ignore"):
    luts: Annotated[int, Field(gt=0)]
    estimated_luts: Annotated[int, Field(ge=0)]


class _Network(_Measured):
    network: str
    fold: str
    block_rams: Annotated[int, Field(ge=0)]
    estimated_block_rams: Annotated[int, Field(ge=0)]


class _Record(Schema):
    stages: dict[str, list[_Measured]]
    networks: dict[str, list[_Network]]


def read_record(path: Path) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Estimates and measurements of an earlier call: lists by family, of "stages" and of "networks".

    Raises:
        InputError: not such a file; said before hours of work rather than behind them.
    """
    record: dict[str, dict[str, list[dict[str, Any]]]] = read_json(path, "a record of areas")
    try:
        checked(_Record, record)
    except InputError as error:
        raise InputError(f"{path}: not a record of areas ({error})") from None
    return record


def markdown(networks: dict[str, list[dict[str, Any]]]) -> str:
    """The whole networks as a table."""
    columns = ("network", "fold", "family", "LUTs: estimate", "synthesis", "block RAMs: estimate", "synthesis")
    lines = []
    for family, entries in networks.items():
        for e in entries:
            luts = (f"{e['estimated_luts']:,}", f"{e['luts']:,}")
            lines.append((e["network"], e["fold"], family, *luts, str(e["estimated_block_rams"]), str(e["block_rams"])))
    return markdown_table(columns, lines)


if __name__ == "__main__":
    command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    command.command()(main)
    run(command)
