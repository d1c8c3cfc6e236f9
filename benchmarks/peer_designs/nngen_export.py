# SPDX-License-Identifier: Apache-2.0
"""Builds a network with NNgen: Verilog, a testbench with a memory beside it, and NNgen's own predictions.

    build/peers/venv/bin/python benchmarks/peer_designs/nngen_export.py NETWORK.npz INPUTS.npy PARALLEL FOLDER

Runs in the environment of `constraints.txt`, which has no wsfracbnn. PARALLEL: input and output channels that each
layer computes at once. INPUTS.npy: int8 images (n, H, W, 1), of which `predictions.npy` gets NNgen's logits; the
testbench runs all of them and prints `cycles N` and a `logit N` for each class. The memory is NNgen's own model of one
(veriloggen's AxiMemoryModel), at its default latencies.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import nngen as ng
import numpy as np
import veriloggen.thread as vthread
import veriloggen.types.axi as axi
from numpy.typing import NDArray
from veriloggen import Module, Not, Seq, simulation

NAME = "nngen_network"
BENCH = "nngen_bench"
CHUNK = 64
"""Bytes to whose multiples everything in the memory is aligned."""

BUS = 32
"""Bits of the AXI master, NNgen's default."""


def main(network: Path, inputs: Path, parallel: int, folder: Path) -> None:
    """Chain NNgen's operators, evaluate them, write their Verilog and the testbench."""
    arrays, images = dict(np.load(network)), np.load(inputs)
    image, logits = _operators(arrays, images.shape[1:], parallel)
    predictions = [ng.eval([logits], **{image.name: one[np.newaxis]})[0].ravel() for one in images]
    np.save(folder / "predictions.npy", np.array(predictions))
    accelerator = ng.to_veriloggen([logits], NAME, silent=True, config={"maxi_datawidth": BUS})
    (folder / f"{NAME}.v").write_text(accelerator.to_verilog())
    os.chdir(folder)  # the testbench reads its memory from where it runs
    _bench(accelerator, image, logits, images).to_verilog(f"{BENCH}.v")


def _operators(arrays: dict[str, Any], shape: tuple[int, ...], parallel: int) -> tuple[Any, Any]:
    """The image's placeholder and the last operator."""

    def variable(name: str, dtype: Any) -> Any:
        found = ng.variable(dtype=dtype, shape=arrays[name].shape, name=name)
        found.set_value(arrays[name])
        return found

    def layer(name: str, x: Any, activation: Any) -> Any:
        given = {
            "bias": variable(f"{name}_bias", ng.int32),
            "scale": variable(f"{name}_scale", ng.int8),
            "act_func": activation,
            "dtype": ng.int8,
            "sum_dtype": ng.int32,
            "name": name,
        }
        weights = variable(f"{name}_weights", ng.int8)
        if len(weights.shape) == 2:
            made = ng.matmul(x, weights, transposed_b=True, **given)
        else:
            made = ng.conv2d(x, weights, strides=(1, 1, 1, 1), **given)
        made.attribute(cshamt_out=int(arrays[f"{name}_shift"]), par_ich=parallel, par_och=parallel)
        return made

    def pooled(x: Any) -> Any:
        made = ng.max_pool_serial(x, ksize=(1, 2, 2, 1), strides=(1, 2, 2, 1))
        made.attribute(par=parallel)
        return made

    image = ng.placeholder(dtype=ng.int8, shape=(1, *shape), name="image")
    x = pooled(layer("conv_1", image, ng.relu))
    x = pooled(layer("conv_2", x, ng.relu))
    return image, layer("linear", ng.reshape(x, [1, -1]), None)


def _bench(accelerator: Any, image: Any, logits: Any, images: NDArray[np.int64]) -> Any:
    """A module that starts the accelerator over its registers, once for each image.

    In the memory: weights, images, logits, and the space that NNgen asks for its own values.
    """

    def aligned(size: int) -> int:
        return -(-size // CHUNK) * CHUNK

    parameters = ng.export_ndarray([logits], CHUNK)
    image_size, logits_size = aligned(image.memory_size), aligned(logits.memory_size)
    first_image = aligned(len(parameters))
    first_logits = first_image + len(images) * image_size
    own = first_logits + len(images) * logits_size
    address_width = (own + 2**16).bit_length()
    memory_image = np.zeros(2**address_width // (BUS // 8), dtype=np.int64)
    axi.set_memory(memory_image, parameters, BUS, 8, 0)
    for number, one in enumerate(images):
        address = first_image + number * image_size
        axi.set_memory(memory_image, one[np.newaxis], BUS, 8, address, image.aligned_shape[-1])

    bench = Module(BENCH)
    bench.copy_params(accelerator)
    ports = bench.copy_sim_ports(accelerator)
    clock, resetn = ports["CLK"], ports["RESETN"]
    reset = bench.Wire("RST")
    reset.assign(Not(resetn))
    memory = axi.AxiMemoryModel(
        bench, "memory", clock, reset, datawidth=BUS, mem_addrwidth=address_width, memimg=memory_image,
        memimg_name="memory.out", memimg_datawidth=BUS,
    )  # fmt: skip
    memory.connect(ports, "maxi")
    registers = vthread.AXIMLite(bench, "registers", clock, reset, noio=True)
    registers.connect(ports, "saxi")
    counter = bench.Reg("counter", 32, initval=0)
    Seq(bench, "count", clock, reset)(counter.inc())
    classes = logits.shape[-1]
    count = len(images)

    def control() -> None:  # becomes a state machine
        for _i in range(100):
            pass
        for number in range(count):
            ng.sim.set_global_addrs(
                registers, own, first_logits + number * logits_size, first_image + number * image_size, 0
            )
            begin = counter.value
            ng.sim.start(registers)
            ng.sim.wait(registers)
            end = counter.value
            print("cycles %d" % (end - begin))  # noqa: UP031
            for place in range(classes):
                print("logit %d" % memory.read_word(place, first_logits + number * logits_size, 8))  # noqa: UP031
        vthread.finish()

    vthread.Thread(bench, "control", clock, reset, control).start()
    bench.Instance(
        accelerator, "accelerator", params=bench.connect_params(accelerator), ports=bench.connect_ports(accelerator)
    )
    simulation.setup_clock(bench, clock, hperiod=5)
    simulation.setup_reset(bench, resetn, bench.make_reset(), period=100, polarity="low")
    return bench


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
