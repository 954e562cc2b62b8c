"""In which order an epoch visits the images: a function of (seed, epoch) alone."""

from bisect import bisect_left
from collections.abc import Sequence

import torch
from torch import Tensor

from ..rng import Rng


def full_order(count: int, seed: int, epoch: int) -> Tensor:
    """A permutation of the numbers below ``count``, all equally likely; int64 (count,)."""
    return torch.randperm(count, generator=Rng(seed, "order", [epoch]).generators[0])


def window_order(counts: Sequence[int], window: int, seed: int, epoch: int) -> Tensor:
    """A permutation that needs few shards at once: shards in random order, images mixed within ``window`` of them.

    Args:
        counts: images in each shard; image numbers run through the shards one after the other.
        window: how many shards are mixed; the last window of an epoch may hold fewer.
        seed: of the run.
        epoch: from 0.

    Returns:
        int64 (sum of counts,). Of S shards those of window w, places w * window to (w + 1) * window - 1 of their order,
        are visited before any of window w + 1.
    """
    generator = Rng(seed, "order", [epoch]).generators[0]
    stops = torch.tensor(counts).cumsum(0).tolist()
    shards = torch.randperm(len(counts), generator=generator).tolist()
    parts = []
    for first in range(0, len(shards), window):
        places = [torch.arange(stops[shard] - counts[shard], stops[shard]) for shard in shards[first : first + window]]
        images = torch.cat(places)
        parts.append(images[torch.randperm(len(images), generator=generator)])
    return torch.cat(parts)


def images_per_shard(names: Sequence[str], shards: Sequence[str]) -> list[int]:
    """How many of the sorted names lie in each shard that holds any, in the order of the names."""
    starts = [bisect_left(names, f"{shard}/") for shard in shards]
    counts = [stop - start for start, stop in zip(starts, [*starts[1:], len(names)], strict=True)]
    return [count for count in counts if count]
