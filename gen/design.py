# SPDX-License-Identifier: Apache-2.0
"""The design state: every number that a template prints, computed from a description and a folding.

Templates lay these objects out and compute nothing themselves (after PeakRDL-regblock's exporter).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from wsfracbnn.gen.description import ConvStage, HeadStage, InputStage, NetworkDescription
from wsfracbnn.gen.digit_codes import DigitCodes, choose
from wsfracbnn.gen.engines import EngineDesign, TableDesign, fractional_engine, table_engine
from wsfracbnn.gen.folding import Folding, StageFold, entering_lanes, stage_cycles, window_is_buffered
from wsfracbnn.gen.rom import Rom, affine_rom, clog2, index_width, pack, rom_per_beat
from wsfracbnn.gen.skip_fifo import lookahead_pixels, pixels_in_flight, skip_minimum, slack_pixels

AFFINE_RESULTS = 17
"""Results between a stage's engine and its residual sum: 8 cycles of scale path and RPReLU, 3 of the FIFO and of
result_room, and what makes 16 words of memory and a register of it."""


@dataclass(frozen=True)
class InputDesign:
    """The input stage: levels of the thermometer code, their windows, convolution by tables, scale path."""

    name: str
    stage: InputStage
    fold: StageFold
    cycles: int
    bits: int
    engine: TableDesign
    scales: Rom
    scale_codes: DigitCodes
    scale_v_w: int

    template = "input_stage.v.j2"
    instance = "input_stage"  # `input` is a keyword of Verilog
    affine_results = AFFINE_RESULTS

    @property
    def pixel_w(self) -> int:
        return 8 * self.stage.colours

    @property
    def out_lanes(self) -> int:
        return self.fold.pe

    @property
    def roms(self) -> tuple[Rom, ...]:
        return self.engine.tables, self.scales


@dataclass(frozen=True)
class ConvDesign:
    """A gated convolution stage.

    in_lanes: channels per input beat, see `folding.entering_lanes`.
    skip_minimum: the least depth of the skip FIFO, in beats, that does not deadlock; skip_depth: the one built.
    slack: pixels that the stage can take in ahead, for stages whose gates open more often on one image than on another.
    buffered: whether windows leave into a register.
    """

    name: str
    stage: ConvStage
    fold: StageFold
    cycles: int
    bits: int
    in_lanes: int
    in_beats: int
    skip_upsize: int
    skip_minimum: int
    lookahead: int
    skip_depth: int
    slack: int
    buffered: bool
    engine: EngineDesign
    thresholds: Rom
    gates: Rom
    scales: Rom
    scale_codes: DigitCodes
    slopes: Rom
    slope_codes: DigitCodes
    identity_code: int
    scale_v_w: int
    rprelu_v_w: int

    template = "conv_stage.v.j2"
    affine_results = AFFINE_RESULTS

    @property
    def instance(self) -> str:
        return self.name

    @property
    def out_lanes(self) -> int:
        return self.fold.out_lanes

    @property
    def roms(self) -> tuple[Rom, ...]:
        engine = self.engine
        return self.thresholds, engine.weights, engine.corrections, self.gates, self.scales, self.slopes


@dataclass(frozen=True)
class HeadDesign:
    """Sum pooling, linear layer, argmax. in_lanes: those of the last convolution stage."""

    name: str
    stage: HeadStage
    fold: StageFold
    cycles: int
    bits: int
    in_lanes: int
    sum_w: int
    class_w: int
    weights: Rom
    codes: DigitCodes
    biases: Rom

    template = "head.v.j2"

    @property
    def instance(self) -> str:
        return self.name

    @property
    def pixels(self) -> int:
        return self.stage.height * self.stage.width

    @property
    def roms(self) -> tuple[Rom, ...]:
        return self.weights, self.biases


@dataclass(frozen=True)
class Link:
    """The stream between two stages, with the widening and narrowing that fits their lanes together."""

    source: str
    sink: str
    lanes_out: int
    lanes_in: int
    up: int
    down: int
    height: int
    width: int
    channels: int

    @property
    def lanes_wide(self) -> int:
        return self.lanes_out * self.up


@dataclass(frozen=True)
class AcceleratorDesign:
    """Everything that is emitted. lut_inputs: 4 or 6, those of the LUTs that the adder trees are made for."""

    name: str
    description: NetworkDescription
    digest: str
    bits: int
    input: InputDesign
    convs: tuple[ConvDesign, ...]
    head: HeadDesign
    links: tuple[Link, ...]
    status_depth: int
    lut_inputs: int

    @property
    def stages(self) -> tuple[InputDesign | ConvDesign | HeadDesign, ...]:
        return self.input, *self.convs, self.head

    @property
    def instances(self) -> tuple[str, ...]:
        """Names of the stages' instances in the top module."""
        return tuple(stage.instance for stage in self.stages)

    @property
    def folding(self) -> dict[str, list[int]]:
        """{stage: [PE, SIMD], and lanes where they are fewer than PE}, as a simulation's summary.json names what it
        simulated."""
        return {stage.name: list(stage.fold.numbers().values()) for stage in self.stages}

    @property
    def reset_parts(self) -> tuple[str, ...]:
        """Parts of the design that have a reset register of their own."""
        return "entry", *(stage.name for stage in self.stages), "exit"

    @property
    def occupancy_interval(self) -> int:
        """Cycles over which the testbench adds up how long each engine was at work: 48 such an image."""
        return max(1, max(stage.cycles for stage in self.stages) // 48)

    @property
    def pixels(self) -> int:
        return self.input.stage.height * self.input.stage.width


def build_stage(
    description: NetworkDescription, name: str, fold: StageFold, in_lanes: int
) -> InputDesign | ConvDesign | HeadDesign:
    """One stage alone. in_lanes: channels a beat that the head gets; the others know theirs."""
    stage = dict(description.stages())[name]
    bits = description.residual_bits
    if isinstance(stage, InputStage):
        return _build_input(stage, fold, bits)
    if isinstance(stage, ConvStage):
        return _build_conv(name, stage, fold, bits)
    return _build_head(stage, fold, bits, in_lanes)


def build_design(description: NetworkDescription, folding: Folding, lut_inputs: int = 4) -> AcceleratorDesign:
    """Compute the design state."""
    bits = description.residual_bits
    first = _build_input(description.input, folding["input"], bits)
    convs = tuple(
        _build_conv(name, stage, folding[name], bits)
        for name, stage in description.stages()
        if isinstance(stage, ConvStage)
    )
    head = _build_head(description.head, folding["head"], bits, convs[-1].out_lanes)
    links = []
    source: InputDesign | ConvDesign = first
    sinks: tuple[ConvDesign | HeadDesign, ...] = (*convs, head)
    for sink in sinks:
        lcm = math.lcm(source.out_lanes, sink.in_lanes)
        links.append(
            Link(
                source=source.name,
                sink=sink.name,
                lanes_out=source.out_lanes,
                lanes_in=sink.in_lanes,
                up=lcm // source.out_lanes,
                down=lcm // sink.in_lanes,
                height=source.stage.out_height,
                width=source.stage.out_width,
                channels=source.stage.out_channels,
            )
        )
        if isinstance(sink, ConvDesign):
            source = sink
    # A stage holds parts of two frames at most while the next waits before it.
    status_depth = len(description.convs) + 4
    return AcceleratorDesign(
        description.name,
        description,
        description.digest(),
        bits,
        first,
        convs,
        head,
        tuple(links),
        status_depth,
        lut_inputs,
    )


def _affine_width(in_w: int, bits: int, shift: int) -> int:
    """OUT_W of rtl/affine.v."""
    return max(in_w + 7 - shift, bits) + 1


def _build_input(stage: InputStage, fold: StageFold, bits: int) -> InputDesign:
    engine = table_engine(stage, fold)
    codes = choose(map(int, stage.scale), 2)
    scales = affine_rom(
        "scales", "Scale path: V = rshift(S * M, r) + b1", ("M", "b1"), codes, stage.scale, stage.bias_in, fold.pe, bits
    )
    return InputDesign(
        name="input",
        stage=stage,
        fold=fold,
        cycles=stage_cycles(stage, fold),
        bits=bits,
        engine=engine,
        scales=scales,
        scale_codes=codes,
        scale_v_w=_affine_width(engine.sum_w, bits, stage.scale_shift),
    )


def _build_conv(name: str, stage: ConvStage, fold: StageFold, bits: int) -> ConvDesign:
    engine = fractional_engine(stage.weights, fold)
    in_lanes = entering_lanes(stage, fold)
    in_beats = stage.in_channels // in_lanes
    scale_codes = choose(map(int, stage.scale), 2)
    identity = 1 << stage.slope_shift  # what RPReLU multiplies by from zero on
    slope_codes = choose([*map(int, stage.slope), identity], 2)
    minimum = skip_minimum(stage.height, stage.width, in_beats)
    scale_v_w = _affine_width(engine.acc_w, bits, stage.scale_shift)
    in_flight = pixels_in_flight(engine.stages, engine.groups * engine.chunks * (1.0 + stage.gate_fraction))
    # At stride 2 half a row of pooled pixels waits beside the row of pixels that the window branch holds.
    skip_depth = (minimum if stage.stride == 1 else stage.width // 2 * in_beats) + in_flight * in_beats
    slack = slack_pixels(skip_depth, in_beats, in_lanes * bits) if stage.stride == 1 else 0
    return ConvDesign(
        name=name,
        stage=stage,
        fold=fold,
        cycles=stage_cycles(stage, fold),
        bits=bits,
        in_lanes=in_lanes,
        in_beats=in_beats,
        skip_upsize=fold.out_lanes // in_lanes,
        skip_minimum=minimum if stage.stride == 1 else 1,
        lookahead=lookahead_pixels(stage.height, stage.width),
        skip_depth=skip_depth + slack * in_beats,
        slack=slack,
        buffered=window_is_buffered(stage, fold),
        engine=engine,
        thresholds=rom_per_beat(
            "thresholds",
            "Activation thresholds: q = [X >= T1] + [X >= T2] + [X >= T3]",
            f"lane = {{T3, T2, T1}}, {bits} bits each",
            in_lanes,
            [[(int(t), bits) for t in row] for row in stage.thresholds],
            [", ".join(f"T{i} = {t}" for i, t in enumerate(row, start=1)) for row in stage.thresholds],
        ),
        gates=rom_per_beat(
            "gates",
            "Gate thresholds: g = [S_m > G]",
            f"lane = G [{engine.sum_w}]",
            fold.pe,
            [[(int(g), engine.sum_w)] for g in stage.gate],
            [f"G = {g}" for g in stage.gate],
        ),
        scales=affine_rom(
            "scales",
            "Scale path: V = rshift(A * M, r) + b1",
            ("M", "b1"),
            scale_codes,
            stage.scale,
            stage.bias_in,
            fold.out_lanes,
            bits,
        ),
        scale_codes=scale_codes,
        slopes=affine_rom(
            "slopes",
            "RPReLU: (V * N) >> s below zero, then + b2",
            ("N", "b2"),
            slope_codes,
            stage.slope,
            stage.bias_out,
            fold.out_lanes,
            bits,
        ),
        slope_codes=slope_codes,
        identity_code=slope_codes.code(identity),
        scale_v_w=scale_v_w,
        rprelu_v_w=_affine_width(scale_v_w, bits, stage.slope_shift),
    )


def _build_head(stage: HeadStage, fold: StageFold, bits: int, in_lanes: int) -> HeadDesign:
    pe, groups = fold.pe, stage.classes // fold.pe
    codes = choose(map(int, stage.weights.reshape(-1)), 3)
    coded = [[codes.code(int(w)) for w in row] for row in stage.weights]
    weights = Rom(
        suffix="weights",
        purpose="Linear weights W as up to three signed digits",
        layout=f"word = group * {stage.in_channels} + channel; lane l of group g is class g * {pe} + l; "
        "lane = {digit 2, digit 1, digit 0}, digit = {enable, negate, index of the shift}",
        width=pe * codes.bits,
        words=(
            tuple(
                pack([(coded[g * pe + lane][c], codes.bits) for lane in range(pe)])
                for g in range(groups)
                for c in range(stage.in_channels)
            ),
        ),
        comments=tuple(f"group {g}, channel {c}" for g in range(groups) for c in range(stage.in_channels)),
        latency=2,
    )
    biases = Rom(
        suffix="biases",
        purpose="Biases B of the logits",
        layout=f"lane l of group g is class g * {pe} + l; lane = B [32]",
        width=pe * 32,
        words=(tuple(pack([(int(stage.bias[g * pe + lane]), 32) for lane in range(pe)]) for g in range(groups)),),
        comments=tuple(f"group {g}" for g in range(groups)),
        latency=2,
    )
    return HeadDesign(
        name="head",
        stage=stage,
        fold=fold,
        cycles=stage_cycles(stage, fold),
        bits=bits,
        in_lanes=in_lanes,
        sum_w=bits + clog2(stage.height * stage.width),
        class_w=index_width(stage.classes),
        weights=weights,
        codes=codes,
        biases=biases,
    )
