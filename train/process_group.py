"""From processes that a launcher has started to ranks that can talk, and that learn who is gone."""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import cast

import torch
import torch.distributed as dist
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from torch.distributed.distributed_c10d import Store
from torch.distributed.rendezvous import rendezvous

from . import ranks
from .user_errors import USER_ERRORS, user_error

PATIENCE_SECONDS = 10
BROKEN = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "Connection refused", "Timed out")


class LostRank(RuntimeError):
    """Another rank has ended, so this one cannot go on.

    Attributes:
        speaks: whether this process is the first of those that are left.
    """

    def __init__(self, words: str, speaks: bool = True) -> None:
        super().__init__(words)
        self.speaks = speaks


def launched() -> bool:
    """Whether this is one of several processes of torchrun, of srun, or of our own launcher."""
    if int(os.environ.get("SLURM_STEP_NUM_TASKS", 1)) > 1 and "RANK" not in os.environ:
        os.environ.update(_torchrun_words_for(os.environ))
    return int(os.environ.get("WORLD_SIZE", 1)) > 1


def local_size() -> int:
    """How many of the ranks are on this machine; all machines have as many."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", 1))


@contextmanager
def joined(on_gpu: bool) -> Iterator[None]:
    """Within, launched processes are ranks: gloo between CPUs, NCCL between GPUs. Nothing happens to a single process.

    Raises:
        LostRank: if another rank has ended while this one waited for it.
    """
    if not launched():
        yield
        return
    if on_gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    store, rank, size = next(rendezvous("env://"))
    dist.init_process_group("cpu:gloo,cuda:nccl" if on_gpu else "gloo", store=store, rank=rank, world_size=size)
    try:
        yield
    except BaseException as error:
        if isinstance(error, RuntimeError) and any(words in str(error) for words in BROKEN):
            raise _lost(store) from error
        store.set(f"error/{rank}", pickle.dumps(_portable(error)))
        raise
    dist.destroy_process_group()


def last_words(store: Store, rank: int) -> BaseException | None:
    """The error a rank has ended with, if it could still say it."""
    return pickle.loads(store.get(f"error/{rank}")) if store.check([f"error/{rank}"]) else None


def is_defect(error: BaseException) -> bool:
    """Whether an error is neither one of ours nor the user's, and so deserves its traceback."""
    ours = type(error).__module__.startswith(__package__)
    return not ours and not (isinstance(error, USER_ERRORS) and user_error(error))


def _portable(error: BaseException) -> BaseException:
    """Ours as they are; of others, which may not travel between processes, their line."""
    if type(error).__module__.startswith(__package__):
        return error
    if is_defect(error):
        return RuntimeError(f"{type(error).__name__}: {error}")
    return ValueError(user_error(cast(Exception, error)))


def _lost(store: Store) -> LostRank:
    """Every rank that finds another gone says so; who says nothing within the patience is the one."""
    end = time.monotonic() + PATIENCE_SECONDS
    gone = {}
    try:
        store.set(f"answers/{ranks.rank()}", "")
        for rank in range(ranks.size()):
            try:
                store.wait([f"answers/{rank}"], timedelta(seconds=max(end - time.monotonic(), 0.1)))
            except dist.DistStoreError:
                gone[rank] = last_words(store, rank) or "ended without a word"
    except dist.DistNetworkError:
        return LostRank("rank 0, or its machine, ended without a word")
    words = ", ".join(f"rank {rank}: {words}" for rank, words in gone.items())
    left = [rank for rank in range(ranks.size()) if rank not in gone]
    return LostRank(words or "the connection between ranks broke", speaks=ranks.rank() == left[0])


def _torchrun_words_for(slurm: Mapping[str, str]) -> dict[str, str]:
    """What srun says of a process, in the variables of torchrun."""
    nodes = slurm.get("SLURM_STEP_NODELIST", slurm.get("SLURM_NODELIST", "127.0.0.1"))
    size = int(slurm["SLURM_STEP_NUM_TASKS"])
    return {
        "RANK": slurm["SLURM_PROCID"],
        "WORLD_SIZE": str(size),
        "LOCAL_RANK": slurm["SLURM_LOCALID"],
        "LOCAL_WORLD_SIZE": str(size // int(slurm.get("SLURM_STEP_NUM_NODES", 1))),
        "GROUP_RANK": slurm["SLURM_NODEID"],
        "MASTER_ADDR": slurm.get("MASTER_ADDR") or SLURMEnvironment.resolve_root_node_address(nodes),
        "MASTER_PORT": slurm.get("MASTER_PORT") or str(15000 + int(slurm["SLURM_JOB_ID"][-4:])),
    }
