# SPDX-License-Identifier: Apache-2.0
"""WSFracBNN's input layer and stages as one autograd function over the C++ kernels.

Constants (thresholds, scales, signs) are still made by model/layers.py, in tensors through which autograd goes on;
the function takes them and returns their gradients, which are those of model/quantizers.py and model/fractional.py.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from wsfracbnn.model import mixed_precision
from wsfracbnn.model.kernels import library

if TYPE_CHECKING:
    from wsfracbnn.model.network import InputLayer, ResidualConv, WSFracBNN

STREAM_BITS = 16
"""The stream is kept in int16."""
MOST_CHANNELS = 1024
MOST_PIXELS = 32768
"""Bounds of the kernels' int32 sums (convolution.h)."""
TENSORS = 10
"""Of a stage: plane, shift, scale, threshold, factor, b1, slope, b2, and without gradient T and G."""

_enabled = True


def set_enabled(on: bool) -> None:
    """Whether training may use the kernels, where there are any."""
    global _enabled
    _enabled = on


def usable(network: WSFracBNN, pixels: Tensor) -> bool:
    """Whether this forward pass runs in the kernels: training in mixed precision, on a CPU that has them."""
    return (
        _enabled
        and mixed_precision.active()
        and pixels.device.type == "cpu"
        and not torch.compiler.is_compiling()
        and fits(network)
        and library.available()
    )


def fits(network: WSFracBNN) -> bool:
    """Whether the network's numbers stay within the kernels' bounds."""
    config = network.config
    return (
        config.residual_bits <= STREAM_BITS
        and max(config.widths) <= MOST_CHANNELS
        and config.image_height * config.image_width <= MOST_PIXELS
    )


@dataclass(frozen=True)
class StageShape:
    """What a stage's tensors do not say."""

    stride: int
    binary: bool
    bits: int
    unit: float
    gate_scale: float


def stage_shape(stage: ResidualConv) -> StageShape:
    """Of one layer of a network, as it is trained now."""
    return StageShape(
        stage.shape.stride, stage.gated.conv.binary, stage.bits, stage.activation.unit, 1 / stage.gated.norm
    )


def stage_tensors(stage: ResidualConv) -> tuple[Tensor, ...]:
    """The `TENSORS` of one layer."""
    bias_in, slope, bias_out = stage.rprelu.constants()
    activation = stage.activation
    return (
        stage.gated.conv.plane(),
        activation.shift,
        activation.positive_scale(),
        stage.gated.threshold,
        stage.path.multiplier(stage.gated.conv.scale()),
        bias_in,
        slope,
        bias_out,
        activation.thresholds(),
        stage.gated.gates(),
    )


def levels_of(pixels: Tensor, thresholds: Tensor) -> Tensor:
    """How many thermometer bits of each pixel are +1: (N, colours, H, W) -> uint8 (N, H, W, colours)."""
    rows = pixels.permute(0, 2, 3, 1)
    if pixels.dtype == torch.uint8:
        table = torch.bucketize(torch.arange(256.0), thresholds, right=True).to(torch.uint8)
        return table[rows.int()].contiguous()
    return torch.bucketize(rows.float().contiguous(), thresholds, right=True).to(torch.uint8)


def forward(network: WSFracBNN, pixels: Tensor) -> tuple[Tensor, list[Tensor]]:
    """The last stage's X, float32 (N, C, H, W), and each stage's mean fraction of open gates."""
    layers = network.residual_stages()
    entry = network.input
    tensors: list[Tensor] = []
    for layer in layers:
        tensors += stage_tensors(layer)
    levels = levels_of(pixels, entry.encoder.thresholds)
    first = (entry.conv.plane(), entry.path.multiplier(entry.conv.scale()), entry.bias_constant())
    out: tuple[Tensor, ...] = _Stages.apply(  # type: ignore[no-untyped-call]
        None, levels, len(entry.encoder.thresholds), [stage_shape(layer) for layer in layers], *first, *tensors
    )
    return out[0], [fractions.mean() for fractions in out[1:]]


