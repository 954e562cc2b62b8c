"""Optuna: a study is continued, and trials that promise nothing are ended."""

import csv
import signal

import pytest
from omegaconf import OmegaConf

from pscgan.train import run as program
from pscgan.train.callbacks.pruning import Pruning
from pscgan.train.lightning_module import SamplerModule
from pscgan.train.runs.optuna_study import ContinuedStudy, open_storage

from ..tiny import LIGHTNING_SAYS, result, run
from .sweeping import pscgan_train

optuna = pytest.importorskip("optuna")
__all__ = ["pscgan_train"]
pytestmark = [
    *LIGHTNING_SAYS,
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.MovedIn20Warning"),
]
LEARNING_RATE = 1e-3
SEARCH = ("hparams_search=optuna", "hydra.sweeper.n_trials=4", "generator.width=4")
PRUNE_ALL = (
    "callbacks.pruning.pruner._target_=optuna.pruners.ThresholdPruner",
    "~callbacks.pruning.pruner.min_resource",
    "~callbacks.pruning.pruner.reduction_factor",
    "+callbacks.pruning.pruner.upper=0",
)


def trials_of(database):
    return optuna.load_study(study_name="crps", storage=open_storage(f"sqlite:///{database}")).trials


def test_a_study_is_continued_and_repeats_nothing(pscgan_train, tmp_path, monkeypatch):
    calls = []
    play = SamplerModule.training_step

    def interrupted_in_the_third_trial(self, *arguments):
        calls.append(self.images_seen)
        if calls.count(0) == 3:
            signal.raise_signal(signal.SIGTERM)
            monkeypatch.setattr(SamplerModule, "training_step", play)
        return play(self, *arguments)

    monkeypatch.setattr(SamplerModule, "training_step", interrupted_in_the_third_trial)
    code, _, stderr = pscgan_train(*SEARCH, *PRUNE_ALL)
    assert (code, stderr) == (143, "interrupted by SIGTERM after 4 images; the same command continues\n")
    (database,) = tmp_path.glob("runs/sweeps/*/study.db")
    before = trials_of(database)
    assert [trial.state.name for trial in before] == ["COMPLETE", "COMPLETE", "RUNNING"]

    code, stdout, stderr = pscgan_train(*SEARCH, *PRUNE_ALL)
    assert (code, stderr) == (0, "")
    assert "continues at image 4" in stdout
    after = trials_of(database)
    assert [trial.state.name for trial in after] == ["COMPLETE"] * 4
    assert [trial.params for trial in after[:3]] == [trial.params for trial in before]
    assert len({tuple(trial.params.values()) for trial in after}) == 4
    folders = list(database.parent.glob("*/result.json"))
    assert sorted(trial.value for trial in after) == sorted(result(path.parent)["crps"] for path in folders)
    with (database.parent / "runs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["state"], row["images_seen"]) for row in rows] == [("pruned", "16")] * 4


def test_a_trial_that_fails_leaves_the_others_alone(pscgan_train, tmp_path, monkeypatch):
    def train(config):
        if config.generator_optimizer.lr > LEARNING_RATE:
            raise ValueError(f"lr is {config.generator_optimizer.lr}; allowed is {LEARNING_RATE} or less")
        return config.generator_optimizer.lr

    monkeypatch.setattr(program, "train", train)
    code, _, stderr = pscgan_train("hparams_search=optuna", "hydra.sweeper.n_trials=8")
    (database,) = tmp_path.glob("runs/sweeps/*/study.db")
    trials = trials_of(database)
    states = ["FAIL" if trial.params["generator_optimizer.lr"] > LEARNING_RATE else "COMPLETE" for trial in trials]
    assert [trial.state.name for trial in trials] == states
    assert set(states) == {"FAIL", "COMPLETE"}
    failed = states.count("FAIL")
    assert len(list(database.parent.glob("*/failed.json"))) == stderr.count("allowed is") == failed
    assert (code, f"pscgan train: {failed} of {failed} runs failed: " in stderr) == (1, True)


@pytest.mark.parametrize(("length", "left"), [(5, 3), (2, 0), (1, 0)])
def test_the_length_is_that_of_the_study_over_all_starts(length, left, study, tmp_path):
    sweeper = {
        "storage": f"sqlite:///{tmp_path}/study.db",
        "study_name": "crps",
        "direction": "minimize",
        "n_trials": length,
        "sampler": {"seed": 5},
    }
    config = OmegaConf.create({"hydra": {"sweeper": sweeper}})
    OmegaConf.set_readonly(config, True)
    ContinuedStudy().on_multirun_start(config)
    assert (config.hydra.sweeper.n_trials, config.hydra.sweeper.sampler.seed) == (left, 5 + 3)
    assert [trial.state.name for trial in trials_of(tmp_path / "study.db")] == ["COMPLETE", "COMPLETE", "WAITING"]


@pytest.fixture
def study(tmp_path):
    """Two trials are told 0.1 and 0.3 at 16 images; a third runs."""
    storage = open_storage(f"sqlite:///{tmp_path / 'study.db'}")
    study = optuna.create_study(study_name="crps", storage=storage)
    for crps in (0.1, 0.3):
        trial = study.ask({"seed": optuna.distributions.IntUniformDistribution(0, 9)})
        trial.report(crps, 16)
        study.tell(trial, crps)
    study.ask({"seed": optuna.distributions.IntUniformDistribution(7, 7)})
    return study


def pruning(tmp_path, pruner, overrides="['seed=7']"):
    target = "pscgan.train.callbacks.pruning.Pruning"
    place = f"storage: 'sqlite:///{tmp_path}/study.db', study_name: crps, overrides: {overrides}"
    return f"+callbacks.pruning={{_target_: {target}, {place}, pruner: {pruner}}}"


def test_a_run_worse_than_the_median_ends_with_its_last_score(study, tmp_path):
    """The CRPS of a network that has learned little lies between that of a good run and that of a bad one."""
    pruner = "{_target_: optuna.pruners.PercentilePruner, percentile: 1.0, n_startup_trials: 0}"
    folder = run(tmp_path / "run", "seed=7", pruning(tmp_path, pruner))
    found = result(folder)
    assert (found["pruned"], found["images_seen"]) == (True, 16)
    assert trials_of(tmp_path / "study.db")[2].intermediate_values == {16: found["crps"]}
    assert 0.1 < found["crps"] < 0.3
    with (folder / "metrics.csv").open(newline="") as file:
        scores = [row["validation/crps"] for row in csv.DictReader(file) if row["validation/crps"]]
    assert scores == [repr(found["crps"])]
    assert (folder / "last.ckpt").exists()
    assert (folder / "best.ckpt").exists()


def test_a_run_better_than_the_median_is_trained_to_its_end(study, tmp_path):
    pruner = "{_target_: optuna.pruners.PercentilePruner, percentile: 99.0, n_startup_trials: 0}"
    found = result(run(tmp_path / "run", "seed=7", pruning(tmp_path, pruner)))
    assert (found.get("pruned"), found["images_seen"]) == (None, 48)
    assert list(trials_of(tmp_path / "study.db")[2].intermediate_values) == [16, 32, 48]


def test_a_run_of_no_trial_is_refused_before_it_trains(study, tmp_path):
    with pytest.raises(ValueError, match="has no running trial of this run"):
        run(tmp_path / "run", pruning(tmp_path, "{_target_: optuna.pruners.NopPruner}", "['seed=6']"))
    assert not (tmp_path / "run" / "last.ckpt").exists()


def test_trials_that_run_together_are_told_apart(tmp_path):
    storage = open_storage(f"sqlite:///{tmp_path / 'study.db'}")
    study = optuna.create_study(study_name="crps", storage=storage)
    trials = [study.ask({"lr": optuna.distributions.LogUniformDistribution(1e-4, 1e-2)}) for _ in range(3)]
    for trial in trials:
        overrides = ["seed=0", f"lr={trial.params['lr']}"]
        callback = Pruning(f"sqlite:///{tmp_path / 'study.db'}", "crps", overrides, optuna.pruners.NopPruner())
        assert not callback._is_pruned(16, float(trial.number))
    assert [trial.intermediate_values[16] for trial in trials_of(tmp_path / "study.db")] == [0.0, 1.0, 2.0]
