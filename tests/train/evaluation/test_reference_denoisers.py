"""Published denoisers: the layout of their files, any size, and the figures that are known of them."""

import os
import sys
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from PIL import Image
from torch.nn import functional as F

from pscgan.data.degradations.gaussian_noise import GaussianNoise
from pscgan.data.measurement import Measurement
from pscgan.rng import Rng
from pscgan.train.evaluation.methods import dncnn, ffdnet

CONF = Path(__file__).parents[3] / "conf" / "method"
DATA = os.environ.get("PSCGAN_REFERENCE_DATA")


def mat_file(path, kernels, biases):
    """As MATLAB 7.3 writes ``net.layers``: cells are references, axes are reversed, text is of 16-bit numbers."""
    with h5py.File(path, "w") as file:
        refs, cells = file.create_group("#refs#"), []

        def layer(kind, *values):
            group = refs.create_group(f"layer{len(cells)}")
            group["type"] = np.array([[ord(letter)] for letter in kind], dtype="<u2")
            weights = [refs.create_dataset(f"{len(cells)}.{i}", data=value).ref for i, value in enumerate(values)]
            group["weights"] = np.array(weights or [0], dtype=h5py.ref_dtype if weights else "<u8")[:, None]
            cells.append(group.ref)

        layer("SubP")
        layer("concat")
        for kernel, bias in zip(kernels, biases, strict=True):
            matlab = np.transpose(kernel.numpy(), (2, 3, 1, 0))  # height, width, in, out
            layer("conv", np.transpose(matlab), bias.numpy()[None])
            layer("relu")
        file["net/layers"] = np.array(cells, dtype=h5py.ref_dtype)[:, None]
    return str(path)


def weights_of(channels, seed=0):
    widths, rng = [4 * channels + 1, 7, 4 * channels], torch.Generator().manual_seed(seed)
    kernels = [0.1 * torch.randn(b, a, 3, 3, generator=rng) for a, b in pairwise(widths)]
    return kernels, [torch.randn(width, generator=rng) for width in widths[1:]]


def ffdnet_by_hand(image, sigma, kernels, biases):
    """From the description alone: sub-images go down a column first, all of a colour before the next."""
    sub = [image[:, c, i::2, j::2] for c in range(image.shape[1]) for j in (0, 1) for i in (0, 1)]
    x = torch.stack([*sub, torch.full_like(sub[0], sigma)], dim=1)
    x = F.conv2d(F.conv2d(x, kernels[0], biases[0], padding=1).relu(), kernels[1], biases[1], padding=1)
    out, places = torch.empty_like(image), [(c, i, j) for c in range(image.shape[1]) for j in (0, 1) for i in (0, 1)]
    for number, (c, i, j) in enumerate(places):
        out[:, c, i::2, j::2] = x[:, number]
    return out


def measured(*shape, sigma=25.0):
    clean = torch.rand(*shape, generator=torch.Generator().manual_seed(0))
    return GaussianNoise(sigma)(clean, Rng(0, "noise", range(len(clean))))


@pytest.mark.parametrize("channels", [1, 3])
def test_ffdnet_reads_its_file_and_computes_what_is_described(channels, tmp_path):
    kernels, biases = weights_of(channels)
    restorer = ffdnet(mat_file(tmp_path / "net.mat", kernels, biases))
    measurement = measured(2, channels, 6, 8)
    restored = restorer.restore(measurement, 1, range(2))[0]
    assert not restorer.stochastic
    expected = ffdnet_by_hand(measurement.degraded, 25 / 255, kernels, biases)
    assert torch.allclose(restored, expected, atol=1e-4)


def test_ffdnet_is_told_the_level_of_each_image_and_takes_odd_sizes(tmp_path):
    restorer = ffdnet(mat_file(tmp_path / "net.mat", *weights_of(3)))
    measurement = measured(2, 3, 7, 9)
    levels = Measurement(measurement.degraded, None, {"sigma": torch.tensor([0.1, 0.6])})
    both, first, second = (restorer.restore(part, 1, ())[0] for part in (levels, levels[:1], levels[1:]))
    assert both.shape == (2, 3, 7, 9)
    assert torch.allclose(both, torch.cat([first, second]), atol=1e-5)
    same = Measurement(measurement.degraded, None, {"sigma": torch.tensor([0.1, 0.1])})
    assert not torch.allclose(restorer.restore(same, 1, ())[0][1], both[1], atol=1e-2)


def dncnn_state(seed=0):
    rng, widths, state = torch.Generator().manual_seed(seed), [1, *(64,) * 16, 1], {}
    for place, (a, b) in enumerate(pairwise(widths)):
        state[f"model.{2 * place}.weight"] = 0.05 * torch.randn(b, a, 3, 3, generator=rng)
        state[f"model.{2 * place}.bias"] = 0.05 * torch.randn(b, generator=rng)
    return state


