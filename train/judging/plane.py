"""The perception-distortion plane of a restorer: means of its samples, samples of less z, and the least there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ...data.measurement import Measurement
from ...rng import Rng
from ..metrics.patch_law import PatchLaw
from .restorer import Restorer


@torch.no_grad()
def traverse(
    restorer: Restorer,
    clean: Tensor,
    measurement: Measurement,
    numbers: Sequence[int],
    sigma_zs: Sequence[float] = (0.0, 0.25, 0.5, 0.75),
    seed: int = 0,
    patch: int = 8,
) -> dict[float, PatchLaw]:
    """One sample an image at each factor on z, from the same z; image i depends on (seed, i) alone.

    Args:
        restorer: stochastic; of another there is nothing to traverse.
        clean: x, (B, C, H, W).
        measurement: of the same images.
        numbers: of the images.
        sigma_zs: factors on z.
        seed: of z.
        patch: see ``PatchLaw``.

    Returns:
        By factor, a metric updated with the batch; the states of metrics of several batches add up.
    """
    laws = {}
    for sigma_z in sigma_zs if restorer.stochastic else ():
        laws[sigma_z] = PatchLaw(1, patch)
        sample = restorer.draw(measurement, 1, Rng(seed, "traverse", numbers), sigma_z)
        laws[sigma_z].update(sample, clean, measurement)
    return laws


def plane_curve(law: PatchLaw, by_sigma_z: Mapping[float, PatchLaw]) -> dict[str, list[dict[str, Any]]]:
    """``averaged`` over n samples, one sample at each ``sigma_z``, and the ``bound``, each a list of points.

    Args:
        law: of K samples at sigma_z = 1.
        by_sigma_z: as of ``traverse``.
    """
    scores = law.compute()
    return {
        "averaged": scores["averaged"],
        "sigma_z": [{"sigma_z": s, **by_sigma_z[s].compute()["limit"]} for s in sorted(by_sigma_z)],  # of 1: itself
        "bound": scores["bound"],
    }
