# SPDX-License-Identifier: Apache-2.0
"""Folding and target are one value: they reach the Verilog, the build id, and fold.json, which gives both back."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.devices import DEVICES, FAMILIES
from wsfracbnn.gen.emission.folder import emit
from wsfracbnn.gen.emission.render import design_sources
from wsfracbnn.gen.sizing.presets import preset
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.gen.stages.folding import Folding, Target
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("wanted", ["device=artix7-35t", "device=zu3eg", "luts=6000@xc7"])
def test_a_7_series_target_gets_trees_for_six_input_luts(digits_description: NetworkDescription, wanted: str) -> None:
    design = build_design(digits_description, choose_folding(digits_description, wanted))
    assert design.folding.target == Target(6, "xc7")
    trees = [text for text in design_sources(design).values() if ".LUT_INPUTS(" in text and "parameter" not in text]
    assert trees
    assert all(".LUT_INPUTS(6)" in text and ".LUT_INPUTS(4)" not in text for text in trees)


@pytest.mark.parametrize("device", ["ecp5-25f", "ecp5-45f"])
def test_an_ecp5_gets_trees_for_four_input_luts(digits_description: NetworkDescription, device: str) -> None:
    assert choose_folding(digits_description, f"device={device}").target == Target(4, DEVICES[device].family)


@pytest.mark.parametrize(
    "folding_of",
    [
        lambda network: choose_folding(network, "cycles=400").with_lut_inputs(6),
        lambda network: preset(network, "auto"),
        lambda network: preset(network, "small").for_family(FAMILIES["xc7"]),
    ],
    ids=["lut-inputs", "preset", "family"],
)
def test_fold_json_emits_the_same_folder_again(tiny: NetworkDescription, tmp_path: Path, folding_of: object) -> None:
    assert callable(folding_of)
    emit(tiny, folding_of(tiny), tmp_path / "first")
    emit(tiny, choose_folding(tiny, str(tmp_path / "first" / "fold.json")), tmp_path / "again")
    assert tree(tmp_path / "again") == tree(tmp_path / "first")


def test_the_build_id_tells_foldings_and_targets_apart(tiny: NetworkDescription) -> None:
    """The network's digest is the same in all of them, and the build id in no two."""
    foldings = [preset(tiny, "small"), preset(tiny, "fast"), preset(tiny, "small").with_lut_inputs(6)]
    designs = [build_design(tiny, folding) for folding in foldings]
    assert len({design.digest for design in designs}) == 1
    assert len({design.build_id for design in designs}) == 3
    assert build_design(tiny, preset(tiny, "small")).build_id == designs[0].build_id
    other = dataclasses.replace(tiny, class_names=("a", "b", "c"))
    assert build_design(other, foldings[0]).build_id != designs[0].build_id


def test_emitted_files_top_module_and_folder_bear_the_build_id(tiny: NetworkDescription, tmp_path: Path) -> None:
    design = emit(tiny, preset(tiny, "small"), tmp_path / "net")
    short = design.short_build_id
    emitted = [path for path in (tmp_path / "net" / "rtl").rglob("*.v") if "lib" not in path.parts]
    assert len(emitted) > 10
    assert all(f"build {short}." in path.read_text() for path in emitted)
    assert f'(* wsfracbnn_build = "{short}" *)\nmodule tiny_top (' in (tmp_path / "net/rtl/tiny_top.v").read_text()
    assert json.loads((tmp_path / "net/design.json").read_text())["build"] == design.build_id
    assert short in (tmp_path / "net/README.md").read_text()


@pytest.mark.parametrize(
    "target, message",
    [
        ({"lut_inputs": 5}, r"fold\.json: key 'target.lut_inputs': found 5, expected 4 or 6"),
        ({"family": "stratix"}, "FPGA family: found 'stratix', expected one of ecp5, ice40, xc7"),
        ({"luts": 6}, r"fold\.json: key 'target\.luts' is unknown, expected one of family, lut_inputs"),
        ({"lut_inputs": True}, r"key 'target\.lut_inputs': found True, expected an integer"),
        ({"family": []}, r"key 'target\.family': found \[\], expected a string"),
        (6, r"fold\.json: key 'target': found 6"),
    ],
)
def test_a_target_that_there_is_not_is_refused(
    tiny: NetworkDescription, tmp_path: Path, target: object, message: str
) -> None:
    file = tmp_path / "fold.json"
    file.write_text(json.dumps(preset(tiny, "small").to_json() | {"target": target}))
    with pytest.raises(InputError, match=message):
        choose_folding(tiny, str(file))


def test_a_folding_file_may_name_a_family_or_no_target(tiny: NetworkDescription, tmp_path: Path) -> None:
    file = tmp_path / "fold.json"
    contents = preset(tiny, "small").to_json()
    file.write_text(json.dumps(contents | {"target": {"family": "xc7"}}))
    assert choose_folding(tiny, str(file)).target == Target(6, "xc7")
    file.write_text(json.dumps({key: value for key, value in contents.items() if key != "target"}))
    assert choose_folding(tiny, str(file)) == Folding(preset(tiny, "small").stages)
