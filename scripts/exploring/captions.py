"""The sentences below the panes."""

from collections.abc import Mapping
from typing import Any

from ...train.metrics.decibels import gain_db_exact
from .request import ViewRequest

REFERENCES = {"input": "the input", "clean": "the truth"}


def sample_caption(request: ViewRequest, report: Mapping[str, Any], stochastic: bool) -> str:
    """Which sample it is, and its PSNR to y and x."""
    if not stochastic:
        return f"The one restoration of this deterministic model{_at(request)}: {_distances(report)}."
    if request.share in (0, 1):
        which = f"Sample {request.other if request.share else request.sample}"
    else:
        which = f"{90 * request.share:.0f}° of the way from sample {request.sample} to {request.other}"
    return f"{which} of seed {request.seed}, σ_z = {request.sigma_z:g}{_at(request)}: {_distances(report)}."


def mean_caption(request: ViewRequest, count: int, report: Mapping[str, Any], gain_db: float | None) -> str:
    """Of how many samples, its PSNR and, where x is known, what averaging gained."""
    text = f"Mean of {count}{_at(request)}: {_distances(report)}"
    if gain_db is None or count == 1:
        return f"{text}."
    known = request.sigma_z == request.alpha == 1
    exact = f"; {count} samples of an exact sampler gain {gain_db_exact(count):.2f} dB" if known else ""
    signed = f"{gain_db:z.2f}".replace("-", "−")
    return f"{text}. Averaging gained {signed} dB over one sample{exact}."


def reencoding_caption(report: Mapping[str, Any]) -> str | None:
    """What libjpeg makes of the shown pixels; None where y is no file."""
    if "levels" not in report:
        return None
    blocks, levels = (f"{report[n] - report[f'{n}_wrong']:,} of {report[n]:,}" for n in ("blocks", "levels"))
    end = (
        "does not write these 8-bit pixels to the levels"
        if report["levels_wrong"]
        else "writes these 8-bit pixels to the very levels"
    )
    return f"Blocks {blocks} exact, levels {levels} exact: libjpeg {end} of the file."


def _at(request: ViewRequest) -> str:
    """α, where samples are transported."""
    return "" if request.alpha == 1 else f" at α = {request.alpha:g}"


def _distances(report: Mapping[str, Any]) -> str:
    known = {text: report[f"psnr_to_{name}"] for name, text in REFERENCES.items() if f"psnr_to_{name}" in report}
    return ", ".join(
        f"the pixels of {text}" if value is None else f"{value:.2f} dB to {text}" for text, value in known.items()
    )
