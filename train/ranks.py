"""The processes that play one game together: which of them this is, and what they tell each other.

A process that is alone is rank 0 of 1; everything here is then what it would be without ranks, and costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import torch
import torch.distributed as dist
from torch import nn

from .user_errors import RankError, user_error

T = TypeVar("T")


def size() -> int:
    """How many ranks there are."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Which of them this process is; rank 0 writes and speaks."""
    return dist.get_rank() if size() > 1 else 0


def each(value: T) -> list[T]:
    """The value of every rank, in their order, on all of them. It travels as a pickle: for small things, seldom."""
    if size() == 1:
        return [value]
    values: list[T | None] = [None] * size()
    dist.all_gather_object(values, value)
    return cast(list[T], values)


def largest(number: int) -> int:
    """Over the ranks, on all of them."""
    if size() == 1:
        return number
    found = torch.tensor(number)
    dist.all_reduce(found, dist.ReduceOp.MAX)
    return int(found)


def together(make: Callable[[], T]) -> T:
    """What this rank makes, once every rank has made its own.

    Raises:
        RankError: on all ranks, if one of several could not.
    """
    if size() == 1:
        return make()
    made, failure, line = None, None, None
    try:
        made = make()
    except Exception as error:
        failure, line = error, user_error(error) or repr(error)
    lines = each(line)
    failed = next((number for number, line in enumerate(lines) if line is not None), None)
    if failed is None:
        return cast(T, made)
    if failure is not None and user_error(failure) is None:
        raise failure  # a defect of ours deserves its traceback
    raise RankError(f"rank {failed}: {lines[failed]}" if failed else str(lines[0]), rank() == 0) from failure


def from_first(make: Callable[[], T]) -> T:
    """What rank 0 makes, on all ranks.

    Raises:
        RankError: on all ranks, if it could not.
    """
    if size() == 1:
        return make()
    made = [together(lambda: make() if rank() == 0 else None)]
    dist.broadcast_object_list(made)
    return cast(T, made[0])


def share(module: nn.Module) -> None:
    """Give every rank the parameters and buffers of rank 0."""
    if size() > 1:
        for tensor in (*module.parameters(), *module.buffers()):
            dist.broadcast(tensor.detach(), 0)
