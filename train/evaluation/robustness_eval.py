"""Robustness to attacks on y: every attack at every budget on one method, and the change of its restorations."""

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
    """Attacks on the restorations of some images, and the change for z that the attack did not see.

    An attack and a budget cost the attack's gradients, each through all its samples, and 2K restorations. Image i
    depends on (seed, i) alone.

    Attributes:
        attacks: by name.
        ai_psnrs: budgets in dB: PSNR of the attacked measurement to the measurement.
        degradation: of the crops.
        crop: side of the central crop that is degraded and attacked, in pixels.
        images: of the first so many.
        samples: K at y and at y + d; a deterministic method needs one.
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

    def metrics(
        self, restorer: Restorer, clean: Tensor, measurement: Measurement, numbers: Sequence[int]
    ) -> dict[str, dict[float, Robustness]]:
        """By attack and budget, a metric updated with a batch x, (B, C, H, W).

        Raises:
            ValueError: if there are too few samples, or the restorer has no gradient.
        """
        require_at_least(2 if restorer.stochastic else 1, **{"robustness.samples": self.samples})
        K = self.samples if restorer.stochastic else 1

        @torch.no_grad()
        def draw(seen: Measurement, seeds: Sequence[int]) -> Tensor:
            return restorer.restore(seen, K, seeds)

        def scored(attack: Attack, ai_psnr: float) -> Robustness:
            start, metric = Rng(self.seed, "robustness start", numbers), Robustness()
            attacked = attack(restorer, measurement, of_attack, start, ai_psnr)
            perturbation = attacked.degraded - measurement.degraded
            metric.update(before, draw(attacked, own), draw(attacked, others), clean, perturbation)
            return metric

        own = [self.seed + number for number in numbers]  # those of the evaluation
        of_attack, others = (
            [key(self.seed, f"robustness {stream} latent", number) for number in numbers]
            for stream in ("attack", "other")
        )
        before = draw(measurement, own)
        return {
            name: {ai_psnr: scored(attack, ai_psnr) for ai_psnr in self.ai_psnrs}
            for name, attack in self.attacks.items()
        }

    def states_of(self, restorer: Restorer, number: int, images: Tensor) -> MetricStates:
        """The part of image ``number``, (1, C, H, W) or a pair; empty for a method without a gradient."""
        if not self.attacks or number >= self.images:
            return {}
        crops = center_crop(images, self.crop)
        clean, measurement = measure(self.degradation, crops.cpu(), Rng(self.seed, "robustness", [number]))
        try:
            metrics = self.metrics(restorer, clean.to(images.device), measurement.to(images.device), [number])
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
