# SPDX-License-Identifier: Apache-2.0
"""Folding: how much of each stage is computed at once.

Two knobs per stage, as in FINN: PE output channels and SIMD window bits per cycle. SIMD is spent first, because lanes
that compute one output each in one cycle keep the whole saving of the gates (docs/architecture.md, "Folding"). A third
is how many channels a convolution stage takes in, scales and sends a cycle: PE, or fewer where there is time.
"""

from __future__ import annotations

import functools
import itertools
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wsfracbnn.gen.description import TAPS, ConvStage, HeadStage, InputStage, NetworkDescription, Stage
from wsfracbnn.model.errors import InputError

HEAD_OVERHEAD = 9
"""Cycles per group of classes that rtl/linear.v spends beside one per channel."""

WINDOW_CYCLES = 2
"""Cycles that rtl/window_buffer.v and rtl/window_walk.v spend on a pixel at least."""

LONG_WINDOW_CYCLES = 100
"""A window that the engine looks at for so long needs no register to leave into (rtl/window_columns.v, BUFFERED)..."""

UNBUFFERED_CYCLES = 2
"""... and what each window then costs more."""

LANE_OVERHEAD = 16
"""What a lane costs beside its XNOR bits (accumulator, list of gated outputs, scale path), in XNOR bits."""

VALUE_COST = 4
"""What a lane of the input stage costs for each value that it looks up and adds, in XNOR bits."""

BALANCE = 1.1
"""How much slower than asked a preset may be where that makes its stages more even."""

PRESETS = ("auto", "small", "fast")


@dataclass(frozen=True)
class StageFold:
    """PE: output channels (head: classes) at once. SIMD: window bits at once (head: 1 channel). lanes: of a convolution
    stage, channels at once before and behind the engine, a divisor of PE; None: PE."""

    pe: int
    simd: int
    lanes: int | None = None

    @property
    def out_lanes(self) -> int:
        """Channels of the output stream's beat."""
        return self.pe if self.lanes is None else self.lanes

    def numbers(self) -> dict[str, int]:
        """As a folding file has them."""
        return {"pe": self.pe, "simd": self.simd} | ({} if self.lanes is None else {"lanes": self.lanes})


Folding = dict[str, StageFold]


def divisors(n: int) -> list[int]:
    """All divisors of n, ascending."""
    return [d for d in range(1, n + 1) if n % d == 0]


def simd_unit(stage: InputStage | ConvStage) -> int:
    """What SIMD is a multiple of: the code of one pixel value in the input stage, nine taps of a channel elsewhere."""
    return stage.levels if isinstance(stage, InputStage) else TAPS


