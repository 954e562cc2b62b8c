"""Loggers besides the default one."""

import pytest
import torch

from pscgan.train.lightning_module import SamplerModule

from .test_resume import Killed, at, kill
from .tiny import LIGHTNING_SAYS, result, run

pytestmark = LIGHTNING_SAYS


@pytest.mark.integration
def test_tensorboard_of_a_run_that_was_killed_holds_terms_scores_the_picture_and_hparams(tmp_path, monkeypatch):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    killed = at(monkeypatch, (SamplerModule, "training_step"), 12, kill)
    with pytest.raises(Killed):
        run(tmp_path / "run", "images=16", "logger=[csv,tensorboard]")
    assert killed
    folder = run(tmp_path / "run", "images=16", "logger=[csv,tensorboard]")  # from image 8
    events = accumulator.EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    tags = events.Tags()
    assert {"generator/patch_energy", "critic/adversarial", "validation/psnr_mean"} <= set(tags["scalars"])
    assert [event.step for event in events.Scalars("generator/patch_energy")] == [4, 8, 12, 16]
    assert tags["images"] == ["validation/samples"]
    (picture,) = events.Images("validation/samples")
    assert picture.step == 16
    assert (folder / "metrics.csv").exists()
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    said = events.PluginTagToContent("hparams")
    start = HParamsPluginData.FromString(said["_hparams_/session_start_info"]).session_start_info
    assert start.hparams["degradation/sigma"].number_value == 50
    assert start.hparams["start/commit"].string_value
    metrics = HParamsPluginData.FromString(said["_hparams_/experiment"]).experiment.metric_infos
    assert "validation/crps" in {metric.name.tag for metric in metrics}
    assert [event.value for event in events.Scalars("validation/crps")] == [pytest.approx(result(folder)["crps"])]


def test_what_is_watched_does_not_change_what_is_learned(tmp_path):
    watched, unwatched = run(tmp_path / "watched", "images=16"), tmp_path / "unwatched"
    run(unwatched, "images=16", "logger=[]", *(f"~callbacks.{name}" for name in ("log_terms", "pictures", "progress")))
    states = [torch.load(folder / "last.ckpt", weights_only=True)["gan_step"] for folder in (watched, unwatched)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0] if name.endswith("weight"))
    assert not (unwatched / "metrics.csv").exists()
