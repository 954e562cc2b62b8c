"""Runs of several processes: one folder, one result, whatever happens to them on the way."""

import csv
import itertools
import json
import os
import random
import resource
import signal
import time

import pytest
import torch

from pscgan.data.sources import open_source
from pscgan.train.callbacks.checkpointing import Checkpointing
from pscgan.train.distributed import collectives
from pscgan.train.gan_step import GANStep
from pscgan.train.lightning_module import SamplerModule
from pscgan.train.network_optimizer import NotFinite
from pscgan.train.run import train
from pscgan.train.runs.cli_errors import Interrupted, RankError

from ..tiny import LIGHTNING_SAYS, assert_same_run, config_of, result
from .on_ranks import Group, on_ranks

pytestmark = [pytest.mark.integration, *LIGHTNING_SAYS]


def learn(folder, *overrides):
    return train(config_of(folder, *overrides))


def learn_with_a_nan(folder):
    """On rank 1, from the second batch on."""
    penalty = GANStep._penalty_terms

    def terms(self, *arguments):
        found = penalty(self, *arguments)
        bad = torch.nan if collectives.rank() and self.progress.images_seen else 1
        return {name: term._replace(value=bad * term.value) for name, term in found.items()}

    GANStep._penalty_terms = terms  # in a process of its own
    learn(folder, "gan_step.nonfinite_limit=3")


def run_on(size, folder, *overrides):
    on_ranks(size, learn, folder, *overrides, join=False)
    return folder


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    return run_on(2, tmp_path_factory.mktemp("unbroken") / "run")


