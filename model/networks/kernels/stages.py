# SPDX-License-Identifier: Apache-2.0
"""WSFracBNN's input layer and stages as one autograd function over the C++ kernels.

Constants (thresholds, scales, signs) are still made in PyTorch, by the functions of `networks.layers`, through which
autograd goes on; the function takes them and returns their gradients, which are those of `networks.quantizers` and
`networks.fractional`. Those of all stages are made together: a vector a stage would cost more than the stage.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from wsfracbnn.model.config import ConvShape
from wsfracbnn.model.networks import layers
from wsfracbnn.model.networks import quantizers as q
from wsfracbnn.model.networks.kernels import library
from wsfracbnn.model.networks.kernels.input import levels_of

IN_ROWS = 5
"""Constants of an input channel: T1, T2, T3, shift, scale; the last two have gradients."""
OUT_ROWS = 6
"""Constants of an output channel: G, gate threshold, factor, b1, slope, b2; all but the first have gradients."""


class EntryLayer(Protocol):
    """What the kernels ask of the input layer."""

    encoder: layers.ThermometerEncoder
    conv: layers.BinaryWSConv2d
    path: layers.ScalePath

    def bias_constant(self) -> Tensor:
        """b1 in float64, shape (C,)."""


class StageLayer(Protocol):
    """What the kernels ask of a stage."""

    shape: ConvShape
    bits: int
    activation: layers.FractionalActivation
    gated: layers.GatedConv2d
    path: layers.ScalePath
    rprelu: layers.RPReLU


@dataclass(frozen=True)
class StageShape:
    """What a stage's tensors do not say."""

    in_channels: int
    out_channels: int
    stride: int
    binary: bool
    bits: int
    unit: float
    gate_scale: float
    sum_slope: float

    @classmethod
    def of(cls, stage: StageLayer) -> StageShape:
        """Of a layer as it is trained now."""
        shape, conv = stage.shape, stage.gated.conv
        return cls(
            shape.in_channels,
            shape.out_channels,
            shape.stride,
            conv.binary,
            stage.bits,
            stage.activation.unit,
            1 / stage.gated.norm,
            1 / stage.gated.norm if stage.gated.gate_into_sum else 0.0,
        )


def in_constants(stages: Sequence[StageLayer]) -> Tensor:
    """(IN_ROWS, input channels of all stages) float32."""
    shift = torch.cat([s.activation.shift for s in stages])
    scale = torch.cat([s.activation.scale for s in stages])
    thresholds = layers.integer_thresholds(shift, scale, stages[0].activation.unit).float()
    return torch.stack((*thresholds.unbind(1), shift, layers.positive_scale(scale)))


def out_constants(stages: Sequence[StageLayer]) -> Tensor:
    """(OUT_ROWS, output channels of all stages) float32."""
    sizes = torch.tensor([s.shape.out_channels for s in stages])
    norms = torch.tensor([s.gated.norm for s in stages], dtype=torch.float64).repeat_interleave(sizes)
    threshold = torch.cat([s.gated.threshold for s in stages])
    scales = stages[0].path.real(torch.cat([s.gated.conv.scale() for s in stages]))
    factors = quantized_scales(scales, sizes)
    rprelu = layers.rprelu_constants(
        torch.cat([s.rprelu.bias_in for s in stages]),
        torch.cat([s.rprelu.slope for s in stages]),
        torch.cat([s.rprelu.bias_out for s in stages]),
        stages[0].rprelu.unit,
    )
    rows = (torch.floor(threshold.detach().double() * norms), threshold, factors, *rprelu)
    return torch.stack([row.float() for row in rows])


def quantized_scales(scales: Tensor, sizes: Tensor) -> Tensor:
    """M / 2^r of several layers, of `sizes` channels each, one behind the other, with the gradient of `scales`."""
    largest = torch.stack([s.abs().max() for s in torch.split(scales.detach(), sizes.tolist())])
    power = 2.0 ** q.scale_shift(largest).repeat_interleave(sizes)
    return q.straight_through(q.nearest_signed_digits(scales * power, q.SCALE_DIGITS, q.SCALE_LIMIT) / power, scales)


