"""What a view shows, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...train.metrics.decibels import gain_db_exact
from .wanted import Wanted

TO = {"input": "the input", "clean": "the truth"}


def sample_words(asked: Wanted, proof: Mapping[str, Any], stochastic: bool) -> str:
    """Which sample it is, and how far from what."""
    if not stochastic:
        return f"The one restoration of this deterministic model: {_distances(proof)}."
    at = f"seed {asked.seed}, σ_z = {asked.sigma_z:g}"
    if asked.share in (0, 1):
        which = f"Sample {asked.other if asked.share else asked.sample}"
    else:
        which = f"{90 * asked.share:.0f}° of the way from sample {asked.sample} to {asked.other}"
    return f"{which} of {at}: {_distances(proof)}."


def mean_words(count: int, sigma_z: float, proof: Mapping[str, Any], gain: float | None) -> str:
    """Of how many samples, how far from what and, where x is known, what averaging gained."""
    text = f"Mean of {count}: {_distances(proof)}"
    if gain is None or count == 1:
        return f"{text}."
    exact = f"; {count} samples of an exact sampler gain {gain_db_exact(count):.2f} dB" if sigma_z == 1 else ""
    return f"{text}. Averaging gained {_signed(gain)} dB over one sample{exact}."


def proof_words(proof: Mapping[str, Any]) -> str | None:
    """What libjpeg makes of the shown pixels; None where y is no file."""
    if "levels" not in proof:
        return None
    blocks, levels = (f"{proof[name] - proof[f'{name}_wrong']:,} of {proof[name]:,}" for name in ("blocks", "levels"))
    end = (
        "libjpeg writes these 8-bit pixels to the very levels of the file"
        if is_exact(proof)
        else "libjpeg does not write these 8-bit pixels to the levels of the file"
    )
    return f"Blocks {blocks} exact, levels {levels} exact: {end}."


def is_exact(proof: Mapping[str, Any]) -> bool:
    """Whether nothing differs."""
    return proof.get("levels_wrong") == 0


def _distances(proof: Mapping[str, Any]) -> str:
    return ", ".join(
        f"the pixels of {TO[name]}" if proof[key] is None else f"{proof[key]:.2f} dB to {TO[name]}"
        for name, key in ((name, f"psnr_to_{name}") for name in TO)
        if key in proof
    )


def _signed(number: float) -> str:
    return f"{number:z.2f}".replace("-", "−")