def rows(folder):
    with (folder / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_two_ranks_leave_what_one_process_leaves(unbroken, tmp_path):
    alone = run_on(1, tmp_path / "alone")
    names = [sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")) for folder in (unbroken, alone)]
    assert names[0] == names[1]
    assert [list(row) for row in rows(unbroken)] == [list(row) for row in rows(alone)]
    for row, expected in zip(rows(unbroken), rows(alone), strict=True):
        for name, value in expected.items():
            found = row[name]
            assert (found == value == "") or float(found) == pytest.approx(float(value), rel=1e-2, abs=1e-3), name
    (start,) = json.loads((unbroken / "run.json").read_text())
    assert start["ranks"] == 2


def test_a_validation_does_not_depend_on_the_number_of_ranks(tmp_path):
    """Three images on one to four ranks: none is counted twice, none is left out."""
    frozen = ["generator_optimizer.lr=0.0", "critic_optimizer.lr=0.0", "dataset.batch_size=12", "images=12"]
    clocks = ["evaluation.every_images=12", "log_every_images=12", "checkpoint_every_images=12"]
    alone, *others = (result(run_on(n, tmp_path / str(n), *frozen, *clocks)) for n in (1, 2, 3, 4))
    assert alone.pop("status") == "finished"
    for scores in others:
        assert scores.pop("status") == "finished"
        assert scores | {"seconds": 0} == pytest.approx(alone | {"seconds": 0}, rel=1e-6)


def starts(folder):
    path = folder / "run.json"
    return len(json.loads(path.read_text())) if path.exists() else 0


def kill_at(moment, folder):
    """Kill both ranks so many seconds after the first batch, or before it; whether they were still alive."""
    before, group = starts(folder), Group(2, learn, folder, join=False)
    while moment >= 0 and starts(folder) == before and any(process.is_alive() for process in group.processes):
        time.sleep(0.01)
    time.sleep(abs(moment))
    alive = [process.is_alive() for process in group.processes]
    group.kill()
    group.wait()
    return all(alive)


@pytest.mark.parametrize("kills", [3, pytest.param(30, marks=pytest.mark.slow)])
def test_killed_at_random_moments_it_ends_as_if_nothing_had_been(kills, unbroken, tmp_path):
    """Now and then while it starts, else from the first batch to the last validation; every third run twice."""
    seconds, rng, killed = result(unbroken)["seconds"], random.Random(kills), 0
    for run in itertools.count():
        if killed >= kills:
            break
        folder = tmp_path / str(run)
        for _ in range(2 if run % 3 == 2 else 1):
            killed += kill_at(-rng.random() if rng.random() < 0.1 else rng.uniform(0, seconds), folder)
        assert_same_run(run_on(2, folder), unbroken)


def interrupt_one(folder, number):
    step = SamplerModule.training_step

    def stepped(self, batch, batch_index):
        if self.images_seen == 20 and collectives.rank() == 1:
            signal.raise_signal(number)
        return step(self, batch, batch_index)

    SamplerModule.training_step = stepped
    learn(folder)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_to_one_rank_stops_all_after_the_same_batch(number, unbroken, tmp_path):
    _, outcomes = Group(2, interrupt_one, tmp_path / "run", number, join=False).wait()
    for error in outcomes.values():
        assert isinstance(error, Interrupted)
        assert (str(error), error.exit_code) == (f"{number.name} after 24 images", 128 + number)
    assert_same_run(run_on(2, tmp_path / "run"), unbroken)


def fill_the_disk(folder, images):
    """From then on rank 0 cannot write a whole checkpoint."""
    write = Checkpointing._write

    def written(self, module, best):
        if module.images_seen == images:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
        return write(self, module, best)

    Checkpointing._write = written
    learn(folder)


@pytest.mark.parametrize("images", [8, 16, 40])
def test_a_full_disk_ends_all_ranks_and_costs_the_images_since_the_last_checkpoint(images, unbroken, tmp_path):
    folder = tmp_path / "run"
    _, outcomes = Group(2, fill_the_disk, folder, images, join=False).wait()
    for error in outcomes.values():
        assert isinstance(error, RankError)
        assert "cannot write" in str(error)
        assert ".ckpt: File too large" in str(error)
    assert not list(folder.glob("*.part"))
    assert_same_run(run_on(2, folder), unbroken)


def test_what_is_not_finite_ends_all_ranks_by_one_name(tmp_path):
    """A term that one rank alone has, as the batch of the other is finite."""
    _, outcomes = Group(2, learn_with_a_nan, tmp_path / "run", join=False).wait()
    assert [type(outcome) for outcome in outcomes.values()] == [NotFinite] * 2
    (line,) = {str(outcome) for outcome in outcomes.values()}
    assert "the first was generator/patch_energy after 4 images" in line
    assert result(tmp_path / "run")["error"] == line


def test_a_run_goes_on_with_another_number_of_ranks(unbroken, tmp_path):
    folder = tmp_path / "run"
    for size, seen in ((2, 16), (1, 32)):
        group = Group(size, stop_after, folder, seen, join=False)
        assert all(isinstance(error, Interrupted) for error in group.wait()[1].values())
    run_on(2, folder)
    starts = json.loads((folder / "run.json").read_text())
    assert [(start["images_seen"], start["ranks"]) for start in starts] == [(0, 2), (20, 1), (36, 2)]
    assert [row["images_seen"] for row in rows(folder)] == [row["images_seen"] for row in rows(unbroken)]
    assert result(folder)["crps"] == pytest.approx(result(unbroken)["crps"], rel=1e-2)


def stop_after(folder, seen):
    step = SamplerModule.training_step

    def stepped(self, batch, batch_index):
        if self.images_seen == seen:
            signal.raise_signal(signal.SIGTERM)
        return step(self, batch, batch_index)

    SamplerModule.training_step = stepped
    learn(folder)


def learn_something_else(folder):
    learn(folder, f"degradation.sigma={50 if os.environ['RANK'] == '0' else 25}")


def learn_from_other_images(folder):
    below = open_source.Folder

    def fewer(*arguments):
        images = below(*arguments)
        images.names = images.names[int(os.environ["RANK"]) :]
        return images

    open_source.Folder = fewer
    learn(folder)


@pytest.mark.parametrize(
    ("size", "function", "arguments", "words"),
    [
        (2, learn_something_else, (), "rank 1 has another version or config"),
        (2, learn_from_other_images, (), "rank 1 has other images"),
        (3, learn, (), "dataset.batch_size must be a multiple of the 3 ranks"),
        (2, learn, ("degradation.sigma=3000",), "got 3000"),
    ],
)
def test_what_cannot_work_ends_all_ranks_before_anything_is_written(size, function, arguments, words, tmp_path):
    codes, outcomes = Group(size, function, tmp_path / "run", *arguments, join=False).wait()
    assert codes == [0] * size  # no rank had to be killed
    assert all(words in str(error) for error in outcomes.values())
    assert [error.is_reporter for _, error in sorted(outcomes.items())] == [True] + [False] * (size - 1)
    assert not (tmp_path / "run" / "config.yaml").exists()


def test_a_folder_in_use_is_refused(unbroken, tmp_path):
    folder = tmp_path / "run"
    group = Group(2, learn, folder, join=False)
    while not (folder / "last.ckpt").exists():
        time.sleep(0.02)
    with pytest.raises(ValueError, match="is in use by another process"):
        learn(folder)
    group.wait()
    assert_same_run(folder, unbroken)
