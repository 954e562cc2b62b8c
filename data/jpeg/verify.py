"""Proof, by encoding again, of how far a picture is the one a file stores."""

from dataclasses import replace

import torch
from torch import Tensor

from ..degradation import Verification
from . import codec
from .coefficients import BLOCK, JpegCoefficients
from .quantisation import SCALE, cell, quantise


def verify(picture: Tensor, coefficients: JpegCoefficients) -> Verification:
    """Encode (B, C, H, W) uint8 again and count what differs."""
    sums: dict[str, list[Tensor]] = {"levels": [], "blocks": [], "outside": []}
    again = []
    for component, plane in enumerate(codec.dct_coefficients(picture, coefficients.sampling)):
        steps = codec.spread(coefficients.tables[:, component], plane)
        low, high = cell(codec.by_rows(coefficients.levels[component].double()), steps)
        inside = codec.by_rows(plane)
        outside = torch.maximum(low - inside, inside - high).clamp_(min=0)
        wrong = outside > 0
        sums["levels"].append(wrong.flatten(1).sum(1))
        sums["blocks"].append(wrong.view(*wrong.shape[:3], -1, BLOCK).any(dim=(2, 4)).flatten(1).sum(1))
        sums["outside"].append((outside / (SCALE * steps)).flatten(1).sum(1))
        again.append(quantise(inside, steps).flatten(1, 2).to(torch.int16))
    counted = {name: torch.stack(parts).sum(0) for name, parts in sums.items()}
    again_decoded, decoded = (codec.decode(c).double() for c in (replace(coefficients, levels=again), coefficients))
    levels = torch.full_like(counted["levels"], sum(plane[0].numel() for plane in coefficients.levels))
    return Verification(
        levels_wrong=counted["levels"],
        levels=levels,
        blocks_wrong=counted["blocks"],
        blocks=levels // BLOCK**2,
        reencode_rmse=(again_decoded - decoded).square().mean(dim=(1, 2, 3)).sqrt(),
        violation=counted["outside"] / levels,
    )
