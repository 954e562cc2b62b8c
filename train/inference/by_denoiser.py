"""Restoration by a denoiser that is called many times, as any other method: plug-and-play, RED, SNIPS, DDRM, chains."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.resources import files
from typing import Any

import torch
from omegaconf import OmegaConf
from torch import Tensor, nn

from ...data.degradation import (
    Degradation,
    LinearDegradation,
    linear_problem,
    projected_problem,
    require_counting,
    require_linear,
)
from ...data.measurement import Measurement
from ...models.baselines.denoiser_sampler import Denoiser, DenoiserSampler, PoissonSampler, ProjectionSampler
from ...rng import Rng
from .denoiser import TrainedDenoiser, open_denoiser

Rule = DenoiserSampler | ProjectionSampler | PoissonSampler
PROBE = 256  # pixels a side of the image by which the time of a call is measured


class ByDenoiser:
    """A rule and the denoiser that it calls, as a ``Restorer`` of one degradation.

    Sample k of an image is a function of its seed and of k.

    Args:
        rule: a sampler; or a solver, whose samples are equal; of linear degradations, of any without noise, or of
            counts.
        denoiser: D, or what ``open_denoiser`` takes; None for ``bundled:denoiser``.
        degradation: of the measurements.
        device: where a denoiser that is opened computes.

    Attributes:
        stochastic: whether samples differ.

    Raises:
        ValueError: if the degradation is not of the kind that the rule needs, and as ``open_denoiser``.
    """

    scales_z = False  # there is no z whose scale could be another

    def __init__(
        self,
        rule: Rule,
        denoiser: TrainedDenoiser | str | None,
        degradation: Degradation,
        device: torch.device | str = "cpu",
    ) -> None:
        require_kind(degradation, rule, type(rule).__name__)
        self.rule, self.degradation, self.stochastic = rule, degradation, rule.stochastic
        named = "bundled:denoiser" if denoiser is None else denoiser
        self.denoiser = open_denoiser(named, device) if isinstance(named, str) else named

    @property
    def image_channels(self) -> int:
        """3 for colour, 1 for grey."""
        return self.denoiser.channels

    @property
    def device(self) -> torch.device:
        """Where the denoiser computes."""
        return self.denoiser.device

    @property
    def network(self) -> nn.Module:
        """Whose weights the denoiser is of."""
        return self.denoiser.network

    def restore(self, measurement: Measurement, num_samples: int, seeds: Sequence[int], sigma_z: float = 1.0) -> Tensor:
        """As of ``Restorer``, without gradients; without noise projected onto what explains y.

        Raises:
            ValueError: if sigma_z is not 1, or the denoiser was not trained on a level that the rule needs.
        """
        if sigma_z != 1:
            raise ValueError(f"sigma_z must be 1 for {type(self.rule).__name__}, which has no z, got {sigma_z}")
        samples = self.samples(measurement, num_samples, seeds)
        return torch.stack([self.degradation.project(sample, measurement).float() for sample in samples])

    def samples(
        self,
        measurement: Measurement,
        num_samples: int,
        seeds: Sequence[int],
        called: Callable[[Tensor], None] = lambda returned: None,
    ) -> Iterator[Tensor]:
        """One after the other, (B, C, H, W), not projected; ``called`` with what each call of the denoiser returned."""

        def denoise(x: Tensor, s: float) -> Tensor:
            restored = self.denoiser.denoise(x, s)
            called(restored)
            return restored

        draw = self._draw(denoise, measurement)
        for k in range(1, num_samples + 1):
            (sample,) = draw(1, Rng.of_images(seeds, "sample by a denoiser", k))
            yield sample

    def cost(self, height: int, width: int, num_samples: int) -> str:
        """In words: calls of the denoiser, and about how long they take, by the time of one on a small image."""
        level = math.sqrt(max(self.denoiser.low, 1e-3) * self.denoiser.high)
        image = 0.5 + level * Rng(0, "probe", [0]).randn(self.image_channels, PROBE, PROBE)
        for _ in range(2):
            start = time.perf_counter()
            self.denoiser.denoise(image, level).cpu()
        calls, pixels = num_samples * self.rule.calls, height * width
        seconds = calls * (time.perf_counter() - start) * max(1.0, pixels / PROBE**2)
        return f"{calls} calls of the denoiser on {pixels / 1e6:.2g} megapixels, about {seconds:.0f} s"

    def _draw(self, denoiser: Denoiser, measurement: Measurement) -> Callable[[int, Rng], Tensor]:
        rule, given = self.rule, (self.degradation, measurement, type(self.rule).__name__)
        if isinstance(rule, PoissonSampler):
            counts = require_counting(self.degradation, given[2]).poisson_problem(measurement)
            return partial(rule.sample_counts, denoiser, counts)
        if isinstance(rule, DenoiserSampler) and isinstance(self.degradation, LinearDegradation):
            return partial(rule.sample, denoiser, linear_problem(*given))
        if isinstance(rule, ProjectionSampler):
            return partial(rule.sample_projected, denoiser, projected_problem(*given))
        raise TypeError(f"rule must be a DenoiserRule, got {given[2]}")


def require_kind(degradation: Degradation, rule: Rule, method: str) -> None:
    """Refuse a degradation that is not linear, unless the rule does without; for a rule of counts one that has none.

    Raises:
        ValueError: naming it, and the method.
    """
    if isinstance(rule, PoissonSampler):
        require_counting(degradation, method)
    elif not isinstance(rule, ProjectionSampler):
        require_linear(degradation, method)


def method_config(name: str, denoiser: Any) -> dict[str, Any]:
    """A method of ``conf/method`` with its denoiser, as plain values."""
    config = OmegaConf.create((files("pscgan.conf") / "method" / f"{name}.yaml").read_text())
    plain: Any = OmegaConf.to_container(OmegaConf.create({"denoiser": denoiser, "method": config}), resolve=True)
    method: dict[str, Any] = plain["method"]
    return method
