"""An end to trials of an Optuna study that promise nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl

from ..distributed import collectives
from ..lightning_module import SamplerModule
from ..runs.optuna_study import open_storage

if TYPE_CHECKING:
    from optuna.pruners import BasePruner


class Pruning(pl.Callback):
    """Tells the study the CRPS of each validation, at images seen, and ends the run where the pruner says so.

    Hydra's sweeper does not hand the trial to the run. It is found in the study: the running trial whose values stand
    among the overrides of the run. So it is found in any process that reaches the study's storage.

    Args:
        storage: URL of the study's data base, ``sqlite:///PATH``.
        study_name: in that data base.
        overrides: of the run, each ``key=value``.
        pruner: of Optuna.
    """

    def __init__(self, storage: str, study_name: str, overrides: Sequence[str], pruner: BasePruner) -> None:
        self.storage, self.study_name = open_storage(storage), study_name
        self.overrides, self.pruner = set(overrides), pruner

    def on_fit_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Find the trial before anything is trained."""
        collectives.from_rank_zero(lambda: bool(self._trial()))

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Rank 0 asks, all end."""
        assert isinstance(module, SamplerModule)
        stop = collectives.from_rank_zero(lambda: self._is_pruned(module.images_seen, module.scores["crps"]))
        if module.images_seen < module.images and stop:
            if collectives.rank() == 0:
                print(f"pruned after {module.images_seen:,} images", flush=True)
            module.end_here()

    def _is_pruned(self, images_seen: int, crps: float) -> bool:
        study, trial = self._trial()
        self.storage.set_trial_intermediate_value(trial, images_seen, crps)
        return self.pruner.prune(study, self.storage.get_trial(trial))

    def _trial(self) -> tuple[Any, int]:
        """The study, and the key of the trial in its storage."""
        from optuna import load_study
        from optuna.trial import TrialState

        study = load_study(study_name=self.study_name, storage=self.storage)
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if {f"{name}={value}" for name, value in trial.params.items()} <= self.overrides:
                identity = self.storage.get_study_id_from_name(self.study_name)
                return study, int(self.storage.get_trial_id_from_study_id_trial_number(identity, trial.number))
        raise ValueError(f"study {self.study_name!r} has no running trial of this run; allowed is a run of its sweep")
