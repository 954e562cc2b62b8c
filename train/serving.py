"""How a sampler computes: how many samples at once, in which precision, compiled or not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, get_args

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from ..bounds import require_at_least
from ..models.generator import Generator, Latent

Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True)
class Serving:
    """Choices that change the time and not the law of the samples.

    Attributes:
        samples_per_pass: decoded at once: of small pictures more than one keeps a device busy, memory grows with it.
        precision: ``bf16`` computes convolutions in bfloat16 (autocast); what is added to y is rounded so, y is not.
        compile: whether encoder and decoder go through ``torch.compile``, once for each size of pictures; on CUDA as
            graphs, which spares small networks the time of their launches.

    Raises:
        ValueError: if one is not what is allowed.
    """

    samples_per_pass: int = 1
    precision: Precision = "fp32"
    compile: bool = False

    def __post_init__(self) -> None:
        require_at_least(1, samples_per_pass=self.samples_per_pass)
        if self.precision not in get_args(Precision):
            raise ValueError(f"precision is {self.precision}; allowed is {' or '.join(get_args(Precision))}")


class Decoder:
    """A generator that is served: encodes a condition once and decodes z by passes, on any device, without gradients.

    Args:
        generator: in evaluation mode.
        device: of it.
        serving: how.
    """

    def __init__(self, generator: Generator, device: torch.device, serving: Serving) -> None:
        self.device, self.serving = device, serving
        self._encode, self._decode = (self._served(call) for call in (generator.encode, generator.decode))

    def encode(self, condition: Tensor) -> Any:
        """Features of (B, C + M, H, W)."""
        return self._encode(condition.to(self.device))

    def decode(self, features: Any, latents: Iterable[Latent]) -> Iterator[Tensor]:
        """Of each z for one sample, (1, B, c, h, w), a sample (B, C, H, W) fp32, not projected."""
        latents = iter(latents)
        while group := list(islice(latents, self.serving.samples_per_pass)):
            together = map(torch.cat, zip(*group, strict=True))
            yield from self._decode(features, [z.to(self.device) for z in together])

    def _served(self, call: Callable[..., Any]) -> Callable[..., Any]:
        graphs = self.serving.compile and self.device.type == "cuda"
        if self.serving.compile:
            call = torch.compile(call, mode="reduce-overhead" if graphs else None)

        @torch.no_grad()
        def run(*arguments: Any) -> Any:
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.serving.precision == "bf16"):
                result = call(*arguments)
            if isinstance(result, Tensor):
                result = result.float()
            return tree_map(_clone, result) if graphs else result  # the next run of a graph writes over it

        return run


def _clone(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value
