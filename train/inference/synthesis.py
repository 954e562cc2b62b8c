"""Images from noise: samples of the prior that a denoiser or a GAN holds, and the way from noise to the first."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...checks import closest, require_at_least, whole_number
from ...linear_problem import MEAN, LinearProblem, denoising_problem, unmeasured_problem
from ...models.baselines.denoiser_sampler import Denoiser, DenoiserSampler
from ...models.baselines.kadkhodaie_simoncelli import KadkhodaieSimoncelli
from ...models.baselines.samplers import ReverseChain
from ...models.baselines.snips import SNIPS
from ...rng import Rng
from .denoiser import TrainedDenoiser
from .sampler import LoadedSampler

LEAST_SIDE = 16  # pixels: what is smaller shows no texture
LOWEST = 0.005  # in units of [0, 1] images, the last level of a rule
LEAST_HIGHEST = 1.0  # four times the standard deviation of pixels
PIXELS_TOGETHER = 2**13
SHOWN, GAP = 96, 2  # pixels a side of what a sheet shows, by whole factors, and between

Problem = Callable[[tuple[int, ...], float, Rng], LinearProblem]
"""(C, H, W), the highest level and a generator an image to a problem whose posterior is the prior."""


def pure_noise(shape: tuple[int, ...], highest: float, rng: Rng) -> LinearProblem:
    """½ + σn, σ the highest level: y of an image that the noise hides."""
    return denoising_problem(0.5 + highest * rng.randn(*shape), highest)


def nothing_measured(shape: tuple[int, ...], highest: float, rng: Rng) -> LinearProblem:
    """No y at all."""
    return unmeasured_problem(torch.empty(len(rng), *shape))


RULES: dict[str, Callable[[float], tuple[DenoiserSampler, Problem]]] = {
    "annealed": lambda highest: (SNIPS(100, step=0.3, first_level=highest), nothing_measured),
    "chain": lambda highest: (ReverseChain(40, "full"), pure_noise),
    "simoncelli": lambda highest: (KadkhodaieSimoncelli(beta=0.5, first_level=highest), nothing_measured),
}
"""By name, for the highest level of a denoiser: a sampler, and what it is given for y.

