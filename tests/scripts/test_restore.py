"""Real files in, restorations out: what is written is what is said, and mistakes are named."""

import errno
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_module
from PIL import Image

from pscgan.train.run import train

from ..data.jpeg.makers import ORIENTATION, PROFILE, ROTATED, by_jpeglib, by_pillow, make_files, picture
from ..train.tiny import LIGHTNING_SAYS, OF_THE_SAMPLER, OVERRIDES, run
from .restoring import REPORT, count_differences, report, restore

pytestmark = [pytest.mark.integration, *LIGHTNING_SAYS]
SHORT = ("images=8", "evaluation.every_images=8", "generator.levels=2", "dataset.evaluation_crop=16")
JPEG = ("experiment=jpeg_demo", "degradation=jpeg_blind", *SHORT)


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """Trained for two steps: the promises hold for any weights."""
    folder = tmp_path_factory.mktemp("models")
    grey = (*JPEG, "dataset.channels=1", "degradation=jpeg", "degradation.quality=40")
    return {
        "colour": run(folder / "colour", *JPEG),
        "grey": run(folder / "grey", *grey),
        "noise": run(folder / "noise", "experiment=demo", *SHORT),
    }


@pytest.fixture(scope="session")
def model(models):
    return models["colour"]


@pytest.fixture(scope="session")
def twin(tmp_path_factory):
    """Deterministic."""
    folder = tmp_path_factory.mktemp("twin")
    mine = ("baseline=mmse", "degradation=jpeg_blind", "evaluation.samples_per_image=1", f"folder={folder}")
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        train(compose("train", [*(o for o in OVERRIDES if o not in OF_THE_SAMPLER), *SHORT, *mine]))
    return folder


@pytest.fixture
def photo(tmp_path):
    return by_pillow(tmp_path / "photo.jpg", picture((200, 133)), quality=10)


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


def proven(out, name):
    """What the report says of each picture of a file that is proven, by its name."""
    (entry,) = (entry for entry in report(out)["files"] if Path(entry["file"]).name == name)
    return {proof["file"]: proof for proof in (*entry["samples"], entry["mean"])}


def assert_proofs_hold(jpeg, out, tmp_path):
    for name, proof in proven(out, jpeg.name).items():
        counted = count_differences(jpeg, out / name, tmp_path / "again.jpg")
        assert counted == {key: proof[key] for key in counted}, name


def test_a_photograph_from_end_to_end(model, photo, tmp_path, capfd):
    out = tmp_path / "deep" / "out"
    ended = restore(capfd, photo, "--model", model, "--samples", 8, "--out", out)
    assert (ended.code, ended.err) == (0, "")
    samples = [f"photo_sample{k}.png" for k in range(1, 9)]
    assert {path.name for path in out.iterdir()} == {*samples, "photo_mean.png", "photo_std.png", *REPORT}
    assert_proofs_hold(photo, out, tmp_path)
    lines = ended.out.splitlines()
    assert [line.split(":")[0] for line in lines] == [*samples, "photo_mean.png"]
    assert all("blocks 659 of 659 exact, levels 42,176 of 42,176 exact" in line for line in lines)
    plain = pixels(photo).astype(float)
    for name, proof in proven(out, "photo.jpg").items():
        mse = np.square(pixels(out / name) - plain).mean()
        assert proof["psnr_to_input"] == pytest.approx(10 * np.log10(255**2 / mse))
        assert (proof["reencode_rmse"], proof["violation_steps"]) == (0, 0)


def test_the_report_says_what_was_done_with_what(model, photo, tmp_path, capfd):
    out = tmp_path / "out"
    arguments = ("--samples", 1, "--seed", 3, "--sigma-z", 0.5, "--tolerance", 0.25)
    restore(capfd, photo, "--model", model, "--out", out, *arguments)
    said = report(out)
    assert {"pscgan", "command", "time", "commit", "packages"} <= said.keys()
    assert (said["samples"], said["seed"], said["sigma_z"], said["tolerance"]) == (1, 3, 0.5, 0.25)
    assert said["checkpoint"] == str(model / "best.ckpt")
    assert (said["model"]["images_seen"], said["model"]["name"]) == (8, "tiny")
    assert said["model"]["degradation"]["quality"] == [5, 75]
    (entry,) = said["files"]
    described = {"width": 200, "height": 133, "sampling": "4:2:0", "tables": "those of quality 10", "warnings": []}
    assert entry | described == entry


