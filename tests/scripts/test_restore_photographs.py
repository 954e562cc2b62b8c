"""Photographs of every kind in, restorations out that keep what the file had."""

import errno
import io

import numpy as np
import pytest
import tifffile
import torch
from kornia_rs.io import read_image_png_u16
from PIL import Image, ImageCms

from pscgan.data.degradations.gaussian_noise import GaussianNoise
from pscgan.train.inference.load import load
from pscgan.train.restore import pipeline

from ..data.jpeg.makers import ORIENTATION, ROTATED, picture
from ..data.pictures import png_16
from ..train.export.exporting import JPEG, NOISE, exported
from .restoring import REPORT, report, restore

pytestmark = pytest.mark.integration

SIZE = (90, 70)
EXIF_MAKER = 271


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")

    def made(name, **arguments):
        (folder / name).mkdir()
        return exported(folder / name, **arguments)

    return {
        "noise": made("noise"),
        "range": made("range", degradation={"_target_": NOISE, "sigma": [5, 80]}, maps=1),
        "grey": made("grey", channels=1),
        "jpeg": made("jpeg", degradation=JPEG, maps=3),
        "twin": made("twin", latent_channels=0),
    }


@pytest.fixture(scope="module")
def model(models):
    return models["noise"]


@pytest.fixture
def photo(tmp_path):
    Image.fromarray(picture(SIZE)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


def rounded(images):
    """(..., C, H, W) about [0, 1] as 8-bit pixels."""
    return (255 * images).round().clamp(0, 255).movedim(-3, -1).numpy().astype(np.uint8)


def test_what_is_written_is_what_load_draws(model, photo, tmp_path, capfd):
    out = tmp_path / "deep" / "out"
    ended = restore(capfd, photo, "--model", model, "--samples", 3, "--average", 5, "--seed", 4, "--out", out)
    assert ended.code == 0
    names = [*(f"photo_sample{k}.png" for k in (1, 2, 3)), "photo_mean.png"]
    assert {path.name for path in out.iterdir()} == {*names, "photo_std.png", *REPORT}
    assert [line.split(":")[0] for line in ended.out.splitlines()] == names
    sampler, y = load(model), Image.open(photo)
    drawn = rounded(sampler.sample(y, 5, seed=4)[:, 0])
    assert all((pixels(out / name) == sample).all() for name, sample in zip(names[:3], drawn, strict=False))
    mean, spread = sampler.mean(y, 5, seed=4), sampler.std(y, 5, seed=4)[0, 0].numpy()
    assert (pixels(out / "photo_mean.png") == rounded(mean[0])).all()
    scale = report(out)["files"][0]["std"]["grey_levels_at_255"]
    assert scale == pytest.approx(255 * spread.max(), rel=1e-4)
    assert np.abs(pixels(out / "photo_std.png") * scale / 255 - 255 * spread).max() <= scale / 255


def test_tiles_change_nothing(model, photo, tmp_path, capfd):
    for tile in (64, 512):
        restore(capfd, photo, "--model", model, "--samples", 2, "--tile", tile, "--out", tmp_path / str(tile))
    for name in ("photo_sample1.png", "photo_sample2.png", "photo_mean.png"):
        by_tiles, whole = (pixels(tmp_path / tile / name).astype(int) for tile in ("64", "512"))
        assert np.abs(by_tiles - whole).max() <= 1  # where a sum is rounded at one half
        assert (by_tiles != whole).mean() < 1e-3
    assert report(tmp_path / "64")["tiles"]["exact"] is True


@pytest.mark.parametrize("suffix", ["png", "tiff"])
@pytest.mark.parametrize("mode", ["RGB", "grey"])
def test_sixteen_bits_stay_sixteen(suffix, mode, models, tmp_path, capfd):
    deep = picture(SIZE).astype(np.uint16) * 257 + np.random.default_rng(0).integers(0, 200, (SIZE[1], SIZE[0], 3))
    deep = deep.clip(0, 65535).astype(np.uint16)
    deep = deep if mode == "RGB" else deep[..., 1]
    path = tmp_path / f"deep.{suffix}"
    if suffix == "png":
        path.write_bytes(png_16(deep))
    else:
        tifffile.imwrite(path, deep, photometric="rgb" if mode == "RGB" else "minisblack", compression="zlib")
    model = models["noise" if mode == "RGB" else "grey"]
    assert restore(capfd, path, "--model", model, "--samples", 1, "--out", tmp_path / "out").code == 0
    y = torch.from_numpy((deep / 65535).astype(np.float32)).reshape(*deep.shape[:2], -1).movedim(-1, 0)
    drawn = load(model).sample(y, 1)[0, 0]
    expected = (65535 * drawn).round().clamp(0, 65535).movedim(0, -1).numpy().squeeze().astype(np.uint16)
    reader = "rgb" if mode == "RGB" else "mono"
    written = read_image_png_u16(str(tmp_path / "out/deep_sample1.png"), reader).squeeze()  # by other people's code
    assert np.abs(written.astype(int) - expected).max() <= 1
    assert len(np.unique(written)) > 256


def test_alpha_profile_and_exif_stay_and_pictures_stand_upright(model, tmp_path, capfd):
    alpha = np.linspace(0, 255, SIZE[0] * SIZE[1]).astype(np.uint8).reshape(SIZE[1], SIZE[0])
    exif, profile = Image.Exif(), ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif[ORIENTATION], exif[EXIF_MAKER] = ROTATED, "a maker"
    image = Image.fromarray(np.dstack([picture(SIZE), alpha]))
    image.save(tmp_path / "seen.webp", lossless=True, exact=True, exif=exif, icc_profile=profile)
    assert restore(capfd, tmp_path / "seen.webp", "--model", model, "--out", tmp_path / "out").code == 0
    for name in ("sample8", "mean", "std"):
        with Image.open(tmp_path / f"out/seen_{name}.png") as png:
            assert png.size == SIZE[::-1]
            assert ORIENTATION not in png.getexif()
            assert png.getexif()[EXIF_MAKER] == "a maker"
            assert png.info.get("icc_profile") == (None if name == "std" else profile)
            if name != "std":
                upright = np.asarray(Image.fromarray(alpha).transpose(Image.Transpose.ROTATE_270))
                assert (np.asarray(png)[..., 3] == upright).all()


def test_a_grey_picture_comes_back_grey_with_a_warning(model, photo, tmp_path, capfd):
    Image.open(photo).convert("L").save(tmp_path / "grey.png")
    ended = restore(capfd, tmp_path / "grey.png", "--model", model, "--samples", 1, "--out", tmp_path / "out")
    assert ended.code == 0
    assert "grey.png: it is grey, and y the same in all colours" in ended.err
    assert pixels(tmp_path / "out/grey_sample1.png").shape == SIZE[::-1]


def test_what_is_left_out_of_a_file_is_said(model, tmp_path, capfd):
    image = Image.fromarray(picture(SIZE))
    image.quantize(64).save(tmp_path / "few.png", icc_profile=b"no profile")
    image.save(tmp_path / "pages.tif", save_all=True, append_images=[image])
    files = tmp_path / "few.png", tmp_path / "pages.tif"
    ended = restore(capfd, *files, "--model", model, "--samples", 1, "--out", tmp_path / "out")
    notes = [
        [f"{path}: {note}" for note in entry["notes"]]
        for path, entry in zip(files, report(tmp_path / "out")["files"], strict=True)
    ]
    assert [len(of_file) for of_file in notes] == [2, 1]
    said = [line.removeprefix("pscgan restore: note: ") for line in ended.err.splitlines() if "note" in line]
    assert said == [*notes[0], *notes[1]]


def test_a_folder_is_restored_with_its_folders_and_the_bad_are_named(model, photo, tmp_path, capfd):
    for name in ("in/a.png", "in/deep/a.png", "in/deep/b.webp", "in/bad.png", "in/notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.open(photo).save(path, "PNG") if "bad" not in name else path.write_bytes(photo.read_bytes()[:999])
    ended = restore(capfd, tmp_path / "in", "--model", model, "--samples", 1, "--out", tmp_path / "out")
    assert ended.code == 2
    (line,) = (line for line in ended.err.splitlines() if "warning" not in line)
    assert line.startswith(f"pscgan restore: {tmp_path / 'in/bad.png'}: ")
    written = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*_sample1.png")}
    assert written == {"a_sample1.png", "deep/a_sample1.png", "deep/b_sample1.png"}
    assert ["error" in entry for entry in report(tmp_path / "out")["files"]] == [False, True, False, False]


def noisy(path, sigma):
    y = picture((200, 160)) + sigma * np.random.default_rng(0).standard_normal((160, 200, 3))
    Image.fromarray(y.round().clip(0, 255).astype(np.uint8)).save(path)
    return path


@pytest.mark.parametrize("sigma", [15, 40])
def test_sigma_is_found_where_it_is_not_told(sigma, models, tmp_path, capfd):
    path = noisy(tmp_path / "noisy.png", sigma)
    assert restore(capfd, path, "--model", models["range"], "--samples", 1, "--out", tmp_path / "out").code == 0
    (entry,) = report(tmp_path / "out")["files"]
    assert entry["sigma"] == entry["sigma_found"] == pytest.approx(sigma, rel=0.1)
    told = restore(
        capfd, path, "--model", models["range"], "--samples", 1, "--sigma", sigma, "--out", tmp_path / "told"
    )
    assert told.err == ""
    measurement = GaussianNoise([5, 80]).measure(
        torch.from_numpy(np.array(Image.open(path))).movedim(-1, 0)[None] / 255, float(sigma)
    )
    drawn = load(models["range"]).sample(measurement, 1)[0, 0]
    assert (pixels(tmp_path / "told/noisy_sample1.png") == rounded(drawn)).all()


def test_noise_that_cannot_be_found_must_be_told(models, tmp_path, capfd):
    path = noisy(tmp_path / "noisy.png", 40)
    with Image.open(path) as image:
        image.resize((320, 250)).save(path)
    ended = restore(capfd, path, "--model", models["range"], "--samples", 1, "--out", tmp_path / "out")
    (line,) = ended.err.splitlines()
    assert ended.code == 2
    assert line.startswith(f"pscgan restore: {path}: ")
    assert "cannot be found" in line
    assert "sigma" in line
    told = restore(capfd, path, "--model", models["range"], "--samples", 1, "--sigma", 20, "--out", tmp_path / "told")
    assert (told.code, told.err) == (0, "")


def test_noise_of_a_jpeg_with_halved_chroma_is_that_of_luma(models, tmp_path, capfd):
    path = noisy(tmp_path / "noisy.png", 40)
    with Image.open(path) as image:
        image.save(tmp_path / "noisy.jpg", quality=85, subsampling=2)
    arguments = "--model", models["range"], "--samples", 1, "--out", tmp_path / "out"
    ended = restore(capfd, tmp_path / "noisy.jpg", *arguments)
    assert report(tmp_path / "out")["files"][0]["sigma"] == pytest.approx(40, rel=0.1)
    assert "luma" in ended.err


def test_noise_the_model_has_not_seen_is_warned_of(model, tmp_path, capfd):
    path = noisy(tmp_path / "noisy.png", 20)
    ended = restore(capfd, path, "--model", model, "--samples", 1, "--out", tmp_path / "out")
    assert ended.code == 0
    assert "its noise has a sigma of about " in ended.err
    assert "; it is restored as one of 50, and the run was trained on 50" in ended.err


def test_a_clean_picture_is_degraded_as_in_training_and_measured(models, photo, tmp_path, capfd):
    ended = restore(capfd, photo, "--degrade", "--model", models["noise"], "--samples", 2, "--out", tmp_path / "noise")
    assert (ended.code, ended.err) == (0, "")
    clean = pixels(photo).astype(float)
    for proof in report(tmp_path / "noise")["files"][0]["samples"]:
        mse = np.square(pixels(tmp_path / "noise" / proof["file"]) - clean).mean()
        assert proof["psnr_to_clean"] == pytest.approx(10 * np.log10(255**2 / mse))
    degraded = pixels(tmp_path / "noise/photo_degraded.png").astype(float)
    middle = (clean > 100) & (clean < 155)
    assert np.std((degraded - clean)[middle]) == pytest.approx(50, rel=0.1)
    assert restore(capfd, photo, "--degrade", "--model", models["jpeg"], "--out", tmp_path / "jpeg").code == 0
    for proof in report(tmp_path / "jpeg")["files"][0]["samples"]:
        assert proof["levels_wrong"] == 0
        assert proof["psnr_to_clean"] > 15


@pytest.mark.parametrize(
    ("kind", "arguments", "said"),
    [
        ("grey", [], "it must be grey for this model"),
        ("jpeg", [], "it is a PNG file; this model restores .jpg files by the levels they hold: give the .jpg"),
        ("noise", ["--max-megapixels", 0.001], "above the limit of 1000 pixels"),
    ],
)
def test_a_picture_that_does_not_go_with_the_model_is_named(kind, arguments, said, models, photo, tmp_path, capfd):
    ended = restore(capfd, photo, "--model", models[kind], "--out", tmp_path / "out", *arguments)
    assert ended.code == 2
    (line,) = ended.err.splitlines()
    assert line.startswith(f"pscgan restore: {photo}: ")
    assert said in line


def test_too_small_a_picture_needs_a_number(models, tmp_path, capfd):
    Image.new("RGB", (9, 7), (90, 80, 70)).save(tmp_path / "dot.png")
    ended = restore(capfd, tmp_path / "dot.png", "--model", models["range"], "--out", tmp_path / "out")
    assert "too few to estimate its noise; give sigma" in ended.err
    told = ("--sigma", 30, "--out", tmp_path / "told")
    assert restore(capfd, tmp_path / "dot.png", "--model", models["range"], *told).code == 0


@pytest.mark.parametrize(
    ("kind", "arguments", "said"),
    [
        ("noise", ["--sigma", "25"], "sigma must be 50 on the 0..255 scale, got 25.0"),
        ("range", ["--sigma", "200"], "sigma must be a number from 5 to 80"),
        ("range", ["--sigma", "much"], "--sigma must be a number on the 0..255 scale, or auto, got much"),
        ("noise", ["--tolerance", "0.5"], "tolerance is 0.5; the model was trained on GaussianNoise, which has none"),
        ("noise", ["--overlap", "-1"], "overlap must be >= 0"),
        ("range", ["--sigma", "20", "--degrade"], "sigma is 20.0; with degrade the noise is drawn as in training"),
        ("twin", ["--average", "4", "--samples", "1"], "--average must be 1 for the deterministic generator"),
    ],
)
def test_options_that_do_not_go_with_the_model_are_named(kind, arguments, said, models, photo, tmp_path, capfd):
    ended = restore(capfd, photo, "--model", models[kind], "--out", tmp_path / "out", *arguments)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert said in ended.err
    assert not (tmp_path / "out").exists()


def test_the_demo_needs_nothing(tmp_path, capfd):
    ended = restore(capfd, "--demo", "--samples", 1, "--out", tmp_path)
    assert (ended.code, ended.err) == (0, "")
    entries = report(tmp_path)["files"]
    assert len(entries) == 3
    assert all(entry["samples"][0]["psnr_to_clean"] > 22 for entry in entries)


def test_a_disk_without_room_is_named_before_it_is_drawn_on(model, photo, tmp_path, capfd, monkeypatch):
    class Full(io.BytesIO):
        def write(self, content):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pipeline.tempfile, "TemporaryFile", lambda dir: Full())
    ended = restore(capfd, photo, "--model", model, "--out", tmp_path / "out")
    assert ended.code == 2
    assert f"cannot write to {tmp_path / 'out'}: No space left on device" in ended.err
    assert {path.name for path in (tmp_path / "out").iterdir()} == REPORT
    assert "No space left" in report(tmp_path / "out")["files"][0]["error"]


def test_bf16_is_near(model, photo, tmp_path, capfd):
    for precision in ("fp32", "bf16"):
        options = ("--samples", 1, "--precision", precision, "--out", tmp_path / precision)
        assert restore(capfd, photo, "--model", model, *options).code == 0
    exact, near = (pixels(tmp_path / name / "photo_sample1.png").astype(float) for name in ("fp32", "bf16"))
    assert 0 < np.abs(near - exact).max() < 6
