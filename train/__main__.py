"""``pscgan-train``: trains what the config says, or continues it."""

from __future__ import annotations

import sys

import hydra
from omegaconf import DictConfig, OmegaConf

from .callbacks.checkpoints import Interrupted
from .drift import Drifted
from .game import NonfiniteGradients
from .process_group import LostRank
from .quiet import quieten_lightning
from .run import train
from .run_folder import RunFolder, run_name
from .user_errors import one_line_errors

PROGRAM = "pscgan-train"
OmegaConf.register_new_resolver("run_name", run_name, replace=True)


@hydra.main(version_base="1.3", config_path="pkg://pscgan.conf", config_name="train")
def _run(config: DictConfig) -> float:
    try:
        with one_line_errors(PROGRAM):
            return train(config)
    except Interrupted as interrupted:
        print(f"interrupted by {interrupted}; the same command continues", file=sys.stderr)
        sys.exit(interrupted.exit_code)
    except (NonfiniteGradients, Drifted, LostRank) as error:
        last = RunFolder(config).last
        print(f"stopped: {error}; last good checkpoint: {last if last.exists() else 'none yet'}", file=sys.stderr)
        sys.exit(1)


def main() -> None:
    """The command ``pscgan-train``."""
    quieten_lightning()
    with one_line_errors(PROGRAM):
        _run()


if __name__ == "__main__":
    main()
