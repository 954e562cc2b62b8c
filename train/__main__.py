"""``pscgan-train``: trains what the config says, or continues it."""

from __future__ import annotations

import sys

import hydra
from omegaconf import DictConfig, OmegaConf

from . import ranks
from .callbacks.checkpoints import Interrupted
from .drift import Drifted
from .game import NonfiniteGradients
from .process_group import LostRank
from .quiet import quieten_lightning
from .run import train
from .run_folder import RunFolder, run_name
from .sweep import sweep_name
from .sweep_job import run_alone_or_in_a_sweep
from .user_errors import one_line_errors

PROGRAM = "pscgan-train"
OmegaConf.register_new_resolver("run_name", run_name, replace=True)
OmegaConf.register_new_resolver("sweep_name", sweep_name, replace=True, use_cache=True)  # a run's is the sweep's


@hydra.main(version_base="1.3", config_path="pkg://pscgan.conf", config_name="train")
def _run(config: DictConfig) -> float | None:
    quieten_lightning()  # here, because a launcher may have started this process
    return run_alone_or_in_a_sweep(config, _train_or_exit)


def _train_or_exit(config: DictConfig) -> float:
    try:
        with one_line_errors(PROGRAM):
            return train(config)
    except Interrupted as interrupted:
        if ranks.rank() == 0:
            print(f"interrupted by {interrupted}; the same command continues", file=sys.stderr)
        sys.exit(interrupted.exit_code)
    except (NonfiniteGradients, Drifted, LostRank) as error:
        last = RunFolder(config).last
        if error.speaks if isinstance(error, LostRank) else ranks.rank() == 0:
            print(f"stopped: {error}; last good checkpoint: {last if last.exists() else 'none yet'}", file=sys.stderr)
        sys.exit(1)


def main() -> None:
    """The command ``pscgan-train``."""
    with one_line_errors(PROGRAM):
        _run()


if __name__ == "__main__":
    main()
