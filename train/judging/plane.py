"""The perception-distortion plane of a restorer: means of its samples, samples of less z, and the least there is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def plane_curve(scores: Mapping[str, Any], by_sigma_z: Mapping[float, Mapping[str, Any]]) -> dict[str, list[Any]]:
    """``averaged`` over n samples, one sample at each ``sigma_z``, and the ``bound``, each a list of points.

    Args:
        scores: of a ``PatchLaw`` of K samples at sigma_z = 1.
        by_sigma_z: of one of a single sample, by factor on z; see ``traversal``.
    """
    return {
        "averaged": scores["averaged"],
        "sigma_z": [{"sigma_z": s, **by_sigma_z[s]["limit"]} for s in sorted(by_sigma_z)],  # one sample is its limit
        "bound": scores["bound"],
    }
