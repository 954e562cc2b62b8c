"""The part of each image in the robustness audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from ...data.degradation import Degradation, measure
from ...rng import Rng
from ..metrics.robustness import Robustness
from ..picture import centre
from .attack import Attack
from .audit import audit
from .panel import States, compute
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
