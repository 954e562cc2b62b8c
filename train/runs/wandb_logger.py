"""A run folder's run of Weights & Biases: one id, however often it is interrupted and continued."""

import os
import secrets
from pathlib import Path
from typing import Any

from lightning_fabric.loggers.logger import rank_zero_experiment
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


class WandbRun(WandbLogger):
    """Lightning's logger, with ``wandb_id`` in the run folder, one row for all that is logged at a count of images.

    The step of wandb is that count, so rows that a killed run logged after its last checkpoint are not logged twice:
    wandb leaves out a step it has. ``save`` writes the row, which ``Checkpointing`` asks for before each checkpoint.

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

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """The run, started at the first use.

        Raises:
            ValueError: if wandb cannot start it.
        """
        if self._experiment is None:
            import wandb

            given = {option: value for option, value in self._wandb_init.items() if value is not None}
            try:
                run = wandb.init(**given)
            except wandb.Error as error:
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
        self.experiment.log({**metrics, CLOCK: step}, step=step)
        self._row_is_open = True

    def save(self) -> None:
        """Write the row."""
        if self._row_is_open:
            self.experiment.log({}, commit=True)
            self._row_is_open = False

    def finalize(self, status: str) -> None:
        """End the run: as failed unless ``status`` is success."""
        if self._experiment is None:
            return
        for path in self.checkpoints:
            if path.exists():
                self._log_checkpoint(path)
        self.experiment.finish(exit_code=int(status != "success"))
        self._experiment = None

    def _log_checkpoint(self, path: Path) -> None:
        import wandb

        artifact = wandb.Artifact(f"checkpoint-{self.experiment.id}", "model", metadata=dict(self.experiment.summary))
        artifact.add_file(str(path))
        self.experiment.log_artifact(artifact, aliases=[path.stem])
