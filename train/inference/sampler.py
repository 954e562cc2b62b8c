"""A trained sampler as a user loads it: samples of p(x | y), their mean and their spread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor

from ...checks import require_in, whole_number
from ...data.degradation import Degradation, LevelledDegradation, PairedDegradation
from ...data.measurement import Measurement
from ...models.generator import Generator
from ...rng import Rng
from ..sampling import GeneratorSampler, InferenceConfig, Restorer
from .image_input import ImageLike, as_batch

if TYPE_CHECKING:
    from .load_run import RunSource

PROBE = 64  # pixels a side of an image that is degraded to see which params there are


class LoadedSampler:
    """x̂ = G(y, z), with the degradation it was trained on.

    y is an image as ``image_input.as_batch`` takes it, or a ``Measurement`` of the degradation. Samples are projected
    onto what explains a measurement where it has params, which an image alone has not.

    It can be copied, pickled and shared by threads. Neither default types and devices of torch, nor autocast, nor the
    global generators change a sample; the number of threads of torch changes its last bits.

    Args:
        generator: in evaluation mode, on ``device``.
        degradation: it was trained on.
        metadata: plain values: generator, degradation, images seen, seed, versions.
        device: of the generator.
        config: how it computes.
        run: what it was read from, where that is a run.

    Attributes:
        restorer: what draws; ``train.sampling`` has its convention of z.
        stochastic: whether samples differ with z.
    """

    def __init__(
        self,
        generator: Generator,
        degradation: Degradation,
        metadata: dict[str, Any],
        device: torch.device,
        config: InferenceConfig | None = None,
        run: RunSource | None = None,
    ) -> None:
        self.generator, self.degradation, self.device = generator, degradation, device
        self.metadata, self.run = metadata, run
        self.restorer = GeneratorSampler(generator, degradation, config or InferenceConfig())
        self.stochastic = self.restorer.stochastic

    @property
    def image_channels(self) -> int:
        """3 for colour, 1 for grey."""
        return int(self.metadata["image_channels"])

    @torch.no_grad()
    def sample(
        self, degraded: ImageLike | Measurement, k: int, seed: int | Sequence[int] = 0, sigma_z: float = 1.0
    ) -> Tensor:
        """K samples, (K, B, C, H, W) fp32 about [0, 1], not clipped, on the sampler's device; B is 1 for one image.

        z of sample k is a function of (seed, k) and of the place in the image: the first samples are the same whatever
        K is, those of an image whatever batch it is in, and those of ``pscgan restore``, ``pscgan explore`` and, with
        seed s + n for image n of an evaluation of seed s, of ``pscgan evaluate``.

        Args:
            degraded: y.
            k: K, 1 or more; 1 for a deterministic sampler.
            seed: of z; one for all images, which then share their z, or a sequence or an array of one for each.
            sigma_z: factor on z; 1 samples, 0 has no spread.

        Raises:
            ValueError: naming what is out of range, or the maps that an image alone does not have.
        """
        return torch.stack(list(self._samples(degraded, k, seed, sigma_z)))

    def mean(self, degraded: ImageLike | Measurement, k: int, seed: int | Sequence[int] = 0) -> Tensor:
        """Mean of K samples as ``sample`` draws them, (B, C, H, W) fp32; memory does not grow with K."""
        return self._moments(degraded, k, seed).mean.float()

    def std(self, degraded: ImageLike | Measurement, k: int, seed: int | Sequence[int] = 0) -> Tensor:
        """Standard deviation of these samples: divisor K - 1, RMS over colours, (B, 1, H, W) fp32; 0 for K = 1."""
        return self._moments(degraded, k, seed).std.float()

    def on(self, degradation: Degradation) -> Restorer:
        """What restores measurements of another degradation, projecting as that one does.

        One level, of a model that was trained on a range, gets the map that the model knows; the reverse goes without.
        Another kind of degradation will do where neither has maps.

        Raises:
            ValueError: if the model takes other condition maps than the measurements have.
        """
        sampler, own = GeneratorSampler(self.generator, degradation, self.restorer.config), self.degradation
        of_its_kind, as_many = type(own) is type(degradation), own.num_maps == degradation.num_maps
        if as_many and (of_its_kind or not own.num_maps):
            return sampler
        if of_its_kind and isinstance(own, LevelledDegradation):
            return AtItsLevels(sampler, own)
        raise ValueError(
            f"the model takes {own.num_maps} condition maps beside y, as {type(own).__name__} of its training gives, "
            f"and the degradation here, {type(degradation).__name__}, gives {degradation.num_maps} of its own"
        )

    def project(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """The nearest images that explain a measurement, (B, C, H, W) on the sampler's device.

        Samples are projected already; their mean, or any other edit of them, may explain y no longer.

        Args:
            restored: (B, C, H, W), 1 for white.
            measurement: as ``sample`` takes it; without params nothing is known that an image could contradict.

        Raises:
            ValueError: if it is no measurement, or the images are not of its size.
        """
        if not isinstance(measurement, Measurement):
            raise ValueError(f"measurement must be a Measurement, got a {type(measurement).__name__}")
        if restored.shape != measurement.degraded.shape:
            raise ValueError(
                f"restored must have the shape of y, {tuple(measurement.degraded.shape)}, got {tuple(restored.shape)}"
            )
        restored, measurement = restored.to(self.device), measurement.to(self.device)
        return self.degradation.project(restored, measurement) if self._can_project(measurement) else restored

    @torch.no_grad()
    def _moments(self, degraded: ImageLike | Measurement, k: int, seed: int | Sequence[int]) -> RunningMoments:
        moments = RunningMoments()
        for sample in self._samples(degraded, k, seed, 1.0):
            moments.add(sample)
        return moments

    def _samples(
        self, degraded: ImageLike | Measurement, k: int, seed: int | Sequence[int], sigma_z: float
    ) -> Iterator[Tensor]:
        """Samples 1 to K, each (B, C, H, W)."""
        k = whole_number("k", k, 1)
        require_in("[0, inf)", sigma_z=sigma_z)
        if k > 1 and not self.stochastic:
            raise ValueError(f"k must be 1 for a deterministic sampler, got {k}")
        measurement = self._measurement(degraded).to(self.device)
        seeds = list(cast(Sequence[int], seed)) if np.ndim(seed) else [cast(int, seed)] * len(measurement)
        if len(seeds) != len(measurement):
            raise ValueError(f"seed must be one number, or one for each of {len(measurement)} images, got {len(seeds)}")
        return self.restorer.samples(measurement, k, seeds, sigma_z, project=self._can_project(measurement))

    def _can_project(self, measurement: Measurement) -> bool:
        return bool(measurement.params) or not self._has_params

    @cached_property
    def _has_params(self) -> bool:
        clean = torch.full((1, self.image_channels, PROBE, PROBE), 0.5)
        try:
            if isinstance(self.degradation, PairedDegradation):
                return bool(self.degradation.measure(clean).params)
            return bool(self.degradation(clean, Rng(0, "probe", [0])).params)
        except ValueError:  # it is made for images of another size
            return True

    def _measurement(self, degraded: ImageLike | Measurement) -> Measurement:
        if isinstance(degraded, Measurement):
            y, maps, params = as_batch(degraded.degraded, self.image_channels), degraded.maps, degraded.params
        else:
            y, maps, params = as_batch(degraded, self.image_channels), None, {}
        expected = (len(y), self.degradation.num_maps, *y.shape[2:]) if self.degradation.num_maps else None
        found = None if maps is None else tuple(maps.shape)
        if found != expected:
            raise ValueError(
                f"degraded has maps of shape {found}; {type(self.degradation).__name__} as trained takes {expected}. "
                "Maps come with a pscgan.data.measurement.Measurement(degraded, maps, params): of noise of many "
                "strengths sigma / 255 at every pixel, of a .jpg file degradation.measure(file.coefficients, "
                "file.decoded[None]) with a file of pscgan.data.jpeg.reader.read"
            )
        return Measurement(y, None if maps is None else maps.float(), params)


class AtItsLevels:
    """A model trained on a range of levels on measurements of one, or the reverse.

    Args:
        sampler: of the model.
        trained_on: knows by which map, if any, the model is told the level.
    """

    def __init__(self, sampler: GeneratorSampler, trained_on: LevelledDegradation) -> None:
        self.sampler, self.trained_on, self.stochastic = sampler, trained_on, sampler.stochastic

    def restore(self, measurement: Measurement, num_samples: int, seeds: Sequence[int], sigma_z: float = 1.0) -> Tensor:
        """As of ``Restorer``."""
        own = self.trained_on.at_levels(measurement.degraded, measurement.params[self.trained_on.level])
        return self.sampler.restore(own, num_samples, seeds, sigma_z)


class RunningMoments:
    """Mean and standard deviation of samples in float64; memory does not grow with their number (Welford 1962).

    Attributes:
        count: samples so far.
        mean: of them, (B, C, H, W).
    """

    def __init__(self) -> None:
        self.count = 0
        self.mean = self._squares = torch.zeros((), dtype=torch.float64, device="cpu")

    def add(self, sample: Tensor) -> None:
        """One more."""
        self.count += 1
        before = sample.double() - self.mean
        self.mean = self.mean + before / self.count
        self._squares = self._squares + before * (sample - self.mean)

    @property
    def std(self) -> Tensor:
        """Standard deviation with divisor K - 1, RMS over colours, (B, 1, H, W); 0 for a single sample."""
        return (self._squares / max(self.count - 1, 1)).mean(dim=1, keepdim=True).sqrt()
