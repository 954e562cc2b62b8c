"""Gradients of a player, added up over the ranks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
import torch.distributed as dist
from torch import Tensor, nn

from . import ranks

BUCKET_BYTES = 25 * 2**20
"""Large enough that the time of a bucket is its bytes and not its start; copying one overlaps with sending another."""


def sum_over_ranks(parameters: Iterable[nn.Parameter]) -> None:
    """Replace each gradient by its sum over the ranks; every rank gets the same bits.

    Called once for each move of a player, whatever went into its gradients: micro-batches, lazy prices, second
    derivatives. What travels is one byte a parameter tensor, and the gradients that any rank has: a parameter nobody
    has a gradient for keeps none, so that its optimiser leaves it alone as it would in a single process.
    """
    if ranks.size() == 1:
        return
    moved = list(parameters)
    present = torch.tensor([parameter.grad is not None for parameter in moved], dtype=torch.uint8)
    dist.all_reduce(present, dist.ReduceOp.MAX)
    gradients = [_gradient(parameter) for parameter, any_rank in zip(moved, present.tolist(), strict=True) if any_rank]
    pending = [_start(bucket) for bucket in _buckets(gradients)]
    for bucket, flat, work in pending:
        work.wait()
        parts = torch.split(flat, [gradient.numel() for gradient in bucket])
        torch._foreach_copy_(bucket, [part.view_as(gradient) for part, gradient in zip(parts, bucket, strict=True)])


def _gradient(parameter: nn.Parameter) -> Tensor:
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter)
    return parameter.grad


def _buckets(gradients: list[Tensor]) -> Iterator[list[Tensor]]:
    """In order, each of one kind of number and at most ``BUCKET_BYTES``, but for a single gradient that is larger."""
    bucket: list[Tensor] = []
    for gradient in gradients:
        full = sum(other.nbytes for other in bucket) + gradient.nbytes > BUCKET_BYTES
        if bucket and (full or gradient.dtype != bucket[0].dtype):
            yield bucket
            bucket = []
        bucket.append(gradient)
    if bucket:
        yield bucket


def _start(bucket: list[Tensor]) -> tuple[list[Tensor], Tensor, dist.Work]:
    flat = torch.cat([gradient.flatten() for gradient in bucket])
    work = dist.all_reduce(flat, async_op=True)
    assert work is not None
    return bucket, flat, work