def forward(entry: EntryLayer, stages: Sequence[StageLayer], pixels: Tensor) -> Tensor:
    """The last stage's X, float32 (N, C, H, W); sets each stage's mean fraction of open gates."""
    scale = entry.path.real(entry.conv.scale())
    factor = quantized_scales(scale, torch.tensor([len(scale)]))
    of_input = torch.stack((factor.float(), entry.bias_constant().float()))
    levels = levels_of(pixels, entry.encoder.thresholds)
    count = len(entry.encoder.thresholds)
    return _run(stages, None, levels, count, entry.conv.plane(), of_input)


def run_stages(x: Tensor, stages: Sequence[StageLayer]) -> Tensor:
    """Some stages without an input layer: X to X', integers in float32 (N, C, H, W); sets their `gate_mean`."""
    return _run(stages, x, None, 0, None, None)


def _run(stages: Sequence[StageLayer], *entry: Any) -> Tensor:
    shapes = [StageShape.of(s) for s in stages]
    planes = [s.gated.conv.plane() for s in stages]
    x, gates = _Stages.apply(shapes, *entry, in_constants(stages), out_constants(stages), *planes)  # type: ignore[no-untyped-call]
    for stage, fractions in zip(stages, torch.split(gates, [s.out_channels for s in shapes]), strict=True):
        stage.gated.gate_mean = fractions.mean()
    out: Tensor = x
    return out


class _Stages(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        shapes: list[StageShape],
        x: Tensor | None,
        levels: Tensor | None,
        level_count: int,
        input_plane: Tensor | None,
        of_input: Tensor | None,
        of_in: Tensor,
        of_out: Tensor,
        *planes: Tensor,
    ) -> tuple[Tensor, Tensor]:
        batch = _Batch(shapes, of_in, of_out, planes)
        if x is not None:
            batch.begin_with(x)
        else:
            assert levels is not None
            assert input_plane is not None
            assert of_input is not None
            batch.begin_with_pixels(levels, level_count, input_plane, of_input)
        out = batch.forward()
        ctx.batch = batch
        return out, batch.gates

    @staticmethod
    def backward(ctx: Any, of_last: Tensor, of_gates: Tensor) -> tuple[Tensor | None, ...]:
        batch: _Batch = ctx.batch
        del ctx.batch
        of_x, of_input_plane, of_input, of_in, of_out, of_planes = batch.backward(of_last, of_gates)
        return (None, of_x, None, None, of_input_plane, of_input, of_in, of_out, *of_planes)


