# SPDX-License-Identifier: Apache-2.0
"""The networks that can be trained and loaded, by the names that checkpoints and settings give them."""

from __future__ import annotations

from wsfracbnn.model.networks.fracbnn import FracBNN, MatchedFracBNN
from wsfracbnn.model.networks.resnet import ResNet
from wsfracbnn.model.networks.wsfracbnn import WSFracBNN

AnyNetwork = WSFracBNN | FracBNN | ResNet
MODELS: dict[str, type[WSFracBNN] | type[FracBNN] | type[ResNet]] = {
    "wsfracbnn": WSFracBNN,
    "fracbnn": FracBNN,
    "fracbnn_matched": MatchedFracBNN,
    "resnet": ResNet,
}
