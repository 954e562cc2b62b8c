"""The robustness audit: every attack at every budget on one restorer, and what each did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ...checks import require_at_least
from ...data.degradation import Degradation, measure
from ...data.measurement import Measurement
from ...rng import Rng, key
from ..callbacks.sample_grid import centre
from ..metrics.robustness import Robustness
from ..sampling import Restorer
from .attacks import Attack
from .metric_suite import States, compute

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

    def seeds(stream: str) -> list[int]:
        return [key(seed, f"audit {stream}", number) for number in numbers]

    @torch.no_grad()
    def draw(seen: Measurement, of_images: Sequence[int]) -> Tensor:
        return restorer.restore(seen, K, of_images)

    own = [seed + number for number in numbers]  # those of the evaluation
    before, audited = draw(measurement, own), Audited()
    for name, attack in attacks.items():
        audited[name] = {}
        for ai_psnr in ai_psnrs:
            attacked = attack(restorer, measurement, seeds("attack latent"), Rng(seed, "audit start", numbers), ai_psnr)
            same, other = draw(attacked, own), draw(attacked, seeds("other latent"))
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


@dataclass(frozen=True)
class Audits:
    """Attacks on the restorations of some images.

    Attributes:
        attacks: by name; none, no audit.
        ai_psnrs: budgets in dB: PSNR of the attacked measurement to the measurement.
        degradation: of the crops.
        crop: side of the central crop that is attacked, in pixels.
        images: of the first so many.
        samples: at y and at y + d.
        seed: of measurements, latents and starts.
        left_out: restorers without a gradient; filled by ``compute``.
    """

    attacks: Mapping[str, Attack]
    ai_psnrs: Sequence[float]
    degradation: Degradation
    crop: int
    images: int
    samples: int
    seed: int
    left_out: dict[str, str] = field(default_factory=dict)

    def states_of(self, restorer: Restorer, number: int, images: Tensor) -> States:
        """The part of image ``number``, (1, C, H, W) or a pair; nothing of a restorer without a gradient."""
        if not self.attacks or number >= self.images:
            return {}
        crops, numbers = centre(images, self.crop), [number]
        clean, measurement = measure(self.degradation, crops.cpu(), Rng(self.seed, "audit", numbers))
        known = clean.to(images.device), measurement.to(images.device)
        try:
            audited = audit(restorer, *known, numbers, self.attacks, self.ai_psnrs, self.samples, self.seed)
        except ValueError:
            return {}
        return {
            f"{name}@{budget:g}.{state}": getattr(metric, state).cpu()
            for name, budgets in audited.items()
            for budget, metric in budgets.items()
            for state in metric.metric_state
        }

    def compute(self, restorer: str, states: States) -> dict[str, dict[float, dict[str, Any]]]:
        """Figures by attack and budget, of summed states."""
        if self.attacks and not any(f"{name}@{self.ai_psnrs[0]:g}.values" in states for name in self.attacks):
            self.left_out[f"robustness of {restorer}"] = "no gradient of its restorations reaches the measurement"
            return {}
        return {
            name: {budget: compute(Robustness(), f"{name}@{budget:g}", states) for budget in self.ai_psnrs}
            for name in self.attacks
        }
