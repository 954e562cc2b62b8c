"""The robustness audit: every attack at every budget on one restorer, and what each did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ...bounds import require_at_least
from ...data.measurement import Measurement
from ...rng import Rng
from ..metrics.robustness import Robustness
from .attack import Attack
from .restorer import Restorer

Audited = dict[str, dict[float, Robustness]]
"""By attack and budget (AI-PSNR in dB)."""


def audit(
    restorer: Restorer,
    clean: Tensor,
    measurement: Measurement,
    numbers: Sequence[int],
    attacks: Mapping[str, Attack],
    ai_psnrs: Sequence[float],
    samples: int = 8,
    seed: int = 0,
) -> Audited:
    """Attack the measurements of a batch and look at the change with z the attack did not see.

    An attack and a budget cost the attack's gradients, each through all its samples, and 2K restorations; give crops
    that were degraded as crops. Image i depends on (seed, i) alone.

    Args:
        restorer: to be audited, differentiable in y.
        clean: x, (B, C, H, W) in [0, 1].
        measurement: of the same images.
        numbers: of the images.
        attacks: by name.
        ai_psnrs: budgets in dB.
        samples: K at y and at y + d; a deterministic restorer needs one.
        seed: of starts and latents.

    Returns:
        One updated metric for each attack and budget; the states of metrics of several batches add up.

    Raises:
        ValueError: if ``samples`` is too low or the restorer has no gradient.
    """
    require_at_least(2 if restorer.stochastic else 1, samples=samples)
    K = samples if restorer.stochastic else 1

    def rng(stream: str) -> Rng:
        return Rng(seed, f"audit {stream}", numbers)

    @torch.no_grad()
    def draw(seen: Measurement, stream: str) -> Tensor:
        return restorer.draw(seen, K, rng(stream))

    before, audited = draw(measurement, "latent"), Audited()
    for name, attack in attacks.items():
        audited[name] = {}
        for ai_psnr in ai_psnrs:
            attacked = attack(restorer, measurement, lambda: rng("attack latent"), rng("start"), ai_psnr)
            same, other = draw(attacked, "latent"), draw(attacked, "other latent")
            audited[name][ai_psnr] = Robustness()
            audited[name][ai_psnr].update(before, same, other, clean, attacked.degraded - measurement.degraded)
    return audited


def robustness_curves(scores: Mapping[str, Mapping[float, Mapping[str, float]]]) -> dict[str, list[dict[str, float]]]:
    """By attack, a point for each budget: AI-PSNR reached, PSNR between samples of one z, distance of the laws.

    Args:
        scores: of ``Robustness``, by attack and budget.
    """
    keys = {"ai_psnr": "ai_psnr", "psnr": "robustness_db", "distance": "law_distance", "std": "std_attacked"}
    return {
        name: [{key: by_budget[budget][figure] for key, figure in keys.items()} for budget in sorted(by_budget)]
        for name, by_budget in scores.items()
    }
