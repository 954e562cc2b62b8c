"""The processes of a run: on this machine by torch's elastic launcher, elsewhere by torchrun or srun."""

import logging
import os
import signal
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from omegaconf import DictConfig, OmegaConf
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, record
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from ...memory import keep_freed_memory
from ..runs.cli_errors import SIGNALS, USER_ERRORS, Interrupted, RankError, filter_warnings, user_error
from ..runs.sweep import is_multirun
from . import collectives

START_METHOD = "spawn"
SHUTDOWN_SECONDS = "120"
"""For the batch or validation in progress and a checkpoint after a signal; torch before 2.12 always gives 30."""
FOLLOWER_SECONDS = 5
"""Long enough for the elastic agent to see which rank has ended first, which it asks every ``MONITOR_SECONDS``."""
MONITOR_SECONDS = 0.05


class RankFailure(RuntimeError):
    """A rank was killed or ended with a defect, which ended the run."""


def on_gpu(config: DictConfig) -> bool:
    """Whether the run uses GPUs."""
    return config.trainer.accelerator != "cpu" and torch.cuda.is_available()


def processes(config: DictConfig) -> int:
    """Number of processes to start; 1 for one device, or if a launcher has started them.

    Raises:
        ValueError: if there is no GPU where one is wanted, ``trainer.devices`` is neither a count nor ``auto``, several
            machines have no launcher on them, or torchrun has started a sweep.
    """
    if config.trainer.accelerator == "gpu" and not torch.cuda.is_available():
        raise ValueError("trainer.accelerator is gpu; torch finds none here, choose trainer=cpu or trainer=ddp_cpu")
    if launched():
        if "TORCHELASTIC_RUN_ID" in os.environ and is_multirun():
            raise ValueError("torchrun cannot start a sweep; pscgan train -m trainer=ddp gives each run its processes")
        return 1
    devices, nodes = config.trainer.devices, config.trainer.get("num_nodes", 1)
    if nodes != 1:
        raise ValueError(
            f"trainer.num_nodes must be 1, got {nodes}; on several machines start pscgan train by torchrun or srun"
        )
    if devices == "auto":
        return torch.cuda.device_count() if on_gpu(config) else 1
    if not isinstance(devices, int) or devices < 1:
        raise ValueError(f"trainer.devices must be a count of processes, at least 1, or auto, got {devices}")
    if on_gpu(config) and devices > torch.cuda.device_count():
        raise ValueError(f"trainer.devices must be <= {torch.cuda.device_count()}, the GPUs here, got {devices}")
    return devices


def start(run: Callable[[DictConfig], Any], config: DictConfig, count: int) -> None:
    """Run in ``count`` processes of this machine, to the end.

    A signal to this process is handed on; each rank ends after the batch in progress, with a checkpoint.

    Raises:
        Interrupted: by a signal.
        RankError: an error of the user, on any rank.
        RankFailure: if a rank was killed or ended with a defect; the others are ended.
        EndsAllRanks: what has ended all ranks alike.
    """
    for part in ("torch", "torch.distributed"):
        for printer in logging.getLogger(part).handlers:  # their loggers have levels of their own
            printer.setLevel(logging.CRITICAL)  # what ended a rank is said below, once
    os.environ.setdefault("TORCH_ELASTIC_SHUTDOWN_TIMEOUT", SHUTDOWN_SECONDS)
    launch_config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=count,
        rdzv_backend="c10d",
        rdzv_endpoint="127.0.0.1:0",
        local_addr="127.0.0.1",
        run_id=uuid.uuid4().hex,
        max_restarts=0,
        monitor_interval=MONITOR_SECONDS,
        start_method=START_METHOD,
        signals_to_handle=",".join(number.name for number in SIGNALS),
    )
    resolved = OmegaConf.create(OmegaConf.to_container(config, resolve=True))
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        ended = elastic_launch(launch_config, _run_rank)(run, resolved)
    except SignalException as error:
        raise Interrupted(error.sigval) from None
    except ChildFailedError as error:
        raise _failure(error) from None
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    common = [error for error in ended.values() if error is not None]
    if common:
        raise RankError(str(common[0])) if isinstance(common[0], RankError) else common[0]  # this process reports


@record
def _run_rank(run: Callable[[DictConfig], Any], config: DictConfig) -> Exception | None:
    """One rank. What ends all ranks alike is returned; what ends this one alone is raised, so that the others end."""
    if not on_gpu(config):
        torch.set_num_threads(max(1, torch.get_num_threads() // int(os.environ["LOCAL_WORLD_SIZE"])))
    keep_freed_memory()
    filter_warnings()
    try:
        run(config)
    except (collectives.EndsAllRanks, RankError) as error:
        return error
    except USER_ERRORS as error:
        if (line := user_error(error)) is None:
            raise
        raise RankError(f"rank {os.environ['RANK']}: {line}") from error
    except RuntimeError:
        time.sleep(FOLLOWER_SECONDS)  # most likely another rank has left a collective: that one is to be named
        raise
    return None


def _failure(error: ChildFailedError) -> RankError | Interrupted | RankFailure:
    """Of the rank that the elastic agent names first: its own error, or what ended it."""
    rank, failure = error.get_first_failure()
    if failure.exitcode < 0:
        return RankFailure(f"rank {rank} was ended by {failure.signal_name()}")
    found: Any = failure.message  # the record of the exception, where it could still be written
    if not isinstance(found, dict):
        return RankFailure(f"rank {rank} ended with code {failure.exitcode}")
    kind, _, line = found["message"].partition(": ")
    if kind == RankError.__name__:
        return RankError(line)
    if kind == Interrupted.__name__:  # by a signal to one rank, which has ended all
        return Interrupted(signal.Signals[line.split()[0]])
    print(found["extraInfo"]["py_callstack"], file=sys.stderr)  # a defect deserves its traceback
    return RankFailure(f"rank {rank}: {found['message']}")


def launched() -> bool:
    """Whether this is one of several processes of torchrun, of srun, or of ``start``."""
    if int(os.environ.get("SLURM_STEP_NUM_TASKS", 1)) > 1 and "RANK" not in os.environ:
        os.environ.update(_torchrun_variables(os.environ))
    return int(os.environ.get("WORLD_SIZE", 1)) > 1


def local_size() -> int:
    """How many of the ranks are on this machine; all machines have as many."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", 1))


@contextmanager
def process_group(on_gpu: bool) -> Iterator[None]:
    """Within, launched processes are ranks: gloo between CPUs, NCCL between GPUs. Nothing happens to a single process.

    One within another is the same: torch cannot make a second one in the store of a launcher.
    Where another rank has ended, torch raises an error or ends this process; whatever started the ranks says which was
    first.
    """
    if not launched() or dist.is_initialized():
        yield
        return
    if on_gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("cpu:gloo,cuda:nccl" if on_gpu else "gloo")
    yield
    dist.destroy_process_group()


def _torchrun_variables(slurm: Mapping[str, str]) -> dict[str, str]:
    """The variables of srun as those of torchrun."""
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
