"""``pscgan evaluate``: evaluate methods on the same measurements, and write a report."""

import sys

import hydra
from omegaconf import DictConfig, OmegaConf

from ..checks import optional_package
from ..train.evaluation.naming import evaluation_name
from ..train.runs.cli_errors import Interrupted, filter_warnings, report_user_errors
from ..train.runs.config_check import check_config
from .command_line import run_hydra

PROGRAM = "pscgan evaluate"
OmegaConf.register_new_resolver("evaluation_name", evaluation_name, replace=True)


@hydra.main(version_base="1.3", config_path="pkg://pscgan.conf", config_name="evaluate")
def _run(config: DictConfig) -> None:
    with report_user_errors(PROGRAM):
        check_config(config, "evaluate")
        for package in ("matplotlib", "torchmetrics", "pytorch_lightning"):
            optional_package(package, "evaluate", "an evaluation")
    from ..train.distributed.launch import RankFailure

    filter_warnings()
    try:
        with report_user_errors(PROGRAM):
            _evaluate(config)
    except KeyboardInterrupt:
        print("interrupted; the same command continues", file=sys.stderr)
        raise
    except Interrupted as interrupted:
        print(f"interrupted by {interrupted}; the same command continues", file=sys.stderr)
        sys.exit(interrupted.exit_code)
    except RankFailure as error:
        print(f"stopped: {error}; the same command continues", file=sys.stderr)
        sys.exit(1)


def _evaluate(config: DictConfig) -> None:
    from ..train.evaluation.setup import evaluate
    from .report.report import write_report

    folder = evaluate(config)
    if folder is not None:
        write_report(folder)
        print(folder / "index.html")


def main() -> None:
    """The command ``pscgan evaluate``."""
    run_hydra(PROGRAM, _run)


if __name__ == "__main__":
    main()
