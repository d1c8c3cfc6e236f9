# SPDX-License-Identifier: Apache-2.0
"""Import FracBNN's released CIFAR-10 network into the baseline class: a check by a network that nobody here trained.

The file is a NumPy archive whose arrays are named as in that release (`layer1_0_conv1_weight`, ...), each BatchNorm
already folded to a scale and a bias. Its rules differ from the numeric contract in two places: the thermometer code
rounds half to even, and sign(0) = 0, which no value of that network meets.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from wsfracbnn.model.archive import read_arrays
from wsfracbnn.model.config import resnet20
from wsfracbnn.model.data.dataset import Dataset
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.networks.fracbnn import FracBNN

FILE_LIMIT = 64 * 2**20
CLASSES = 10
BLOCKS = 3


class HalfEvenThermometer(nn.Module):
    """FracBNN's own encoder: bit k = [k < round(p / R)], ties to even (InputEncoder of the release).

    forward: (N, colours, H, W), 0..255 -> (N, colours * K, H, W) float32 of +-1, colour-major.
    """

    def __init__(self, levels: int) -> None:
        super().__init__()
        self.levels = levels

    def forward(self, pixels: Tensor) -> Tensor:
        n, colours, height, width = pixels.shape
        level = torch.round(pixels.float() / (256 // self.levels)).unsqueeze(2)
        bits = torch.arange(self.levels, device=pixels.device).view(-1, 1, 1) < level
        return (2.0 * bits - 1.0).reshape(n, colours * self.levels, height, width)


def import_released(path: Path) -> FracBNN:
    """The released network in eval mode.

    Raises:
        InputError: not a NumPy archive, or an array is missing, unknown or misshapen.
    """
    found = read_arrays(path, FILE_LIMIT, "a NumPy archive")
    for key, given in found.items():
        if given.dtype.kind not in "fiu" or not np.isfinite(given).all():
            raise InputError(f"{path}: array '{key}': found {given.dtype}, expected finite numbers")
    arrays = {key: torch.from_numpy(given.astype(np.float32)) for key, given in found.items()}
    network = FracBNN(resnet20(CLASSES))
    network.encoder = HalfEvenThermometer(network.config.thermometer_levels)  # type: ignore[assignment]
    state = network.state_dict()
    epsilon = network.norm.eps
    for ours, theirs in released_names().items():
        array = arrays.pop(theirs, None)
        if array is None:
            raise InputError(f"{path}: array '{theirs}' is missing")
        if array.shape != state[ours].shape:
            raise InputError(
                f"{path}: array '{theirs}': found shape {tuple(array.shape)}, expected {tuple(state[ours].shape)}"
            )
        # A folded BatchNorm has mean 0 and variance 1; the module still divides by sqrt(1 + epsilon).
        state[ours] = array * (1 + epsilon) ** 0.5 if ours.endswith("norm.weight") else array
    if arrays:
        raise InputError(f"{path}: array '{sorted(arrays)[0]}' is unknown")
    network.load_state_dict(state)
    return network.eval()


def released_names() -> dict[str, str]:
    """Our state key -> the release's array name."""
    names = {
        "conv.weight": "conv1_weight",
        "norm.weight": "bn1_weight",
        "norm.bias": "bn1_bias",
        "head.weight": "linear_weight",
        "head.bias": "linear_bias",
    }
    for number in range(2 * BLOCKS * BLOCKS):
        block, half = divmod(number, 2)
        ours, theirs = f"stages.{number}", f"layer{block // BLOCKS + 1}_{block % BLOCKS}"
        names |= {
            f"{ours}.gated.conv.weight": f"{theirs}_conv{half + 1}_weight",
            f"{ours}.gated.threshold": f"{theirs}_conv{half + 1}_threshold",
            f"{ours}.norm.weight": f"{theirs}_bn{half + 1}_weight",
            f"{ours}.norm.bias": f"{theirs}_bn{half + 1}_bias",
            f"{ours}.sum_norm.weight": f"{theirs}_bn{half + 3}_weight",
            f"{ours}.sum_norm.bias": f"{theirs}_bn{half + 3}_bias",
            f"{ours}.rprelu.bias_in": f"{theirs}_rprelu{half + 1}_shift_x_bias",
            f"{ours}.rprelu.slope": f"{theirs}_rprelu{half + 1}_prelu_weight",
            f"{ours}.rprelu.bias_out": f"{theirs}_rprelu{half + 1}_shift_y_bias",
        }
    return names


@torch.no_grad()
def measure_baseline(network: FracBNN, dataset: Dataset, batch: int = 250) -> tuple[float, float]:
    """Top-1 and share of gated outputs, both in percent, on the whole test set.

    The share counts outputs, as the release reports it: layers weigh by their outputs, not all the same.
    """
    images = torch.from_numpy(dataset.test_images).permute(0, 3, 1, 2)
    labels = torch.from_numpy(dataset.test_labels)
    weights = torch.tensor([s.out_channels * s.out_height * s.out_width for s in network.config.convolutions()])
    correct = gated = 0.0
    for start in range(0, len(labels), batch):
        part = slice(start, start + batch)
        correct += float((network(images[part]).argmax(1) == labels[part]).sum())
        gated += float((network.gate_means() * weights).sum() / weights.sum()) * len(labels[part])
    return 100 * correct / len(labels), 100 * gated / len(labels)
