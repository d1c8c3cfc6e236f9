# SPDX-License-Identifier: Apache-2.0
"""Builds a network with da4ml: Verilog, what its ports hold, and da4ml's own predictions.

    build/peers/venv/bin/python benchmarks/peer_designs/da4ml_export.py NETWORK.npz INPUTS.npy ADDERS FOLDER

Runs in the environment of `constraints.txt`, which has no wsfracbnn. ADDERS: how many follow each other between two
registers. INPUTS.npy: integers (n, inputs), of which `predictions.npy` gets the outputs.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from da4ml.codegen import RTLModel
from da4ml.trace import FixedVariableArrayInput, HWConfig, comb_trace
from da4ml.types import minimal_kif

NAME = "da4ml_network"


def main(network: Path, inputs: Path, adders: int, folder: Path) -> None:
    """Trace the layers' formula with da4ml's symbolic numbers, then write the pipeline that it makes of it."""
    arrays = dict(np.load(network))
    shifts = [int(shift) for shift in arrays["shifts"]]
    given = FixedVariableArrayInput(len(arrays["weights_0"]), hwconf=HWConfig(1, -1, -1))
    values = given.quantize(0, int(arrays["input_bits"]), 0)
    for number in range(len(shifts) + 1):
        values = values @ arrays[f"weights_{number}"].astype(np.float64) + arrays[f"offsets_{number}"].astype(
            np.float64
        )
        if number < len(shifts):
            # Saturated below at 0 and above, and cut off at the shift's place: the floor of the quotient.
            shift = shifts[number]
            values = values.quantize(0, int(arrays["hidden_bits"]) + shift, -shift, "SAT", "TRN") * 2.0**-shift
    logic = comb_trace(given, values)
    with tempfile.TemporaryDirectory() as written:
        model = RTLModel(logic, NAME, written, "verilog", latency_cutoff=adders, print_latency=False)
        model.write()
        source = Path(written) / "src"
        modules = [source / f"{NAME}.v", *sorted(source.glob(f"{NAME}_stage*.v"))]
        text = "".join(path.read_text() for path in modules)
        modules += [path for path in sorted((source / "static").glob("*.v")) if f" {path.stem} #(" in text]
        for path in modules:
            shutil.copy(path, folder / path.name)
    ports = {
        "stages": len(list(folder.glob(f"{NAME}_stage*.v"))),
        "inputs": [_width(interval) for interval in logic.inp_qint],
        "outputs": [_width(interval) for interval in logic.out_qint],
        "signed": [bool(interval.min < 0) for interval in logic.out_qint],
        "steps": [float(interval.step) for interval in logic.out_qint],
    }
    (folder / "ports.json").write_text(json.dumps(ports))
    np.save(folder / "predictions.npy", logic.predict(np.load(inputs).astype(np.float64)))


def _width(interval: object) -> int:
    return int(sum(minimal_kif(interval)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
