"""``init_from=baseline``: one command trains the MMSE baseline and the run that begins at it."""

import shutil
import sys

import pytest
import torch

from pscgan.scripts.train import main
from pscgan.train import run as program
from pscgan.train.lightning_module import SamplerModule

from ..train.distributed.on_ranks import on_ranks
from ..train.runs.sweeping import pscgan_train
from ..train.test_resume import Killed, at, kill
from ..train.tiny import LIGHTNING_SAYS, OVERRIDES, assert_same_run, result

__all__ = ["pscgan_train"]
pytestmark = [pytest.mark.integration, *LIGHTNING_SAYS]
BOTH = ("init_from=baseline", "baseline_run.images=16", "images=16")


def test_killed_in_the_baseline_between_and_in_the_run_the_same_command_ends_the_same(
    pscgan_train, tmp_path, monkeypatch
):
    code, stdout, stderr = pscgan_train(*BOTH, "hydra.run.dir=whole")
    assert (code, stderr) == (0, "")
    assert [result(tmp_path / name)["images_seen"] for name in ("whole_mmse", "whole")] == [16, 16]
    assert stdout.index("whole_mmse starts") < stdout.index("whole starts")
    state = torch.load(tmp_path / "whole_mmse" / "last.ckpt", weights_only=True)
    assert state["config"]["critic"] is None

    broken, command = tmp_path / "broken", (*BOTH, "hydra.run.dir=broken")
    steps = (SamplerModule, "training_step")
    for kills in (
        lambda patch: at(patch, steps, 8, kill),
        lambda patch: patch.setattr(program, "begin", lambda *_: kill()),  # the baseline goes on, and ends before it
        lambda patch: at(patch, steps, 12, kill),
    ):
        with monkeypatch.context() as patch:
            kills(patch)
            with pytest.raises(Killed):
                pscgan_train(*command)
    assert_same_run(tmp_path / "broken_mmse", tmp_path / "whole_mmse")
    shutil.rmtree(tmp_path / "broken_mmse")  # a run that has begun does not need it
    code, stdout, stderr = pscgan_train(*command)
    assert (code, stderr) == (0, "")
    assert "continues at image 8" in stdout
    assert not (tmp_path / "broken_mmse").exists()
    assert_same_run(broken, tmp_path / "whole")


def test_a_baseline_that_is_there_is_not_trained_again(pscgan_train, tmp_path):
    assert pscgan_train(*BOTH, "hydra.run.dir=run")[0] == 0
    before = (tmp_path / "run_mmse" / "last.ckpt").stat().st_mtime_ns
    shutil.rmtree(tmp_path / "run")
    code, stdout, _ = pscgan_train(*BOTH, "hydra.run.dir=run")
    assert (code, sum("run_mmse" in line for line in stdout.splitlines())) == (0, 2)  # finished; begins at
    assert (tmp_path / "run_mmse" / "last.ckpt").stat().st_mtime_ns == before


def test_each_run_of_a_sweep_has_its_own(pscgan_train, tmp_path):
    code, _, stderr = pscgan_train("-m", *BOTH, "penalty.patch_energy.weight=1,2", "evaluation.every_images=4")
    assert (code, stderr) == (0, "")
    folders = sorted(path.parent for path in tmp_path.glob("runs/tiny*/result.json"))
    assert [folder.name.endswith("_mmse") for folder in folders] == [False, True] * 2
    (table,) = tmp_path.glob("runs/sweeps/*/runs.csv")
    assert len(table.read_text().splitlines()) == 3  # a heading and the two runs


def test_a_baseline_that_is_not_finite_ends_the_command(pscgan_train, tmp_path):
    code, _, stderr = pscgan_train(*BOTH, "baseline_run.lr=1e12", "hydra.run.dir=run")
    assert (code, stderr.partition(":")[0], len(stderr.splitlines())) == (1, "stopped", 1)
    assert "error" in result(tmp_path / "run_mmse")
    assert not (tmp_path / "run").exists()


def start(folder):
    """As each rank of torchrun does."""
    given = {one.partition("=")[0] for one in BOTH}
    others = [one for one in OVERRIDES if one.partition("=")[0] not in given]
    sys.argv = ["pscgan train", *others, *BOTH, f"hydra.run.dir={folder}"]
    main()


def test_ranks_of_torchrun_train_both_as_one_process_does(tmp_path):
    for size in (1, 2):
        on_ranks(size, start, tmp_path / str(size), join=False)
    for end in ("_mmse", ""):
        alone, ranked = (
            torch.load(tmp_path / f"{size}{end}" / "last.ckpt", weights_only=True)["gan_step"] for size in (1, 2)
        )
        for name, tensor in alone.items():
            if name.startswith("ema.average."):
                torch.testing.assert_close(ranked[name], tensor, rtol=1e-2, atol=1e-3)
