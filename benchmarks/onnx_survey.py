# SPDX-License-Identifier: Apache-2.0
"""Which operators of a quantized network in ONNX or QONNX this accelerator has, and which it has not.

    .venv/bin/python benchmarks/onnx_survey.py FILE.onnx...
    .venv/bin/python benchmarks/onnx_survey.py --brevitas

Prints a row for each kind of operator: how many there are, and what computes it here or why nothing does. Wants the
package onnx; with --brevitas, which surveys the networks that Brevitas brings for FINN, also brevitas and onnxscript:
pip install onnx onnxscript brevitas. The findings are in docs/import.md.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

BREVITAS = ("cnv_1w1a", "cnv_1w2a", "resnet18_4w4a")
BINARY_BITS = (1, 2)


@dataclass(frozen=True)
class Operator:
    """A node. kind: its op_type. numbers: its integer attributes. bits: of a Quant node, None where unknown."""

    kind: str
    numbers: Mapping[str, Sequence[int]]
    bits: int | None = None


def counterpart(operator: Operator) -> tuple[bool, str]:
    """Whether the accelerator has this operator, and the block that computes it or the reason."""
    kind, numbers = operator.kind, operator.numbers
    if kind in ("Conv", "QuantConv"):
        shape, pads = list(numbers.get("kernel_shape", [])), list(numbers.get("pads", [0] * 4))
        if shape != [3, 3]:
            return False, f"{'x'.join(map(str, shape))} filters: every convolution here is 3x3"
        if pads != [1, 1, 1, 1]:
            return False, "3x3 without padding: the window blocks pad by one pixel, so that shortcuts keep their size"
        return True, "conv_stage"
    if kind == "BipolarQuant":
        return True, "a weight, or an activation whose gate never opens"
    if kind == "Quant":
        if operator.bits is not None and operator.bits not in BINARY_BITS:
            return False, f"{operator.bits} bits: weights have 1, activations 2"
        return True, "the 2-bit quantizer, if its steps are the contract's -1, -1/3, 1/3, 1"
    if kind == "BatchNormalization":
        return False, "a real scale: M has two signed digits, so the folded scale is rounded and results differ"
    if kind == "MaxPool":
        return False, "there is no maximum of a window; strides of 2 halve the image"
    if kind in ("MatMul", "Gemm"):
        return False, "only the head is fully connected, after the mean over all pixels, with 3 signed digits a weight"
    if kind == "Relu":
        return False, "RPReLU with slope 0 is one, but what follows it is quantized at thresholds around 0"
    if kind == "Add":
        return True, "residual_add"
    if kind in ("AveragePool", "GlobalAveragePool"):
        return True, "the head's sum_pool"
    if kind in ("Reshape", "Transpose", "Flatten", "Identity"):
        return True, "wiring"
    return False, "no block computes it"


def operators(path: Path) -> Iterator[Operator]:
    """The nodes of an ONNX file."""
    import onnx

    graph = onnx.load(str(path)).graph
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            constants[node.output[0]] = onnx.numpy_helper.to_array(node.attribute[0].t)
    for node in graph.node:
        if node.op_type == "Constant":
            continue
        numbers: dict[str, Any] = {attribute.name: list(attribute.ints) for attribute in node.attribute}
        width = constants.get(node.input[3]) if node.op_type == "Quant" else None
        yield Operator(node.op_type, numbers, None if width is None else int(width))


def survey(found: Iterator[Operator]) -> list[tuple[str, int, bool, str]]:
    """Rows of kind, count, whether there is a counterpart, and which or why not; the most frequent first."""
    counts = Counter((operator.kind, *counterpart(operator)) for operator in found)
    return [(kind, count, there, why) for (kind, there, why), count in counts.most_common()]


def brevitas_networks(folder: Path) -> list[Path]:
    """The networks of brevitas_examples.bnn_pynq as QONNX files, untrained: their operators are the same."""
    import torch
    from brevitas.export import export_qonnx
    from brevitas_examples.bnn_pynq.models import model_with_cfg

    paths = []
    for name in BREVITAS:
        network, _ = model_with_cfg(name, pretrained=False)
        paths.append(folder / f"{name}.onnx")
        export_qonnx(network.eval(), args=torch.rand(1, 3, 32, 32), export_path=str(paths[-1]), dynamo=False)
    return paths


def main(
    files: Annotated[list[Path] | None, typer.Argument(help="ONNX files.")] = None,
    brevitas: Annotated[bool, typer.Option(help="Survey Brevitas's networks for FINN.")] = False,
) -> None:
    """Print a table for each network."""
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        for path in [*(files or []), *(brevitas_networks(Path(folder)) if brevitas else [])]:
            table = Table("operator", "count", "here", "by what, or why not", title=path.stem)
            for kind, count, there, why in survey(operators(path)):
                table.add_row(kind, str(count), "yes" if there else "no", why)
            console.print(table)


if __name__ == "__main__":
    typer.run(main)
