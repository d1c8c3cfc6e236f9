# SPDX-License-Identifier: Apache-2.0
"""Runs the Verilog of da4ml and NNgen under Verilator: what came out, and after how many cycles."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.peer_designs.environment import run_command
from benchmarks.peer_designs.networks import Integers, packed, unpacked
from wsfracbnn.gen.simulation.job import VERILATOR_ARGS, VERILATOR_MAKE_ARGS, simulator_environment
from wsfracbnn.gen.simulation.selection import require_simulator
from wsfracbnn.model.errors import InputError

_BENCH = """
module bench;
reg clk = 0;
reg [{inputs_w}-1:0] images [0:{images}-1];
reg [{inputs_w}-1:0] image;
wire [{outputs_w}-1:0] result;
integer i;
{name} network (.clk(clk), .model_inp(image), .model_out(result));
initial begin
    $readmemh("images.hex", images);
    for (i = 0; i < {images} + {registers}; i = i + 1) begin
        image = images[i < {images} ? i : {images} - 1];
        #1 clk = 1;
        #1 if (i >= {registers}) $display("result %h", result);
        clk = 0;
    end
    $finish;
end
endmodule
"""


@dataclass(frozen=True)
class Pipeline:
    """A pipeline that takes an image a cycle: ports clk, model_inp, model_out.

    Attributes:
        registers: edges of the clock after the one that takes an image, until its outputs are there.
        inputs, outputs: widths of the values that the ports hold, the first in the lowest bits. signed: of each output.
    """

    name: str
    registers: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    signed: tuple[bool, ...]

    @classmethod
    def read(cls, name: str, path: Path) -> Pipeline:
        """From da4ml_export.py's ports.json.

        Raises:
            InputError: an output counts in other steps than 1.
        """
        found = json.loads(path.read_text())
        if set(found["steps"]) != {1.0}:
            raise InputError(f"{path}: outputs in steps of {sorted(set(found['steps']))}, expected 1")
        return cls(name, found["stages"], tuple(found["inputs"]), tuple(found["outputs"]), tuple(found["signed"]))


def run_pipeline(pipeline: Pipeline, sources: Sequence[Path], x: Integers, folder: Path) -> Integers:
    """Feed an image each cycle. x: (n, inputs) -> (n, outputs), in the order of the images.

    Raises:
        InputError: Verilator is missing or failed, or fewer results came than images went in.
    """
    images = [packed([int(value) for value in image], pipeline.inputs) for image in x]
    (folder / "images.hex").write_text("".join(f"{word:x}\n" for word in images))
    bench = folder / "bench.v"
    bench.write_text(
        _BENCH.format(
            name=pipeline.name,
            images=len(x),
            registers=pipeline.registers,
            inputs_w=sum(pipeline.inputs),
            outputs_w=sum(pipeline.outputs),
        )
    )
    printed = run_verilator([*sources, bench], "bench", folder)
    words = [int(word, 16) for word in re.findall(r"^result ([0-9a-f]+)$", printed, re.MULTILINE)]
    if len(words) != len(x):
        raise InputError(f"{folder}: {len(words)} results, expected {len(x)}")
    return np.array([unpacked(word, pipeline.outputs, pipeline.signed) for word in words])


def run_nngen(bench: Path, folder: Path, images: int, classes: int) -> tuple[Integers, list[int]]:
    """Run the testbench that nngen_export.py wrote; returns logits (n, classes) and the cycles of each image.

    Raises:
        InputError: Verilator is missing or failed, or results are missing.
    """
    memory = folder / "memory.out"
    memory.write_bytes((bench.parent / memory.name).read_bytes())
    return read_nngen(run_verilator([bench], bench.stem, folder), images, classes)


def read_nngen(printed: str, images: int, classes: int) -> tuple[Integers, list[int]]:
    """What the testbench printed: `cycles N` and `logit N` for each class, image by image.

    Raises:
        InputError: not so many.
    """
    cycles = [int(number) for number in re.findall(r"^cycles +(\d+)$", printed, re.MULTILINE)]
    logits = [int(number) for number in re.findall(r"^logit +(-?\d+)$", printed, re.MULTILINE)]
    if len(cycles) != images or len(logits) != images * classes:
        raise InputError(f"NNgen's testbench: {len(cycles)} images, {len(logits)} logits, expected {images} images")
    # A word is printed with its sign or without, as the memory's model has it.
    values = np.array(logits).reshape(images, classes)
    return np.where(values > 127, values - 256, values), cycles


def run_verilator(sources: Sequence[Path], top: str, folder: Path) -> str:
    """Compile a testbench and run it in `folder`; returns what it printed.

    Raises:
        InputError: Verilator is missing, or it or the testbench failed.
    """
    require_simulator("verilator")
    build = folder / "verilated"
    flags = " ".join(VERILATOR_MAKE_ARGS[1:])
    command = [
        "verilator",
        "--binary",
        *VERILATOR_ARGS[:3],
        "-Wno-lint",
        "-j",
        str(os.cpu_count()),
        "-MAKEFLAGS",
        flags,
    ]
    command += ["--top-module", top, "-Mdir", str(build), *map(str, sources)]
    _output(command, folder)
    return _output([str(build / f"V{top}")], folder)


def _output(command: Sequence[str], folder: Path) -> str:
    return run_command(command, Path(command[0]).name, folder, simulator_environment())
