# SPDX-License-Identifier: Apache-2.0
"""The kinds of hardware stages: input, conv and head, each with all that is known about it in one class.

`stage_kind` in base.py adds a further one, `stage_form` a form of one.
"""

from wsfracbnn.gen.stages.base import STAGE_FORMS, STAGE_KINDS, Stage, kind_of, stage_form, stage_kind
from wsfracbnn.gen.stages.conv import ConvStage
from wsfracbnn.gen.stages.conv_memory import MemoryConvStage
from wsfracbnn.gen.stages.head import HeadStage
from wsfracbnn.gen.stages.input import InputStage
from wsfracbnn.gen.stages.unrolled import UnrolledConvStage, UnrolledInputStage

__all__ = [
    "STAGE_FORMS",
    "STAGE_KINDS",
    "ConvStage",
    "HeadStage",
    "InputStage",
    "MemoryConvStage",
    "Stage",
    "UnrolledConvStage",
    "UnrolledInputStage",
    "kind_of",
    "stage_form",
    "stage_kind",
]
