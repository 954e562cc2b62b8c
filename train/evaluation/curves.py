"""The curves of a restorer, as figures of the report draw them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..metrics.calibration import SCALES
from .methods import Degraded
from .results import MethodResults
from .robustness_eval import robustness_curves

NAMES = {"pixels": "pixels", "blocks": "blocks of 8"}


def curves(found: MethodResults) -> dict[str, Any]:
    """By name in the format of ``result.json``, those there are."""
    drawn: dict[str, Any] = {}
    computed = found.computed
    if "averaging" in computed:
        averaging = computed["averaging"]
        drawn["averaging"] = {
            "n": [int(n) for n in averaging["n"]],
            "psnr": averaging["psnr"],
            **_ends(found, "averaging", "psnr"),
            "a": averaging["a"],
            "b": averaging["b"],
        }
    if "calibration" in computed:
        drawn["ranks"] = {NAMES[scale]: _banded(found, f"{scale}_ranks") for scale in _scales(found)}
        drawn["coverage"] = {"nominal": computed["calibration"]["nominal"]} | {
            NAMES[scale]: _banded(found, f"{scale}_coverage") for scale in _scales(found)
        }
    if "patch_law" in computed:
        drawn["plane"] = plane_curve(computed["patch_law"], computed["traversal"])
        if isinstance(found.contestant.restorer, Degraded):
            del drawn["plane"]["bound"]  # y is no estimate
    if computed["audit"]:
        drawn["robustness"] = robustness_curves(computed["audit"])
    if "histograms" in computed.get("remainder", {}):
        drawn["remainder"] = computed["remainder"]["histograms"]
    return drawn


def _scales(found: MethodResults) -> list[str]:
    return [scale for scale in SCALES if f"{scale}_ranks" in found.computed["calibration"]]


def _banded(found: MethodResults, name: str) -> dict[str, Any]:
    return {"share": found.computed["calibration"][name], **_ends(found, "calibration", name)}


def _ends(found: MethodResults, metric: str, name: str) -> dict[str, Any]:
    ends = found.band(metric, name)
    return {} if ends is None else dict(zip(("low", "high"), ends, strict=True))


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
