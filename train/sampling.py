"""Samples for a move of the generator: with all of their graph at once, or in two passes with the memory of a few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from ..data.degradation import Degradation, project_samples
from ..data.measurement import Measurement
from ..models.generator import Generator, Latent
from ..rng import Rng


@dataclass(frozen=True)
class ProjectedDecoder:
    """y and z to restorations as they are judged.

    Attributes:
        generator: what is trained.
        degradation: whose projection they go through.
        project: whether they do.
    """

    generator: Generator
    degradation: Degradation
    project: bool

    def decode(self, features: Any, latent: Latent, measurement: Measurement) -> Tensor:
        """(K, B, C, H, W)."""
        samples_KBCHW = self.generator.decode(features, latent)
        return project_samples(self.degradation, samples_KBCHW, measurement) if self.project else samples_KBCHW


class Draw:
    """K samples of each image, and the way of their gradient back into the generator.

    With ``samples_per_pass`` samples are decoded without a graph, so that what is minimised ends at them. ``backward``
    decodes them again, a few at a time with a graph, and hands each its part of the gradient: the gradients of
    the features add up, and go through the encoder once. The gradient is the same, a decoder's graph is held for
    a few samples instead of K, and decoding is paid for twice.

    Attributes:
        samples_KBCHW: as they are judged.
        latent: z they were decoded from.

    Args:
        decoder: from y and z to samples.
        measurement: of B images.
        num_samples: K.
        rng: of these images.
        samples_per_pass: samples of each image decoded at once; None keeps the graph of all. Features must be tensors
            in tuples, lists or dicts.
    """

    def __init__(
        self,
        decoder: ProjectedDecoder,
        measurement: Measurement,
        num_samples: int,
        rng: Rng,
        samples_per_pass: int | None,
    ) -> None:
        self.decoder, self.measurement, self.samples_per_pass = decoder, measurement, samples_per_pass
        height, width = measurement.degraded.shape[-2:]
        self.latent = decoder.generator.draw_latent(num_samples, height, width, rng)
        self._features = decoder.generator.encode(measurement.condition)
        if samples_per_pass is None:
            self.samples_KBCHW = decoder.decode(self._features, self.latent, measurement)
            return
        self._leaves = tree_map(_leaf, self._features)
        with torch.no_grad():
            samples = [decoder.decode(self._leaves, latent, measurement) for latent in self._passes(samples_per_pass)]
        torch.clear_autocast_cache()  # weights cast without a graph would stay without
        self.samples_KBCHW = torch.cat(samples).requires_grad_(torch.is_grad_enabled())

    def backward(self) -> None:
        """Hand the gradient that has reached the samples on to the generator; nothing where their graph was whole."""
        if self.samples_per_pass is None or self.samples_KBCHW.grad is None:
            return
        gradients = torch.split(self.samples_KBCHW.grad, self.samples_per_pass)
        for latent, gradient in zip(self._passes(self.samples_per_pass), gradients, strict=True):
            torch.autograd.backward(self.decoder.decode(self._leaves, latent, self.measurement), gradient)
        reached = [
            (feature, leaf.grad)
            for feature, leaf in zip(tree_leaves(self._features), tree_leaves(self._leaves), strict=True)
            if isinstance(leaf, Tensor) and leaf.grad is not None
        ]
        if reached:
            features, feature_gradients = zip(*reached, strict=True)
            torch.autograd.backward(features, feature_gradients)

    def _passes(self, samples: int) -> Sequence[Latent]:
        """z of a few samples after the other."""
        if not self.latent:
            return [self.latent]
        return [list(maps) for maps in zip(*(torch.split(z, samples) for z in self.latent), strict=True)]


def _leaf(feature: Any) -> Any:
    """A tensor that gathers the gradient instead of handing it on; anything else as it is."""
    return feature.detach().requires_grad_() if isinstance(feature, Tensor) and feature.requires_grad else feature


class SampleBatch:
    """Samples of a part of the batch: K of the first n images, a few of the others.

    Args:
        decoder: from y and z to samples.
        measurement: of the part.
        rng: of its images.
        num_samples: K.
        num_images: n.
        num_others: samples of each of the other images.
        samples_per_pass: see ``Draw``.
    """

    def __init__(
        self,
        decoder: ProjectedDecoder,
        measurement: Measurement,
        rng: Rng,
        num_samples: int = 1,
        num_images: int = 0,
        num_others: int = 1,
        samples_per_pass: int | None = None,
    ) -> None:
        groups = [
            (slice(0, num_images), max(num_samples, num_others)),
            (slice(num_images, len(measurement)), num_others),
        ]
        self._draws = [
            Draw(decoder, measurement[images], count, rng[images], samples_per_pass)
            for images, count in groups
            if images.start < images.stop
        ]

    @property
    def samples_KnCHW(self) -> Tensor:
        """Of the first n images."""
        return self._draws[0].samples_KBCHW

    def sample(self, number: int) -> Tensor:
        """One sample of every image, (B, C, H, W); the first, or below ``num_others``."""
        samples = [draw.samples_KBCHW[number] for draw in self._draws]
        return samples[0] if len(samples) == 1 else torch.cat(samples)

    def restore(self, condition: Tensor, num_samples: int) -> Tensor:
        """The first images again, from another condition (n, C + M, H, W) and the same z: (K, n, C, H, W)."""
        draw, n = self._draws[0], len(condition)
        latent = [z[:num_samples, :n] for z in draw.latent]
        features = draw.decoder.generator.encode(condition)
        return draw.decoder.decode(features, latent, draw.measurement[:n])

    def backward(self) -> None:
        """See ``Draw.backward``."""
        for draw in self._draws:
            draw.backward()