``annealed`` is the synthesis of NCSNv2 (arXiv 2006.09011), ``simoncelli`` that of arXiv 2007.13640. Settings are a
choice between calls and what exact denoisers draw; the levels of ``chain`` and β were also compared on photographs.
"""


class Synthesis:
    """Images drawn from the prior of a denoiser, (C, H, W) about [0, 1].

    Image i is a function of seed and i alone, to the last bit on one machine: how many there are changes nothing, as
    images that are computed together are always as many, those beyond the last thrown away. Memory does not grow with
    their number.

    Args:
        denoiser: D.
        rule: of ``RULES``.
        size: H and W, in pixels.
        seed: of the noise.

    Attributes:
        shape: of an image, (C, H, W).
        network: whose weights the denoiser is of.
        sampler: the rule with its settings.
        together: images that are computed together.
        way: from noise to the first image that was drawn last.

    Raises:
        ValueError: if an argument is out of range, or the denoiser was not trained on the levels between an image and
            what hides it.
    """

    def __init__(self, denoiser: TrainedDenoiser, rule: str, size: tuple[int, int], seed: int) -> None:
        if rule not in RULES:
            raise ValueError(f"there is no rule {rule}{closest(rule, RULES)}")
        require_at_least(LEAST_SIDE, **dict(zip(("height", "width"), size, strict=True)))
        if denoiser.low > LOWEST or denoiser.high < LEAST_HIGHEST:
            raise ValueError(
                f"denoiser must be trained on sigma {255 * LOWEST:g} to {255 * LEAST_HIGHEST:g} or more, from an image "
                f"to noise that hides it, got [{255 * denoiser.low:g}, {255 * denoiser.high:g}]"
            )
        self.denoiser, self.rule, self.seed = denoiser, rule, whole_number("seed", seed)
        self.shape, self.network = (denoiser.channels, *size), denoiser.network
        self.sampler, self._problem = RULES[rule](denoiser.high)
        self.together, self.way = max(1, PIXELS_TOGETHER // math.prod(size)), Way(denoiser.denoise)

    @property
    def about(self) -> dict[str, Any]:
        """Levels and rule, as plain values."""
        return {
            "sigma": [255 * self.denoiser.low, 255 * self.denoiser.high],
            "rule": self.rule,
            "settings": asdict(cast(Any, self.sampler)),
            "calls": self.sampler.calls,
        }

    def calls(self, count: int) -> int:
        """Of the denoiser, each on ``together`` images, for so many images."""
        return self.sampler.calls * -(-count // self.together)

    def cost(self, count: int) -> str:
        """In words: calls of the denoiser, and about how long they take, by the time of one."""
        images = torch.full((self.together, *self.shape), 0.5)
        for _ in range(2):
            start = time.perf_counter()
            self.denoiser.denoise(images, self.denoiser.high).cpu()
        calls, (height, width) = self.calls(count), self.shape[1:]
        seconds = calls * (time.perf_counter() - start)
        return f"{calls} calls of the denoiser on {self.together} images of {height} x {width}, about {seconds:.0f} s"

    def images(self, count: int, called: Callable[[], None] = lambda: None) -> Iterator[Tensor]:
        """The first images, one after the other; ``called`` at each call of the denoiser."""
        self.way = Way(self.denoiser.denoise, called)
        for first in range(0, count, self.together):
            rng = Rng(self.seed, "synthesis", range(first, first + self.together))
            problem = self._problem(self.shape, self.denoiser.high, rng)
            (drawn,) = self.sampler.sample(self.way, problem, 1, rng)
            yield from drawn[: count - first]


class GanSynthesis:
    """As ``Synthesis``, by a sampler whose y says nothing: a call an image, and no way.

    Args:
        gan: trained with ``degradation=nothing``.
        size: H and W, in pixels; None for that of the GAN.
        seed: image i, from 0, has the z of ``seed`` + i.

    Raises:
        ValueError: if a side is below ``LEAST_SIDE``.
    """

    way = None

    def __init__(self, gan: LoadedSampler, size: tuple[int, int] | None, seed: int) -> None:
        size = size or (gan.generator.stride, gan.generator.stride)
        require_at_least(LEAST_SIDE, **dict(zip(("height", "width"), size, strict=True)))
        self.gan, self.seed, self.network = gan, whole_number("seed", seed), cast(nn.Module, gan.generator)
        self.shape = (gan.image_channels, *size)
        self.about = {"images_seen": gan.metadata["images_seen"], "calls": 1}

    def calls(self, count: int) -> int:
        """As of ``Synthesis``."""
        return count

    def cost(self, count: int) -> str:
        """In words."""
        return f"{count} calls of the GAN"

    def images(self, count: int, called: Callable[[], None] = lambda: None) -> Iterator[Tensor]:
        """As of ``Synthesis``."""
        nothing = torch.full((1, *self.shape), MEAN)
        for number in range(count):
            yield self.gan.sample(nothing, 1, self.seed + number)[0, 0]
            called()


class Way:
    """A denoiser that keeps how the first image comes about: each time the level has halved, x and D(x, s) of it.

    Args:
        denoiser: D.
        called: at each call.

    Attributes:
        states: what D was given, (C, H, W) each, from noise to image.
        denoised: what it returned.
    """

    def __init__(self, denoiser: Denoiser, called: Callable[[], None] = lambda: None) -> None:
        self._denoiser, self._called, self._next = denoiser, called, math.inf
        self.states: list[Tensor] = []
        self.denoised: list[Tensor] = []

    def __call__(self, x: Tensor, s: float) -> Tensor:
        """D(x, s)."""
        restored = self._denoiser(x, s)
        self._called()
        if s <= self._next:
            self._next = s / 2
            self.states.append(x[0])
            self.denoised.append(restored[0])
        return restored


def to_pixels(image: Tensor) -> Tensor:
    """Clipped and rounded to uint8, of the same shape."""
    return (255 * image.clamp(0, 1)).round().byte().cpu()


def contact_sheet(pixels: list[Tensor], columns: int) -> Tensor:
    """Images (C, H, W) uint8 side by side, row by row on white, small ones enlarged by a whole factor, as one."""
    images = torch.stack(pixels)
    factor = max(1, SHOWN // max(images.shape[-2:]))
    large = images.repeat_interleave(factor, -2).repeat_interleave(factor, -1)
    framed = F.pad(large, (0, GAP, 0, GAP), value=255)
    empty = framed.new_full((-len(framed) % columns, *framed.shape[1:]), 255)
    rows = torch.cat([framed, empty]).view(-1, columns, *framed.shape[1:])
    sheet: Tensor = rows.permute(2, 0, 3, 1, 4).flatten(3, 4).flatten(1, 2)
    return sheet
