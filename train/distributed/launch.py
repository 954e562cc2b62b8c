"""``trainer=ddp``: the processes of a run on this machine, where no launcher has started them."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, cast

import torch
import torch.distributed as dist
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from omegaconf import DictConfig, OmegaConf
from torch.distributed.distributed_c10d import Store
from torch.distributed.rendezvous import rendezvous
from torch.multiprocessing.spawn import ProcessContext, ProcessExitedException, start_processes

from ..runs.cli_errors import USER_ERRORS, user_error
from ..runs.sweep import SIGNALS, is_multirun
from ..warning_filters import filter_warnings
from . import collectives

GRACE_SECONDS = 40
"""What ranks are given to end by themselves after one of them has ended."""


def on_gpu(config: DictConfig) -> bool:
    """Whether the run is on GPUs."""
    return config.trainer.accelerator != "cpu" and torch.cuda.is_available()


def processes(config: DictConfig) -> int:
    """How many processes this one has to start; 1 where there is one device, or a launcher has started them.

    Raises:
        ValueError: if there is no GPU where one is wanted, ``trainer.devices`` is neither a count nor ``auto``, several
            machines have no launcher on them, or torchrun has started a sweep.
    """
    if config.trainer.accelerator == "gpu" and not torch.cuda.is_available():
        raise ValueError("trainer.accelerator is gpu; torch finds none here, choose trainer=cpu or trainer=ddp_cpu")
    if launched():
        if "TORCHELASTIC_RUN_ID" in os.environ and is_multirun():
            raise ValueError(
                "a sweep is not started by torchrun; pscgan train -m trainer=ddp gives each run its processes"
            )
        return 1
    devices, nodes = config.trainer.devices, config.trainer.get("num_nodes", 1)
    if nodes != 1:
        raise ValueError(
            f"trainer.num_nodes is {nodes}; on several machines start pscgan train with torchrun or srun on each"
        )
    if devices == "auto":
        return torch.cuda.device_count() if on_gpu(config) else 1
    if not isinstance(devices, int) or devices < 1:
        raise ValueError(f"trainer.devices is {devices}; allowed is a count of processes, at least 1, or auto")
    if on_gpu(config) and devices > torch.cuda.device_count():
        raise ValueError(f"trainer.devices is {devices}; this machine has {torch.cuda.device_count()} GPUs")
    return devices


def start(run: Callable[[DictConfig], Any], config: DictConfig, count: int) -> None:
    """Run in ``count`` processes of this machine, to the end.

    A signal to this process ends all of them as one process ends: after the batch in progress, with a checkpoint. If
    this process is killed the others end likewise.

    Raises:
        Exception: what a rank ended with.
        LostRank: if one was killed.
    """
    store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)  # type: ignore[attr-defined]
    resolved = OmegaConf.create(OmegaConf.to_container(config, resolve=True))
    context: ProcessContext = start_processes(  # type: ignore[no-untyped-call]
        _rank, (run, resolved, count, store.port), count, join=False
    )
    with _signals_to(context):
        try:
            while not context.join(grace_period=GRACE_SECONDS):
                pass
        except ProcessExitedException as first:
            codes = [process.exitcode for process in context.processes]
            for rank in (first.error_index, *range(count)):
                if (error := last_words(store, rank)) is not None:
                    raise error from None
            killed = next((rank for rank, code in enumerate(codes) if code is not None and code < 0), first.error_index)
            raise RankFailure(f"rank {killed} {_ended(codes[killed])}") from None


def _rank(local_rank: int, run: Callable[[DictConfig], Any], config: DictConfig, count: int, port: int) -> None:
    """One process: its place in the variables of torchrun; its error goes to the one that started it."""
    places = {"RANK": local_rank, "LOCAL_RANK": local_rank, "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count}
    os.environ.update({name: str(place) for name, place in places.items()})
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), TORCHELASTIC_USE_AGENT_STORE="True")
    if not on_gpu(config):
        torch.set_num_threads(max(1, torch.get_num_threads() // count))
    filter_warnings()
    try:
        run(config)
    except Exception as error:
        if is_defect(error) or os.environ.get("PSCGAN_TRACEBACK") == "1":
            traceback.print_exc()
        sys.exit(1)


@contextmanager
def _signals_to(context: ProcessContext) -> Iterator[None]:
    """Hand signals on; ranks that have been sent one as well take the two for one."""

    def forward(number: int, frame: Any) -> None:
        for process in context.processes:
            if process.is_alive():
                os.kill(process.pid, number)

    before = {number: signal.signal(number, forward) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ended(code: int | None) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code is not None and code < 0 else f"ended with code {code}"


PATIENCE_SECONDS = 10
BROKEN = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "Connection refused", "Timed out")


class RankFailure(RuntimeError):
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
def process_group(on_gpu: bool) -> Iterator[None]:
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


def _lost(store: Store) -> RankFailure:
    """Every rank that finds another gone says so; who says nothing within the patience is the one."""
    end = time.monotonic() + PATIENCE_SECONDS
    gone = {}
    try:
        store.set(f"answers/{collectives.rank()}", "")
        for rank in range(collectives.world_size()):
            try:
                store.wait([f"answers/{rank}"], timedelta(seconds=max(end - time.monotonic(), 0.1)))
            except dist.DistStoreError:
                gone[rank] = last_words(store, rank) or "ended without a word"
    except dist.DistNetworkError:
        return RankFailure("rank 0, or its machine, ended without a word")
    words = ", ".join(f"rank {rank}: {words}" for rank, words in gone.items())
    left = [rank for rank in range(collectives.world_size()) if rank not in gone]
    return RankFailure(words or "the connection between ranks broke", speaks=collectives.rank() == left[0])


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
