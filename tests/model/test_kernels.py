# SPDX-License-Identifier: Apache-2.0
"""The fused kernels against the layers that they stand for: equal sums forward, float32's gradients backward."""

from __future__ import annotations

import copy
import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from wsfracbnn.gen.locations import CHECKPOINTS
from wsfracbnn.model.checkpoint import load_checkpoint
from wsfracbnn.model.config import ConvShape, NetworkConfig
from wsfracbnn.model.data.registry import load_dataset
from wsfracbnn.model.networks.fracbnn import BatchNormConv, FracBNN
from wsfracbnn.model.networks.kernels import fracbnn as frac_kernels
from wsfracbnn.model.networks.kernels import library, switch
from wsfracbnn.model.networks.kernels import stages as kernels
from wsfracbnn.model.networks.mixed_precision import mixed_precision
from wsfracbnn.model.networks.wsfracbnn import ResidualConv, WSFracBNN
from wsfracbnn.model.training.settings import Run, TrainConfig
from wsfracbnn.model.training.trainer import Trainer

RUNNABLE: list[library.Build] = []
try:
    library.load()
    RUNNABLE.extend(b for b in library.BUILDS if b.cpu_flags <= library.cpu_flags())
except library.UnavailableError as unavailable:
    pytestmark = pytest.mark.skip(reason=f"no fused kernels: {unavailable}")

TOLERANCE = 2e-3
"""Of a gradient, relative to its norm: 16-bit gradients are a tenth as far off."""


@pytest.fixture(scope="module", autouse=True, params=RUNNABLE, ids=lambda build: build.name)
def _build(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every build that this CPU runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library, "BUILDS", (request.param,))
        library.load.cache_clear()
        yield
    library.load.cache_clear()


def random_stage(shape: ConvShape, seed: int, *, bits: int = 16, binary: bool = True) -> tuple[ResidualConv, Tensor]:
    """A stage with random parameters of the size that training gives them, and an X (3, C, H, W) of integers."""
    torch.manual_seed(seed)
    config = NetworkConfig(
        shape.height, shape.width, 1, 4, (shape.in_channels,), (1,), 2, residual_bits=bits, residual_fraction=bits - 6
    )
    stage = ResidualConv(shape, config, 1.0)
    with torch.no_grad():
        for parameter in stage.parameters():
            if parameter.ndim == 1:
                parameter.add_(0.2 * torch.randn_like(parameter))
    stage.gated.conv.binary = binary
    unit = stage.activation.unit
    x = (1.5 * unit * torch.randn(3, shape.in_channels, shape.height, shape.width)).round()
    return stage, x.clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


Results = tuple[Tensor, Tensor, dict[str, Tensor]]


def run(stage: ResidualConv, x: Tensor, *, fused: bool, seed: int = 0) -> Results:
    """X', the fraction of open gates, and the gradient of X and every parameter under random weights of both."""
    x = x.clone().requires_grad_()
    stage.zero_grad()
    out = kernels.run_stages(x, [stage]) if fused else stage(x)
    generator = torch.Generator().manual_seed(seed)
    weights = torch.randn(out.shape, generator=generator)
    (((out * weights).sum() / out.numel()) + 0.1 * stage.gated.gate_mean).backward()
    gradients = {name: p.grad.clone() for name, p in stage.named_parameters() if p.grad is not None}
    assert x.grad is not None
    return out.detach(), stage.gated.gate_mean.detach(), gradients | {"x": x.grad}


def assert_close(found: Results, expected: Results, tolerance: float = TOLERANCE) -> None:
    torch.testing.assert_close(found[1], expected[1], rtol=1e-6, atol=1e-7)
    assert found[2].keys() == expected[2].keys()
    for name, wanted in expected[2].items():
        error = (found[2][name] - wanted).norm() / wanted.norm().clamp_min(1e-9)
        assert error < tolerance, f"{name}: {error:.2e}"


