"""The curves of a restorer, as figures of the report draw them."""

from __future__ import annotations

from typing import Any

from ..metrics.calibration import SCALES
from .findings import Findings

NAMES = {"pixels": "pixels", "blocks": "blocks of 8"}


def curves(found: Findings) -> dict[str, Any]:
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
        drawn["plane"] = _plane(computed["patch_law"], computed["traversal"])
    attacks = _attacks(computed)
    if attacks:
        drawn["robustness"] = attacks
    if "histograms" in computed.get("remainder", {}):
        drawn["remainder"] = computed["remainder"]["histograms"]
    return drawn


def _scales(found: Findings) -> list[str]:
    return [scale for scale in SCALES if f"{scale}_ranks" in found.computed["calibration"]]


def _banded(found: Findings, name: str) -> dict[str, Any]:
    return {"share": found.computed["calibration"][name], **_ends(found, "calibration", name)}


def _ends(found: Findings, metric: str, name: str) -> dict[str, Any]:
    ends = found.band(metric, name)
    return {} if ends is None else dict(zip(("low", "high"), ends, strict=True))


def _plane(law: dict[str, Any], traversal: dict[float, Any]) -> dict[str, Any]:
    scales = [{"sigma_z": scale, **_point(at["averaged"][0])} for scale, at in traversal.items()]
    whole = [{"sigma_z": 1.0, **_point(law["averaged"][0])}] if scales else []
    return {"averaged": law["averaged"], "sigma_z": [*scales, *whole], "bound": law["bound"]}


def _point(point: dict[str, float]) -> dict[str, float]:
    return {"rmse": point["rmse"], "distance": point["distance"]}


def _attacks(computed: dict[str, dict[Any, Any]]) -> dict[str, list[dict[str, float]]]:
    """By attack, a point a budget: PSNR of measurements, PSNR of samples of one z, distance of the laws."""
    found: dict[str, list[dict[str, float]]] = {}
    for metric, figures in computed.items():
        if "robustness_db" in figures:
            point = {
                "ai_psnr": figures["ai_psnr"],
                "psnr": figures["robustness_db"],
                "distance": figures["law_distance"],
            }
            found.setdefault(metric.rpartition("@")[0], []).append(point)
    return found
