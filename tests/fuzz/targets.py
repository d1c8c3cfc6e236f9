# SPDX-License-Identifier: Apache-2.0
"""Every kind of file that is read from outside: how an intact one is made, how it is damaged, how it is read."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import pickle
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import safetensors.torch
import torch
from scipy.io import savemat

from benchmarks.peer_designs.results import PeerResults, accelerator_table
from wsfracbnn.cli.markdown import require_section
from wsfracbnn.gen.boards.record import board_table, read_board_rows
from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.devices import family_named
from wsfracbnn.gen.emission.folder import design_summary
from wsfracbnn.gen.emission.manifest import read_manifest
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
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.data.array_file import ArrayFile
from wsfracbnn.model.data.cifar import CIFAR10, Cifar
from wsfracbnn.model.data.dataset import Dataset, Own
from wsfracbnn.model.data.mnist import read_idx
from wsfracbnn.model.data.picture_folder import read_index
from wsfracbnn.model.data.preparation import AS_USUAL, read_picture
from wsfracbnn.model.data.svhn import TEST, TRAIN, Svhn
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.lower import lower_checkpoint
from wsfracbnn.model.random_network import random_description
from wsfracbnn.model.released import import_released
from wsfracbnn.model.structure import load_description
from wsfracbnn.model.training.distill import KeptAnswers
from wsfracbnn.model.training.log_file import read_log
from wsfracbnn.model.training.plan import read_plan
from wsfracbnn.model.training.results import read_results
from wsfracbnn.model.training.resume import load_state, save_state
from wsfracbnn.model.training.settings import Run, TrainConfig, make_run, read_toml
from wsfracbnn.model.training.trainer import Trainer

from . import intact
from .damage import TOO_DEEP, damaged_bytes, damaged_value, json_text
from .keys import UNKNOWN_KEY
from .kinds import Target, bytes_target, json_target, saved, toml_target, torch_target

TINY = NetworkConfig(4, 4, 1, 4, (2, 4), (1, 1), 3)


def targets(folder: Path) -> dict[str, Target]:
    """All of them. folder: for what they need beside the damaged file."""
    trainer = Trainer(
        Run(name="tiny", settings=TrainConfig(epochs=2, batch_size=4, ema=0.9)), intact.images(), config=TINY
    )
    trainer.train_epoch(lambda steps, line: None)
    checkpoint = dataclasses.replace(trainer.checkpoint(), held_out=("0123456789abcdef",) * TINY.classes)
    description = random_description(TINY, seed=3, name="tiny")
    design = build_design(description, preset(description, "small"))
    description.save(folder)
    settings = ROOT / "configs" / "digits.toml"
    plan = (ROOT / "configs" / "accuracy-16.toml").read_text()
    plan = plan.replace('config = "', f'config = "{ROOT}/configs/')
    vectors = saved(folder / "vectors.npz", lambda p: write_vectors(p, description, random_images(description), None))
    structure = (folder / "net.json").read_text()
    arrays = (folder / "net.npz").read_bytes()
    small = preset(description, "small").text()
    emitted = {"net.json": structure.encode(), "net.npz": arrays, "fold.json": small.encode()}
    return {
        "checkpoint": torch_target(
            folder, "net.pt", lambda p: save_checkpoint(checkpoint, p), _use_checkpoint, rf"training\.{UNKNOWN_KEY}"
        ),
        "bundled checkpoint": bytes_target("net.pt", (CHECKPOINTS / "digits.pt").read_bytes(), _use_checkpoint),
        "safetensors": _safetensors(folder, checkpoint),
        "resume file": torch_target(
            folder,
            "net.pt.resume",
            lambda p: save_state(trainer, p),
            lambda p: load_state(trainer, p),
            rf"optimizer\.({UNKNOWN_KEY}|param_groups.*)",
        ),
        "settings": toml_target("a.toml", settings.read_text(), lambda p: make_run(read_toml(p))),
        "plan": toml_target("plan.toml", plan, lambda p: read_plan(p, folder)),
        "folding": json_target("fold.json", small, lambda p: read_folding(p, description)),
        "engine's folding": json_target(
            # Without this key it is the folding of a pipeline, whose stages have other names.
            "engine.json",
            sequential_folding(description).text(),
            lambda p: read_folding(p, description),
            "architecture",
        ),
        "accuracy results": json_target(
            "a.json", _tracked("accuracy.json"), lambda p: read_results(p).text(), rf".*load_percent\.{UNKNOWN_KEY}"
        ),
        "hardware results": json_target(
            "h.json",
            _tracked("hardware.json"),
            lambda p: hardware_table(HardwareResults.read(p).rows),
            rf"lanes\.{UNKNOWN_KEY}|.*\.overhead",
        ),
        "peers' results": json_target(
            "p.json", _tracked("peers.json"), lambda p: accelerator_table(PeerResults.read(p).accelerators)
        ),
        "simulations' results": json_target(
            "s.json", _tracked("simulation.json"), lambda p: run_table(read_run_rows(p))
        ),
        "boards' results": json_target("b.json", _tracked("boards.json"), lambda p: board_table(read_board_rows(p))),
        "exploration": json_target(
            "exploration.json", json.dumps(intact.EXPLORATION), lambda p: read_exploration(p.parent)
        ),
        "explored outcome": json_target(
            "route-k.json", json.dumps(intact.OUTCOME), lambda p: Store(p.parent).get(_JOB)
        ),
        "summary": json_target(
            "summary.json",
            json.dumps(intact.summary(design)),
            lambda p: read_summary(p, design),
            rf"folding\..*|.*{UNKNOWN_KEY}",
        ),
        "simulation": json_target(
            "summary.json",
            json.dumps(intact.summary(design) | intact.SIMULATION),
            read_simulation,
            rf"folding.*|.*{UNKNOWN_KEY}",
        ),
        "description": json_target("net.json", structure, _use_description, beside={"net.npz": arrays}),
        "description with its digest": _sealed(structure, arrays),
        "description's arrays": dataclasses.replace(
            bytes_target("net.npz", arrays, _use_description), beside={"net.json": structure.encode()}
        ),
        "emitted design": json_target(
            "design.json",
            json.dumps(design_summary(design) | {"vectors_equal_pytorch": False}),
            lambda p: read_design(p.parent, Measurements([], p.parent / "none", family_named("ecp5"))),
            "(?!build$|vectors_equal_pytorch$).*",
            beside=emitted,
        ),
        "manifest": bytes_target("manifest.sha256", intact.MANIFEST, _use_manifest),
        "vectors": bytes_target("vectors.npz", vectors, _use_vectors),
        "cell counts": json_target(
            "stat.json", json.dumps(intact.STATISTICS), read_cell_counts, rf"creator|.*num_cells|.*{UNKNOWN_KEY}"
        ),
        "netlist": json_target(
            "netlist.json", json.dumps(intact.NETLIST), _use_netlist, rf".*attributes\..*|.*{UNKNOWN_KEY}"
        ),
        "routing report": json_target(
            "report.json",
            json.dumps(intact.ROUTED),
            read_report,
            rf"fmax\.clk|.*\.(available|constraint)|.*{UNKNOWN_KEY}",
        ),
        "simulated": json_target("result.json", json.dumps(intact.MEASURED), read_measured, rf"busy\.{UNKNOWN_KEY}"),
        "published CIFAR": _cifar(),
        "published MNIST": bytes_target("a.gz", intact.idx(), lambda p: read_idx(p.name, p.read_bytes(), 3)),
        "published SVHN": _svhn(),
        "picture": bytes_target("a.png", intact.picture(), lambda p: read_picture(p, (4, 4, 3), AS_USUAL)),
        "prepared pictures": json_target(
            "index.json", json.dumps(intact.INDEX), _use_index, beside={"train.bin": bytes(32), "test.bin": bytes(16)}
        ),
        "images in arrays": bytes_target(
            "a.npz", intact.arrays(), lambda p: ArrayFile(p).load(Own("a.npz", (4, 4, 1)))
        ),
        "own network": toml_target("a.toml", intact.OWN_NETWORK, lambda p: make_run(read_toml(p))),
        "released network": bytes_target("released.npz", intact.released(), import_released),
        "teacher's answers": _answers(folder / "net.pt"),
        "log": bytes_target("net.log.csv", intact.LOG, read_log),
        "page": bytes_target("page.md", b"a\n<!-- t -->\nb\n<!-- /t -->\nc\n", lambda p: require_section(p, "t")),
    }


_JOB = Job(ROUTE, "k", "a", route_netlist, ())


def _use_checkpoint(path: Path) -> None:
    checkpoint = load_checkpoint(path)
    checkpoint.sample_arrays()
    model_card(checkpoint, path.name)
    lower_checkpoint(checkpoint)


def _use_netlist(path: Path) -> None:
    pin_block_rams(read_netlist(path, "top"), "ecp5-25f", ("stage_01",))


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


def _tracked(name: str) -> str:
    return (ROOT / "results" / name).read_text()


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

    return bytes_target(TRAIN, stream.getvalue(), read)


def _answers(teacher: Path) -> Target:
    """Kept logits of a teacher, which is not asked: the file is there."""
    images = torch.zeros((4, 1, 4, 4), dtype=torch.uint8)
    stream = io.BytesIO()
    np.save(stream, np.zeros((4, 3), dtype=np.float16))

    def read(path: Path) -> object:
        answers = KeptAnswers(teacher, images, 0, False, lambda seen: seen, 3)
        answers.prefix = path.with_name("a")
        return answers.view(0, print)

    return bytes_target("a-view00.npy", stream.getvalue(), read)