SHAPES = [
    ConvShape(16, 16, 1, 32, 32),
    ConvShape(16, 32, 2, 32, 32),
    ConvShape(64, 64, 1, 8, 8),
    ConvShape(2, 2, 1, 1, 1),
    ConvShape(3, 6, 2, 2, 4),
    ConvShape(5, 5, 1, 3, 7),
    ConvShape(17, 34, 2, 6, 10),
    ConvShape(24, 24, 1, 9, 13),
    ConvShape(40, 80, 2, 4, 4),
    ConvShape(128, 128, 1, 4, 6),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("into_sum", [True, False])
def test_a_binary_stage_is_the_layers(shape: ConvShape, into_sum: bool) -> None:
    stage, x = random_stage(shape, seed=shape.in_channels)
    stage.gated.gate_into_sum = into_sum
    expected, found = run(stage, x, fused=False), run(stage, x, fused=True)
    assert torch.equal(found[0], expected[0])
    assert_close(found, expected)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_stage_with_real_weights_is_the_layers(shape: ConvShape) -> None:
    """A sum that is off by 1e-4 may round to the next integer, or open a gate: single values differ by a step."""
    stage, x = random_stage(shape, seed=shape.in_channels, binary=False)
    expected, found = run(stage, x, fused=False), run(stage, x, fused=True)
    assert (found[0] != expected[0]).float().mean() < 0.1
    scale = expected[0].std().clamp_min(1.0) if expected[0].numel() > 1 else torch.tensor(1.0)
    assert (found[0] - expected[0]).norm() <= 0.01 * scale * expected[0].numel() ** 0.5
    assert (found[1] - expected[1]).abs() < 2e-3
    for name, wanted in expected[2].items():
        assert (found[2][name] - wanted).norm() <= 0.02 * wanted.norm() + 1e-9, name


@pytest.mark.parametrize("threshold", [-100.0, 100.0])
def test_gates_all_open_or_all_shut(threshold: float) -> None:
    stage, x = random_stage(ConvShape(16, 16, 1, 6, 6), seed=1)
    with torch.no_grad():
        stage.gated.threshold.fill_(threshold)
    expected, found = run(stage, x, fused=False), run(stage, x, fused=True)
    assert expected[1] == (threshold < 0)
    assert torch.equal(found[0], expected[0])
    assert_close(found, expected)


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_saturation_at_any_width(bits: int) -> None:
    stage, x = random_stage(ConvShape(8, 8, 1, 6, 6), seed=2, bits=bits)
    limit = 2 ** (bits - 1)
    x[:, :, :2], x[:, :, 2:4] = limit - 1, -limit
    expected, found = run(stage, x, fused=False), run(stage, x, fused=True)
    assert {-limit, limit - 1} <= set(expected[0].flatten().tolist())
    assert torch.equal(found[0], expected[0])
    assert_close(found, expected)


@pytest.mark.parametrize(("channels", "size"), [(256, 4), (255, 4), (switch.MOST_CHANNELS, 2)])
def test_the_largest_sums_there_are(channels: int, size: int) -> None:
    """All signs alike: |S| = 9 C, and gradients of one sign add up in every window."""
    stage, x = random_stage(ConvShape(channels, channels, 1, size, size), seed=3)
    stage.gated.conv.standardize = False
    with torch.no_grad():
        stage.gated.conv.weight.abs_()
        x.abs_()
    expected, found = run(stage, x, fused=False), run(stage, x, fused=True)
    assert torch.equal(found[0], expected[0])
    assert_close(found, expected)


def gradients_of(network: WSFracBNN, pixels: Tensor, *, fused: bool) -> tuple[Tensor, dict[str, Tensor]]:
    network.zero_grad()
    with mixed_precision(fused):
        logits = network(pixels)
    weights = torch.linspace(-1, 1, logits.shape[1])
    loss = (logits * weights).mean() + network.gate_means().square().sum()
    loss.backward()
    return logits.detach(), {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}


@pytest.fixture(scope="module")
def network() -> WSFracBNN:
    torch.manual_seed(5)
    net = WSFracBNN(NetworkConfig(12, 8, 3, 8, (6, 12), (1, 1), 4))
    net.calibrate(torch.randint(0, 256, (16, 3, 12, 8), dtype=torch.uint8))
    return net


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_a_whole_network_is_the_layers(network: WSFracBNN, dtype: torch.dtype) -> None:
    pixels = torch.randint(0, 256, (9, 3, 12, 8), generator=torch.Generator().manual_seed(6)).to(dtype)
    expected, found = gradients_of(network, pixels, fused=False), gradients_of(network, pixels, fused=True)
    assert torch.equal(found[0], expected[0])
    assert found[1].keys() == expected[1].keys()
    for name, wanted in expected[1].items():
        assert (found[1][name] - wanted).norm() <= TOLERANCE * wanted.norm() + 1e-9, name


@pytest.mark.parametrize("images", [1, 7, 64, 67])
def test_the_number_of_threads_changes_nothing(network: WSFracBNN, images: int) -> None:
    pixels = torch.randint(0, 256, (images, 3, 12, 8), generator=torch.Generator().manual_seed(7))
    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            results.append(gradients_of(network, pixels, fused=True))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(results[0][0], results[1][0])
    for name, gradient in results[0][1].items():
        assert torch.equal(gradient, results[1][1][name]), name


def test_evaluation_stays_exact(network: WSFracBNN) -> None:
    pixels = torch.randint(0, 256, (2, 3, 12, 8))
    with torch.no_grad(), mixed_precision(True):
        assert network(pixels).dtype == torch.float64


@pytest.mark.parametrize("name", ["digits", "cifar100"])
def test_a_trained_network_is_measured_exactly(name: str) -> None:
    network = load_checkpoint(CHECKPOINTS / f"{name}.pt").network()
    shape = (network.config.image_channels, network.config.image_height, network.config.image_width)
    pixels = torch.randint(0, 256, (5, *shape), generator=torch.Generator().manual_seed(8))
    with torch.no_grad():
        expected, gates = network(pixels), network.gate_means()
        with switch.measuring(True):
            assert torch.equal(network(pixels), expected)
    torch.testing.assert_close(network.gate_means().float(), gates.float())


FRAC_SHAPES = [*SHAPES[:3], ConvShape(2, 2, 1, 1, 2), *SHAPES[4:]]  # one pixel of three images says little in a norm


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("matched", [False, True])
@pytest.mark.parametrize("shape", FRAC_SHAPES, ids=str)
def test_a_stage_of_fracbnn_is_the_layers(shape: ConvShape, binary: bool, matched: bool) -> None:
    torch.manual_seed(shape.in_channels)
    layer = BatchNormConv(shape, matched)
    layer.gated.conv.binary = binary
    layer.gated.gate_into_sum = matched
    with torch.no_grad():
        for parameter in layer.parameters():
            if parameter.ndim == 1:
                parameter.add_(0.2 * torch.randn_like(parameter))
    x = torch.randn(5, shape.in_channels, shape.height, shape.width)
    weights = torch.randn(5, shape.out_channels, shape.out_height, shape.out_width)
    found = []
    for fused in (False, True):
        net, leaf = copy.deepcopy(layer), x.clone().requires_grad_()
        out = frac_kernels.stage(net, leaf) if fused else net(leaf)
        ((out * weights).mean() + 0.1 * net.gated.gate_mean).backward()
        assert leaf.grad is not None
        gradients = {name: p.grad for name, p in net.named_parameters() if p.grad is not None} | {"x": leaf.grad}
        found.append((out.detach(), net.gated.gate_mean.detach(), gradients, dict(net.named_buffers())))
    expected, fused_one = found
    near = torch.isclose(fused_one[0], expected[0], rtol=1e-3, atol=1e-3).float().mean()
    assert near == 1 if binary else near > 0.9999  # a real sum that is off by 1e-4 may open a gate
    torch.testing.assert_close(fused_one[1], expected[1], rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(fused_one[3], expected[3], rtol=1e-4, atol=1e-4)
    for name, wanted in expected[2].items():
        if name != "rprelu.bias_out":  # which the second norm takes out again: its gradient is zero but for rounding
            tolerance = TOLERANCE if binary else 0.02
            assert (fused_one[2][name] - wanted).norm() <= tolerance * wanted.norm() + 1e-7, name


def test_fracbnn_is_the_layers() -> None:
    torch.manual_seed(8)
    net = FracBNN(NetworkConfig(8, 8, 3, 8, (6, 12), (1, 1), 4))
    pixels = torch.randint(0, 256, (16, 3, 8, 8), dtype=torch.uint8)
    results = []
    for fused in (False, True):
        copied = copy.deepcopy(net)
        with mixed_precision(fused):
            logits = copied(pixels)
            loss = torch.nn.functional.cross_entropy(logits, torch.arange(16) % 4)
            (gradient,) = torch.autograd.grad(loss, copied.conv.weight)
        results.append((logits.detach(), gradient, copied.state_dict()))
    torch.testing.assert_close(results[1][0], results[0][0], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(results[1][2], results[0][2], rtol=1e-4, atol=1e-4)
    assert (results[1][1] - results[0][1]).norm() < 0.01 * results[0][1].norm()


def trainer(*, kernels: bool, model: str = "wsfracbnn", compiled: bool = False) -> Trainer:
    full = load_dataset("digits")
    data = dataclasses.replace(full, train_images=full.train_images[:128], train_labels=full.train_labels[:128])
    settings = TrainConfig(epochs=2, batch_size=64, binary_from=0.0, precision="mixed", seed=3)
    config = NetworkConfig(8, 8, 1, 16, (4, 8), (1, 1), 10)
    run = Run(model=model, name="small", settings=settings)
    return Trainer(run, data, config=config, compiled=compiled, kernels=kernels)


def test_a_full_batch_goes_through_the_kernels_where_the_rest_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiled pass would leave them out, at two thirds of the speed."""
    compiled: list[object] = []

    def stand_in(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
        compiled.append(function)
        return function

    monkeypatch.setattr(torch, "compile", stand_in)
    for on in (True, False):
        compiled.clear()
        network = trainer(kernels=on, compiled=True).network
        passes = [f for f in compiled if isinstance(f, nn.Module) and network in f.modules()]
        assert len(passes) == (0 if on else 1)


@pytest.mark.parametrize("model", ["wsfracbnn", "fracbnn"])
def test_training_begins_with_the_same_loss_and_learns(model: str) -> None:
    losses = []
    for on in (False, True):
        trained = trainer(kernels=on, model=model)
        assert trained.kernels == on
        trained.network.set_binary_weights(True)
        sums = trained.step(torch.arange(64))
        losses.append([float(sums[0]), *(trained.train_epoch(lambda done, status: None)["loss"] for _ in range(2))])
    assert losses[1][0] == pytest.approx(losses[0][0], rel=0 if model == "wsfracbnn" else 1e-4)
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


def test_without_a_compiler_training_goes_on_without_kernels(tmp_path: Path) -> None:
    """In a process of its own, because a loaded library stays."""
    script = (
        "import logging, torch; logging.basicConfig()\n"
        "from wsfracbnn.model.networks.kernels import library\n"
        "print(library.available(), library.available())"
    )
    empty = tmp_path / "bin"
    empty.mkdir()
    environment = {"PATH": str(empty), "CXX": "no-such-compiler", "TORCH_EXTENSIONS_DIR": str(tmp_path / "cache")}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.split() == ["False", "False"]
    assert done.stderr.count("training without fused kernels: there is no C++ compiler") == 1


def test_two_processes_may_build_at_once(tmp_path: Path) -> None:
    compiler = tmp_path / "unoptimized"  # in a fraction of the time
    compiler.write_text('#!/bin/sh\nexec c++ "$@" -O0\n')
    compiler.chmod(0o755)
    environment = os.environ | {"TORCH_EXTENSIONS_DIR": str(tmp_path), "CXX": str(compiler)}
    command = [sys.executable, "-c", "from wsfracbnn.model.networks.kernels import library; library.load()"]
    processes = [subprocess.Popen(command, env=environment) for _ in range(2)]
    assert [process.wait(timeout=300) for process in processes] == [0, 0]
    assert len(list((tmp_path / "wsfracbnn").iterdir())) == 1
