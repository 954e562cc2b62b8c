"""Restoration by an unconditional GAN whose z is searched, as any other method."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...data.degradation import Degradation, LinearDegradation
from ...data.degradations.linear import Linear
from ...data.degradations.nothing import Nothing
from ...data.degradations.operators.luma import Luma
from ...data.degradations.operators.masked import Masked
from ...data.degradations.operators.protocol import KNOWN
from ...data.measurement import Measurement, size_of
from ...models.baselines.gan_inversion import Energy, GanInversion
from ...models.baselines.poisson_blending import poisson_blend
from ...rng import Rng
from .critic import open_critic
from .load import load

NEAR = 15  # pixels a side of the window in which missing ones give a known one its weight
DARKEST = 1e-3  # of what is recoloured: black has no hue


class ByGan:
    """A rule and the GAN whose z it searches, as a ``Restorer`` of one degradation.

    The starts of an image are a function of its seed. Without noise the result is blended, into the surroundings of
    holes (``poisson_blend``), or, where y is luma, by its hue and saturation at the brightness of y; and then projected
    onto what explains y.

    Args:
        rule: of the search.
        gan: a run or checkpoint of ``degradation=nothing``; an export where the rule needs no critic.
        degradation: of the measurements.
        blend: whether results are blended.
        device: where the GAN computes.

    Raises:
        ValueError: if the model is no GAN without a condition, or its critic is needed and is not there or not
            logistic; and as ``load``.
    """

    scales_z, stochastic = False, False

    def __init__(
        self,
        rule: GanInversion,
        gan: str,
        degradation: Degradation,
        blend: bool = True,
        device: torch.device | str = "cpu",
    ) -> None:
        self.sampler = load(gan, device)
        if not isinstance(self.sampler.degradation, Nothing):
            kind = type(self.sampler.degradation).__name__
            raise ValueError(f"gan must be trained with degradation=nothing, got {gan}, which was with {kind}")
        self.critic = open_critic(self.sampler, gan) if rule.critic_weight else None
        self.rule, self.degradation, self.blend = rule, degradation, blend

    @property
    def image_channels(self) -> int:
        """3 for colour, 1 for grey."""
        return self.sampler.image_channels

    @property
    def device(self) -> torch.device:
        """Where the GAN computes."""
        return self.sampler.device

    @property
    def network(self) -> nn.Module:
        """The generator."""
        return cast(nn.Module, self.sampler.generator)

    def restore(self, measurement: Measurement, num_samples: int, seeds: Sequence[int], sigma_z: float = 1.0) -> Tensor:
        """As of ``Restorer``, without gradients; samples are equal.

        Raises:
            ValueError: if sigma_z is not 1, or as ``samples``.
        """
        if sigma_z != 1:
            raise ValueError(f"sigma_z must be 1 for {type(self.rule).__name__}, which searches z, got {sigma_z}")
        samples = self.samples(measurement, num_samples, seeds)
        return torch.stack([self.degradation.project(sample, measurement).float() for sample in samples])

    def samples(
        self,
        measurement: Measurement,
        num_samples: int,
        seeds: Sequence[int],
        called: Callable[[Tensor], None] = lambda returned: None,
    ) -> Iterator[Tensor]:
        """One after the other, (B, C, H, W), all equal, blended, not projected; ``called`` with the best of each step.

        Raises:
            ValueError: if the images have not the size of the GAN, or the degradation has no gradient.
        """
        size, side = size_of(measurement.degraded), self.sampler.generator.stride
        if size != (side, side):
            raise ValueError(f"images must have the size of the GAN, {side} x {side}, got {size[0]} x {size[1]}")
        found = self._blended(self._inverted(measurement, seeds, called), measurement)
        for _ in range(num_samples):
            yield found

    def cost(self, height: int, width: int, num_samples: int) -> str:
        """In words: steps of the search, and about how long they take, by the time of one without its gradient."""
        generator, (restarts, side) = self.sampler.generator, (self.rule.restarts, self.sampler.generator.stride)
        features = generator.encode(torch.full((1, self.image_channels, side, side), 0.5, device=self.device))
        z = [part.to(self.device) for part in generator.draw_latent(restarts, side, side, Rng(0, "probe", [0]))]
        start = time.perf_counter()
        with torch.no_grad():
            generator.decode(features, z).cpu()
        seconds = 4 * self.rule.calls * (time.perf_counter() - start)
        return f"{self.rule.calls} steps of {restarts} restarts, about {seconds:.0f} s"

    def _inverted(self, measurement: Measurement, seeds: Sequence[int], called: Callable[[Tensor], None]) -> Tensor:
        generator, restarts, count = self.sampler.generator, self.rule.restarts, len(measurement)
        y, critic = torch.full_like(measurement.degraded, 0.5, dtype=torch.float32), self.critic
        features = generator.encode(y)
        starts = generator.draw_latent(restarts, *size_of(y), Rng.of_images(seeds, "inversion"))
        repeated = torch.arange(count, device=y.device).repeat(restarts)
        return self.rule.invert(
            lambda z: generator.decode(features, z),
            fidelity(self.degradation, measurement[repeated]),
            None if critic is None else lambda images: critic(images, y[repeated]),
            [z.to(y.device) for z in starts],
            called,
        )

    def _blended(self, image: Tensor, measurement: Measurement) -> Tensor:
        if not (self.blend and isinstance(self.degradation, Linear)) or self.degradation.sigma:
            return image
        operator, params = self.degradation.operator, measurement.params
        if isinstance(operator, Masked):
            return poisson_blend(image, params["measured"], params[KNOWN])
        if isinstance(operator, Luma):
            coloured = image.clamp(DARKEST, 1)
            return _in_range(coloured * params["measured"] / operator.forward(coloured, params), params["measured"])
        return image


def _in_range(colour: Tensor, grey: Tensor) -> Tensor:
    """Of less saturation where it would be brighter than white, with the luma that both have."""
    beyond = colour.amax(dim=1, keepdim=True) - grey
    return torch.where(beyond > 1 - grey, grey + (1 - grey) / beyond * (colour - grey), colour)


def fidelity(degradation: Degradation, measurement: Measurement) -> Energy:
    """How far images are from explaining B measurements, (B, C, H, W) to (B,), differentiable.

    ‖A x − y‖₁ of linear degradations; of holes ‖w (x − y)‖₁, w of a known pixel being the share of missing ones in the
    window of 15 around it (arXiv 1607.07539); of others without noise ‖x − project(x)‖₁; else the residual times the
    number of values.

    Raises:
        ValueError: at the call, if the residual has no gradient.
    """
    if isinstance(degradation, LinearDegradation):
        problem, weight = degradation.linear_problem(measurement), torch.ones(())
        if isinstance(getattr(degradation, "operator", None), Masked):
            missing = (~measurement.params[KNOWN]).to(problem.measured)
            weight = F.avg_pool2d(missing, NEAR, stride=1, padding=NEAR // 2, count_include_pad=False)
        weight = weight.to(problem.measured)
        return lambda x: (weight * (problem.forward(x) - problem.measured)).abs().flatten(1).sum(dim=1)
    y = measurement.degraded
    if degradation.project(y, measurement) is not y:
        return lambda x: (x - degradation.project(x, measurement).detach()).abs().flatten(1).sum(dim=1)

    def residual(x: Tensor) -> Tensor:
        found = degradation.residual(x, measurement)
        if x.requires_grad and not found.requires_grad:
            raise ValueError(
                f"inversion needs a residual with a gradient; that of {type(degradation).__name__} has none"
            )
        return found * x[0].numel()

    return residual
