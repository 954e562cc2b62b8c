"""Grey and transparency are asked of the pixels: what comes back is as the file was, and shows nothing it hid."""

import numpy as np
import pytest
import torch
from PIL import Image

import pscgan
from pscgan.data.image_io.read_image import read
from pscgan.data.image_io.write_png import encode_png
from pscgan.train.restore.files import Outputs
from pscgan.train.restore.pipeline import Restoration
from pscgan.train.restore.tiling import Tiling

from ...data.choices import chosen
from ...data.jpeg.makers import picture
from ...data.pictures import noise
from ...scripts.restoring import count_differences
from .pictures import RANGE, jpeg_sampler, noise_sampler, opened, task_sampler

WIDTH, HEIGHT = SIZE = (75, 52)
ALPHA = np.where(noise(HEIGHT, WIDTH, channels=1) < 100, 0, noise(HEIGHT, WIDTH, channels=1, seed=1) | 1)
ALPHA[:36, :40] = 255  # enough to find noise in
VISIBLE = ALPHA > 0


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Of noise of any strength, which is estimated."""
    return noise_sampler(tmp_path_factory.mktemp("model") / "noise", degradation=RANGE, maps=1)


def restored(sampler, path, **options):
    """The first sample as a file, and what is known of it."""
    files = [path.with_name(f"{path.name}_{kind}.png") for kind in ("sample", "mean", "std")]
    y = opened(sampler, path, **options)
    restoration = Restoration(Tiling(sampler, 64), y, Outputs(files[:1], *files[1:], None), average=1)
    restoration.run(lambda: None)
    return files[0], restoration.write()


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


def saved(path, values, **options):
    Image.fromarray(values).save(path, **options)
    return path


GREY_JPEG = {"_target_": "pscgan.data.degradations.jpeg.Jpeg", "quality": 10, "channels": 1}
GREY = np.asarray(Image.fromarray(picture(SIZE)).convert("L"))
AS_COLOUR = np.dstack([GREY] * 3)


@pytest.mark.parametrize(
    ("name", "options"),
    [("a.png", {}), ("a.tif", {}), ("a.webp", {"lossless": True}), ("a.jpg", {"quality": 90, "subsampling": "4:2:0"})],
)
def test_grey_that_is_stored_as_colour_is_restored_as_grey(name, options, model, tmp_path):
    file, _ = restored(model, saved(tmp_path / name, AS_COLOUR, **options), sigma=20.0)
    grey = saved(tmp_path / "grey.png", pixels(tmp_path / name)[..., 0])
    alone = pixels(restored(model, grey, sigma=20.0)[0])
    assert alone.ndim == 2
    assert np.array_equal(pixels(file), np.dstack([alone] * 3))


def test_grey_of_16_bits_that_is_stored_as_colour_keeps_all_of_them(model, tmp_path):
    deep = noise(HEIGHT, WIDTH, channels=1, depth=np.uint16)
    (tmp_path / "deep.png").write_bytes(encode_png(torch.from_numpy(deep)[None].repeat(3, 1, 1)))
    found = read(restored(model, tmp_path / "deep.png", sigma=20.0)[0])
    assert (found.file_channels, found.pixels.shape, found.pixels.dtype) == (3, (HEIGHT, WIDTH, 1), np.uint16)
    assert len(np.unique(found.pixels)) > 256


def test_colours_of_grey_may_be_rounded_by_a_decoder_but_not_be_there(model, tmp_path):
    path = saved(tmp_path / "lossy.webp", AS_COLOUR, quality=90)
    assert np.ptp(pixels(path).astype(int), axis=2).max() == 1
    file, about = restored(model, path, sigma=20.0)
    assert np.ptp(pixels(file), axis=2).max() == 0
    assert "grey" in about["notes"][0]
    tinted = AS_COLOUR.copy()
    tinted[-1, -1] = 100, 100, 102
    assert opened(model, saved(tmp_path / "tinted.png", tinted), sigma=20.0).info.channels == 3


def test_a_grey_model_restores_grey_that_is_stored_as_colour(tmp_path):
    sampler = noise_sampler(tmp_path / "model", channels=1)
    file, _ = restored(sampler, saved(tmp_path / "a.png", AS_COLOUR))
    assert np.ptp(pixels(file), axis=2).max() == 0


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_a_jpg_without_chroma_is_restored_as_grey_to_the_very_file(subsampling, channels, tmp_path):
    of_grey = {"degradation": GREY_JPEG, "channels": 1, "maps": 1}
    sampler = noise_sampler(tmp_path / "model", **of_grey) if channels == 1 else jpeg_sampler(tmp_path / "model")
    path = saved(tmp_path / "a.jpg", AS_COLOUR, quality=10, subsampling=subsampling)
    file, about = restored(sampler, path)
    counted = count_differences(path, file, tmp_path / "again.jpg")
    assert counted == {key: about["samples"][0][key] for key in counted}
    assert counted["levels_wrong"] == 0
    assert np.ptp(pixels(file), axis=2).max() == 0
    assert not np.array_equal(pixels(file), pixels(path))
    assert about["sampling"] == (subsampling if channels == 3 else "grey")
    assert about["warnings"] == [] or subsampling != "4:2:0"


@pytest.mark.parametrize("name", ["sr2", "quantise", "colourise"])
def test_every_task_restores_grey_that_is_stored_as_colour(name, tmp_path):
    sampler = task_sampler(tmp_path / "model", chosen(name))
    file, _ = restored(sampler, saved(tmp_path / "a.png", AS_COLOUR))
    alone, _ = restored(sampler, saved(tmp_path / "grey.png", GREY))
    assert np.array_equal(pixels(file), np.asarray(Image.open(alone).convert("RGB")))
    assert (np.ptp(pixels(file), axis=2).max() > 0) == (name == "colourise")


def hiding(write, *arguments):
    """Two files that differ only where alpha is 0."""
    colours = picture(SIZE)
    other = np.where(VISIBLE[..., None], colours, noise(HEIGHT, WIDTH, seed=3))
    return [write(image, *arguments) for image in (colours, other)]


CUT_OUT = hiding(lambda colours: np.dstack([colours, ALPHA]))


def deep(colours, channels):
    values = (colours.astype(np.uint16) * 257 + 3)[..., :channels]
    return encode_png(torch.from_numpy(values).movedim(-1, 0), alpha=ALPHA.astype(np.uint16) * 257)


def eight(colours, channels):
    return encode_png(torch.from_numpy(colours[..., :channels].copy()).movedim(-1, 0), alpha=ALPHA)


@pytest.mark.parametrize("write", [eight, deep])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("options", [{}, {"degrade": True}])
def test_colours_that_alpha_hides_change_nothing_and_come_back(write, channels, options, model, tmp_path):
    results = []
    for number, data in enumerate(hiding(write, channels)):
        (tmp_path / f"{number}.png").write_bytes(data)
        file, about = restored(model, tmp_path / f"{number}.png", **options)
        before, after = read(tmp_path / f"{number}.png"), read(file)
        if not options or channels == 3:
            assert np.array_equal(after.hidden[~VISIBLE], before.hidden[~VISIBLE])
        assert np.array_equal(after.alpha, before.alpha)
        results.append((pixels(file)[VISIBLE], about["samples"][0]["psnr_to_input"], about.get("sigma_found")))
    assert np.array_equal(results[0][0], results[1][0])
    assert results[0][1:] == results[1][1:]


def test_noise_is_sought_where_it_is_visible(model, tmp_path):
    noisy = picture((200, 160)) + 40 * np.random.default_rng(0).standard_normal((160, 200, 3))
    noisy = noisy.round().clip(0, 255).astype(np.uint8)
    half = np.where(np.arange(200) < 100, 255, 0).astype(np.uint8)[None].repeat(160, axis=0)
    found = opened(model, saved(tmp_path / "a.png", np.dstack([noisy, half]))).facts["sigma_found"]
    assert found == pytest.approx(40, rel=0.1)
    assert found == pytest.approx(opened(model, saved(tmp_path / "b.png", noisy)).facts["sigma_found"], rel=0.05)


@pytest.mark.parametrize("options", [{"transparency": 7}, {"transparency": bytes([0, 0, 0, 90, 0])}])
def test_a_palette_that_hides_colours(options, model, tmp_path):
    Image.fromarray(picture(SIZE)).quantize(16).save(tmp_path / "a.png", **options)
    before, after = read(tmp_path / "a.png"), read(restored(model, tmp_path / "a.png", sigma=20.0)[0])
    hidden = ~before.visible
    assert hidden.any()
    assert np.array_equal(after.alpha, before.alpha)
    assert np.array_equal(after.hidden[hidden], before.hidden[hidden])
    assert not np.array_equal(after.pixels, before.pixels)


def test_what_is_visible_may_be_grey_and_what_is_hidden_not(model, tmp_path):
    colours = np.where(VISIBLE[..., None], AS_COLOUR, noise(HEIGHT, WIDTH))
    path = saved(tmp_path / "a.png", np.dstack([colours, ALPHA]))
    written = pixels(restored(model, path)[0])
    assert np.ptp(written[VISIBLE][:, :3], axis=1).max() == 0
    assert np.array_equal(written[~VISIBLE], pixels(path)[~VISIBLE])


def test_hidden_colours_grow_with_the_picture(tmp_path):
    sampler = task_sampler(tmp_path / "model", chosen("sr2"))
    path = saved(tmp_path / "a.png", CUT_OUT[0])
    large, grown = pixels(restored(sampler, path)[0]), pixels(path).repeat(2, axis=0).repeat(2, axis=1)
    assert np.array_equal(large[grown[..., 3] == 0], grown[grown[..., 3] == 0])


def test_what_is_missing_by_alpha_is_restored_and_not_put_back(tmp_path):
    sampler = task_sampler(tmp_path / "model", chosen("inpaint_strokes"))
    written = [pixels(restored(sampler, saved(tmp_path / f"{n}.png", image))[0]) for n, image in enumerate(CUT_OUT)]
    assert written[0].shape == (HEIGHT, WIDTH, 3)
    assert np.array_equal(*written)


def test_a_sample_that_is_not_finite_is_refused_before_anything_is_written(model, tmp_path, monkeypatch):
    draw, path = Tiling.draw, saved(tmp_path / "a.png", noise(HEIGHT, WIDTH))
    monkeypatch.setattr(Tiling, "draw", lambda *arguments: (torch.nan * sample for sample in draw(*arguments)))
    with pytest.raises(ValueError, match="sample 1 is not finite"):
        restored(model, path)
    assert list(tmp_path.iterdir()) == [path]


def test_read_gives_python_what_restore_sees(model, tmp_path):
    uniform = 255 / 12**0.5  # standard deviation of pixels from 0 to 255
    file = saved(tmp_path / "a.png", noise(HEIGHT, WIDTH, channels=3))
    told, y = pscgan.read(str(file), model, sigma=70), torch.from_numpy(pixels(file) / np.float32(255)).movedim(-1, 0)
    torch.testing.assert_close(told.degraded, y[None])
    torch.testing.assert_close(told.maps, torch.full((1, 1, HEIGHT, WIDTH), 70 / 255))
    estimated = pscgan.read(file.read_bytes(), model).maps
    assert estimated.amin() == estimated.amax() == pytest.approx(uniform / 255, rel=0.1)
    with pytest.warns(UserWarning, match="sigma of about"):
        pscgan.read(file, model, sigma=20)
    with pytest.raises(ValueError, match="sigma"):
        pscgan.read(file, model, sigma=200)
