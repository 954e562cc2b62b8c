"""The curves of a method, as the figures of the report draw them."""

from collections.abc import Mapping
from typing import Any

from ..metrics.calibration import SCALES
from .methods import Degraded
from .robustness_eval import robustness_curves
from .summary import MethodResults

LABELS = {"pixels": "pixels", "blocks": "blocks of 8"}


def curves(results: MethodResults) -> dict[str, Any]:
    """By name in the format of ``result.json``, those there are."""
    computed, found = results.computed, {}
    if "averaging" in computed:
        averaging = computed["averaging"]
        found["averaging"] = {
            "n": [int(n) for n in averaging["n"]],
            **{name: averaging[name] for name in ("psnr", "a", "b")},
            **results.band("averaging", "psnr"),
        }
    if "calibration" in computed:
        scales = [scale for scale in SCALES if f"{scale}_ranks" in computed["calibration"]]
        found["ranks"] = {LABELS[scale]: _with_band(results, f"{scale}_ranks") for scale in scales}
        found["coverage"] = {"nominal": computed["calibration"]["nominal"]} | {
            LABELS[scale]: _with_band(results, f"{scale}_coverage") for scale in scales
        }
    if "patch_distribution" in computed:
        curve = perception_distortion_curve(computed["patch_distribution"], computed["temperature_sweep"])
        if isinstance(results.method.restorer, Degraded):
            del curve["bound"]  # y is no estimate
        found["perception_distortion"] = curve
    if computed["robustness"]:
        found["robustness"] = robustness_curves(computed["robustness"])
    if "residual_noise" in computed:
        found["residual_noise"] = computed["residual_noise"]["histograms"]
    return found


def _with_band(results: MethodResults, name: str) -> dict[str, Any]:
    return {"share": results.computed["calibration"][name], **results.band("calibration", name)}


def perception_distortion_curve(
    scores: Mapping[str, Any], by_sigma_z: Mapping[float, Mapping[str, Any]]
) -> dict[str, list[Any]]:
    """``averaged`` over n samples, one sample at each ``sigma_z``, and the ``bound``, each a list of points.

    Args:
        scores: of a ``PatchDistribution`` of K samples at sigma_z = 1.
        by_sigma_z: of one of a single sample, by factor on z; see ``temperature_sweep``.
    """
    return {
        "averaged": scores["averaged"],
        "sigma_z": [{"sigma_z": s, **by_sigma_z[s]["limit"]} for s in sorted(by_sigma_z)],  # one sample is its limit
        "bound": scores["bound"],
    }
