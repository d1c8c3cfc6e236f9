# SPDX-License-Identifier: Apache-2.0
"""What intact files hold, of those kinds that no function of the project writes here."""

from __future__ import annotations

import gzip
import io
from typing import Any

import numpy as np
from PIL import Image

from wsfracbnn.gen.design import AcceleratorDesign
from wsfracbnn.gen.emission.manifest import HEADER
from wsfracbnn.gen.explore.outcomes import ROUTE
from wsfracbnn.model.config import resnet20
from wsfracbnn.model.data.dataset import Dataset
from wsfracbnn.model.networks.fracbnn import FracBNN
from wsfracbnn.model.released import released_names

STATISTICS = {"creator": "Yosys", "design": {"num_cells": 5, "num_cells_by_type": {"LUT4": 3, "TRELLIS_FF": 2}}}
NETLIST = {
    "modules": {
        "top": {
            "attributes": {"top": "1"},
            "cells": {
                "stage_01.memory.0": {"type": "DP16KD", "attributes": {"src": "a.v:1"}, "connections": {"CLKA": [2]}},
                "lut": {"type": "LUT4", "connections": {"A": [2, "0"], "Z": [3]}},
            },
        }
    }
}
ROUTED = {
    "utilization": {"TRELLIS_COMB": {"available": 24288, "used": 120}, "DP16KD": {"available": 56, "used": 3}},
    "fmax": {"clk": {"achieved": 123.456, "constraint": 150.0}},
    "critical_paths": [
        {"from": "<async>", "to": "posedge clk", "path": [{"from": {"cell": "a"}, "to": {"cell": "b"}}]},
        {"from": "posedge clk", "to": "posedge clk", "path": [{"from": {"cell": "a"}, "to": {"cell": "b"}}]},
    ],
}
MEASURED = {
    "images": 2,
    "correct": 1,
    "mismatches": 0,
    "latency_cycles": 340,
    "cycles_per_image": 144,
    "layers": [{"name": "input", "values": 128, "mismatches": 0}],
    "busy": {"input": 0.5},
    "occupancy": {"input": [1, 2]},
}
OUTCOME = {
    "step": ROUTE,
    "key": "k",
    "title": "a",
    "outcome": {
        "fmax_mhz": 101.5,
        "luts": 120,
        "flip_flops": 100,
        "block_rams": 3,
        "dsps": 0,
        "critical_path": ["a", "b"],
        "seconds": 3.5,
    },
}
_CLOCK = {"seed": 1, "fmax_mhz": 101.5, "luts": 120, "flip_flops": 100, "block_rams": 3}
EXPLORATION = {
    "network": "tiny",
    "sha256": "0",
    "objective": "luts",
    "at_most": {"luts": 300.0},
    "seeds": 1,
    "aimed_mhz": 100.0,
    "results": [
        {
            "fold": "auto",
            "device": "ecp5-25f",
            "speed_grade": 6,
            "build": "0",
            "estimated_luts": 110,
            "estimated_cycles": 100,
            "cycles_per_image": 101,
            "images": 2,
            "mismatches": 0,
            "bit_exact": True,
            "clocks": [_CLOCK],
        }
    ],
    "best": 0,
}
LOG = b"epoch,loss,train_accuracy,gate_fraction,lr,test_accuracy\n1,2.3,10.0,0.4,0.01,\n2,2,9,1,1,11.5\n"
_RUN = {
    "images": 2,
    "correct": 1,
    "mismatches": 0,
    "cycles_per_image": 1400,
    "latency_cycles": 3400,
    "busy": {"stage_01": 0.9},
    "layers": [{"name": "input", "values": 100, "mismatches": 0}],
    "tests": ["test_reset"],
    "failures": [],
    "command": "wsfracbnn sim",
    "occupancy": {"stage_01": [3, 4]},
}
SIMULATION = {"build": "0" * 64, "accuracy": 90.5, "simulators": {"icarus": _RUN}, "options": {"--fold": "auto"}}
INDEX = {"labels": {"train": [0, 1], "test": [1]}, "bad": []}
MANIFEST = f"{HEADER}{'0' * 64}  rtl/a.v\n{'1' * 64}  b.json\n".encode()
OWN_NETWORK = """[network]
image_height = 8
image_width = 8
image_channels = 3
widths = [4, 8]
blocks = [1, 1]
[pictures]
fit = "pad"
keep = 0.5
"""


def images() -> Dataset:
    """Twelve 4x4 images of three classes."""
    images = np.arange(12 * 16, dtype=np.uint8).reshape(12, 4, 4, 1)
    labels = np.arange(12, dtype=np.int64) % 3
    return Dataset("digits", images, labels, images, labels, ("a", "b", "c"))


def idx() -> bytes:
    """Two 4x4 images as MNIST publishes them."""
    return gzip.compress(bytes((0, 0, 8, 3)) + b"".join(n.to_bytes(4, "big") for n in (2, 4, 4)) + bytes(32), mtime=0)


def picture() -> bytes:
    """A 10x10 PNG."""
    stream = io.BytesIO()
    Image.fromarray(np.arange(300, dtype=np.uint8).reshape(10, 10, 3)).save(stream, "PNG")
    return stream.getvalue()


def arrays() -> bytes:
    """The images of `images` in an .npz."""
    data, stream = images(), io.BytesIO()
    np.savez(stream, images=data.train_images, labels=data.train_labels, class_names=np.array(data.class_names))
    return stream.getvalue()


def released() -> bytes:
    """A FracBNN under the names of the released one."""
    state, stream = FracBNN(resnet20(10)).state_dict(), io.BytesIO()
    np.savez(stream, **{theirs: state[ours].numpy() for ours, theirs in released_names().items()})
    return stream.getvalue()


def summary(design: AcceleratorDesign) -> dict[str, Any]:
    """What `wsfracbnn sim` tells the router about a design."""
    measured = {"cycles_per_image": 1400, "busy": {"stage_01": 0.9, "stage_02": 0.5}}
    return {"network": design.name, "folding": design.folding.to_json(), "simulators": {"verilator": measured}}