def test_twenty_files_of_eight_encoders_are_restored_as_is_said(model, tmp_path, capfd):
    files, out = make_files(tmp_path / "files"), tmp_path / "out"
    assert restore(capfd, *files, "--model", model, "--samples", 1, "--out", out).code == 0
    for path in files:
        assert_proofs_hold(path, out, tmp_path)
    wrong = {path.stem: proven(out, path.name)[f"{path.stem}_sample1.png"]["levels_wrong"] for path in files}
    assert {stem for stem, count in wrong.items() if count} <= {"quality-95-444", "three-tables"}


def test_samples_repeat_with_the_seed_and_do_not_depend_on_how_many(model, photo, tmp_path, capfd):
    def draw(name, samples, *arguments):
        out = tmp_path / name
        restore(capfd, photo, "--model", model, "--out", out, "--samples", samples, *arguments)
        return [(out / f"photo_sample{k}.png").read_bytes() for k in range(1, samples + 1)]

    first = draw("first", 3)
    assert draw("again", 3) == first
    assert draw("fewer", 2) == first[:2]
    assert draw("last checkpoint", 2, "--model", model / "last.ckpt") == first[:2]
    assert len({*first, *draw("other seed", 3, "--seed", 1)}) == 6
    assert len({*draw("without z", 3, "--sigma-z", 0)}) == 1


def test_mean_and_std_are_those_of_the_samples(model, tmp_path, capfd):
    file, out = by_pillow(tmp_path / "fine.jpg", picture((48, 40)), quality=75, subsampling="4:4:4"), tmp_path / "out"
    restore(capfd, file, "--model", model, "--out", out, "--samples", 6)
    samples = np.stack([pixels(out / f"fine_sample{k}.png") for k in range(1, 7)]).astype(float)
    assert np.abs(pixels(out / "fine_mean.png") - samples.mean(axis=0)).mean() < 1  # a sample's rounding moves it by 1
    scale = report(out)["files"][0]["std"]["grey_levels_at_255"]
    std, shown = np.sqrt(samples.var(axis=0, ddof=1).mean(axis=-1)), pixels(out / "fine_std.png")
    assert shown.max() == 255
    assert scale == pytest.approx(std.max(), rel=0.1)
    assert np.corrcoef(shown.ravel(), std.ravel())[0, 1] > 0.95
    assert np.abs(shown * scale / 255 - std).mean() < 0.1 * std.mean()


def test_one_sample_has_no_spread(model, photo, tmp_path, capfd):
    restore(capfd, photo, "--model", model, "--out", tmp_path / "out", "--samples", 1)
    assert not pixels(tmp_path / "out/photo_std.png").any()
    assert report(tmp_path / "out")["files"][0]["std"]["grey_levels_at_255"] == 0
    assert (pixels(tmp_path / "out/photo_mean.png") == pixels(tmp_path / "out/photo_sample1.png")).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (17, 2), (37, 53)])
@pytest.mark.parametrize("grey", [False, True])
def test_any_size(size, grey, model, tmp_path, capfd):
    file, out = by_pillow(tmp_path / "odd.jpg", picture(size), quality=30, grey=grey), tmp_path / "out"
    assert restore(capfd, file, "--model", model, "--out", out, "--samples", 2).code == 0
    assert pixels(out / "odd_sample1.png").shape == (size[1], size[0]) + (() if grey else (3,))
    assert_proofs_hold(file, out, tmp_path)
    assert all(proof["levels_wrong"] == 0 for proof in proven(out, "odd.jpg").values())


@pytest.mark.parametrize("kind", ["colour", "grey"])
def test_grey_files_are_restored_by_either_kind_of_model(kind, models, tmp_path, capfd):
    file, out = by_pillow(tmp_path / "grey.jpg", picture((66, 50)), quality=40, grey=True), tmp_path / "out"
    ended = restore(capfd, file, "--model", models[kind], "--out", out, "--samples", 3)
    assert (ended.code, ended.err) == (0, "")
    assert report(out)["files"][0]["sampling"] == "grey"
    assert_proofs_hold(file, out, tmp_path)
    assert all(proof["levels_wrong"] == 0 for proof in proven(out, "grey.jpg").values())
    assert len({(out / f"grey_sample{k}.png").read_bytes() for k in (1, 2, 3)}) == 3


