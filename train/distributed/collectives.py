"""Communication between the ranks that train one model; a single process is rank 0 of 1 and sends nothing."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from ..runs.cli_errors import RankError, user_error

T = TypeVar("T")


def world_size() -> int:
    """Number of ranks."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """This process; rank 0 writes and prints."""
    return dist.get_rank() if world_size() > 1 else 0


def all_gather(value: T) -> list[T]:
    """The values of all ranks, in their order, on every rank; they travel as pickles, so keep them small."""
    if world_size() == 1:
        return [value]
    values: list[T | None] = [None] * world_size()
    dist.all_gather_object(values, value)
    return cast(list[T], values)


def all_max(number: int) -> int:
    """The largest number of all ranks, on every rank."""
    if world_size() == 1:
        return number
    found = torch.tensor(number)
    dist.all_reduce(found, dist.ReduceOp.MAX)
    return int(found)


def run_on_all_ranks(make: Callable[[], T]) -> T:
    """Return what this rank makes, once every rank has made its own.

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
    """Return on all ranks what rank 0 makes.

    Raises:
        RankError: on all ranks, if it could not.
    """
    if world_size() == 1:
        return make()
    made = [run_on_all_ranks(lambda: make() if rank() == 0 else None)]
    dist.broadcast_object_list(made)
    return cast(T, made[0])


@contextmanager
def enter_on_rank_zero(manager: AbstractContextManager[Any]) -> Iterator[None]:
    """Enter the context on rank 0, on behalf of all ranks.

    Raises:
        RankError: on all ranks, if rank 0 could not enter.
    """
    with ExitStack() as stack:
        from_rank_zero(lambda: bool(stack.enter_context(manager)))
        yield


def broadcast_module(module: nn.Module) -> None:
    """Give every rank the parameters and buffers of rank 0."""
    if world_size() > 1:
        for tensor in (*module.parameters(), *module.buffers()):
            dist.broadcast(tensor.detach(), 0)


BUCKET_BYTES = 25 * 2**20
"""Large enough that latency does not matter; copying one bucket overlaps with sending another."""


def sum_over_ranks(parameters: Iterable[nn.Parameter]) -> None:
    """Replace each gradient by its sum over the ranks; every rank gets the same bits.

    Called once for each optimiser step, whatever went into its gradients: micro-batches, gradient penalties, second
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


class EndsAllRanks(RuntimeError):
    """Raised on every rank at the same place of the program."""


class ReplicasDiverged(EndsAllRanks):
    """Ranks no longer hold the same state, so their average is not what one process would have learned."""


def require_same_on_all_ranks(state: Any, when: str) -> None:
    """Compare a checksum of all tensors in a nest of dicts and lists, bit by bit.

    Raises:
        ReplicasDiverged: on all ranks, naming those whose state is not that of rank 0.
    """
    if world_size() == 1:
        return
    checksum = hashlib.blake2b(digest_size=16)
    for leaf in tree_leaves(state):
        if isinstance(leaf, Tensor):
            checksum.update(leaf.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    first, *others = all_gather(checksum.digest())
    different = [str(number) for number, found in enumerate(others, start=1) if found != first]
    if different:
        raise ReplicasDiverged(f"{when} weights or optimisers of rank {', '.join(different)} differ from rank 0's")
