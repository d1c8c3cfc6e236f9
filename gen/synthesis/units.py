# SPDX-License-Identifier: Apache-2.0
"""What of a design is synthesized apart: each stage with all that it is made of, and the top module without the stages.

A unit's text does not depend on the design that it stands in: comments are left out, and names of modules lose the
names of the network and of the stage. Stages of equal text are so synthesized once, in whatever designs they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

STAGE = "stage"
"""Name of a stage's module in its unit."""

_COMMENT = re.compile(r'"[^"\n]*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Unit:
    """Verilog that is synthesized apart.

    Attributes:
        module: its name in the design; top: its name in `sources`.
        sources: file names and texts.
    """

    module: str
    top: str
    sources: Mapping[str, str]


def units_of(sources: Mapping[str, str], top: str, stages: Sequence[str]) -> list[Unit]:
    """The units of a design, the top module's last.

    Args:
        sources: file names and texts of the whole; each file has the name of the one module in it.
        top: name of the top module, which is that of the network and `_top`.
        stages: names of the stages' modules.
    """
    texts = {PurePath(name).stem: without_comments(text) for name, text in sources.items()}
    network = top.removesuffix("top")
    units = []
    for stage in stages:
        modules = _needed(stage, texts, ())
        names = {module: _name_in_unit(module, stage, network) for module in modules}
        own = {f"{names[module]}.v": _renamed(texts[module], names) for module in modules}
        units.append(Unit(stage, STAGE, dict(sorted(own.items()))))
    around = {f"{module}.v": texts[module] for module in _needed(top, texts, stages)}
    ports = {f"{stage}.v": _as_black_box(texts[stage], stage) for stage in stages}
    units.append(Unit(top, top, around | ports))
    return units


def without_comments(text: str) -> str:
    """Verilog without its comments; their lines stay, so that a tool's messages name the same ones."""

    def kept(found: re.Match[str]) -> str:
        return found[0] if found[0].startswith('"') else "\n" * found[0].count("\n")

    return _COMMENT.sub(kept, text)


def _needed(module: str, texts: Mapping[str, str], without: Iterable[str]) -> list[str]:
    """A module and those that it is made of, by their names in its text. without: those that are left out."""
    found = {module}
    waiting = [module]
    while waiting:
        words = set(_WORD.findall(texts[waiting.pop()]))
        new = (words & texts.keys()) - found - set(without)
        found |= new
        waiting += new
    return sorted(found)


def _name_in_unit(module: str, stage: str, network: str) -> str:
    if module == stage:
        return STAGE
    if module.startswith(f"{stage}_"):
        return STAGE + module.removeprefix(stage)
    return module.removeprefix(network)


def _renamed(text: str, names: Mapping[str, str]) -> str:
    return _WORD.sub(lambda word: names.get(word[0], word[0]), text)


def _as_black_box(text: str, module: str) -> str:
    """A module of which synthesis sees the ports alone."""
    return re.sub(rf"^(?=module {module}\b)", "(* blackbox *)\n", text, flags=re.MULTILINE)
