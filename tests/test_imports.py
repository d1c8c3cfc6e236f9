# SPDX-License-Identifier: Apache-2.0
"""Imports go one way, cli -> gen -> model, and nowhere in a circle; and what help needs loads nothing heavy."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

from wsfracbnn.gen.locations import ROOT

LAYERS = ("model", "gen", "cli")
"""A package may import from itself and from those before it."""

SCRIPTS = {"wsfracbnn.gen.emit_rtl"}
"""Files that are run by their path and imported by nobody."""


def module_name(path: Path) -> str:
    """The name under which a file of the package is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(("wsfracbnn", *(parts[:-1] if parts[-1] == "__init__" else parts)))


SOURCES = {module_name(path): path for layer in LAYERS for path in sorted((ROOT / layer).rglob("*.py"))}


def imported(source: str, known: set[str]) -> set[str]:
    """The modules of the package that a file imports, at its top, in its functions or for type checking."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            members = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (members & known) or {node.module}
    return {name for name in found if name.startswith("wsfracbnn")}


def graph() -> dict[str, set[str]]:
    """Module -> modules it imports, the scripts left out."""
    known = set(SOURCES)
    return {name: imported(path.read_text(), known) for name, path in SOURCES.items() if name not in SCRIPTS}


def layer_of(module: str) -> int:
    """Place of a module's package in LAYERS; tests and testbenches come after all."""
    package = module.split(".")[1]
    return LAYERS.index(package) if package in LAYERS else len(LAYERS)


def test_no_import_runs_back() -> None:
    back = [
        f"{name} -> {other}" for name, others in graph().items() for other in others if layer_of(other) > layer_of(name)
    ]
    assert back == []


def test_no_imports_form_a_circle() -> None:
    try:
        graphlib.TopologicalSorter(graph()).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_every_import_names_a_module_that_there_is() -> None:
    missing = {f"{name} -> {other}" for name, others in graph().items() for other in others if other not in SOURCES}
    assert missing == set()


def test_a_way_back_would_be_found() -> None:
    known = {"wsfracbnn.gen.design", "wsfracbnn.model.config"}
    source = "def f():\n    from wsfracbnn.gen import design\n    import wsfracbnn.model.config\n"
    assert imported(source, known) == known
    assert layer_of("wsfracbnn.gen.design") > layer_of("wsfracbnn.model.config")


HEAVY = ("torch", "numpy", "matplotlib", "sklearn", "scipy", "jinja2", "pooch", "pydantic")


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_and_version_load_nothing_heavy(argument: str) -> None:
    script = f"""
import sys
sys.argv = ["wsfracbnn", {argument!r}]
from wsfracbnn.cli.app import main
try:
    main()
except SystemExit as end:
    assert not end.code
print("loaded:", [name for name in {HEAVY} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "loaded: []"


def test_what_runs_inside_a_simulator_loads_no_torch() -> None:
    """A simulator starts Python anew for each block; torch would take longer to load than most blocks to simulate."""
    script = """
import sys
import wsfracbnn.tb.common.stage_bench
import wsfracbnn.tb.common.windows
print("loaded:", [name for name in ("torch", "sklearn", "matplotlib") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "loaded: []"


def test_lowering_loads_no_compiler(digits_path: Path) -> None:
    """torch's compiler takes as long to load as everything else together, and only training may want it."""
    script = f"""
import sys
from pathlib import Path
from wsfracbnn.model.checkpoint import load_checkpoint
from wsfracbnn.model.lower import lower_checkpoint
lower_checkpoint(load_checkpoint(Path({str(digits_path)!r})))
print("loaded:", [name for name in ("torch._dynamo", "torch._inductor", "sympy") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "loaded: []"
