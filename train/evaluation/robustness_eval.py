"""Robustness to attacks on y: every attack at every budget on one method, and the change of its restorations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...checks import require_at_least
from ...data.crops import center_crop
from ...data.degradation import Degradation, measure
from ...data.measurement import Measurement
from ...rng import Rng, key
from ..metrics.robustness import Robustness
from ..sampling import Restorer
from .attacks import Attack, NotDifferentiableError
from .metric_suite import MetricStates, compute, states_of


def evaluate_robustness(
    restorer: Restorer,
    clean: Tensor,
    measurement: Measurement,
    numbers: Sequence[int],
    attacks: Mapping[str, Attack],
    ai_psnrs: Sequence[float],
    samples: int = 8,
    seed: int = 0,
) -> dict[str, dict[float, Robustness]]:
    """Attack the measurements of a batch, and measure the change for z that the attack did not see.

    An attack and a budget cost the attack's gradients, each through all its samples, and 2K restorations; give crops
    that were degraded as crops. Image i depends on (seed, i) alone.

    Args:
        restorer: differentiable in y.
        clean: x, (B, C, H, W) in [0, 1].
        measurement: of the same images.
        numbers: of the images.
        attacks: by name.
        ai_psnrs: budgets in dB.
        samples: K at y and at y + d; a deterministic method needs one.
        seed: of starts and latents.

    Returns:
        By attack and budget (AI-PSNR in dB), an updated metric; the states of metrics of several batches add up.

    Raises:
        ValueError: if ``samples`` is too low or the restorer has no gradient.
    """
    require_at_least(2 if restorer.stochastic else 1, samples=samples)
    K = samples if restorer.stochastic else 1

    @torch.no_grad()
    def draw(seen: Measurement, seeds: Sequence[int]) -> Tensor:
        return restorer.restore(seen, K, seeds)

    def scored(attack: Attack, ai_psnr: float) -> Robustness:
        start, metric = Rng(seed, "robustness start", numbers), Robustness()
        attacked = attack(restorer, measurement, of_attack, start, ai_psnr)
        perturbation = attacked.degraded - measurement.degraded
        metric.update(before, draw(attacked, own), draw(attacked, others), clean, perturbation)
        return metric

    own = [seed + number for number in numbers]  # those of the evaluation
    of_attack, others = (
        [key(seed, f"robustness {stream} latent", number) for number in numbers] for stream in ("attack", "other")
    )
    before = draw(measurement, own)
    return {name: {ai_psnr: scored(attack, ai_psnr) for ai_psnr in ai_psnrs} for name, attack in attacks.items()}


def robustness_curves(scores: Mapping[str, Mapping[float, Mapping[str, float]]]) -> dict[str, list[dict[str, float]]]:
    """By attack, a point for each budget: AI-PSNR, PSNR between samples of one z, distance of the distributions.

    Args:
        scores: of ``Robustness``, by attack and budget.
    """
    keys = {"ai_psnr": "ai_psnr", "psnr": "robustness_db", "distance": "distribution_distance", "std": "std_attacked"}
    return {
        name: [{key: by_budget[budget][figure] for key, figure in keys.items()} for budget in sorted(by_budget)]
        for name, by_budget in scores.items()
    }


@dataclass(frozen=True)
class RobustnessEval:
    """Attacks on the restorations of some images.

    Attributes:
        attacks: by name.
        ai_psnrs: budgets in dB: PSNR of the attacked measurement to the measurement.
        degradation: of the crops.
        crop: side of the central crop that is attacked, in pixels.
        images: of the first so many.
        samples: at y and at y + d.
        seed: of measurements, latents and starts.
    """

    attacks: Mapping[str, Attack]
    ai_psnrs: Sequence[float]
    degradation: Degradation
    crop: int
    images: int
    samples: int
    seed: int

    def __post_init__(self) -> None:
        counts = {"crop": self.crop, "images": self.images, "samples": self.samples}
        require_at_least(1, **{f"robustness.{name}": count for name, count in counts.items()})

    def states_of(self, restorer: Restorer, number: int, images: Tensor) -> MetricStates:
        """The part of image ``number``, (1, C, H, W) or a pair; empty for a method without a gradient."""
        if not self.attacks or number >= self.images:
            return {}
        crops, numbers = center_crop(images, self.crop), [number]
        clean, measurement = measure(self.degradation, crops.cpu(), Rng(self.seed, "robustness", numbers))
        known = clean.to(images.device), measurement.to(images.device)
        try:
            metrics = evaluate_robustness(
                restorer, *known, numbers, self.attacks, self.ai_psnrs, self.samples, self.seed
            )
        except NotDifferentiableError:
            return {}
        return {
            state: value
            for name, budgets in metrics.items()
            for budget, metric in budgets.items()
            for state, value in states_of(metric, f"{name}@{budget:g}").items()
        }

    def compute(self, states: MetricStates) -> dict[str, dict[float, dict[str, Any]]]:
        """Results by attack and budget, of summed states; empty where there are none."""
        return {
            name: {budget: compute(Robustness(), f"{name}@{budget:g}", states) for budget in self.ai_psnrs}
            for name in self.attacks
            if f"{name}@{self.ai_psnrs[0]:g}.values" in states
        }