def simd_choices(stage: InputStage | ConvStage) -> list[int]:
    """All SIMD of a stage, ascending."""
    unit = simd_unit(stage)
    return [unit * d for d in divisors(stage.window_bits // unit)]


@functools.cache
def expected_busiest(groups: int, lanes: int, fraction: float) -> float:
    """Expected gated outputs of the busiest of `lanes` lanes that each gate `groups` outputs independently.

    The mean of the maximum of `lanes` binomial variables, computed exactly; for one lane it is groups * fraction.
    """
    probability = [math.comb(groups, k) * fraction**k * (1.0 - fraction) ** (groups - k) for k in range(groups + 1)]
    cumulative = 0.0
    mean = 0.0
    for p in probability:
        mean += 1.0 - cumulative**lanes
        cumulative = min(1.0, cumulative + p)
    return mean - 1.0


def stage_cycles(stage: Stage, fold: StageFold) -> int:
    """Cycles of work per image: the busiest of a stage's engine, its input beats and its output beats.

    Engine: pixels * `window_cycles`; input layer: no gates; head: (classes / PE) * (C + 9) + C.
    """
    if isinstance(stage, HeadStage):
        return stage.classes // fold.pe * (stage.in_channels + HEAD_OVERHEAD) + stage.in_channels
    pixels = stage.out_height * stage.out_width
    if isinstance(stage, InputStage):
        groups, chunks = stage.out_channels // fold.pe, stage.window_bits // fold.simd
        return pixels * max(groups * chunks, WINDOW_CYCLES)
    entering = stage.height * stage.width * max(stage.in_channels // entering_lanes(stage, fold), WINDOW_CYCLES)
    leaving = pixels * stage.out_channels // fold.out_lanes
    pause = 0 if window_is_buffered(stage, fold) else UNBUFFERED_CYCLES
    return max(math.ceil(pixels * (window_cycles(stage, fold) + pause)), entering, leaving)


def entering_lanes(stage: ConvStage, fold: StageFold) -> int:
    """Channels of an input beat: what the output lanes allow, so that the shortcut meets the residual sum."""
    return math.gcd(fold.out_lanes, stage.in_channels)


def window_cycles(stage: ConvStage, fold: StageFold) -> float:
    """Cycles that the engine needs for a window: (9 C_in / SIMD) * (C_out / PE + gated outputs of the busiest lane)."""
    groups = stage.out_channels // fold.pe
    chunks = stage.window_bits // fold.simd
    return chunks * (groups + expected_busiest(groups, fold.pe, stage.gate_fraction))


def window_is_buffered(stage: ConvStage, fold: StageFold) -> bool:
    """Whether windows leave into a register, so that the next one is there when the engine is through with one."""
    return window_cycles(stage, fold) < LONG_WINDOW_CYCLES


def stage_choices(stage: Stage) -> Iterator[StageFold]:
    """Every folding of a stage."""
    if isinstance(stage, HeadStage):
        yield from (StageFold(pe, 1) for pe in divisors(stage.classes))
        return
    for pe, simd in itertools.product(divisors(stage.out_channels), simd_choices(stage)):
        yield StageFold(pe, simd)
        if isinstance(stage, ConvStage):
            yield from (StageFold(pe, simd, lanes) for lanes in divisors(pe)[:-1])


def cost(stage: Stage, fold: StageFold) -> int:
    """LUTs of a stage relative to other foldings of it, in XNOR bits: PE * (SIMD + LANE_OVERHEAD).

    In the input stage, which looks sums up (rtl/table_engine.v), a value counts as VALUE_COST bits instead of its code.
    """
    bits = fold.simd // stage.levels * VALUE_COST if isinstance(stage, InputStage) else fold.simd
    return fold.pe * (bits + LANE_OVERHEAD)


def solve(description: NetworkDescription, target_cycles: int) -> Folding:
    """The cheapest folding of each stage that stays within `target_cycles` per image: of least `cost`, then of fewest
    lanes. A stage that cannot reach the target gets its fastest folding.
    """
    folding: Folding = {}
    for name, stage in description.stages():
        rated = [(stage_cycles(stage, fold), cost(stage, fold), fold.out_lanes, fold) for fold in stage_choices(stage)]
        within = [(price, lanes, fold) for cycles, price, lanes, fold in rated if cycles <= target_cycles]
        folding[name] = (min(within, key=lambda r: r[:2]) if within else min(rated, key=lambda r: r[:3]))[-1]
    return folding


def balanced(description: NetworkDescription, target_cycles: int) -> Folding:
    """The folding of least cost times cycles among those up to BALANCE times slower than `target_cycles` asks for.

    PE and SIMD divide their layers' sizes, so that a stage often is either just too slow or twice as fast as it need
    be; a target a little slower lets such stages fall in with the others.
    """

    def cost_times_cycles(folding: Folding) -> int:
        price = sum(cost(stage, folding[name]) for name, stage in description.stages())
        return price * max(stage_cycles(stage, folding[name]) for name, stage in description.stages())

    rates = {stage_cycles(stage, fold) for _, stage in description.stages() for fold in stage_choices(stage)}
    targets = [target_cycles, *sorted(c for c in rates if target_cycles < c <= BALANCE * target_cycles)]
    return min((solve(description, target) for target in targets), key=cost_times_cycles)


def preset(description: NetworkDescription, name: str) -> Folding:
    """'auto': about one whole window a cycle in the slowest convolution, the others about as fast; 'fast': four times
    that rate; 'small': one output channel and one value or one channel's taps a cycle everywhere."""
    if name == "small":
        return {
            stage_name: StageFold(1, 1 if isinstance(stage, HeadStage) else simd_unit(stage))
            for stage_name, stage in description.stages()
        }
    slowest = max(
        stage_cycles(stage, StageFold(1, stage.window_bits))
        for _, stage in description.stages()
        if not isinstance(stage, HeadStage)
    )
    return balanced(description, slowest if name == "auto" else math.ceil(slowest / 4))


def to_json(folding: Folding) -> str:
    """The text of a folding file, as `--fold FILE` reads it."""
    lines = [f'  "{name}": {json.dumps(fold.numbers())}' for name, fold in folding.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def read_folding(path: Path, description: NetworkDescription) -> Folding:
    """A folding file: {"input": {"pe": 2, "simd": 144}, "stage_01": {"pe": 4, "simd": 144, "lanes": 2}, ...,
    "head": {"pe": 1, "simd": 1}}; `lanes` only for convolution stages, and only where they are fewer than PE.

    Raises:
        InputError: not JSON, a stage missing or unknown, or a number that does not divide.
    """
    try:
        raw = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a folding file ({error})") from None
    if not isinstance(raw, dict):
        raise InputError(f"{path}: found a {type(raw).__name__}, expected an object with one key per stage")
    stages = dict(description.stages())
    for name in raw:
        if name not in stages:
            raise InputError(f"{path}: key '{name}' is unknown, expected {', '.join(stages)}")
    folding: Folding = {}
    for name, stage in stages.items():
        entry = raw.get(name)
        if not isinstance(entry, dict) or not all(isinstance(entry.get(k), int) for k in ("pe", "simd")):
            raise InputError(f'{path}: key \'{name}\': found {entry!r}, expected {{"pe": integer, "simd": integer}}')
        fold = StageFold(entry["pe"], entry["simd"], entry.get("lanes"))
        outputs, what = (
            (stage.classes, "classes") if isinstance(stage, HeadStage) else (stage.out_channels, "output channels")
        )
        if fold.pe < 1 or outputs % fold.pe:
            raise InputError(f"{path}: key '{name}.pe': found {fold.pe}, expected a divisor of {outputs} {what}")
        lanes = divisors(fold.pe)[:-1] if isinstance(stage, ConvStage) else []
        if fold.lanes is not None and fold.lanes not in lanes:
            some = ", ".join(map(str, lanes)) or "none"
            raise InputError(f"{path}: key '{name}.lanes': found {fold.lanes}, expected fewer than PE: {some}")
        simds = [1] if isinstance(stage, HeadStage) else simd_choices(stage)
        if fold.simd not in simds:
            some = ", ".join(map(str, simds))
            raise InputError(f"{path}: key '{name}.simd': found {fold.simd}, expected window bits at once: {some}")
        folding[name] = fold
    return folding