def test_dncnn_takes_off_what_17_convolutions_say(tmp_path):
    state = dncnn_state()
    torch.save(state, tmp_path / "net.pth")
    measurement = measured(2, 1, 9, 11)
    x = measurement.degraded
    for place in range(0, 34, 2):
        x = F.conv2d(
            x if not place else x.relu(), state[f"model.{place}.weight"], state[f"model.{place}.bias"], padding=1
        )
    restored = dncnn(str(tmp_path / "net.pth")).restore(measurement, 1, ())[0]
    assert torch.allclose(restored, measurement.degraded - x, atol=1e-5)
    assert x.abs().max() > 1e-3


def test_what_they_do_not_take_is_refused(tmp_path):
    torch.save(dncnn_state(), tmp_path / "net.pth")
    grey = dncnn(str(tmp_path / "net.pth"))
    colour = ffdnet(mat_file(tmp_path / "net.mat", *weights_of(3)))
    for restorer, measurement, named in (
        (grey, measured(1, 3, 8, 8), r"degraded.*\(1, 3, 8, 8\)"),
        (grey, measured(1, 1, 8, 8, sigma=50), r"sigma.* 25 .*\[50.0\d*\]"),
        (colour, measured(1, 1, 8, 8), r"degraded.*\(1, 1, 8, 8\)"),
        (colour, Measurement(torch.rand(1, 3, 8, 8)), "got nothing"),
        (
            colour,
            Measurement(torch.rand(2, 3, 8, 8), None, {"sigma": torch.ones(1)}),
            r"sigma.*\(1,\)",
        ),
    ):
        with pytest.raises(ValueError, match=named):
            restorer.restore(measurement, 1, ())


def test_files_that_do_not_fit_are_refused(tmp_path, monkeypatch):
    for make, name in ((dncnn, "none.pth"), (ffdnet, "none.mat")):
        with pytest.raises(ValueError, match=name):
            make(str(tmp_path / name))
    torch.save({"model.0.weight": torch.zeros(1)}, tmp_path / "wrong.pth")
    with pytest.raises(ValueError, match=r"wrong.pth do not fit DnCNN; missing: model.0.bias"):
        dncnn(str(tmp_path / "wrong.pth"))
    (tmp_path / "damaged.mat").write_bytes(b"no network")
    with pytest.raises(ValueError, match=r"damaged.mat cannot be read as a network of MatConvNet"):
        ffdnet(str(tmp_path / "damaged.mat"))
    with pytest.raises(ValueError, match="holds no network of 3 x 3 convolutions"):
        ffdnet(mat_file(tmp_path / "empty.mat", [], []))
    kernels, biases = weights_of(2)
    with pytest.raises(ValueError, match="9 and 8"):
        ffdnet(mat_file(tmp_path / "two.mat", kernels, biases))
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ValueError, match=r"pscgan\[references\]"):
        ffdnet(str(tmp_path / "two.mat"))


@pytest.mark.parametrize("name", ["dncnn", "ffdnet"])
def test_every_option_builds(name, tmp_path):
    torch.save(dncnn_state(), tmp_path / "dncnn")
    mat_file(tmp_path / "ffdnet", *weights_of(3))
    part = OmegaConf.load(CONF / f"{name}.yaml")
    assert OmegaConf.is_missing(part, "weights")
    assert not instantiate(part, weights=str(tmp_path / name)).stochastic
    assert (CONF / f"{name}.yaml").read_text().startswith("# ")


def field_psnr(restorer, folder, mode):
    """As the field does: unclipped noise of sigma 25, output clamped and rounded to 8 bits, mean of PSNRs of images."""
    psnrs = []
    for number, path in enumerate(sorted(Path(folder).iterdir())):
        pixels = np.atleast_3d(np.asarray(Image.open(path).convert(mode))).transpose(2, 0, 1)
        clean = torch.from_numpy(pixels.copy())[None].float() / 255
        measurement = GaussianNoise(25)(clean, Rng(0, "noise", [number]))
        restored = restorer.restore(measurement, 1, [number])[0]
        rounded = (255 * restored).round().clamp(0, 255) / 255
        psnrs.append(-10 * float((rounded - clean).double().square().mean().log10()))
    return sum(psnrs) / len(psnrs)


@pytest.mark.slow
@pytest.mark.skipif(DATA is None, reason="PSCGAN_REFERENCE_DATA names no folder with reference_denoisers/ and test/")
@pytest.mark.parametrize(
    ("make", "weights", "images", "mode", "published"),
    [(ffdnet, "FFDNet_color.mat", "CBSD68", "RGB", 31.21), (dncnn, "dncnn_25_gray.pth", "Set12", "L", 30.43)],
)
def test_published_figures_are_met(make, weights, images, mode, published):
    restorer = make(str(Path(DATA) / "reference_denoisers" / weights))
    found = field_psnr(restorer, Path(DATA) / "test" / images, mode)
    print(f"{weights} on {images}, sigma 25: {found:.4f} dB")
    assert found == pytest.approx(published, abs=0.03)
