"""The processes that train one model: which of them this is, and what they tell each other.

A process that is alone is rank 0 of 1; everything here is then what it would be without ranks, and costs nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn

from ..runs.cli_errors import RankError, user_error

if TYPE_CHECKING:
    from ..gan_step import GANStep

T = TypeVar("T")


def world_size() -> int:
    """How many ranks there are."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Which of them this process is; rank 0 writes and speaks."""
    return dist.get_rank() if world_size() > 1 else 0


def all_gather(value: T) -> list[T]:
    """The value of every rank, in their order, on all of them. It travels as a pickle: for small things, seldom."""
    if world_size() == 1:
        return [value]
    values: list[T | None] = [None] * world_size()
    dist.all_gather_object(values, value)
    return cast(list[T], values)


def all_max(number: int) -> int:
    """Over the ranks, on all of them."""
    if world_size() == 1:
        return number
    found = torch.tensor(number)
    dist.all_reduce(found, dist.ReduceOp.MAX)
    return int(found)


def run_on_all_ranks(make: Callable[[], T]) -> T:
    """What this rank makes, once every rank has made its own.

    Raises:
        RankError: on all ranks, if one of several could not.
    """
    if world_size() == 1:
        return make()
    made, failure, line = None, None, None
    try:
        made = make()
    except Exception as error:
        failure, line = error, user_error(error) or repr(error)
    lines = all_gather(line)
    failed = next((number for number, line in enumerate(lines) if line is not None), None)
    if failed is None:
        return cast(T, made)
    if failure is not None and user_error(failure) is None:
        raise failure  # a defect of ours deserves its traceback
    raise RankError(f"rank {failed}: {lines[failed]}" if failed else str(lines[0]), rank() == 0) from failure


def from_rank_zero(make: Callable[[], T]) -> T:
    """What rank 0 makes, on all ranks.

    Raises:
        RankError: on all ranks, if it could not.
    """
    if world_size() == 1:
        return make()
    made = [run_on_all_ranks(lambda: make() if rank() == 0 else None)]
    dist.broadcast_object_list(made)
    return cast(T, made[0])


def broadcast_module(module: nn.Module) -> None:
    """Give every rank the parameters and buffers of rank 0."""
    if world_size() > 1:
        for tensor in (*module.parameters(), *module.buffers()):
            dist.broadcast(tensor.detach(), 0)


BUCKET_BYTES = 25 * 2**20
"""Large enough that the time of a bucket is its bytes and not its start; copying one overlaps with sending another."""


def sum_over_ranks(parameters: Iterable[nn.Parameter]) -> None:
    """Replace each gradient by its sum over the ranks; every rank gets the same bits.

    Called once for each move of a player, whatever went into its gradients: micro-batches, lazy prices, second
    derivatives. What travels is one byte a parameter tensor, and the gradients that any rank has: a parameter nobody
    has a gradient for keeps none, so that its optimiser leaves it alone as it would in a single process.
    """
    if world_size() == 1:
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


class ReplicasDiverged(RuntimeError):
    """Ranks have come to differ: their average is no longer what one process would have learned."""


def require_same_on_all_ranks(gan_step: GANStep) -> None:
    """Compare weights, average, buffers and both optimisers, bit by bit.

    Raises:
        Drifted: on all ranks, naming the first tensor that differs and where.
    """
    if world_size() == 1:
        return
    digests = all_gather({name: _digest(tensor) for name, tensor in _tensors(gan_step)})
    for rank, found in enumerate(digests):
        for name, digest in digests[0].items():
            if found.get(name) != digest:
                raise ReplicasDiverged(
                    f"after {gan_step.progress.images_seen} images {name} of rank {rank} is not that of rank 0; "
                    "nothing has been written since"
                )


def _tensors(gan_step: GANStep) -> Iterator[tuple[str, Tensor]]:
    yield from gan_step.named_parameters()
    yield from gan_step.named_buffers()
    for player, of in gan_step.networks.items():
        for number, state in of.optimizer.state_dict()["state"].items():
            for name, value in state.items():
                if isinstance(value, Tensor):
                    yield f"{player} optimizer {number} {name}", value


def _digest(tensor: Tensor) -> bytes:
    values = tensor.detach().cpu().contiguous().flatten().view(torch.uint8)
    return hashlib.blake2b(values.numpy().tobytes(), digest_size=16).digest()
