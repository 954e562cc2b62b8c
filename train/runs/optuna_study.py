"""An Optuna study that goes on where it was interrupted."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, open_dict, read_write

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

SQLITE = "sqlite:///"


def open_storage(url: str) -> RDBStorage:
    """The data base of a study, made if it is not there; what the libraries say of themselves is left out."""
    os.environ.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")  # Optuna 2 needs SQLAlchemy 1, which recommends 2
    logging.getLogger("alembic").setLevel(logging.WARNING)
    from optuna.storages import RDBStorage

    logging.getLogger("optuna").setLevel(logging.WARNING)  # importing it sets another level
    if url.startswith(SQLITE):
        Path(url.removeprefix(SQLITE)).parent.mkdir(parents=True, exist_ok=True)
    return RDBStorage(url)


class ContinuedStudy(Callback):
    """Makes ``hydra.sweeper.n_trials`` the length of the study, over all starts of its command.

    Trials that were running when the sweep ended wait to be taken up first, with the values they had, so that their
    runs go on. A seeded sampler is seeded anew for the trials to come: it would otherwise repeat the first ones.
    """

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Before the sweeper opens the study."""
        sweeper = config.hydra.sweeper
        storage = open_storage(sweeper.storage)
        from optuna import create_study
        from optuna.trial import TrialState

        study = create_study(
            storage=storage, study_name=sweeper.study_name, direction=sweeper.direction, load_if_exists=True
        )
        trials = study.get_trials(deepcopy=False)
        for trial in trials:
            if trial.state == TrialState.RUNNING:
                storage.set_trial_state(_identity(storage, study.study_name, trial.number), TrialState.WAITING)
        with read_write(config), open_dict(config):
            sweeper.n_trials = max(0, sweeper.n_trials - sum(trial.state.is_finished() for trial in trials))
            if sweeper.sampler.get("seed") is not None:
                sweeper.sampler.seed += len(trials)


def _identity(storage: RDBStorage, study_name: str, number: int) -> int:
    study = storage.get_study_id_from_name(study_name)
    return int(storage.get_trial_id_from_study_id_trial_number(study, number))
