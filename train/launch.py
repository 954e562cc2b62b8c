"""``trainer=ddp``: the processes of a run on this machine, where no launcher has started them."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from omegaconf import DictConfig, OmegaConf
from torch.multiprocessing.spawn import ProcessContext, ProcessExitedException, start_processes

from .process_group import LostRank, is_defect, last_words, launched
from .quiet import quieten_lightning
from .run_mode import in_a_sweep

GRACE_SECONDS = 40
"""What ranks are given to end by themselves after one of them has ended."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


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
        if "TORCHELASTIC_RUN_ID" in os.environ and in_a_sweep():
            raise ValueError(
                "a sweep is not started by torchrun; pscgan-train -m trainer=ddp gives each run its processes"
            )
        return 1
    devices, nodes = config.trainer.devices, config.trainer.get("num_nodes", 1)
    if nodes != 1:
        raise ValueError(
            f"trainer.num_nodes is {nodes}; on several machines start pscgan-train with torchrun or srun on each"
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
            raise LostRank(f"rank {killed} {_ended(codes[killed])}") from None


def _rank(local_rank: int, run: Callable[[DictConfig], Any], config: DictConfig, count: int, port: int) -> None:
    """One process: its place in the variables of torchrun; its error goes to the one that started it."""
    places = {"RANK": local_rank, "LOCAL_RANK": local_rank, "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count}
    os.environ.update({name: str(place) for name, place in places.items()})
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), TORCHELASTIC_USE_AGENT_STORE="True")
    if not on_gpu(config):
        torch.set_num_threads(max(1, torch.get_num_threads() // count))
    quieten_lightning()
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
