# SPDX-License-Identifier: Apache-2.0
"""Templates lay out, Python decides: what their expressions may do, read from their syntax trees."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import nodes

from wsfracbnn.gen.emission.render import environment
from wsfracbnn.gen.locations import ROOT, TEMPLATES
from wsfracbnn.model.contract import TAPS

NAMES = sorted(path.name for path in TEMPLATES.glob("*.j2") if not path.name.startswith("report"))
"""Those of hardware and of its folders. A report's drawings compute where things stand on the page."""

COMPUTING = (nodes.Add, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow, nodes.Concat, nodes.Slice)
"""What no template does. A width may be a product, and the index of its highest bit one less."""

FILTERS = {"join", "wordwrap"}
CALLS = {"range", "items", "literal", "mask", "literals", "parity_literals", "lane_title", "splitlines", "caller"}
"""Methods that give text, and what loops need."""


def decisions(source: str) -> list[str]:
    """Everything in a template that computes or chooses by itself, in words."""
    tree = environment().parse(source)
    macros = {macro.name for macro in tree.find_all(nodes.Macro)}
    macros |= {name for imports in tree.find_all(nodes.FromImport) for name in imports.names if isinstance(name, str)}
    found = [f"line {node.lineno}: {type(node).__name__}" for node in tree.find_all(COMPUTING)]
    for minus in tree.find_all(nodes.Sub):
        if minus.right != nodes.Const(1):
            found.append(f"line {minus.lineno}: a difference other than -1")
    for compared in tree.find_all(nodes.Compare):
        if [operand.op for operand in compared.ops] != ["gt"] or compared.ops[0].expr != nodes.Const(1):
            found.append(f"line {compared.lineno}: a comparison other than the plural's")
    for used in tree.find_all(nodes.Filter):
        if used.name not in FILTERS:
            found.append(f"line {used.lineno}: filter {used.name}")
    for call in tree.find_all(nodes.Call):
        name = call.node.name if isinstance(call.node, nodes.Name) else getattr(call.node, "attr", "?")
        if name not in CALLS | macros:
            found.append(f"line {call.lineno}: call of {name}")
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_template_decides_nothing(name: str) -> None:
    assert decisions((TEMPLATES / name).read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "{{ a + 1 }}",
        "{{ a // b }}",
        "{{ 2 ** a }}",
        "{{ a ~ b }}",
        "{{ a - 2 }}",
        "{{ text[:16] }}",
        "{{ '%d' | format(a) }}",
        "{{ '{:b}'.format(a) }}",
        "{% if stride == 1 and height > 1 %}x{% endif %}",
        "{% set x = namespace(y=1) %}",
    ],
)
def test_a_decision_would_be_found(source: str) -> None:
    assert decisions(source)


def test_what_templates_say_they_take_is_there() -> None:
    """Class names and macros that the opening comments mention."""
    for name in NAMES:
        comment = (TEMPLATES / name).read_text().split("#}")[0]
        for stale in ("design.Rom", "design.ConvDesign", "design.InputDesign", "design.HeadDesign", "stream_ports"):
            assert stale not in comment, name
    macros = {m.name for m in environment().parse((TEMPLATES / "macros.j2").read_text()).find_all(nodes.Macro)}
    comment = (TEMPLATES / "macros.j2").read_text().split("#}")[0]
    described = {line.split("(")[0].strip() for line in comment.splitlines() if "): " in line}
    assert described == macros


def test_nine_taps_have_one_home() -> None:
    """No other constant of the package is called so."""
    definitions = [
        path.relative_to(ROOT).as_posix()
        for folder in ("model", "gen", "cli")
        for path in (ROOT / folder).rglob("*.py")
        if any(line.startswith(("TAPS =", "KERNEL_TAPS =")) for line in Path(path).read_text().splitlines())
    ]
    assert definitions == ["model/contract.py"]
    assert TAPS == 9
