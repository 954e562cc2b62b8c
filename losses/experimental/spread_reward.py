"""Reward for the standard deviation of the samples (arXiv 2211.11827), beside any other penalty.

What it showed: in the benchmark of known posteriors it steers the gain of averaging, not the distribution: on two modes
it left a Gaussian (variance ratio 0.84, sliced W1 0.500; docs/posterior_benchmark.md).
"""

from typing import Any

from torch import Tensor, nn

from ..spread import SpreadController, deviation


class SpreadReward(nn.Module):
    """−c S, averaged over images, channels and pixels; S estimates the standard deviation of the samples.

    Alone it is least at infinite spread. The paper adds it with a fixed weight to the biased first moment, which on
    its own wants none. Here c follows the gain of averaging, which is known for the true posterior, so the terms it
    joins need not be known: where they want too little spread c rises, where too much it falls, below 0 if it must.
    It pays every pixel alike; which pixels vary is for the other terms to say.

    Args:
        scale: c at the start, and for good where ``adapt_rate`` and ``damping`` are 0.
        adapt_rate: see ``SpreadController``.
        damping: see ``SpreadController``.
    """

    min_samples = 2

    def __init__(self, scale: float = 1.0, adapt_rate: float = 0.02, damping: float = 0.2) -> None:
        super().__init__()
        self.controller = SpreadController(scale, adapt_rate, damping, minimum=float("-inf"))

    def forward(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Any) -> Tensor:
        return -self.controller.scale * deviation(samples_KBCHW).mean()
