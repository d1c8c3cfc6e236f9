# SPDX-License-Identifier: Apache-2.0
"""Checkpoint files: one documented dictionary, never unpickled beyond tensors and plain values.

`.pt` (torch.save, read with weights_only=True):

    format         "wsfracbnn-checkpoint"
    version        2
    model          "wsfracbnn", "fracbnn" (the baseline), "fracbnn_matched" (the same, trained like WSFracBNN) or
                   "resnet" (the full-precision teacher)
    name           str, names the emitted top module
    config         dict, NetworkConfig.to_dict()
    state          dict of tensors, the network's state_dict()
    training       dict of plain values: dataset, epochs, seed, settings
    class_names    list of str, one per class
    test_accuracy  float, percent, top-1 of the integer model on the dataset's test images
    gate_fractions list of float, per gated convolution, measured on the test images
    samples        {"images": uint8 (n, H, W, colours), "labels": int64 (n,)}: a few test images (may be absent)

`.safetensors`: the tensors of `state` by their names, `samples.images` and `samples.labels`, and everything else
as JSON under the metadata key "wsfracbnn".

A convolution's weights that are all +1 or -1 are stored one bit each under their own key: uint8 of shape
(ceil(n / 8),), 1 for +1, the first weight (C order) in the most significant bit, zeros behind the last.
"""

from __future__ import annotations

import io
import json
import math
import pickle
import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor

from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.files import write_bytes
from wsfracbnn.model.networks.registry import MODELS, AnyNetwork

FORMAT = "wsfracbnn-checkpoint"
VERSION = 2


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint in memory; see the module's docstring for each field."""

    name: str
    model: str
    config: NetworkConfig
    state: dict[str, Tensor]
    class_names: tuple[str, ...]
    training: dict[str, Any] = field(default_factory=dict)
    test_accuracy: float | None = None
    gate_fractions: tuple[float, ...] | None = None
    samples: dict[str, Tensor] | None = None

    def network(self) -> AnyNetwork:
        """The network with this state, in eval mode."""
        network = MODELS[self.model](self.config)
        network.load_state_dict(self.state)
        return network.eval()

    @property
    def is_binarized(self) -> bool:
        """Whether the weights of all convolutions are +1 or -1, as model/binarize.py leaves them."""
        return all(is_binary(value) for key, value in self.state.items() if key.endswith("conv.weight"))

    def sample_arrays(self) -> tuple[NDArray[np.uint8] | None, NDArray[np.int64] | None]:
        """The sample images (n, H, W, colours) and labels (n,), or None for both."""
        if self.samples is None:
            return None, None
        return self.samples["images"].numpy(), self.samples["labels"].numpy()


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write `.pt` or `.safetensors` by the path's suffix, whole or not at all."""
    header: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "model": checkpoint.model,
        "name": checkpoint.name,
        "config": checkpoint.config.to_dict(),
        "training": checkpoint.training,
        "class_names": list(checkpoint.class_names),
        "test_accuracy": checkpoint.test_accuracy,
        "gate_fractions": None if checkpoint.gate_fractions is None else list(checkpoint.gate_fractions),
    }
    state = {
        key: _packed(value) if key.endswith("conv.weight") and is_binary(value) else value
        for key, value in checkpoint.state.items()
    }
    if path.suffix == ".safetensors":
        tensors = {k: v.contiguous() for k, v in state.items()}
        tensors |= {f"samples.{k}": v.contiguous() for k, v in (checkpoint.samples or {}).items()}
        write_bytes(path, safetensors.torch.save(tensors, metadata={"wsfracbnn": json.dumps(header)}))
    else:
        contents = io.BytesIO()
        torch.save(header | {"state": state, "samples": checkpoint.samples}, contents)
        write_bytes(path, contents.getvalue())


def is_binary(weight: Tensor) -> bool:
    """Whether a convolution's weights are all +1 or -1."""
    return bool((weight.abs() == 1).all())


def _packed(signs: Tensor) -> Tensor:
    return torch.from_numpy(np.packbits((signs > 0).flatten().numpy()))


