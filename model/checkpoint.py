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
    pictures       dict, how pictures become images: model/data/preparation.py, Pictures (may be absent)
    held_out       list of str, one per class: which pictures are held out, whatever is added later, as
                   model/data/split.py has it (absent unless the network was trained on a set that names no test part)
    class_names    list of str, one per class
    test_accuracy  float, percent, top-1 of the integer model on the dataset's test images; on held-out training
                   images where `training` has a validation_share
    gate_fractions list of float, per gated convolution, measured on the test images
    samples        {"images": uint8 (n, H, W, colours), "labels": int64 (n,)}: a few test images (may be absent)
    sha256         str, digest of all the others, see `_digest`; files without one are read, which the log mentions

`.safetensors`: the tensors of `state` by their names, `samples.images` and `samples.labels`, and everything else
as JSON under the metadata key "wsfracbnn".

A convolution's weights that are all +1 or -1 are stored one bit each under their own key: uint8 of shape
(ceil(n / 8),), 1 for +1, the first weight (C order) in the most significant bit, zeros behind the last.
"""

from __future__ import annotations

import io
import json
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor

from wsfracbnn.model.checkpoint_header import FORMAT, VERSION, Header
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.data.preparation import AS_USUAL, Pictures
from wsfracbnn.model.errors import InputError, shown
from wsfracbnn.model.files import write_bytes
from wsfracbnn.model.names import require_suffix
from wsfracbnn.model.networks.registry import MODELS, AnyNetwork
from wsfracbnn.model.reading import checked
from wsfracbnn.model.tensor_files import content_digest, read_safetensors, read_torch, require_plain

log = logging.getLogger(__name__)

FILE_LIMIT = 512 * 2**20
"""Bytes of a checkpoint: the largest network's weights as float32, and its samples."""

SAMPLES_LIMIT = 1024
"""Test images inside a checkpoint."""

CHEAP_WEIGHTS = 2**20
"""Weights of a network that is built, to see which tensors it has, whatever the file holds."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint in memory; see the module's docstring for each field."""

    name: str
    model: str
    config: NetworkConfig
    state: dict[str, Tensor]
    class_names: tuple[str, ...]
    training: dict[str, Any] = field(default_factory=dict)
    pictures: Pictures = AS_USUAL
    held_out: tuple[str, ...] | None = None
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

    @property
    def validation_share(self) -> float:
        """Of the dataset's training images, those that were held out and measured in place of the test images."""
        share = self.training.get("validation_share", 0)
        return float(share) if isinstance(share, int | float) and 0 < share < 1 else 0.0

    @property
    def measured_on(self) -> str:
        """What `test_accuracy` is of, in words."""
        share = self.validation_share
        return f"{100 * share:g} % of the training images, held out" if share else "all test images"

    def sample_arrays(self) -> tuple[NDArray[np.uint8] | None, NDArray[np.int64] | None]:
        """The sample images (n, H, W, colours) and labels (n,), or None for both."""
        if self.samples is None:
            return None, None
        return self.samples["images"].numpy(), self.samples["labels"].numpy()


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write `.pt` or `.safetensors` by the path's suffix, whole or not at all.

    Raises:
        InputError: the suffix is another, or the checkpoint is one that `load_checkpoint` would refuse.
    """
    header, state = require_saveable(checkpoint, path)
    if path.suffix == ".safetensors":
        tensors = {k: v.contiguous() for k, v in state.items()}
        tensors |= {f"samples.{k}": v.contiguous() for k, v in (checkpoint.samples or {}).items()}
        write_bytes(path, safetensors.torch.save(tensors, metadata={"wsfracbnn": json.dumps(header)}))
    else:
        contents = io.BytesIO()
        torch.save(header | {"state": state, "samples": checkpoint.samples}, contents)
        write_bytes(path, contents.getvalue())


def require_saveable(checkpoint: Checkpoint, path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Header and state as they are written, checked as they are read: what is refused can be so before a training.

    Raises:
        InputError: `save_checkpoint` would refuse it.
    """
    require_suffix(path, "checkpoint")
    header: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "model": checkpoint.model,
        "name": checkpoint.name,
        "config": checkpoint.config.to_dict(),
        "training": checkpoint.training,
        "pictures": checkpoint.pictures.model_dump(),
        **({} if checkpoint.held_out is None else {"held_out": list(checkpoint.held_out)}),
        "class_names": list(checkpoint.class_names),
        "test_accuracy": checkpoint.test_accuracy,
        "gate_fractions": None if checkpoint.gate_fractions is None else list(checkpoint.gate_fractions),
    }
    state = {
        key: _packed(value) if key.endswith("conv.weight") and is_binary(value) else value
        for key, value in checkpoint.state.items()
    }
    header["sha256"] = _digest(header, state, checkpoint.samples)
    try:
        _check(header, state, checkpoint.samples)
    except InputError as error:
        raise InputError(f"{path}: not written: {error}") from None
    return header, state


