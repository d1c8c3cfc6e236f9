# SPDX-License-Identifier: Apache-2.0
"""`wsfracbnn cost`: its figures against those of the network once it is there, and `--json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from wsfracbnn.cli.app import app
from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.devices import DEVICES, FAMILIES
from wsfracbnn.gen.locations import CONFIGS
from wsfracbnn.gen.sizing.area import estimate
from wsfracbnn.gen.sizing.cost import device_cost
from wsfracbnn.gen.sizing.pace import cycles_per_image
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.networks.wsfracbnn import WSFracBNN
from wsfracbnn.model.random_network import random_description

TABLE = """[network]
image_height = 8
image_width = 4
image_channels = 1
thermometer_levels = 4
widths = [4, 8]
blocks = [1, 1]
"""


def figures(*arguments: str) -> dict[str, Any]:
    """What a command prints to standard output alone, as JSON."""
    done = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_parameters_are_those_of_the_network(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(TABLE)
    found = figures("cost", "--config", str(tmp_path / "a.toml"), "--classes", "3", "--device", "ecp5-25f")
    config = NetworkConfig(8, 4, 1, 4, (4, 8), (1, 1), 3)
    assert NetworkConfig.from_dict(found["config"]) == config
    network = WSFracBNN(config)
    weights = sum(p.numel() for n, p in network.named_parameters() if n.endswith("conv.weight") or n == "head.weight")
    assert config.weights == weights
    assert found["operations"]["parameters"] > weights
    (device,) = found["devices"]
    assert device["device"] == "ecp5-25f"
    assert device["fits"] is True
    assert device["images_per_s"] == pytest.approx(100e6 / device["cycles_per_image"], abs=0.1)


def test_a_device_gets_the_folding_that_fold_device_takes(tiny: NetworkDescription) -> None:
    device = DEVICES["ecp5-25f"]
    cost = device_cost(tiny, device)
    design = build_design(tiny, choose_folding(tiny, "device=ecp5-25f"))
    expected = estimate(design, FAMILIES["ecp5"])
    assert cost.design is not None
    assert cost.design.folding == design.folding
    found = cost.to_json(50.0)
    assert found["luts"] == round(expected.luts)
    assert found["share_of_device"]["luts"] == pytest.approx(expected.luts / device.luts, abs=1e-4)
    assert found["images_per_s"] == pytest.approx(50e6 / cycles_per_image(design), abs=0.1)


def test_one_engine_has_the_cycles_of_its_program(digits_description: NetworkDescription) -> None:
    """And not those of a pipeline of the same layers."""
    design = build_design(digits_description, choose_folding(digits_description, "sequential"))
    cost = device_cost(digits_description, DEVICES["ice40-up5k"], "sequential")
    found = cost.to_json(100.0)
    assert (found["architecture"], found["folding"]["architecture"]) == ("sequential", "sequential")
    assert found["cycles_per_image"] == design.cycles == cycles_per_image(design)
    assert found["cycles_per_image"] > sum(stage.cycles for stage in design.stages if stage is not design.head)
    assert device_cost(digits_description, DEVICES["ecp5-25f"], "auto").to_json(100.0)["architecture"] == "pipeline"


def test_what_does_not_fit_says_so(digits_description: NetworkDescription) -> None:
    """Not as a pipeline and not on one engine either."""
    network = random_description(NetworkConfig(16, 16, 3, 8, (32, 64, 128), (2, 2, 2), 10), seed=1, name="large")
    found = device_cost(network, DEVICES["ice40-up5k"])
    assert found.design is None
    why = str(found.to_json(100.0)["why"])
    assert "the smallest folding takes about" in why
    assert why.endswith("; nor does one engine for all layers fit ('sequential')")
    forced = device_cost(digits_description, DEVICES["ice40-up5k"], "fast")
    assert forced.to_json(100.0)["fits"] is False


def test_classes_come_from_the_dataset(tmp_path: Path) -> None:
    found = figures("cost", "--arch", "digits", "--device", "artix7-35t", "--fold", "small")
    assert found["config"]["classes"] == 10
    assert found["devices"][0]["family"] == "xc7"


@pytest.mark.parametrize("name", ["digits", "cifar100"])
def test_bundled_settings_are_found_by_name(name: str) -> None:
    arguments = ("--device", "ecp5-85f", "--fold", "small")
    by_path = figures("cost", "--config", str(CONFIGS / f"{name}.toml"), *arguments)
    assert figures("cost", "--config", name, *arguments) == by_path


@pytest.mark.parametrize("command, option", [("cost", "--config"), ("train", "--config"), ("accuracy", "--plan")])
def test_an_unknown_name_is_answered_with_those_there_are(command: str, option: str) -> None:
    done = CliRunner().invoke(app, [command, option, "digit"])
    assert isinstance(done.exception, InputError)
    text = str(done.exception)
    assert text.startswith(f"{option}: found 'digit', expected a TOML file or one of ")
    settings, plans = ("cifar100-fracbnn", "digits"), ("accuracy", "recipe-trials")
    here, elsewhere = (plans, settings) if option == "--plan" else (settings, plans)
    names = text.split(" one of ")[1].split(", ")
    assert set(here) <= set(names)
    assert not set(elsewhere) & set(names)