def _unpacked(tensor: Any, like: Tensor) -> Any:
    """The +-1 of `like`'s shape where `tensor` holds them one bit each, else `tensor` itself."""
    shape = (math.ceil(like.numel() / 8),)
    if not isinstance(tensor, Tensor) or tensor.dtype != torch.uint8 or tensor.shape != shape or like.ndim != 4:
        return tensor
    bits = np.unpackbits(tensor.numpy(), count=like.numel())
    return torch.from_numpy(bits).to(like.dtype).mul(2).sub(1).view(like.shape)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read and check a checkpoint.

    Raises:
        InputError: with the file, the key, what was found and what was expected.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such checkpoint file")
    raw = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    try:
        return _check(raw)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def require_name(name: str, what: str) -> None:
    """Raise `InputError` where `name` cannot begin a Verilog module's name; `what` says where it came from."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name):
        raise InputError(
            f"{what}: found {name!r}, expected up to 64 lower-case letters, digits and underscores, a letter first"
        )


def _read_torch(path: Path) -> dict[str, Any]:
    try:
        raw = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, ValueError, EOFError, OSError, KeyError, pickle.UnpicklingError, zipfile.BadZipFile):
        raise InputError(
            f"{path}: not a checkpoint that can be read safely, expected a file written by torch.save that holds "
            "tensors and plain values only (weights_only=True)"
        ) from None
    if not isinstance(raw, dict):
        raise InputError(f"{path}: found a {type(raw).__name__}, expected a dictionary")
    return raw


def _read_safetensors(path: Path) -> dict[str, Any]:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {})["wsfracbnn"])
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dictionary
    except KeyError:
        raise InputError(f"{path}: metadata key 'wsfracbnn' is missing") from None
    except (safetensors.SafetensorError, ValueError, OSError) as error:
        raise InputError(f"{path}: not a safetensors file ({error})") from None
    samples = {k.removeprefix("samples."): v for k, v in tensors.items() if k.startswith("samples.")}
    state = {k: v for k, v in tensors.items() if not k.startswith("samples.")}
    return dict(header) | {"state": state, "samples": samples or None}


def _check(raw: dict[str, Any]) -> Checkpoint:
    if raw.get("format") != FORMAT:
        raise InputError(f"key 'format': found {raw.get('format')!r}, expected '{FORMAT}'")
    if raw.get("version") != VERSION:
        raise InputError(f"key 'version': found {raw.get('version')!r}, expected {VERSION}")
    if raw.get("model") not in MODELS:
        raise InputError(f"key 'model': found {raw.get('model')!r}, expected one of {', '.join(MODELS)}")
    for key, kind in (("name", str), ("config", dict), ("state", dict), ("class_names", list)):
        if not isinstance(raw.get(key), kind):
            raise InputError(f"key '{key}': found {type(raw.get(key)).__name__}, expected {kind.__name__}")
    require_name(raw["name"], "key 'name'")
    config = NetworkConfig.from_dict(raw["config"])
    if len(raw["class_names"]) != config.classes:
        raise InputError(f"key 'class_names': found {len(raw['class_names'])} names, expected {config.classes}")
    expected = MODELS[raw["model"]](config).state_dict()
    state = {key: _unpacked(tensor, expected.get(key, torch.empty(0))) for key, tensor in raw["state"].items()}
    _check_state(state, expected)
    gates = raw.get("gate_fractions")
    convolutions = len(config.convolutions())
    if gates is not None and not (
        isinstance(gates, list)
        and len(gates) == convolutions
        and all(isinstance(g, int | float) and 0 <= g <= 1 for g in gates)
    ):
        raise InputError(f"key 'gate_fractions': expected {convolutions} numbers from 0 to 1")
    _check_samples(raw.get("samples"), config)
    return Checkpoint(
        name=raw["name"],
        model=raw["model"],
        config=config,
        state=state,
        class_names=tuple(str(n) for n in raw["class_names"]),
        training=raw.get("training") or {},
        test_accuracy=raw.get("test_accuracy"),
        gate_fractions=None if gates is None else tuple(float(g) for g in gates),
        samples=raw.get("samples"),
    )


def _check_state(state: dict[str, Any], expected: dict[str, Tensor]) -> None:
    for key, tensor in expected.items():
        found = state.get(key)
        if not isinstance(found, Tensor):
            raise InputError(f"key 'state.{key}' is missing, expected a tensor of shape {tuple(tensor.shape)}")
        if found.shape != tensor.shape:
            raise InputError(f"key 'state.{key}': found shape {tuple(found.shape)}, expected {tuple(tensor.shape)}")
        if found.is_floating_point() != tensor.is_floating_point():
            raise InputError(f"key 'state.{key}': found {found.dtype}, expected {tensor.dtype}")
        if not torch.isfinite(found).all():
            raise InputError(f"key 'state.{key}': found NaN or infinity, expected finite numbers")
    unknown = sorted(set(state) - set(expected))
    if unknown:
        raise InputError(f"key 'state.{unknown[0]}' is unknown for this configuration")


def _check_samples(samples: dict[str, Tensor] | None, config: NetworkConfig) -> None:
    if samples is None:
        return
    images, labels = samples.get("images"), samples.get("labels")
    shape = (config.image_height, config.image_width, config.image_channels)
    if images is None or images.dtype != torch.uint8 or images.ndim != 4 or tuple(images.shape[1:]) != shape:
        raise InputError(f"key 'samples.images': expected uint8 of shape (n, {', '.join(map(str, shape))})")
    if labels is None or labels.dtype != torch.int64 or labels.shape != images.shape[:1]:
        raise InputError(f"key 'samples.labels': expected int64 of shape ({len(images)},)")
