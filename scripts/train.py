"""``pscgan train``: trains what the config says, or continues it."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

import hydra
from omegaconf import DictConfig, OmegaConf

from ..checks import optional_package
from ..memory import keep_freed_memory
from ..train.runs.baseline import BASELINE, baseline_config
from ..train.runs.cli_errors import Interrupted, filter_warnings, report_user_errors
from ..train.runs.config_check import check_config
from ..train.runs.naming import run_name, sweep_name
from .command_line import run_hydra

PROGRAM = "pscgan train"
OmegaConf.register_new_resolver("run_name", run_name, replace=True)
OmegaConf.register_new_resolver("sweep_name", sweep_name, replace=True, use_cache=True)  # a run's is the sweep's


@hydra.main(version_base="1.3", config_path="pkg://pscgan.conf", config_name="train")
def _run(config: DictConfig) -> float | None:
    from ..train.runs.sweep import is_multirun, run_alone_or_in_a_sweep

    with report_user_errors(PROGRAM):
        if not is_multirun():  # a sweep checks its runs before the first
            if sys.stderr.isatty() and os.environ.get("RANK", "0") == "0":
                print(f"{config.folder}: loading torch and Lightning", file=sys.stderr)
            check_config(config, "train")
        for package in ("torchmetrics", "pytorch_lightning"):
            optional_package(package, "train", "training")
    keep_freed_memory()  # here, because a launcher may have started this process
    filter_warnings()
    return run_alone_or_in_a_sweep(config, _train_after_baseline if config.init_from == BASELINE else _train_or_exit)


def _train_after_baseline(config: DictConfig) -> float:
    """The run, and before it the MMSE baseline that it begins at, unless that has been trained."""
    from ..train.distributed import collectives
    from ..train.distributed.launch import on_gpu, process_group
    from ..train.run import is_finished, prepared
    from ..train.runs.folder import RunFolder

    def is_missing() -> bool:
        run = RunFolder(config)
        if run.last.exists() or run.result() is not None:
            return False
        if is_there := is_finished(RunFolder(baseline).result(), baseline):
            print(f"the MMSE baseline, {baseline.folder}, is finished", flush=True)
        return not is_there

    baseline = baseline_config(config)
    with process_group(on_gpu(config)):  # one for both
        with report_user_errors(PROGRAM):
            if is_needed := collectives.from_rank_zero(is_missing):
                collectives.run_on_all_ranks(lambda: prepared(config))  # what would be refused later is refused now
        if is_needed:
            if collectives.rank() == 0:
                print(f"the MMSE baseline, {baseline.folder}, comes first", flush=True)
            _train_or_exit(baseline)
        return _train_or_exit(config)


def _train_or_exit(config: DictConfig) -> float:
    from torch.distributed.elastic.multiprocessing.errors import record

    from ..train.distributed import collectives
    from ..train.distributed.launch import RankFailure
    from ..train.run import train

    try:
        with report_user_errors(PROGRAM):
            if "TORCHELASTIC_ERROR_FILE" in os.environ:
                train_recorded = cast("Callable[[DictConfig], float]", record(train))
                return train_recorded(config)  # the report of torchrun then names the error
            return train(config)
    except Interrupted as interrupted:
        if collectives.rank() == 0:
            print(f"interrupted by {interrupted}; the same command continues", file=sys.stderr)
        sys.exit(interrupted.exit_code)
    except (collectives.EndsAllRanks, RankFailure) as error:
        last = Path(config.folder) / "last.ckpt"
        if collectives.rank() == 0:
            print(f"stopped: {error}; last good checkpoint: {last if last.exists() else 'none yet'}", file=sys.stderr)
        sys.exit(1)


def main() -> None:
    """The command ``pscgan train``."""
    run_hydra(PROGRAM, _run)


if __name__ == "__main__":
    main()
