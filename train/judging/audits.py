"""The part of each image in the robustness audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ...data.degradation import Degradation
from ...rng import Rng
from ..metrics.robustness import Robustness
from ..picture import centre
from .attack import Attack
from .audit import audit
from .panel import States, compute
from .problems import Problem
from .restorer import Restorer


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
    """

    attacks: Mapping[str, Attack]
    ai_psnrs: Sequence[float]
    degradation: Degradation
    crop: int
    images: int
    samples: int
    seed: int

    def states_of(self, restorer: Restorer, problem: Problem, clean: Tensor) -> States:
        """Of one image (1, C, H, W), on the device of the restorer.

        Raises:
            ValueError: if the restorer has no gradient.
        """
        if not self.attacks or problem.number >= self.images:
            return {}
        crop, number = centre(clean, self.crop), [problem.number]
        measurement = self.degradation(crop.cpu(), Rng(self.seed, "audit", number)).to(clean.device)
        audited = audit(restorer, crop, measurement, number, self.attacks, self.ai_psnrs, self.samples, self.seed)
        return {
            f"{name}@{budget:g}.{state}": getattr(metric, state).cpu()
            for name, budgets in audited.items()
            for budget, metric in budgets.items()
            for state in metric.metric_state
        }

    def compute(self, states: States) -> dict[str, dict[str, Any]]:
        """Figures by ``attack@budget``, of summed states."""
        names = [f"{name}@{budget:g}" for name in self.attacks for budget in self.ai_psnrs]
        return {name: compute(Robustness(), name, states) for name in names if f"{name}.values" in states}
