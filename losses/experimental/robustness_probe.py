"""Robustness to a random change of y: one evaluation in place of the attack of arXiv 2211.08944.

What it showed: on the demo nothing (14.65 dB and spread / skill 1.16, as without it; docs/objectives.md); beside
``first_moment`` on two modes it left a Gaussian (variance ratio 0.89, sliced W1 0.614; docs/posterior_benchmark.md).
"""

from typing import Any

from torch import Tensor

from ...checks import require_at_least
from ...precision import at_least_fp32
from ...rng import Rng
from ..penalty import Restore
from ..robustness import on_sphere


class JacobianRobustness:
    """How far samples move for a random change of y of length ε, z held fixed: one probe in place of the attack.

    With d = εu, u uniform on the unit sphere of the n values of y, the expectation is for small ε

        E 1/K Σᵢ |G(y, zᵢ) − G(y + d, zᵢ)|² ≈ ε² ‖J‖_F² / n²

    per value of the restoration, J being the Jacobian of G in y: exact for linear G. It is the mean over directions
    in place of the largest, so a single steep one hardly counts; it costs one more evaluation.

    Args:
        epsilon: ε, Euclidean over all values of an image in [0, 1].
    """

    min_samples = 1

    def __init__(self, epsilon: float = 2.5) -> None:
        require_at_least(0, epsilon=epsilon)
        self.epsilon = epsilon

    def __call__(self, restore: Restore, samples_KBCHW: Tensor, measurement: Any, rng: Rng) -> Tensor:
        d = on_sphere(samples_KBCHW, rng, self.epsilon)
        return (restore(at_least_fp32(measurement.degraded) + d) - samples_KBCHW).square().mean()
