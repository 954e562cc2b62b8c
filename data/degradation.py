"""How images become measurements: what a degradation offers, and what more some of them do."""

from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from ..linear_problem import LinearProblem, PoissonProblem, ProjectedProblem
from ..rng import Rng
from .measurement import Measurement


class Degradation(Protocol):
    """A forward operator with noise, p(y | x), and its own notion of consistency.

    Attributes:
        num_maps: condition maps it adds to y (``Measurement.maps`` has that many channels).
    """

    num_maps: int

    def __call__(self, clean: Tensor, rng: Rng) -> Measurement:
        """Degrade (B, C, H, W) in [0, 1]; image b uses the b-th generator of ``rng`` and nothing else."""

    def residual(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """How far each restored image is from explaining its measurement, (B,), in the unit the class states."""

    def project(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """The nearest image that explains the measurement, (B, C, H, W), differentiable."""


@runtime_checkable
class LevelledDegradation(Protocol):
    """A degradation of one level, or of a range of levels, in which the condition gains a map of each image's.

    Attributes:
        level: name of the level among ``Measurement.params``.
    """

    level: str

    def at_levels(self, degraded: Tensor, level: Tensor) -> Measurement:
        """The measurement that y (B, C, H, W) of these levels (B,) is to this degradation: with its map, or without."""


class Verification(NamedTuple):
    """How far B 8-bit images, encoded again as their files were, give these files: sums over each image.

    Attributes:
        levels_wrong: quantised coefficients that differ from the file's, (B,).
        levels: all of them, (B,).
        blocks_wrong: 8 x 8 blocks of any component with a wrong level, (B,).
        blocks: all of them, (B,).
        reencode_rmse: of the decoded pictures, the encoded again against the file's, in grey levels, (B,).
        violation: how far coefficients lie outside of their intervals, mean over levels in quantisation steps, (B,).
    """

    levels_wrong: Tensor
    levels: Tensor
    blocks_wrong: Tensor
    blocks: Tensor
    reencode_rmse: Tensor
    violation: Tensor

    @property
    def exact(self) -> Tensor:
        """Whether the picture encodes to the very file, (B,)."""
        return self.levels_wrong == 0


@runtime_checkable
class Verifiable(Protocol):
    """A degradation whose measurement is a file, so that an 8-bit image explains it exactly or does not."""

    def to_exact_uint8(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """An 8-bit image near (B, C, H, W) that explains the measurement, as far as one was found; uint8."""

    def verify(self, image: Tensor, measurement: Measurement) -> Verification:
        """How far (B, C, H, W) uint8 explains the measurement."""


@runtime_checkable
class LinearDegradation(Protocol):
    """A degradation that measures by a linear operator, with white Gaussian noise or none."""

    def linear_problem(self, measurement: Measurement) -> LinearProblem:
        """What a solver needs to know of the measurement, which is not changed."""


def linear_problem(degradation: Degradation, measurement: Measurement, method: str) -> LinearProblem:
    """What a solver needs to know of a measurement by this degradation.

    Raises:
        ValueError: if the degradation is not linear, naming it and the method that needs it.
    """
    return require_linear(degradation, method).linear_problem(measurement)


def require_linear(degradation: Degradation, method: str) -> LinearDegradation:
    """The degradation, if it is linear.

    Raises:
        ValueError: naming it, if not, and the method that needs it.
    """
    if not isinstance(degradation, LinearDegradation):
        raise ValueError(f"{method} needs a linear degradation; {type(degradation).__name__} is not linear")
    return degradation


@runtime_checkable
class PoissonDegradation(Protocol):
    """A degradation that counts photons, and reads the counter with white Gaussian noise or none."""

    def poisson_problem(self, measurement: Measurement) -> PoissonProblem:
        """What a rule for counts needs to know of the measurement, which is not changed."""


def require_counting(degradation: Degradation, method: str) -> PoissonDegradation:
    """The degradation, if it counts photons.

    Raises:
        ValueError: naming it, if not, and the method that needs it.
    """
    if not isinstance(degradation, PoissonDegradation):
        raise ValueError(f"{method} needs a degradation that counts photons; {type(degradation).__name__} does not")
    return degradation


def projected_problem(degradation: Degradation, measurement: Measurement, method: str) -> ProjectedProblem:
    """What a rule that projects needs to know of a measurement by this degradation.

    Raises:
        ValueError: if ``project`` is the identity, naming the degradation and the method that needs another.
    """
    y = measurement.degraded
    if degradation.project(y, measurement) is y:
        raise ValueError(f"{method} needs a y without noise; of {type(degradation).__name__} every image explains y")
    return ProjectedProblem(y, lambda images: degradation.project(images, measurement))


@runtime_checkable
class PairedDegradation(Protocol):
    """A degradation that computes no y: images come in pairs, and y is the recorded one."""

    def split_pairs(self, pairs: Tensor) -> tuple[Tensor, Measurement]:
        """Clean images (B, C, H, W) and their measurements, of pairs (B, 2C, H, W)."""

    def measure(self, degraded: Tensor) -> Measurement:
        """The measurement that recorded images (B, C, H, W) are."""


def measure(degradation: Degradation, images: Tensor, rng: Rng) -> tuple[Tensor, Measurement]:
    """What a data set gave, as clean images and their measurements.

    Args:
        degradation: of the images.
        images: clean ones (B, C, H, W) in [0, 1]; pairs (B, 2C, H, W) where y was recorded.
        rng: one generator an image; nothing is drawn where y was recorded.
    """
    if isinstance(degradation, PairedDegradation):
        return degradation.split_pairs(images)
    return images, degradation(images, rng)


def channels_read(channels: int, degradation: Degradation) -> int:
    """Channels of what a data set gives of images of C: 2C where y was recorded."""
    return 2 * channels if isinstance(degradation, PairedDegradation) else channels


def project_samples(degradation: Degradation, samples_KBCHW: Tensor, measurement: Measurement) -> Tensor:
    """Each of K samples projected, (K, B, C, H, W), as one batch of K B images."""
    images = torch.arange(len(measurement), device=samples_KBCHW.device).repeat(len(samples_KBCHW))
    projected = degradation.project(samples_KBCHW.flatten(0, 1), measurement[images])
    return projected.reshape(samples_KBCHW.shape)


def network_channels(image_channels: int, degradation: Degradation) -> dict[str, int]:
    """Constructor arguments of the generator: C, and C + M with the maps of the degradation."""
    return {"image_channels": image_channels, "condition_channels": image_channels + degradation.num_maps}
