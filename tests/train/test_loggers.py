"""Loggers besides the default one."""

import pytest
import torch

from .tiny import LIGHTNING_SAYS, command, run

pytestmark = LIGHTNING_SAYS


def test_tensorboard_holds_terms_scores_and_the_picture(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    folder = run(tmp_path / "run", "images=16", "logger=[csv,tensorboard]")
    events = accumulator.EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    tags = events.Tags()
    assert {"generator/patch_energy", "critic/adversarial", "validation/psnr_mean"} <= set(tags["scalars"])
    assert [event.step for event in events.Scalars("generator/patch_energy")] == [4, 8, 12, 16]
    assert tags["images"] == ["validation/samples"]
    (picture,) = events.Images("validation/samples")
    assert picture.step == 16
    assert (folder / "metrics.csv").exists()


@pytest.mark.integration
def test_wandb_offline_holds_the_run_and_the_picture(tmp_path):
    answer = command(
        "logger=[csv,wandb]", "images=16", "hydra.run.dir=run", cwd=tmp_path, WANDB_MODE="offline", WANDB_SILENT="true"
    )
    assert answer.returncode == 0, answer.stderr
    (offline,) = (tmp_path / "run" / "wandb").glob("offline-run-*")
    assert [path for path in offline.glob("*.wandb") if path.stat().st_size]
    assert list(offline.glob("files/media/images/validation/samples_*.png"))


def test_what_is_watched_does_not_change_what_is_learned(tmp_path):
    watched, unwatched = run(tmp_path / "watched", "images=16"), tmp_path / "unwatched"
    run(unwatched, "images=16", "logger=[]", *(f"~callbacks.{name}" for name in ("log_terms", "pictures", "progress")))
    states = [torch.load(folder / "last.ckpt", weights_only=True)["gan_step"] for folder in (watched, unwatched)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0] if name.endswith("weight"))
    assert not (unwatched / "metrics.csv").exists()
