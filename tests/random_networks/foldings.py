# SPDX-License-Identifier: Apache-2.0
"""Foldings of a network drawn by Hypothesis: both architectures, unrolled stages, any PE, SIMD and lanes, both LUTs."""

from __future__ import annotations

import itertools

from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.sequential.design import SequentialFolding
from wsfracbnn.gen.sequential.folding import sequential_folding
from wsfracbnn.gen.sequential.size import EngineSize
from wsfracbnn.gen.sizing.presets import unrolled_choice
from wsfracbnn.gen.stages import kind_of
from wsfracbnn.gen.stages.folding import LUT_INPUTS, Folding, StageFold, Target, divisors
from wsfracbnn.model.description import Layer, NetworkDescription

from .networks import Size
from .picks import Picks

ARCHITECTURES = ("pipeline", "unrolled", "partly_unrolled", "sequential")
WEIGHTS = ("block_ram", "luts", "loaded")


def draw_folding(picks: Picks, description: NetworkDescription, size: Size) -> Folding:
    """The network's stages, or its one engine, of any kind that is as quick and small as `size` has it.

    Numbers of a plain pipeline are drawn in any case: an architecture that takes fewer would look simpler.
    """
    architecture = picks.option("architecture", ARCHITECTURES)
    target = Target(picks.option("lut_inputs", LUT_INPUTS))
    share = size.cost // len(description.layers)
    folds = {}
    for name, layer in description.named_layers():
        folds[name] = _fold(picks, layer, size.cycles, share)
        unrolls = (
            picks.integer("unrolls", 0, 1) == 1 if architecture == "partly_unrolled" else architecture == "unrolled"
        )
        if unrolls and (unrolled := _unrolled(layer, share)) is not None:
            folds[name] = unrolled
    engine = _engine(picks, description, size, target) if architecture == "sequential" else None
    return engine or Folding(folds, target)


def _unrolled(layer: Layer, cost: int) -> StageFold | None:
    """None for a stage that cannot be, such as the head or of an image one pixel high, or that costs more."""
    fold = unrolled_choice(layer)
    return None if fold is None or kind_of(layer, fold).cost_at(layer, fold) > cost else fold


def _fold(picks: Picks, layer: Layer, cycles: int, cost: int) -> StageFold:
    """One of the folds that take no more cycles and cost no more; the cheapest of the quick ones where none is."""
    kind = kind_of(layer)
    folds = list(kind.choices(layer))
    quick = [fold for fold in folds if kind_of(layer, fold).cycles_at(layer, fold) <= cycles] or folds[-1:]
    least = max(cost, min(kind_of(layer, fold).cost_at(layer, fold) for fold in quick))
    fitting = [fold for fold in quick if kind_of(layer, fold).cost_at(layer, fold) <= least]
    pes = sorted({fold.pe for fold in fitting})
    pe = pes[picks.integer("pe", 0, len(pes) - 1)]
    simds = sorted({fold.simd for fold in fitting if fold.pe == pe})
    simd = simds[picks.integer("simd", 0, len(simds) - 1)]
    found = [fold for fold in fitting if (fold.pe, fold.simd) == (pe, simd)]
    return found[picks.integer("lanes", 0, len(found) - 1)]


def _engine(picks: Picks, description: NetworkDescription, size: Size, target: Target) -> SequentialFolding | None:
    """None where no engine is quick enough."""
    sizes = divisors(description.input.out_channels)
    weights = picks.option("engine_weights", WEIGHTS)
    quick = []
    for pe, simd in itertools.product(sizes, sizes):
        engine = EngineSize(pe, simd, tail_in_luts=weights == "luts", loaded=weights == "loaded")
        folding = sequential_folding(description, engine, target)
        if build_design(description, folding).cycles <= size.engine_cycles:
            quick.append(folding)
    return quick[picks.integer("engine", 0, len(quick) - 1)] if quick else None