def is_binary(weight: Tensor) -> bool:
    """Whether a convolution's weights are all +1 or -1."""
    return bool((weight.abs() == 1).all())


def _packed(signs: Tensor) -> Tensor:
    return torch.from_numpy(np.packbits((signs > 0).flatten().numpy()))


def _unpacked(tensor: Tensor, like: Tensor) -> Tensor:
    """The +-1 of `like`'s shape where `tensor` holds them one bit each, else `tensor` itself."""
    shape = (math.ceil(like.numel() / 8),)
    if tensor.dtype != torch.uint8 or tensor.shape != shape or like.ndim != 4:
        return tensor
    bits = np.unpackbits(tensor.numpy(), count=like.numel())
    return torch.from_numpy(bits).to(like.dtype).mul(2).sub(1).view(like.shape)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read and check a checkpoint.

    Raises:
        InputError: with the file, the key, what was found and what was expected.
    """
    if path.suffix == ".safetensors":
        header, tensors = read_safetensors(path, FILE_LIMIT)
        samples = {k.removeprefix("samples."): v for k, v in tensors.items() if k.startswith("samples.")}
        state = {k: v for k, v in tensors.items() if not k.startswith("samples.")}
    else:
        header = read_torch(path, FILE_LIMIT, "a checkpoint")
        if not isinstance(header, dict):
            raise InputError(f"{path}: found {shown(header)}, expected a dictionary")
        state, samples = header.pop("state", None), header.pop("samples", None)
    try:
        # A checkpoint without samples has None or no such key; a tensor has no truth value.
        checkpoint = _check(header, state, None if isinstance(samples, dict) and not samples else samples)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    if header.get("sha256") is None:
        kind = "the archive's CRCs are right" if path.suffix != ".safetensors" else "nothing tells whether it is intact"
        log.info("%s carries no digest of its content; %s", path, kind)
    return checkpoint


def _digest(header: Mapping[str, Any], state: Mapping[str, Tensor], samples: Mapping[str, Tensor] | None) -> str:
    """SHA-256 over the header without itself, the state by its keys as it is stored, and the samples."""
    rest = {key: value for key, value in header.items() if key != "sha256"}
    named = {f"samples.{key}": value for key, value in (samples or {}).items()}
    return content_digest(rest, sorted({**state, **named}.items()))


def _check(raw: object, stored: Any, samples: Any) -> Checkpoint:
    """The checkpoint of a file's parts: plain values, its state as it is stored, and its samples.

    Raises:
        InputError: for the first thing that is wrong.
    """
    header = checked(Header, raw)
    config = NetworkConfig.from_dict(header.config)
    for key, tensors in (("state", stored), ("samples", samples)):
        if not isinstance(tensors, dict) and (tensors is not None or key == "state"):
            raise InputError(f"key '{key}': found {shown(tensors)}, expected tensors by their names")
        require_plain(tensors or {}, key)
    if header.sha256 is not None:
        digest = _digest(raw, stored, samples)  # type: ignore[arg-type]
        if digest != header.sha256:
            found, expected = digest[:12], shown(header.sha256[:12])
            raise InputError(f"key 'sha256': the content is damaged, its digest is '{found}...', expected {expected}")
    if len(header.class_names) != config.classes:
        raise InputError(f"key 'class_names': found {len(header.class_names)} names, expected {config.classes}")
    if header.held_out is not None and len(header.held_out) != config.classes:
        raise InputError(f"key 'held_out': found {len(header.held_out)} bounds, expected {config.classes}")
    convolutions = len(config.convolutions())
    if header.gate_fractions is not None and len(header.gate_fractions) != convolutions:
        raise InputError(f"key 'gate_fractions': found {len(header.gate_fractions)} numbers, expected {convolutions}")
    state = _check_state(stored, header.model, config)
    _check_samples(samples, config)
    return Checkpoint(
        name=header.name,
        model=header.model,
        config=config,
        state=state,
        class_names=tuple(header.class_names),
        training=header.training,
        pictures=header.pictures,
        held_out=None if header.held_out is None else tuple(header.held_out),
        test_accuracy=header.test_accuracy,
        gate_fractions=None if header.gate_fractions is None else tuple(header.gate_fractions),
        samples=samples,
    )


def _check_state(stored: Mapping[str, Tensor], model: str, config: NetworkConfig) -> dict[str, Tensor]:
    """The state of a network, its signs unpacked."""
    held = sum(tensor.numel() * (8 if tensor.dtype == torch.uint8 else 1) for tensor in stored.values())
    if config.inner_weights > max(held, CHEAP_WEIGHTS):
        raise InputError(f"key 'state': found at most {held:,} weights, the config asks for {config.inner_weights:,}")
    expected = MODELS[model](config).state_dict()
    unknown = sorted(set(stored) - set(expected))
    state = {}
    for key, tensor in expected.items():
        if key not in stored:
            raise InputError(f"key 'state.{key}' is missing, expected a tensor of shape {tuple(tensor.shape)}")
        state[key] = found = _unpacked(stored[key], tensor)
        if found.shape != tensor.shape:
            raise InputError(f"key 'state.{key}': found shape {tuple(found.shape)}, expected {tuple(tensor.shape)}")
        if found.is_floating_point() != tensor.is_floating_point() or found.dtype == torch.bool:
            raise InputError(f"key 'state.{key}': found {found.dtype}, expected {tensor.dtype}")
        if not torch.isfinite(found.to(tensor.dtype)).all():
            raise InputError(f"key 'state.{key}': found NaN or infinity, expected finite numbers")
    if unknown:
        raise InputError(f"key 'state.{unknown[0]}' is unknown for this configuration")
    return state


def _check_samples(samples: Mapping[str, Tensor] | None, config: NetworkConfig) -> None:
    if samples is None:
        return
    shape = config.image_shape
    if set(samples) != {"images", "labels"}:
        raise InputError(f"key 'samples': found {shown(sorted(samples))}, expected 'images' and 'labels'")
    images, labels = samples["images"], samples["labels"]
    if images.dtype != torch.uint8 or images.ndim != 4 or tuple(images.shape[1:]) != shape:
        raise InputError(f"key 'samples.images': expected uint8 of shape (n, {', '.join(map(str, shape))})")
    if not 1 <= len(images) <= SAMPLES_LIMIT:
        raise InputError(f"key 'samples.images': found {len(images)} images, expected 1 to {SAMPLES_LIMIT}")
    if labels.dtype != torch.int64 or labels.shape != images.shape[:1]:
        raise InputError(f"key 'samples.labels': expected int64 of shape ({len(images)},)")
    if int(labels.min()) < 0 or int(labels.max()) >= config.classes:
        raise InputError(f"key 'samples.labels': found labels beyond 0 to {config.classes - 1}")
