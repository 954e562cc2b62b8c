"""The curves of a method, as the figures of the report draw them."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ..inference.transported import Transported
from ..metrics.calibration import SHOWN, SIDES, scale
from .methods import Degraded
from .metric_specs import BY_KEY
from .robustness_eval import robustness_curves
from .summary import MethodResults


def curves(results: MethodResults) -> dict[str, Any]:
    """By name in the format of ``result.json``, those there are."""
    computed = results.computed
    found: dict[str, Any] = {}
    if "averaging" in computed:
        averaging = computed["averaging"]
        found["averaging"] = {
            "n": [int(n) for n in averaging["n"]],
            **{name: averaging[name] for name in ("psnr", "a", "b")},
            **results.band("averaging", "psnr"),
        }
    if "calibration" in computed:
        calibration = computed["calibration"]
        shown = {scale(side): side for side in SHOWN if f"ranks/{side}" in calibration}
        found["ranks"] = {words: _with_band(results, f"ranks/{side}") for words, side in shown.items()}
        found["coverage"] = {"nominal": calibration["intervals/nominal"]} | {
            words: _with_band(results, f"intervals/{side}") for words, side in shown.items()
        }
        ratios = {side: spec for side in SIDES if results.has(spec := BY_KEY[f"spread_skill/{side}"])}
        found["spread_skill"] = [{"side": side, **asdict(results.value(spec))} for side, spec in ratios.items()]
    if "patch_distribution" in computed:
        curve = perception_distortion_curve(computed["patch_distribution"], computed["temperature_sweep"])
        if isinstance(results.method.restorer, Degraded | Transported):
            del curve["bound"]  # y is no estimate, and what is transported no mean given y
        found["perception_distortion"] = curve
    if computed["robustness"]:
        found["robustness"] = robustness_curves(computed["robustness"])
    if "residual_noise" in computed:
        found["residual_noise"] = computed["residual_noise"]["histograms"]
    return found


def _with_band(results: MethodResults, name: str) -> dict[str, Any]:
    return {"share": results.computed["calibration"][name], **results.band("calibration", name)}


def perception_distortion_curve(
    scores: Mapping[str, Any], sweep: Mapping[str, Mapping[float, Mapping[str, Any]]]
) -> dict[str, list[Any]]:
    """``averaged`` over n samples, one sample at each ``sigma_z`` or ``alpha``, the ``bound``, each a list of points.

    Args:
        scores: of a ``PatchDistribution`` of K samples at sigma_z = 1.
        sweep: of one of a single sample, by what is varied and its value; see ``temperature_sweep``.
    """
    return {
        "averaged": scores["averaged"],
        **{  # one sample is its limit
            varied: [{varied: value, **found[value]["limit"]} for value in sorted(found)]
            for varied, found in sweep.items()
        },
        "bound": scores["bound"],
    }
