"""One command, one folder; nothing in it is overwritten."""

import json

import pytest

import pscgan
from pscgan.train.runs.folder import LOCK, RunFolder, lock_folder
from pscgan.train.runs.naming import run_name, sweep_name

from ..tiny import LIGHTNING_SAYS, config_of, run

pytestmark = LIGHTNING_SAYS


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return run(tmp_path_factory.mktemp("runs") / "run", "images=16")


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_leaves_what_tells_how_it_was_made(finished):
    names = {path.relative_to(finished).as_posix() for path in contents(finished)}
    expected = {"config.yaml", "run.json", "result.json", "metrics.csv", "last.ckpt", "best.ckpt", "images.json.gz"}
    assert names == expected | {"pictures/000000016.png"}
    (start,) = json.loads((finished / "run.json").read_text())
    assert {"command", "pscgan", "commit", "python", "packages", "hardware", "seed", "precision", "time"} <= set(start)
    assert (start["images_seen"], start["seed"], start["precision"]) == (0, 0, "32-true")
    assert start["pscgan"] == pscgan.__version__
    assert start["packages"]["torch"]
    assert start["hardware"]["cores"] >= 1


def test_the_numbers_a_result_holds(finished):
    names = (
        "psnr_degraded psnr_sample psnr_mean ssim_sample samples_per_image gain_db gain_db_exact "
        "images_seen generator_steps seconds spread_skill/1 spread_skill/8 spread_skill/32 coverage/32"
    )
    result = json.loads((finished / "result.json").read_text())
    assert set(names.split()) <= set(result)
    assert (result["images_seen"], result["generator_steps"], result["samples_per_image"]) == (16, 4, 2)


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        (["degradation.sigma=25"], "degradation.sigma: 50 there, 25 now"),
        (["seed=1"], "seed: 0 there, 1 now"),
        (["~schedule.floor"], "schedule.floor: 0.01 there, absent now"),
        (["degradation.sigma=25", "allow_changed_config=true"], "degradation.sigma: 50 there, 25 now"),
        (["+generator.new=1"], "generator.new: absent there, 1 now"),
        (["dataset.test=1", "allow_changed_config=true"], "dataset.test: 0 there, 1 now"),
    ],
)
def test_a_run_of_another_config_is_refused(finished, overrides, named):
    before = contents(finished)
    with pytest.raises(ValueError, match="choose another name") as refused:
        run(finished, "images=16", *overrides)
    assert named in str(refused.value)
    assert str(finished) in str(refused.value)
    assert contents(finished) == before


def test_loggers_callbacks_and_workers_may_change(finished):
    RunFolder(config_of(finished, "images=16", "logger=[]", "callbacks.pictures.images=1", "dataset.num_workers=2"))


def test_a_folder_that_holds_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("the only copy")
    before = contents(tmp_path)
    with pytest.raises(ValueError, match="is not empty and holds no run of pscgan"):
        run(tmp_path)
    assert contents(tmp_path) == before


def test_a_config_that_does_not_build_leaves_its_name_free(tmp_path):
    folder = tmp_path / "run"
    for mistake in ("degradation.sigma=3000", "precision=fp8", "checkpoint_every_images=7"):
        with pytest.raises(Exception, match=r"sigma|precision|checkpoint_every_images"):
            run(folder, "images=16", mistake)
        assert not contents(folder)
    run(folder, "images=16")
    assert (folder / "result.json").exists()


def test_names_of_folders():
    assert run_name("demo", "") == "demo"
    assert run_name("demo", "seed=1,dataset.root=/my images") == "demo,seed=1,dataset.root=-myimages"
    first, second = (run_name("demo", f"{'x=1,' * 60}y={y}") for y in ("日本", "\udcff"))  # the last is no UTF-8
    assert first != second
    assert len(first) == len("demo,") + 100


def test_another_command_is_another_sweep():
    names = [sweep_name("demo", overrides) for overrides in (["seed=0,1"], ["seed=0,2"], ["seed=0,1", "images=80"])]
    assert len(set(names)) == 3
    assert sweep_name("demo", ["seed=0,1", "logger=[wandb]", "experiment=demo"]) == names[0] == "demo,seed=0,1"


def test_a_folder_is_held_by_one_at_a_time_and_nothing_is_left(tmp_path):
    folder = tmp_path / "run"
    with lock_folder(folder):
        with pytest.raises(ValueError, match="in use"), lock_folder(folder):
            pass
        assert (folder / LOCK).exists()
    assert not list(folder.iterdir())
    with lock_folder(folder):
        pass


def test_the_lock_of_a_killed_process_is_in_nobodys_way(tmp_path):
    (tmp_path / LOCK).touch()
    with lock_folder(tmp_path):
        RunFolder(config_of(tmp_path))


def test_a_start_under_other_conditions_says_so(tmp_path, monkeypatch, capsys):
    """On one line, and in ``run.json``; what is the same, or was not noted then, is not said."""
    run(tmp_path, "images=4", "evaluation.every_images=4")
    (tmp_path / "result.json").unlink()
    (start,) = starts = json.loads((tmp_path / "run.json").read_text())
    assert start["changes"] == []
    start |= {"commit": "abc", "device": "H200", "ranks": 1}
    start["packages"]["torch"] = "1.0"
    del start["precision"]
    (tmp_path / "run.json").write_text(json.dumps(starts))
    monkeypatch.setattr("pscgan.train.runs.provenance._commit", lambda: "def")
    capsys.readouterr()
    run(tmp_path, "images=4", "evaluation.every_images=4")
    first, second = json.loads((tmp_path / "run.json").read_text())
    said = [line.partition(":")[0] for line in second["changes"]]
    assert said == ["commit", "torch", "device"]
    assert f"with changes ({'; '.join(second['changes'])})" in capsys.readouterr().out
    assert first == start


@pytest.mark.parametrize("key", ["feature_networks", "images"])
def test_a_fixed_condition_is_refused_before_anything_is_written(tmp_path, key):
    conditions = {"images_seen": 8, "feature_networks": ["vgg19, sha256 1"], "images": {"test": "1"}}
    other = conditions | {key: {"feature_networks": ["vgg19, sha256 2"], "images": {"test": "2"}}[key]}
    config = config_of(tmp_path)
    RunFolder(config).note_start(conditions, {"test": []})
    before = contents(tmp_path)
    with pytest.raises(ValueError, match=r"feature networks: .*1.* there, .*2.* now|test images: other files"):
        RunFolder(config).note_start(other, {"test": []})
    assert contents(tmp_path) == before
    config.allow_changed_config = True
    RunFolder(config).note_start(other, {"test": []})


def test_before_the_first_checkpoint_nothing_is_continued(tmp_path):
    for digest in ("1", "2"):
        start = RunFolder(config_of(tmp_path)).note_start({"images_seen": 0, "images": {"test": digest}}, {"test": []})
        assert start["changes"] == []
