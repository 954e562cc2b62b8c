"""Randomness as an argument: one explicit generator an image.

Every draw for an image is a function of (seed, stream, number of that image) alone, so it does not depend on the batch
size, the workers, the ranks, or on where a run was interrupted; a resumed run needs no stored generator state.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from .checks import whole_number


def key(seed: int, stream: str, number: int) -> int:
    """A 63-bit key; any two different triples give unrelated keys.

    Raises:
        ValueError: if the seed is no whole number; also None is refused, as nothing here is drawn without one.
    """
    digest = hashlib.blake2b(f"{whole_number('seed', seed)}/{stream}/{number}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


class Rng:
    """Batched draws for a batch of images, each image from its own generator.

    Args:
        seed: of the run.
        stream: what the numbers are for (``"latent"``, ``"crop"`` ...); streams are independent.
        numbers: of the images, one a batch entry: index in an evaluation set, count of images seen in training.
        device: where the numbers are drawn. Draws differ between kinds of device, not between batch layouts.
    """

    def __init__(self, seed: int, stream: str, numbers: Iterable[int], device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self.generators = [
            torch.Generator(self.device).manual_seed(key(seed, stream, int(number))) for number in numbers
        ]

    @classmethod
    def of_images(cls, seeds: Iterable[int], stream: str, number: int = 0) -> Rng:
        """Of images that have a seed each, as users give them; on the CPU.

        Args:
            seeds: one for each image.
            stream: as above.
            number: of the draw within the image, as of a sample.
        """
        rng = cls(0, stream, ())
        rng.generators = [torch.Generator().manual_seed(key(seed, stream, number)) for seed in seeds]
        return rng

    def __getitem__(self, images: slice) -> Rng:
        """The same generators for some images of the batch: draws move both on."""
        part = Rng(0, "", (), self.device)
        part.generators = self.generators[images]
        return part

    def __len__(self) -> int:
        return len(self.generators)

    def _each(self, draw: Callable[[torch.Generator], Tensor]) -> Tensor:
        return torch.stack([draw(generator) for generator in self.generators])

    def randn(self, *shape: int) -> Tensor:
        """Standard normal, (B, *shape)."""
        return self._each(lambda g: torch.randn(shape, generator=g, dtype=torch.float32, device=self.device))

    def rand(self, *shape: int) -> Tensor:
        """Uniform in [0, 1), (B, *shape)."""
        return self._each(lambda g: torch.rand(shape, generator=g, dtype=torch.float32, device=self.device))

    def randint(self, low: int, high: int, *shape: int) -> Tensor:
        """Integers in [low, high), (B, *shape), int64."""
        return self._each(lambda g: torch.randint(low, high, shape, generator=g, device=self.device))

    def poisson(self, means: Tensor) -> Tensor:
        """Poisson counts with means (B, ...), of their shape, on this device; in fp32 at least."""
        means = means.to(self.device, torch.promote_types(means.dtype, torch.float32))
        draws = zip(means, self.generators, strict=True)
        return torch.stack([torch.poisson(mean, generator=generator) for mean, generator in draws])