def test_orientation_and_profile_travel_and_pixels_stay_as_stored(model, tmp_path, capfd):
    file = by_pillow(tmp_path / "turned.jpg", picture((60, 30)), quality=50, rotated=True, icc_profile=PROFILE)
    restore(capfd, file, "--model", model, "--out", tmp_path / "out", "--samples", 1)
    for name in ("sample1", "mean", "std"):
        with Image.open(tmp_path / f"out/turned_{name}.png") as png:
            assert png.size == (60, 30)
            assert png.getexif()[ORIENTATION] == ROTATED
            assert png.info.get("icc_profile") == (None if name == "std" else PROFILE)
    assert_proofs_hold(file, tmp_path / "out", tmp_path)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"quality": 90}, "its tables are those of quality 90 at 4:2:0; the run was trained on quality 5 to 75 at"),
        (
            {"quality": 50, "subsampling": "4:2:2"},
            "quality 50 at 4:2:2; the run was trained on quality 5 to 75 at 4:2:0",
        ),
        ({"qtables": [[9] * 64]}, "its tables are not libjpeg's, nearest to quality"),
    ],
)
def test_what_the_run_has_not_seen_is_warned_of_in_one_line(options, said, model, tmp_path, capfd):
    file, out = by_pillow(tmp_path / "new.jpg", picture((32, 32)), **options), tmp_path / "out"
    ended = restore(capfd, file, "--model", model, "--out", out, "--samples", 1)
    assert ended.code == 0
    assert len(ended.err.splitlines()) == 1
    assert f"warning: {file}: " in ended.err
    assert said in ended.err
    assert said in report(out)["files"][0]["warnings"][0]


def test_tolerance_is_for_files_that_were_not_rounded_to_the_nearest(model, tmp_path, capfd):
    file = by_jpeglib(tmp_path / "moz.jpg", picture((64, 48)), "mozjpeg403", "4:2:0")
    wrong = {}
    for tolerance in (0, 1):
        out = tmp_path / f"tolerance{tolerance}"
        restore(capfd, file, "--model", model, "--out", out, "--samples", 1, "--tolerance", tolerance)
        wrong[tolerance] = proven(out, "moz.jpg")["moz_sample1.png"]["levels_wrong"]
    assert wrong[0] == 0 < wrong[1]


def test_unreadable_files_are_named_and_the_others_are_restored(model, photo, tmp_path, capfd):
    text, cut, cmyk = (tmp_path / name for name in ("text.jpg", "cut.jpg", "cmyk.jpg"))
    text.write_text("no picture")
    cut.write_bytes(photo.read_bytes()[:-200])
    Image.new("CMYK", (16, 16)).save(cmyk)
    (tmp_path / "empty").mkdir()
    bad, out = [text, tmp_path / "missing.jpg", tmp_path / "empty", cut, cmyk], tmp_path / "out"
    ended = restore(capfd, *bad, photo, "--model", model, "--out", out, "--samples", 1)
    assert ended.code == 2
    assert [line.split(": ")[:2] for line in ended.err.splitlines()] == [["pscgan restore", str(path)] for path in bad]
    said = report(out)["files"]
    assert "folder" in said[2]["error"]
    assert [("error" in entry, entry["file"]) for entry in said] == [
        *((True, str(path)) for path in bad),
        (False, str(photo)),
    ]
    assert_proofs_hold(photo, out, tmp_path)


def test_a_call_of_which_all_failed_says_so_too(model, tmp_path, capfd):
    assert restore(capfd, tmp_path / "missing.jpg", "--model", model, "--out", tmp_path / "out").code == 2
    assert {path.name for path in (tmp_path / "out").iterdir()} == REPORT
    assert "cannot be opened" in report(tmp_path / "out")["files"][0]["error"]


