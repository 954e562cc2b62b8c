"""A mistake is answered with one line that names it, and exit code 2; the corrected command then runs."""

import json
import logging
import sys

import pytest

from pscgan.scripts.train import main

from ..data.pictures import folder_of
from .tiny import LIGHTNING_SAYS, OF_THE_SAMPLER, OVERRIDES, command, run

pytestmark = LIGHTNING_SAYS
FOLDER = (
    "dataset=folder",
    "dataset.crop=32",
    "dataset.validation=1",
    "dataset.evaluation_crop=32",
    "dataset.num_workers=0",
)


@pytest.fixture
def pscgan_train(tmp_path, monkeypatch, capfd):
    """The program in this process: (*arguments) -> exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    before = root.handlers[:], root.level

    def start(*arguments):
        given = {argument.partition("=")[0] for argument in arguments}
        overrides = [override for override in OVERRIDES if override.partition("=")[0] not in given]
        if "baseline=mmse" in arguments:
            overrides = [override for override in overrides if override not in OF_THE_SAMPLER]
        monkeypatch.setattr(sys, "argv", ["pscgan train", *overrides, "hydra.run.dir=run", *arguments])
        capfd.readouterr()
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code
        return code, *capfd.readouterr()

    yield start
    root.handlers[:], level = before
    root.setLevel(level)


@pytest.fixture(autouse=True)
def images(tmp_path):
    """Folders of every kind, in the working directory of the program."""
    folder_of(tmp_path / "colour", 4)
    folder_of(tmp_path / "grey", 4, channels=1)
    folder_of(tmp_path / "small", 4, height=16)
    for name in ("one_small", "held_out_small"):
        folder_of(tmp_path / name, 3)
    folder_of(tmp_path / "tiny", 1, height=16)
    (tmp_path / "tiny" / "00.png").rename(tmp_path / "one_small" / "01.png")
    folder_of(tmp_path / "tiny", 1, height=16)
    (tmp_path / "tiny" / "00.png").rename(tmp_path / "held_out_small" / "02.png")
    (tmp_path / "empty").mkdir()
    (tmp_path / "a_file").touch()
    for name in ("broken", "no_images"):
        (tmp_path / name).mkdir()
    for index in range(3):
        (tmp_path / "broken" / f"{index}.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    (tmp_path / "no_images" / "thesis.txt").write_text("no image")


def folder(name):
    return [*FOLDER, f"dataset.root={name}"]


MISTAKES = {
    "a missing folder": (folder("missing"), ["root must be an existing folder", "got missing"]),
    "no folder given": (["dataset=folder"], ["dataset.root"]),
    "an empty folder": (folder("empty"), ["root must hold image files", ".png", "got empty"]),
    "a folder without images": (folder("no_images"), ["root must hold image files", "got no_images"]),
    "unreadable images held out": (folder("broken"), ["broken/2.png: "]),
    "images below the crop": (folder("small"), ["16x48", "crop=32"]),
    "a held-out image below the crop": (folder("held_out_small"), ["02.png", "crop=32"]),
    "nothing held out": ([*folder("colour"), "dataset.validation=0"], ["dataset.validation"]),
    "all held out": ([*folder("colour"), "dataset.validation=4"], ["validation is 4", "none is left for training"]),
    "grey images for a colour net": (folder("grey"), ["dataset.channels must be 1", "all grey"]),
    "sigma 0": (["degradation.sigma=0"], ["degradation", "sigma must", "got 0"]),
    "sigma 3000": (["degradation.sigma=3000"], ["degradation", "sigma must", "got 3000"]),
    "sigma a word": (["degradation.sigma=loud"], ["degradation", "sigma", 'got "loud"']),
    "K = 1": (["penalty.patch_energy.samples_per_image=1"], ["samples_per_image", "EnergyScore", "got 1"]),
    "a word for a weight": (["penalty.patch_energy.weight=much"], ["penalty.patch_energy", "weight", "much"]),
    "blocks larger than the crop": (
        ["penalty=[multiscale_crps]", "penalty.multiscale_crps.estimator.scales=7"],
        ["penalty.multiscale_crps: ", "sides >= 64", "scales=7"],
    ),
    "a critic too deep for the crop": (["critic.levels=6"], ["critic: image", "64", "32 x 32"]),
    "a negative price": (
        ["adversarial=relativistic", "adversarial.gradient_penalty.gamma=-1"],
        ["adversarial", "gamma must be >= 0", "got -1"],
    ),
    "half a schedule": (
        ["adversarial=relativistic", "adversarial.gradient_penalty.final_gamma=0.1"],
        ["adversarial", "final_gamma", "0.1"],
    ),
    "no samples a pass": (["gan_step.samples_per_pass=0"], ["samples_per_pass must be >= 1", "got 0"]),
    "an unknown key": (["nonsense=1"], ["nonsense"]),
    "an unknown key of a part": (["generator.nonsense=1"], ["nonsense"]),
    "an added key of a part": (["+generator.nonsense=1"], ["generator", "nonsense"]),
    "an unknown option": (["generator=nonsense"], ["generator", "nonsense", "unet_small"]),
    "no override at all": (["nonsense"], ["nonsense"]),
    "a word for a count": (["images=many"], ["images", "many", "whole number"]),
    "a fraction for a count": (["images=1e6"], ["images", "1000000.0", "whole number"]),
    "an unset length": (["images=???"], ["images"]),
    "a run length off the batch": (["images=50"], ["images", "50", "multiple of dataset.batch_size"]),
    "validations off the batch": (["evaluation.every_images=18"], ["evaluation.every_images", "18", "multiple"]),
    "log lines off the batch": (["log_every_images=3"], ["log_every_images", "3", "multiple"]),
    "checkpoints off the batch": (["checkpoint_every_images=7"], ["checkpoint_every_images", "7", "multiple"]),
    "no batch": (["dataset.batch_size=0"], ["dataset", "batch_size must be >= 1"]),
    "no samples": (["evaluation.samples_per_image=0"], ["evaluation.samples_per_image", "got 0"]),
    "samples of a deterministic generator": (
        ["baseline=mmse", "evaluation.samples_per_image=8"],
        ["evaluation.samples_per_image", "8", "deterministic"],
    ),
    "samples of a deterministic generator to train by": (
        ["generator.latent_channels=0", "evaluation.samples_per_image=1"],
        ["penalty.patch_energy.samples_per_image", "2", "deterministic"],
    ),
    "a critic without an objective": (["~adversarial"], ["critic and adversarial come together"]),
    "a precision there is not": (["precision=fp8"], ["precision", "auto, bf16, fp32", "got fp8"]),
    "a loss that is nowhere": (
        ["penalty.patch_energy.estimator._target_=my_losses.missing"],
        ["penalty.patch_energy", "my_losses"],
    ),
    "a file that is no model to begin at": (["init_from=a_file"], ["init_from: a_file"]),
    "a model that is nowhere": (["init_from=runs/nowhere"], ["init_from: runs/nowhere is no file, run or export"]),
    "a run folder below a file": (["hydra.run.dir=a_file/run"], ["Not a directory", "a_file"]),
}


@pytest.mark.parametrize(("arguments", "named"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line(arguments, named, pscgan_train, tmp_path):
    code, _, stderr = pscgan_train(*arguments)
    (line,) = stderr.splitlines()
    assert line.startswith("pscgan train: ")
    assert [words for words in named if words not in line] == [], line
    assert code == 2
    assert not (tmp_path / "run").exists()


def test_a_mistake_in_a_run_is_found_before_its_baseline_is_trained(pscgan_train, tmp_path):
    code, _, stderr = pscgan_train("init_from=baseline", "critic.levels=6")
    assert (code, stderr.startswith("pscgan train: critic: image"), len(stderr.splitlines())) == (2, True, 1)
    assert not list(tmp_path.glob("run*"))


def test_that_no_image_can_be_read_follows_their_names(pscgan_train):
    code, _, stderr = pscgan_train(*folder("broken"), "dataset.validation=0")
    *names, line = stderr.splitlines()
    assert [f"broken/{index}.png: " in name for index, name in enumerate(names)] == [True] * 3
    assert line == "pscgan train: dataset: broken holds no readable image among 3 training files"
    assert code == 2


def test_the_corrected_command_runs_in_the_same_folder(pscgan_train, tmp_path):
    assert pscgan_train("degradation.sigma=3000", "images=16")[0] == 2
    assert pscgan_train("images=16")[0] == 0
    assert json.loads((tmp_path / "run" / "result.json").read_text())["images_seen"] == 16


def test_a_traceback_is_there_for_who_wants_it(pscgan_train, monkeypatch):
    monkeypatch.setenv("PSCGAN_TRACEBACK", "1")
    with pytest.raises(Exception, match="got 3000"):
        pscgan_train("degradation.sigma=3000")


def test_a_damaged_checkpoint_is_named_and_left_alone(pscgan_train, tmp_path):
    assert pscgan_train("images=16")[0] == 0
    last = tmp_path / "run" / "last.ckpt"
    (tmp_path / "run" / "result.json").unlink()
    last.write_bytes(last.read_bytes()[:999])
    code, _, stderr = pscgan_train("images=16")
    (line,) = stderr.splitlines()
    assert line.startswith("pscgan train: run/last.ckpt is damaged") or str(last) in line
    assert (code, last.stat().st_size) == (2, 999)


def test_a_corrupt_image_to_train_on_is_named_once_skipped_and_counted(pscgan_train, tmp_path):
    (tmp_path / "colour" / "01.png").write_bytes((tmp_path / "colour" / "01.png").read_bytes()[:500])
    code, stdout, stderr = pscgan_train(*folder("colour"), "images=16")
    assert code == 0
    assert (stdout + stderr).count("01.png") == 1
    (line,) = stderr.splitlines()
    assert "01.png: " in line
    skipped = json.loads((tmp_path / "run" / "result.json").read_text())["skipped_images"]
    assert 4 <= skipped <= 6  # one of three files, in sixteen images


def test_an_image_below_the_crop_is_named_once_skipped_and_counted(pscgan_train, tmp_path):
    code, stdout, stderr = pscgan_train(*folder("one_small"), "images=16")
    assert code == 0
    assert (stdout + stderr).count("01.png") == 1
    assert "crop=32" in stderr
    assert json.loads((tmp_path / "run" / "result.json").read_text())["skipped_images"] == 8  # every other one of 16


def test_a_corrupt_image_held_out_is_an_error(pscgan_train, tmp_path):
    (tmp_path / "colour" / "02.png").write_bytes((tmp_path / "colour" / "02.png").read_bytes()[:500])
    arguments = [*folder("colour"), "dataset.validation=2", "dataset.validation_batch=1", "images=16"]
    code, _, stderr = pscgan_train(*arguments)
    (line,) = stderr.splitlines()
    assert line.startswith("pscgan train: ")
    assert "02.png: " in line
    assert code == 2


def test_a_corrupt_image_found_by_a_validation_is_an_error(pscgan_train, tmp_path):
    (tmp_path / "colour" / "03.png").write_bytes((tmp_path / "colour" / "03.png").read_bytes()[:500])
    arguments = [*folder("colour"), "dataset.validation=2", "dataset.validation_batch=1", "images=16"]
    code, _, stderr = pscgan_train(*arguments)
    (line,) = stderr.splitlines()
    assert line.startswith("pscgan train: ")
    assert "03.png: " in line
    assert code == 2
    folder_of(tmp_path / "colour", 4)
    assert pscgan_train(*arguments, "allow_changed_config=true")[0] == 0  # it is another held-out image


@pytest.mark.parametrize("limit", [2, 4])
def test_gradients_that_stay_infinite_end_the_run(limit, pscgan_train):
    """Nothing is saved on the way: the last good checkpoint lies before."""
    code, _, stderr = pscgan_train(f"gan_step.nonfinite_limit={limit}", "penalty.patch_energy.weight=inf")
    (line,) = stderr.splitlines()
    assert f"stopped: {limit} steps of the generator" in line
    assert line.endswith("none yet")
    assert code == 1


@pytest.mark.integration
def test_the_program_itself_says_no_more_and_no_less(tmp_path):
    answer = command("nonsense=1", cwd=tmp_path)
    (line,) = answer.stderr.splitlines()
    assert line.startswith("pscgan train: ")
    assert (answer.returncode, answer.stdout) == (2, "")


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="file"):
        run(tmp_path / "file" / "run")