class _Batch:
    """One forward pass: its tensors, and the structures that point at them."""

    def __init__(self, shapes: list[StageShape], of_in: Tensor, of_out: Tensor, planes: Sequence[Tensor]) -> None:
        self.shapes = shapes
        self.of_in, self.of_out = of_in.detach().contiguous(), of_out.detach().contiguous()
        self.planes = [p.detach().float().contiguous() for p in planes]
        self.gates = torch.empty(self.of_out.shape[1])
        self.streams: list[Tensor] = []
        self.sums: list[Tensor] = []
        self.input: Any = None
        self.from_x = False

    def begin_with(self, x: Tensor) -> None:
        """Take the first stage's X: integers (N, C, H, W)."""
        self.from_x = True
        self.streams = [x.detach().permute(0, 2, 3, 1).to(torch.int16).contiguous()]

    def begin_with_pixels(self, levels: Tensor, count: int, plane: Tensor, of_input: Tensor) -> None:
        """Take the input layer: uint8 levels (N, H, W, colours), its weights, factor and bias as rows."""
        images, height, width, colours = levels.shape
        self.input_tensors = levels, plane.detach().float().contiguous(), of_input.detach().contiguous()
        self.streams = [torch.empty((images, height, width, len(plane)), dtype=torch.int16)]
        self.input_record = library.Input(
            *(colours, count, len(plane), height, width, self.shapes[0].bits),
            *(t.data_ptr() for t in (*self.input_tensors, self.streams[0])),
        )
        self.input = ctypes.byref(self.input_record)

    def forward(self) -> Tensor:
        """Run it; returns the last X'."""
        self.records: Any = (library.Stage * len(self.shapes))()
        first_in = first_out = 0
        for record, shape, plane in zip(self.records, self.shapes, self.planes, strict=True):
            self._add_stage(record, shape, plane, first_in, first_out)
            first_in, first_out = first_in + shape.in_channels, first_out + shape.out_channels
        library.load().wsfracbnn_forward(
            self.input, self.records, len(self.shapes), len(self.streams[0]), torch.get_num_threads()
        )
        return self.streams[-1].float().permute(0, 3, 1, 2)

    def _add_stage(self, record: Any, shape: StageShape, plane: Tensor, first_in: int, first_out: int) -> None:
        images, height, width, _ = self.streams[-1].shape
        size = images, height // shape.stride, width // shape.stride
        lanes = library.lanes(shape.out_channels)
        self.streams.append(torch.empty((*size, shape.out_channels), dtype=torch.int16))
        self.sums.append(torch.empty((*size, 2, lanes), dtype=torch.int16 if shape.binary else torch.float32))
        record.in_channels, record.out_channels, record.stride = shape.in_channels, shape.out_channels, shape.stride
        record.height, record.width, record.binary, record.bits = height, width, shape.binary, shape.bits
        record.in_step, record.out_step = self.of_in.shape[1], self.of_out.shape[1]
        record.unit, record.gate_scale, record.sum_slope = shape.unit, shape.gate_scale, shape.sum_slope
        record.plane = plane.data_ptr()
        record.of_in, record.of_out = _address(self.of_in, 0, first_in), _address(self.of_out, 0, first_out)
        record.x, record.next = self.streams[-2].data_ptr(), self.streams[-1].data_ptr()
        record.sums, record.gates = self.sums[-1].data_ptr(), self.gates[first_out:].data_ptr()

    def backward(
        self, of_last: Tensor, of_gates: Tensor
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None, Tensor, Tensor, list[Tensor]]:
        """Gradients of X, the input layer's plane and constants, the stages' constants and planes."""
        of_next = of_last.float().permute(0, 2, 3, 1).contiguous()
        of_gates = of_gates.float().contiguous()
        of_in, of_out = torch.zeros_like(self.of_in), torch.zeros_like(self.of_out)
        of_planes = [torch.empty_like(p) for p in self.planes]
        first_in = first_out = 0
        for record, shape, of_plane in zip(self.records, self.shapes, of_planes, strict=True):
            record.plane_gradient = of_plane.data_ptr()
            record.gate_gradient = of_gates[first_out:].data_ptr()
            record.in_gradient, record.out_gradient = _address(of_in, 3, first_in), _address(of_out, 1, first_out)
            first_in, first_out = first_in + shape.in_channels, first_out + shape.out_channels
        of_input_plane = of_input = of_x = None
        if self.from_x:
            of_x = torch.empty(self.streams[0].shape)
        else:
            _, plane, constants = self.input_tensors
            of_input_plane, of_input = torch.empty_like(plane), torch.empty_like(constants)
            self.input_record.plane_gradient, self.input_record.out_gradient = (
                of_input_plane.data_ptr(),
                of_input.data_ptr(),
            )
        library.load().wsfracbnn_backward(
            *(self.input, self.records, len(self.shapes), len(of_next), torch.get_num_threads()),
            ctypes.c_void_p(of_next.data_ptr()),
            None if of_x is None else ctypes.c_void_p(of_x.data_ptr()),
        )
        return None if of_x is None else of_x.permute(0, 3, 1, 2), of_input_plane, of_input, of_in, of_out, of_planes


def _address(matrix: Tensor, row: int, column: int) -> int:
    return matrix[row, column:].data_ptr()
