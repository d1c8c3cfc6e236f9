# SPDX-License-Identifier: Apache-2.0
"""The released FracBNN CIFAR-10 network in the baseline class.

WSFRACBNN_RELEASED names the released network's archive and WSFRACBNN_CIFAR the folder with CIFAR; without them the
full check is skipped and says so. What can be shown without them is shown in any case.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from wsfracbnn.model.config import resnet20
from wsfracbnn.model.data.registry import load_dataset
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.networks.fracbnn import BatchNormConv, FracBNN
from wsfracbnn.model.released import HalfEvenThermometer, import_released, measure_baseline, released_names


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Random arrays under the release's names."""
    state = FracBNN(resnet20(10)).state_dict()
    generator = np.random.default_rng(1)
    path = tmp_path / "net.npz"
    np.savez(path, **{theirs: generator.normal(size=state[ours].shape) for ours, theirs in released_names().items()})
    return path


def test_every_array_finds_its_place(archive: Path) -> None:
    network = import_released(archive)
    arrays = np.load(archive)
    assert len(arrays.files) == 167
    last = network.stages[17]
    assert isinstance(last, BatchNormConv)
    assert np.allclose(last.gated.conv.weight.detach().numpy(), arrays["layer3_2_conv2_weight"])
    assert np.allclose(last.sum_norm.bias.detach().numpy(), arrays["layer3_2_bn4_bias"])
    x = torch.randn(2, 64, 8, 8)
    scale, bias = (torch.from_numpy(arrays[f"layer3_2_bn2_{k}"]).float().view(1, -1, 1, 1) for k in ("weight", "bias"))
    assert torch.allclose(last.norm(x), x * scale + bias, atol=1e-5)


def test_ties_of_the_thermometer_go_to_even() -> None:
    pixels = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    ones = (HalfEvenThermometer(32)(pixels) > 0).sum(dim=1).flatten().tolist()
    assert ones == [round(p / 8) for p in range(256)]
    assert (ones[4], ones[12], ones[20]) == (0, 2, 2)


def test_a_wrong_archive_is_named(archive: Path, tmp_path: Path) -> None:
    arrays = dict(np.load(archive))
    for change, message in (
        ({"bn1_weight": None}, "array 'bn1_weight' is missing"),
        ({"bn1_bias": np.zeros(3)}, r"array 'bn1_bias': found shape \(3,\), expected \(16,\)"),
        ({"more": np.zeros(1)}, "array 'more' is unknown"),
    ):
        path = tmp_path / "broken.npz"
        contents: dict[str, Any] = {k: v for k, v in (arrays | change).items() if v is not None}
        np.savez(path, **contents)
        with pytest.raises(InputError, match=message):
            import_released(path)
    path.write_bytes(b"not an archive")
    with pytest.raises(InputError, match="not a NumPy archive"):
        import_released(path)


@pytest.mark.skipif(
    not {"WSFRACBNN_RELEASED", "WSFRACBNN_CIFAR"} <= set(os.environ),
    reason="WSFRACBNN_RELEASED and WSFRACBNN_CIFAR name no released network and no CIFAR folder",
)
def test_the_released_network_reaches_its_published_figures() -> None:
    """88.53 % top-1 with 40.38 % of the outputs gated, on all 10,000 test images."""
    network = import_released(Path(os.environ["WSFRACBNN_RELEASED"]))
    accuracy, gated = measure_baseline(network, load_dataset("cifar10", Path(os.environ["WSFRACBNN_CIFAR"])))
    print(f"{accuracy:.2f} % top-1, {gated:.2f} % gated")
    assert accuracy == pytest.approx(88.53, abs=0.05)
    assert gated == pytest.approx(40.38, abs=0.1)