def test_a_grey_model_refuses_colour_by_name(models, photo, tmp_path, capfd):
    ended = restore(capfd, photo, "--model", models["grey"], "--out", tmp_path / "out")
    assert ended.code == 2
    assert ended.err.splitlines()[-1].startswith(f"pscgan restore: {photo}: it must be grey")


def test_a_deterministic_model_gives_one_sample(twin, photo, tmp_path, capfd):
    ended = restore(capfd, photo, "--model", twin, "--out", tmp_path / "out", "--samples", 2)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "--samples must be 1 for the deterministic generator" in ended.err
    assert not (tmp_path / "out").exists()
    assert restore(capfd, photo, "--model", twin, "--out", tmp_path / "out").code == 0
    assert_proofs_hold(photo, tmp_path / "out", tmp_path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--samples", 0], "--samples must be >= 1, got 0"),
        (["--sigma-z", -1], "--sigma-z must be >= 0, got -1.0"),
        (["--sigma-z", "nan"], "--sigma-z must be >= 0, got nan"),
        (["--tolerance", -0.5], "--tolerance must be >= 0, got -0.5"),
        (["--out", "photo.jpg"], "--out must be a folder, new or not, got the file photo.jpg"),
        (["--out", "photo.jpg/below"], "is not a folder that can be written"),
        (["other/PHOTO.JPG"], "other/PHOTO.JPG would be restored to the same files"),
        (["--average", 3], "--average must be >= --samples (8), got 3"),
        (["--sigma", "25"], "sigma is 25.0; the model was trained on Jpeg, which has none"),
        (["--tile", 100], "tile must be a multiple of 16 pixels"),
        (["--max-megapixels", 0], "--max-megapixels must be > 0"),
        (["--model", "nowhere"], "nowhere is no file"),
        (["--model", "photo.jpg"], "photo.jpg is a picture"),
        (["--model", "young"], "young has no checkpoint yet"),
        (["photo_mean.png", "--out", ".", "--overwrite"], "photo_mean.png is an input"),
    ],
)
def test_a_mistake_is_named_before_any_work(arguments, said, model, photo, tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "young").mkdir()
    (tmp_path / "young/config.yaml").write_text("name: young\n")
    before = sorted(tmp_path.rglob("*"))
    ended = restore(capfd, "photo.jpg", "--model", model, "--out", "out", *arguments)
    assert ended.code == 2
    assert ended.err.count("\n") == 1
    assert said in ended.err
    assert sorted(tmp_path.rglob("*")) == before


def test_another_architecture_is_named(model, photo, tmp_path, capfd):
    state = torch.load(model / "best.ckpt", weights_only=True)
    state["config"]["generator"]["width"] = 6
    torch.save(state, tmp_path / "wider.ckpt")
    ended = restore(capfd, photo, "--model", tmp_path / "wider.ckpt", "--out", tmp_path / "out")
    assert ended.code == 2
    assert "wider.ckpt holds another architecture" in ended.err


def test_nothing_is_overwritten_unless_allowed(model, photo, tmp_path, capfd):
    out = tmp_path / "out"
    out.mkdir()
    (out / "photo_std.png").write_text("precious")
    ended = restore(capfd, photo, "--model", model, "--out", out, "--samples", 1)
    assert ended.code == 2
    assert f"{out / 'photo_std.png'} is there already" in ended.err
    assert [path.name for path in out.iterdir()] == ["photo_std.png"]
    assert restore(capfd, photo, "--model", model, "--out", out, "--samples", 1, "--overwrite").code == 0
    assert pixels(out / "photo_std.png").shape == (133, 200)


def test_a_full_disk_is_named_and_leaves_no_part_of_a_file(model, photo, tmp_path, capfd, monkeypatch):
    open_file = Path.open

    def full(path, *arguments, **options):
        file = open_file(path, *arguments, **options)
        if "sample2" in path.name:
            file.write(b"a part of it")
            file.close()
            raise OSError(errno.ENOSPC, "No space left on device")
        return file

    monkeypatch.setattr(Path, "open", full)
    ended = restore(capfd, photo, "--model", model, "--out", tmp_path / "out", "--samples", 2)
    assert ended.code == 2
    assert f"cannot write {tmp_path / 'out/photo_sample2.png'}: No space left on device" in ended.err
    assert {path.name for path in (tmp_path / "out").iterdir()} == REPORT
