"""Nothing is measured: the posterior is the prior."""

import torch
from torch import Tensor

from ...linear_problem import MEAN
from ...rng import Rng
from ..measurement import Measurement


class Nothing:
    """y = 1/2 whatever x is: a sampler of p(x | y) is one of p(x), and a GAN without a condition is such a sampler.

    No picture file holds such a y. An exact sampler of the prior gains from averaging what one of a posterior does.
    """

    num_maps = 0

    def __call__(self, clean: Tensor, rng: Rng) -> Measurement:
        return Measurement(torch.full_like(clean, MEAN))

    def residual(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """0, (B,): every image explains it."""
        return restored.new_zeros(len(restored))

    def project(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """The identity."""
        return restored
