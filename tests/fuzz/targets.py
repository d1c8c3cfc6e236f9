# SPDX-License-Identifier: Apache-2.0
"""Every kind of file that is read from outside: how an intact one is made, how it is damaged, how it is read."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
import json
import pickle
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any

import numpy as np
import safetensors.torch
import torch
from PIL import Image
from scipy.io import savemat

from benchmarks.peer_designs.results import PeerResults, accelerator_table
from wsfracbnn.cli.markdown import require_section
from wsfracbnn.gen.boards.record import board_table, read_board_rows
from wsfracbnn.gen.design import AcceleratorDesign, build_design
from wsfracbnn.gen.devices import family_named
from wsfracbnn.gen.emission.folder import design_summary
from wsfracbnn.gen.emission.manifest import HEADER, read_manifest
from wsfracbnn.gen.emission.vectors import random_images, write_vectors
from wsfracbnn.gen.explore.jobs import Job
from wsfracbnn.gen.explore.outcomes import ROUTE
from wsfracbnn.gen.explore.results import read_exploration
from wsfracbnn.gen.explore.steps import route_netlist
from wsfracbnn.gen.explore.store import Store
from wsfracbnn.gen.locations import CHECKPOINTS, ROOT
from wsfracbnn.gen.report.simulated import read_simulation
from wsfracbnn.gen.report.sources import Measurements, read_design
from wsfracbnn.gen.sequential.folding import sequential_folding
from wsfracbnn.gen.simulation.measured import read_images, read_measured, values_to_compare
from wsfracbnn.gen.simulation.record import read_run_rows, run_table
from wsfracbnn.gen.sizing.fold_file import read_folding
from wsfracbnn.gen.sizing.presets import preset
from wsfracbnn.gen.synthesis.cached import read_cell_counts, read_netlist, read_report
from wsfracbnn.gen.synthesis.floorplan import pin_block_rams
from wsfracbnn.gen.synthesis.record import HardwareResults
from wsfracbnn.gen.synthesis.summary import read_summary
from wsfracbnn.gen.synthesis.table import hardware_table
from wsfracbnn.model import golden
from wsfracbnn.model.card import model_card
from wsfracbnn.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from wsfracbnn.model.config import NetworkConfig, resnet20
from wsfracbnn.model.data.array_file import ArrayFile
from wsfracbnn.model.data.cifar import CIFAR10, Cifar
from wsfracbnn.model.data.dataset import Dataset, Own
from wsfracbnn.model.data.mnist import read_idx
from wsfracbnn.model.data.picture_folder import read_index
from wsfracbnn.model.data.preparation import AS_USUAL, read_picture
from wsfracbnn.model.data.svhn import TEST, TRAIN, Svhn
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.lower import lower_checkpoint
from wsfracbnn.model.networks.fracbnn import FracBNN
from wsfracbnn.model.random_network import random_description
from wsfracbnn.model.released import import_released, released_names
from wsfracbnn.model.structure import load_description
from wsfracbnn.model.training.distill import KeptAnswers
from wsfracbnn.model.training.log_file import read_log
from wsfracbnn.model.training.plan import read_plan
from wsfracbnn.model.training.results import read_results
from wsfracbnn.model.training.resume import load_state, save_state
from wsfracbnn.model.training.settings import Run, TrainConfig, make_run, read_toml
from wsfracbnn.model.training.trainer import Trainer

from .damage import TOO_DEEP, damaged_bytes, damaged_value, json_text, toml_text
from .keys import UNKNOWN_KEY

TINY = NetworkConfig(4, 4, 1, 4, (2, 4), (1, 1), 3)


@dataclasses.dataclass(frozen=True)
class Target:
    """A kind of file: its name, an intact one, how a damaged one is written, and what a command does with it.

    Attributes:
        value: what an intact one holds, of those kinds whose refusals name a key; `write` puts such a value into a
            file.
        free: regular expression of places in it at which anything may stand, because nothing reads them.
        beside: files that belong to the damaged one.
    """

    file: str
    intact: bytes
    damage: Callable[[Random, Path], None]
    read: Callable[[Path], object]
    value: Any = None
    write: Callable[[Any, Path], object] | None = None
    free: str = ""
    beside: Mapping[str, bytes] = dataclasses.field(default_factory=dict)


def targets(folder: Path) -> dict[str, Target]:
    """All of them. folder: for what they need beside the damaged file."""
    trainer = Trainer(Run(name="tiny", settings=TrainConfig(epochs=2, batch_size=4, ema=0.9)), _images(), config=TINY)
    trainer.train_epoch(lambda steps, line: None)
    checkpoint = dataclasses.replace(trainer.checkpoint(), held_out=("0123456789abcdef",) * TINY.classes)
    description = random_description(TINY, seed=3, name="tiny")
    design = build_design(description, preset(description, "small"))
    description.save(folder)
    settings = ROOT / "configs" / "digits.toml"
    plan = (ROOT / "configs" / "accuracy-16.toml").read_text()
    plan = plan.replace('config = "', f'config = "{ROOT}/configs/')
    vectors = _saved(folder / "vectors.npz", lambda p: write_vectors(p, description, random_images(description), None))
    structure = (folder / "net.json").read_text()
    arrays = (folder / "net.npz").read_bytes()
    small = preset(description, "small").text()
    emitted = {"net.json": structure.encode(), "net.npz": arrays, "fold.json": small.encode()}
    return {
        "checkpoint": _torch(
            folder, "net.pt", lambda p: save_checkpoint(checkpoint, p), _use_checkpoint, rf"training\.{UNKNOWN_KEY}"
        ),
        "bundled checkpoint": _bytes("net.pt", (CHECKPOINTS / "digits.pt").read_bytes(), _use_checkpoint),
        "safetensors": _safetensors(folder, checkpoint),
        "resume file": _torch(
            folder,
            "net.pt.resume",
            lambda p: save_state(trainer, p),
            lambda p: load_state(trainer, p),
            rf"optimizer\.({UNKNOWN_KEY}|param_groups.*)",
        ),
        "settings": _toml("a.toml", settings.read_text(), lambda p: make_run(read_toml(p))),
        "plan": _toml("plan.toml", plan, lambda p: read_plan(p, folder)),
        "folding": _json("fold.json", small, lambda p: read_folding(p, description)),
        "engine's folding": _json(
            # Without this key it is the folding of a pipeline, whose stages have other names.
            "engine.json",
            sequential_folding(description).text(),
            lambda p: read_folding(p, description),
            "architecture",
        ),
        "accuracy results": _json(
            "a.json", _tracked("accuracy.json"), lambda p: read_results(p).text(), rf".*load_percent\.{UNKNOWN_KEY}"
        ),
        "hardware results": _json(
            "h.json",
            _tracked("hardware.json"),
            lambda p: hardware_table(HardwareResults.read(p).rows),
            rf"lanes\.{UNKNOWN_KEY}|.*\.overhead",
        ),
        "peers' results": _json(
            "p.json", _tracked("peers.json"), lambda p: accelerator_table(PeerResults.read(p).accelerators)
        ),
        "simulations' results": _json("s.json", _tracked("simulation.json"), lambda p: run_table(read_run_rows(p))),
        "boards' results": _json("b.json", _tracked("boards.json"), lambda p: board_table(read_board_rows(p))),
        "exploration": _json("exploration.json", json.dumps(_EXPLORATION), lambda p: read_exploration(p.parent)),
        "explored outcome": _json("route-k.json", json.dumps(_OUTCOME), lambda p: Store(p.parent).get(_JOB)),
        "summary": _json(
            "summary.json",
            json.dumps(_summary(design)),
            lambda p: read_summary(p, design),
            rf"folding\..*|.*{UNKNOWN_KEY}",
        ),
        "simulation": _json(
            "summary.json",
            json.dumps(_summary(design) | _SIMULATION),
            read_simulation,
            rf"folding.*|.*{UNKNOWN_KEY}",
        ),
        "description": _json("net.json", structure, _use_description, beside={"net.npz": arrays}),
        "description with its digest": _sealed(structure, arrays),
        "description's arrays": dataclasses.replace(
            _bytes("net.npz", arrays, _use_description), beside={"net.json": structure.encode()}
        ),
        "emitted design": _json(
            "design.json",
            json.dumps(design_summary(design) | {"vectors_equal_pytorch": False}),
            lambda p: read_design(p.parent, Measurements([], p.parent / "none", family_named("ecp5"))),
            "(?!build$|vectors_equal_pytorch$).*",
            beside=emitted,
        ),
        "manifest": _bytes("manifest.sha256", _MANIFEST, _use_manifest),
        "vectors": _bytes("vectors.npz", vectors, _use_vectors),
        "cell counts": _json(
            "stat.json", json.dumps(_STATISTICS), read_cell_counts, rf"creator|.*num_cells|.*{UNKNOWN_KEY}"
        ),
        "netlist": _json("netlist.json", json.dumps(_NETLIST), _use_netlist, rf".*attributes\..*|.*{UNKNOWN_KEY}"),
        "routing report": _json(
            "report.json", json.dumps(_ROUTED), read_report, rf"fmax\.clk|.*\.(available|constraint)|.*{UNKNOWN_KEY}"
        ),
        "simulated": _json("result.json", json.dumps(_MEASURED), read_measured, rf"busy\.{UNKNOWN_KEY}"),
        "published CIFAR": _cifar(),
        "published MNIST": _bytes("a.gz", _idx(), lambda p: read_idx(p.name, p.read_bytes(), 3)),
        "published SVHN": _svhn(),
        "picture": _bytes("a.png", _picture(), lambda p: read_picture(p, (4, 4, 3), AS_USUAL)),
        "prepared pictures": _json(
            "index.json", json.dumps(_INDEX), _use_index, beside={"train.bin": bytes(32), "test.bin": bytes(16)}
        ),
        "images in arrays": _bytes("a.npz", _arrays(), lambda p: ArrayFile(p).load(Own("a.npz", (4, 4, 1)))),
        "own network": _toml("a.toml", _OWN_NETWORK, lambda p: make_run(read_toml(p))),
        "released network": _bytes("released.npz", _released(), import_released),
        "teacher's answers": _answers(folder / "net.pt"),
        "log": _bytes("net.log.csv", _LOG, read_log),
        "page": _bytes("page.md", b"a\n<!-- t -->\nb\n<!-- /t -->\nc\n", lambda p: require_section(p, "t")),
    }


_STATISTICS = {"creator": "Yosys", "design": {"num_cells": 5, "num_cells_by_type": {"LUT4": 3, "TRELLIS_FF": 2}}}
_NETLIST = {
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
_ROUTED = {
    "utilization": {"TRELLIS_COMB": {"available": 24288, "used": 120}, "DP16KD": {"available": 56, "used": 3}},
    "fmax": {"clk": {"achieved": 123.456, "constraint": 150.0}},
    "critical_paths": [
        {"from": "<async>", "to": "posedge clk", "path": [{"from": {"cell": "a"}, "to": {"cell": "b"}}]},
        {"from": "posedge clk", "to": "posedge clk", "path": [{"from": {"cell": "a"}, "to": {"cell": "b"}}]},
    ],
}
_MEASURED = {
    "images": 2,
    "correct": 1,
    "mismatches": 0,
    "latency_cycles": 340,
    "cycles_per_image": 144,
    "layers": [{"name": "input", "values": 128, "mismatches": 0}],
    "busy": {"input": 0.5},
    "occupancy": {"input": [1, 2]},
}
_JOB = Job(ROUTE, "k", "a", route_netlist, ())
_OUTCOME = {
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
_EXPLORATION = {
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
_LOG = b"epoch,loss,train_accuracy,gate_fraction,lr,test_accuracy\n1,2.3,10.0,0.4,0.01,\n2,2,9,1,1,11.5\n"


def _images() -> Dataset:
    images = np.arange(12 * 16, dtype=np.uint8).reshape(12, 4, 4, 1)
    labels = np.arange(12, dtype=np.int64) % 3
    return Dataset("digits", images, labels, images, labels, ("a", "b", "c"))


def _use_checkpoint(path: Path) -> None:
    checkpoint = load_checkpoint(path)
    checkpoint.sample_arrays()
    model_card(checkpoint, path.name)
    lower_checkpoint(checkpoint)


def _use_netlist(path: Path) -> None:
    pin_block_rams(read_netlist(path, "top"), "ecp5-25f", ("stage_01",))


def _bytes(file: str, content: bytes, read: Callable[[Path], object]) -> Target:
    return Target(file, content, lambda random, path: _write(path, damaged_bytes(random, content)), read)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _json(
    file: str,
    text: str,
    read: Callable[[Path], object],
    free: str = "",
    *,
    beside: Mapping[str, bytes] = MappingProxyType({}),
) -> Target:
    value = json.loads(text)

    def damage(random: Random, path: Path) -> None:
        if random.random() < 0.3:
            path.write_bytes(damaged_bytes(random, text.encode()))
        else:
            path.write_text(json_text(damaged_value(random, value)))

    write = lambda v, path: path.write_text(json_text(v))  # noqa: E731
    return Target(file, text.encode(), damage, read, value, write, free, beside)


def _toml(file: str, text: str, read: Callable[[Path], object]) -> Target:
    table = tomllib.loads(text)

    def damage(random: Random, path: Path) -> None:
        if random.random() < 0.3:
            path.write_bytes(damaged_bytes(random, text.encode()))
        else:
            path.write_bytes(toml_text(damaged_value(random, table)).encode(errors="replace"))

    return Target(file, text.encode(), damage, read, table, lambda v, path: path.write_text(toml_text(v)))


def _torch(
    folder: Path, file: str, save: Callable[[Path], object], read: Callable[[Path], object], free: str = ""
) -> Target:
    save(folder / file)
    content = (folder / file).read_bytes()
    value = torch.load(folder / file, weights_only=True)

    def damage(random: Random, path: Path) -> None:
        if random.random() < 0.3:
            path.write_bytes(damaged_bytes(random, content))
            return
        changed = damaged_value(random, value, tensors=True)
        if isinstance(changed, dict) and random.random() < 0.9:
            changed.pop("sha256", None)  # else the digest refuses what the checks behind it should see
        try:
            torch.save(changed, path)
        except RecursionError:
            path.write_bytes(content[: len(content) // 2])

    value = {key: item for key, item in value.items() if key != "sha256"}
    return Target(file, content, damage, read, value, torch.save, free)


def _safetensors(folder: Path, checkpoint: Checkpoint) -> Target:
    file = folder / "net.safetensors"
    save_checkpoint(checkpoint, file)
    content = file.read_bytes()
    tensors = safetensors.torch.load(content)
    with safetensors.safe_open(file, framework="pt") as opened:
        header = json.loads(opened.metadata()["wsfracbnn"])

    def damage(random: Random, path: Path) -> None:
        if random.random() < 0.4:
            path.write_bytes(damaged_bytes(random, content))
            return
        write(damaged_value(random, plain), path)

    plain = {key: value for key, value in header.items() if key != "sha256"}

    def write(value: Any, path: Path) -> None:
        safetensors.torch.save_file(tensors, path, metadata={"wsfracbnn": json_text(value)})

    return Target("net.safetensors", content, damage, _use_checkpoint, plain, write, rf"training\.{UNKNOWN_KEY}")


def _cifar() -> Target:
    """Batches whose MD5 is right, so that what stands behind that check is read."""
    batch = {b"data": np.zeros((3, 3072), dtype=np.uint8), b"labels": [0, 1, 2], b"label_names": [b"a", b"b", b"c"]}
    stream = io.BytesIO()
    pickle.dump(batch, stream, protocol=4)

    def read(path: Path) -> Dataset:
        sums = {path.name: hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}
        source: Cifar = dataclasses.replace(CIFAR10, train=sums, test=sums, meta=sums)
        return source.load(path.parent)

    def damage(random: Random, path: Path) -> None:
        path.write_bytes(damaged_bytes(random, stream.getvalue()))

    return Target("data_batch_1", stream.getvalue(), damage, read)


_OWN_NETWORK = """[network]
image_height = 8
image_width = 8
image_channels = 3
widths = [4, 8]
blocks = [1, 1]
[pictures]
fit = "pad"
keep = 0.5
"""


def _idx() -> bytes:
    return gzip.compress(bytes((0, 0, 8, 3)) + b"".join(n.to_bytes(4, "big") for n in (2, 4, 4)) + bytes(32), mtime=0)


def _picture() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.arange(300, dtype=np.uint8).reshape(10, 10, 3)).save(stream, "PNG")
    return stream.getvalue()


def _arrays() -> bytes:
    data, stream = _images(), io.BytesIO()
    np.savez(stream, images=data.train_images, labels=data.train_labels, class_names=np.array(data.class_names))
    return stream.getvalue()


def _released() -> bytes:
    state, stream = FracBNN(resnet20(10)).state_dict(), io.BytesIO()
    np.savez(stream, **{theirs: state[ours].numpy() for ours, theirs in released_names().items()})
    return stream.getvalue()


def _tracked(name: str) -> str:
    return (ROOT / "results" / name).read_text()


def _summary(design: AcceleratorDesign) -> dict[str, Any]:
    measured = {"cycles_per_image": 1400, "busy": {"stage_01": 0.9, "stage_02": 0.5}}
    return {"network": design.name, "folding": design.folding.to_json(), "simulators": {"verilator": measured}}


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
_SIMULATION = {"build": "0" * 64, "accuracy": 90.5, "simulators": {"icarus": _RUN}, "options": {"--fold": "auto"}}


_INDEX = {"labels": {"train": [0, 1], "test": [1]}, "bad": []}
_MANIFEST = f"{HEADER}{'0' * 64}  rtl/a.v\n{'1' * 64}  b.json\n".encode()


def _use_index(path: Path) -> None:
    own = Own("a", (4, 4, 1))
    index = read_index(path.parent, own)
    assert index is not None  # it is there


def _use_manifest(path: Path) -> None:
    if read_manifest(path) is None:
        raise InputError(f"{path}: not a manifest")


def _use_description(path: Path) -> None:
    description = load_description(path.parent)
    build_design(description, preset(description, "small"))
    golden.run(description, random_images(description)[:1])


def _use_vectors(path: Path) -> None:
    read_images(path)
    values_to_compare(path, 1)


def _saved(path: Path, save: Callable[[Path], object]) -> bytes:
    save(path)
    return path.read_bytes()


def _sealed(structure: str, arrays: bytes) -> Target:
    """A description whose digest is that of the damaged content, as somebody writes it who means harm."""
    value = {key: item for key, item in json.loads(structure).items() if key != "sha256"}
    with np.load(io.BytesIO(arrays)) as file:
        content = b"".join(
            f"{key}{file[key].shape}".encode() + np.ascontiguousarray(file[key], dtype="<i8").tobytes() for key in file
        )

    def write(damaged: Any, path: Path) -> None:
        if isinstance(damaged, dict):
            text = json_text(damaged)
            plain = json.dumps(damaged, sort_keys=True) if text != TOO_DEEP else ""
            damaged = damaged | {"sha256": hashlib.sha256(plain.encode() + content).hexdigest()}
        path.write_text(json_text(damaged))

    def damage(random: Random, path: Path) -> None:
        write(damaged_value(random, value), path)

    # The digest is made by `write`: it can be neither missing nor of another type here.
    return Target("net.json", structure.encode(), damage, _use_description, value, write, beside={"net.npz": arrays})


def _svhn() -> Target:
    """Both parts in the same file, whose MD5 is right."""
    stream = io.BytesIO()
    savemat(stream, {"X": np.zeros((32, 32, 3, 2), dtype=np.uint8), "y": np.array([[10], [3]], dtype=np.uint8)})

    def read(path: Path) -> Dataset:
        content = path.read_bytes()
        (path.parent / TEST).write_bytes(content)
        try:
            md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
            return Svhn(md5={TRAIN: md5, TEST: md5}).load(path.parent)
        finally:
            (path.parent / TEST).unlink()

    return _bytes(TRAIN, stream.getvalue(), read)


def _answers(teacher: Path) -> Target:
    """Kept logits of a teacher, which is not asked: the file is there."""
    images = torch.zeros((4, 1, 4, 4), dtype=torch.uint8)
    stream = io.BytesIO()
    np.save(stream, np.zeros((4, 3), dtype=np.float16))

    def read(path: Path) -> object:
        answers = KeptAnswers(teacher, images, 0, False, lambda seen: seen, 3)
        answers.prefix = path.with_name("a")
        return answers.view(0, print)

    return _bytes("a-view00.npy", stream.getvalue(), read)
