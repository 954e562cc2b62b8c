"""Whether all ranks still hold the same game."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import torch
from torch import Tensor

from . import ranks
from .game import Game


class Drifted(RuntimeError):
    """Ranks have come to differ: their average is no longer what one process would have learned."""


def require_same_on_all_ranks(game: Game) -> None:
    """Compare weights, average, buffers and both optimisers, bit by bit.

    Raises:
        Drifted: on all ranks, naming the first tensor that differs and where.
    """
    if ranks.size() == 1:
        return
    digests = ranks.each({name: _digest(tensor) for name, tensor in _tensors(game)})
    for rank, found in enumerate(digests):
        for name, digest in digests[0].items():
            if found.get(name) != digest:
                raise Drifted(
                    f"after {game.clock.times.images_seen} images {name} of rank {rank} is not that of rank 0; "
                    "nothing has been written since"
                )


def _tensors(game: Game) -> Iterator[tuple[str, Tensor]]:
    yield from game.named_parameters()
    yield from game.named_buffers()
    for player, of in game.players.items():
        for number, state in of.optimizer.state_dict()["state"].items():
            for name, value in state.items():
                if isinstance(value, Tensor):
                    yield f"{player} optimizer {number} {name}", value


def _digest(tensor: Tensor) -> bytes:
    values = tensor.detach().cpu().contiguous().flatten().view(torch.uint8)
    return hashlib.blake2b(values.numpy().tobytes(), digest_size=16).digest()