def stages(x: Tensor, shapes: Sequence[StageShape], tensors: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """Some stages without an input layer: X, integers in float32, to X' and each one's open gates by channel."""
    out: tuple[Tensor, ...] = _Stages.apply(x, None, 0, list(shapes), None, None, None, *tensors)  # type: ignore[no-untyped-call]
    return out[0], list(out[1:])


class _Stages(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor | None, levels: Tensor | None, level_count: int, shapes: list[StageShape], *tensors: Tensor | None
    ) -> tuple[Tensor, ...]:
        run = _Run(x, levels, level_count, shapes, tensors)
        library.load().wsfracbnn_forward(run.input, run.stages, len(shapes), run.images, library.threads())
        ctx.run = run
        return (run.streams[-1].float().permute(0, 3, 1, 2), *run.gates)

    @staticmethod
    def backward(ctx: Any, of_last: Tensor, *of_gates: Tensor) -> tuple[Tensor | None, ...]:
        run: _Run = ctx.run
        gradients = run.backward(of_last, of_gates)
        del ctx.run
        return gradients


def _rows(*tensors: Tensor) -> Tensor:
    """Per-channel constants as the rows of one float32 matrix."""
    return torch.stack([t.detach().float() for t in tensors]).contiguous()


class _Run:
    """One forward pass: its tensors, and the structures that point at them."""

    def __init__(
        self,
        x: Tensor | None,
        levels: Tensor | None,
        level_count: int,
        shapes: list[StageShape],
        tensors: tuple[Tensor | None, ...],
    ) -> None:
        self.kept: list[Tensor] = []  # alive as long as this object
        self.gates: list[Tensor] = []
        self.dtypes = [None if t is None else t.dtype for t in tensors]
        self.from_x = x is not None
        self.input: Any = None
        if x is not None:
            self.streams = [x.detach().permute(0, 2, 3, 1).to(torch.int16).contiguous()]
            self.images = len(x)
        else:
            assert levels is not None
            self.images = len(levels)
            self.streams = []
            self._add_input(levels, level_count, shapes[0].bits, *tensors[:3])
        self.stages: Any = (library.Stage * len(shapes))()
        for s, shape in enumerate(shapes):
            self._add_stage(self.stages[s], shape, tensors[3 + TENSORS * s : 3 + TENSORS * (s + 1)])

    def _keep(self, tensor: Tensor) -> int:
        self.kept.append(tensor)
        return library.address(tensor)

    def _new(self, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        return torch.empty(shape, dtype=dtype)

    def _add_input(
        self, levels: Tensor, count: int, bits: int, plane: Tensor | None, factor: Tensor | None, bias: Tensor | None
    ) -> None:
        assert plane is not None and factor is not None and bias is not None
        images, height, width, colours = levels.shape
        self.streams.append(self._new(images, height, width, len(plane), dtype=torch.int16))
        self.input_record = library.Input(
            colours,
            count,
            len(plane),
            height,
            width,
            bits,
            self._keep(levels),
            self._keep(plane.detach().float().contiguous()),
            self._keep(_rows(factor, bias)),
            library.address(self.streams[0]),
        )
        self.input = ctypes.byref(self.input_record)

    def _add_stage(self, record: library.Stage, shape: StageShape, tensors: tuple[Tensor | None, ...]) -> None:
        plane, shift, scale, threshold, factor, bias_in, slope, bias_out, thresholds, bound = tensors
        assert plane is not None and shift is not None and scale is not None and threshold is not None
        assert factor is not None and bias_in is not None and slope is not None and bias_out is not None
        assert thresholds is not None and bound is not None
        images, height, width, _ = self.streams[-1].shape
        out_height, out_width, channels = height // shape.stride, width // shape.stride, len(plane)
        lanes = (channels + 15) // 16 * 16
        record.in_channels, record.out_channels = plane.shape[1], channels
        record.height, record.width, record.stride = height, width, shape.stride
        record.binary, record.bits, record.unit, record.gate_scale = shape.binary, shape.bits, shape.unit, shape.gate_scale
        record.plane = self._keep(plane.detach().float().contiguous())
        record.of_in = self._keep(_rows(*thresholds.unbind(1), shift, scale))
        record.of_out = self._keep(_rows(bound, threshold, factor, bias_in, slope, bias_out))
        record.x = library.address(self.streams[-1])
        self.streams.append(self._new(images, out_height, out_width, channels, dtype=torch.int16))
        record.next = library.address(self.streams[-1])
        kept = torch.int16 if shape.binary else torch.float32
        record.sums = self._keep(self._new(images, out_height, out_width, 2, lanes, dtype=kept))
        self.gates.append(self._new(channels))
        record.gates = library.address(self.gates[-1])

    def backward(self, of_last: Tensor, of_gates: tuple[Tensor, ...]) -> tuple[Tensor | None, ...]:
        """Gradients in the order of `_Stages.forward`'s arguments."""
        of_next = of_last.float().permute(0, 2, 3, 1).contiguous()
        gate_gradients = [g.float().contiguous() for g in of_gates]
        of_stages = [self._gradients_of(record, g) for record, g in zip(self.stages, gate_gradients, strict=True)]
        of_input: list[Tensor | None] = [None, None, None]
        if self.input is not None:
            r = self.input_record
            plane, rows = self._new(r.out_channels, r.colours * r.levels, 3, 3), self._new(2, r.out_channels)
            r.plane_gradient, r.out_gradient = library.address(plane), library.address(rows)
            of_input = [plane, *rows.unbind()]
        of_x = torch.empty(self.streams[0].shape) if self.from_x else None
        library.load().wsfracbnn_backward(
            self.input,
            self.stages,
            len(self.stages),
            self.images,
            library.threads(),
            ctypes.c_void_p(library.address(of_next)),
            None if of_x is None else ctypes.c_void_p(library.address(of_x)),
        )
        gradients = list(of_input)
        for plane, of_in, of_out in of_stages:
            gradients += [plane, *of_in.unbind(), *of_out.unbind(), None, None]
        cast = [None if g is None else g.to(d) for g, d in zip(gradients, self.dtypes, strict=True)]
        return (None if of_x is None else of_x.permute(0, 3, 1, 2), None, None, None, *cast)

    def _gradients_of(self, record: library.Stage, gates: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        plane = self._new(record.out_channels, record.in_channels, 3, 3)
        of_in, of_out = self._new(2, record.in_channels), self._new(5, record.out_channels)
        record.gate_gradient = self._keep(gates)
        record.plane_gradient, record.in_gradient = library.address(plane), library.address(of_in)
        record.out_gradient = library.address(of_out)
        return plane, of_in, of_out
