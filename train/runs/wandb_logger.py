"""A run folder's run of Weights & Biases: one id, however often it is interrupted and continued."""

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from lightning_fabric.loggers.logger import _DummyExperiment, rank_zero_experiment
from pytorch_lightning.loggers import WandbLogger

from .atomic_write import atomic_write
from .record import CLOCK
from .sweep import SWEEP

LONGEST_NAME = 128  # of wandb, for runs and groups
VARIABLES = {
    "project": "WANDB_PROJECT",
    "entity": "WANDB_ENTITY",
    "name": "WANDB_NAME",
    "group": "WANDB_RUN_GROUP",
    "job_type": "WANDB_JOB_TYPE",
    "tags": "WANDB_TAGS",
    "notes": "WANDB_NOTES",
    "save_dir": "WANDB_DIR",
    "id": "WANDB_RUN_ID",
}
"""A user's, or an agent's, win over the arguments."""
FLUSH_SECONDS = ("WANDB_X_TRANSACTION_LOG_FLUSH_INTERVAL", "1")  # by default 15; versions before 0.31 do not read it


class WandbRun(WandbLogger):
    """Lightning's logger, with ``wandb_id`` in the run folder, one row for all that is logged at a count of images.

    The step of wandb is that count, so rows that a killed run logged after its last checkpoint are not logged twice:
    wandb leaves out a step it has. ``save`` writes the row, which ``Checkpointing`` asks for before each checkpoint;
    ``kill -9`` costs those of the last second.

    Args:
        folder: of the run; its name is the run's, files of wandb are in it.
        project: of wandb.
        name: of the run instead.
        group: by default the name of the sweep, for a run of one.
        checkpoints: whether ``best.ckpt`` and ``last.ckpt`` become versions of one artifact whenever the run ends.
        options: more arguments of ``wandb.init``.
    """

    def __init__(
        self,
        folder: str,
        project: str = "pscgan",
        name: str | None = None,
        group: str | None = None,
        checkpoints: bool = False,
        **options: Any,
    ) -> None:
        path = Path(folder)
        self.id_file, self.checkpoints = path / "wandb_id", [path / "best.ckpt", path / "last.ckpt"] * checkpoints
        name = (name or path.resolve().name)[:LONGEST_NAME]
        group = group or os.environ.get(SWEEP)
        options |= {"project": project, "name": name, "group": group and group[:LONGEST_NAME], "save_dir": str(path)}
        options["id"] = self.id_file.read_text().strip() if self.id_file.exists() else secrets.token_hex(4)
        given = {option for option, variable in VARIABLES.items() if os.environ.get(variable)}
        super().__init__(**options | dict.fromkeys(given & options.keys()))
        self._row_is_open = False

    @contextmanager
    def _survived(self) -> Iterator[None]:
        """Whatever breaks in wandb: days of training are worth more than their log."""
        try:
            yield
        except Exception as error:
            print(f"logger.wandb: {error}; the training goes on without it", file=sys.stderr)
            self._experiment = cast(Any, _DummyExperiment())

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """The run, started at the first use.

        Raises:
            ValueError: if wandb cannot start it.
        """
        if self._experiment is None:
            import wandb

            os.environ.setdefault(*FLUSH_SECONDS)
            given = {option: value for option, value in self._wandb_init.items() if value is not None}
            try:
                run = wandb.init(**given)
            except Exception as error:  # not logged in, no network, no service, a name that cannot be
                raise ValueError(
                    f"logger.wandb: {error} (`wandb login` logs in; WANDB_MODE=offline keeps the run on disk)"
                ) from error
            atomic_write(self.id_file, f"{run.id}\n")
            run.define_metric(CLOCK)
            run.define_metric("*", step_metric=CLOCK)
            self._experiment = run
        return self._experiment

    def log_metrics(self, metrics: Any, step: int | None = None) -> None:
        """Add to the row of ``step``, the clean images seen."""
        with self._survived():
            self.experiment.log({**metrics, CLOCK: step}, step=step)
            self._row_is_open = True

    def save(self) -> None:
        """Write the row."""
        with self._survived():
            if self._row_is_open:
                self.experiment.log({}, commit=True)
            self._row_is_open = False

    def finalize(self, status: str) -> None:
        """End the run: as failed unless ``status`` is success."""
        if self._experiment is None:
            return
        import wandb

        with self._survived():
            for path in filter(Path.exists, self.checkpoints):
                name = f"checkpoint-{self.experiment.id}"
                self.experiment.log_artifact(str(path), name, "model", aliases=[path.stem])
            self.experiment.finish(exit_code=int(status != "success"))
            wandb.teardown()  # the service still writes the file, and a rank that exits does not wait for it
        self._experiment = None
