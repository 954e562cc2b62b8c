"""What is loaded of an export is what was exported, and nothing that was not."""

import json
import pickle
import random

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

import pscgan
from pscgan.data.degradations.gaussian_noise import GaussianNoise
from pscgan.data.degradations.jpeg import Jpeg
from pscgan.data.degradations.poisson import Poisson
from pscgan.data.degradations.quantisation import Quantisation
from pscgan.data.degradations.salt_and_pepper import SaltAndPepper
from pscgan.data.jpeg.reader import read
from pscgan.data.measurement import Measurement
from pscgan.models.generator import scale_latent
from pscgan.models.spatial_latent import SpatialLatent
from pscgan.models.unet import UNet
from pscgan.rng import Rng
from pscgan.train.export.export import export
from pscgan.train.inference.safetensors_file import export_bytes, read_export
from pscgan.train.inference.sampler import LoadedSampler
from pscgan.train.sampling import GeneratorSampler

from ...models.drawing import draw_samples
from ..export.exporting import GENERATOR, JPEG, NOISE, exported
from ..tiny import LIGHTNING_SAYS, run

pytestmark = LIGHTNING_SAYS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return run(tmp_path_factory.mktemp("run"), "images=16")


@pytest.fixture(scope="module")
def file(folder, tmp_path_factory):
    return export(folder, tmp_path_factory.mktemp("export") / "tiny.safetensors")[0]


@pytest.fixture(scope="module")
def sampler(file):
    return pscgan.load(file)


def drawn(sampler, condition, k, seed=0, sigma_z=1.0):
    """What the generator makes of z of sample k, by its own words."""
    z = SpatialLatent(sampler.generator, [seed], k).window(0, 0, *condition.shape[-2:])
    return sampler.generator.decode(sampler.generator.encode(condition), scale_latent(z, sigma_z))[0]


def uniform(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("size", [(32, 32), (19, 27)])
def test_it_is_the_average_of_the_run_bit_for_bit(folder, sampler, size):
    trained, y = pscgan.load(folder), uniform(2, 3, *size)
    of_both = [draw_samples(g, y, 3, Rng(5, "z", [0, 1]), 0.5) for g in (trained.generator, sampler.generator)]
    assert torch.equal(*of_both)
    assert not sampler.generator.training
    assert not any(parameter.requires_grad for parameter in sampler.generator.parameters())
    restored = GeneratorSampler(trained.generator, trained.degradation).restore(Measurement(y), 3, [5, 6], 0.5)
    assert torch.equal(sampler.sample(y, 3, [5, 6], 0.5), restored)
    assert sampler.stochastic


def test_samples_are_those_of_the_generator(sampler):
    y = uniform(1, 3, 19, 27)
    expected = [drawn(sampler, y, k, 4, 0.5) for k in (1, 2)]
    assert torch.equal(sampler.sample(y, 2, seed=4, sigma_z=0.5), torch.stack(expected))


def test_first_samples_depend_on_neither_number_nor_batch(sampler):
    y = uniform(2, 3, 20, 24)
    four = sampler.sample(y, 4, seed=1)
    assert torch.equal(four[:2], sampler.sample(y, 2, seed=1))
    torch.testing.assert_close(four[:, 1:], sampler.sample(y[1], 4, seed=1))
    assert not torch.equal(four[0], four[1])
    assert not torch.equal(four, sampler.sample(y, 4, seed=2))
    own = sampler.sample(y, 4, seed=[2, 1])
    torch.testing.assert_close(own[:, 1], four[:, 1])
    torch.testing.assert_close(own[:, :1], sampler.sample(y[:1], 4, seed=2))
    with pytest.raises(ValueError, match=r"seed .* 2 images, got 3"):
        sampler.sample(y, 1, seed=[0, 1, 2])


def test_mean_and_spread_are_those_of_the_samples(sampler):
    y = uniform(2, 3, 20, 24)
    samples = sampler.sample(y, 5, seed=3).double()
    torch.testing.assert_close(sampler.mean(y, 5, seed=3), samples.mean(dim=0).float())
    spread = samples.var(dim=0).mean(dim=1, keepdim=True).sqrt().float()
    torch.testing.assert_close(sampler.std(y, 5, seed=3), spread)
    assert not sampler.std(y, 1).any()


def test_an_image_is_encoded_once(sampler):
    calls = []
    hook = sampler.generator.stem.register_forward_hook(lambda *call: calls.append(call))
    for draw in (sampler.sample, sampler.mean, sampler.std):
        draw(uniform(3, 16, 16), 5)
    hook.remove()
    assert len(calls) == 3


def test_the_kind_of_image_makes_no_difference(sampler):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 24, 3), dtype=np.uint8)
    planes = torch.from_numpy(pixels).movedim(-1, 0)
    expected = sampler.sample(planes.float() / 255, 2)
    assert expected.shape == (2, 1, 3, 20, 24)
    for image in (planes, planes[None], pixels, pixels[:, ::-1][:, ::-1], Image.fromarray(pixels)):
        assert torch.equal(sampler.sample(image, 2), expected)
    for image in (pixels.astype(np.float32) / np.float32(255), pixels / 255):
        torch.testing.assert_close(sampler.sample(image, 2), expected)


def test_grey_images_have_no_axis_of_colours(tmp_path):
    grey = pscgan.load(exported(tmp_path, channels=1))
    pixels = np.random.default_rng(0).integers(0, 256, (20, 24), dtype=np.uint8)
    expected = grey.sample(torch.from_numpy(pixels)[None], 2)
    for image in (pixels, pixels[:, :, None], Image.fromarray(pixels)):
        assert torch.equal(grey.sample(image, 2), expected)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (torch.zeros(1, 8, 8), r"tensor \(B, 3, H, W\) .* got shape \(1, 8, 8\)"),
        (torch.zeros(8, 8), r"got shape \(8, 8\)"),
        (torch.zeros(3, 0, 8), r"got shape \(3, 0, 8\)"),
        (torch.zeros(3, 8, 8, dtype=torch.int64), "a tensor of float or uint8, got torch.int64"),
        (np.zeros((3, 8, 8), np.uint8), r"got shape \(3, 8, 8\)"),
        (np.zeros((8, 8), np.uint8), r"got shape \(8, 8\)"),
        (np.zeros(8), r"got shape \(8,\)"),
        (np.zeros((8, 8, 3), np.uint16), "got uint16"),
        (np.full((8, 8, 3), 255.0), "divide by 255"),
        (torch.full((3, 8, 8), torch.nan), "not finite"),
        (Image.new("RGBA", (8, 8)), 'mode RGB, got RGBA: image.convert\\("RGB"\\)'),
        ("photo.png", "must be a Measurement, a tensor.* got a str"),
    ],
)
def test_what_is_no_image_is_refused_by_name(sampler, image, words):
    with pytest.raises(ValueError, match=f"degraded .*{words}"):
        sampler.sample(image, 1)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"k": 0}, "k .* 0"),
        ({"k": 1.5}, r"k .* whole number .* 1\.5"),
        ({"sigma_z": -1.0}, r"sigma_z .* -1\.0"),
        ({"sigma_z": float("inf")}, "sigma_z .* inf"),
    ],
)
def test_numbers_out_of_range_are_refused(sampler, changed, words):
    with pytest.raises(ValueError, match=words):
        sampler.sample(uniform(3, 8, 8), **{"k": 1, **changed})


def test_maps_come_with_a_measurement(tmp_path):
    sampler = pscgan.load(exported(tmp_path, degradation={"_target_": NOISE, "sigma": [25, 75]}, maps=1))
    clean = uniform(2, 3, 16, 16)
    measurement = sampler.degradation(clean, Rng(0, "noise", [0, 1]))
    expected = drawn(sampler, measurement.condition[:1], 1)
    torch.testing.assert_close(sampler.sample(measurement, 1)[0, :1], expected)
    with pytest.raises(
        ValueError, match=r"maps of shape None; GaussianNoise as trained takes \(2, 1, 16, 16\).*Measurement"
    ):
        sampler.sample(clean, 1)


@pytest.mark.parametrize(
    ("kind", "bounds", "level", "of_map"),
    [
        (GaussianNoise, [5, 75], 51, lambda sigma: sigma / 255),
        (Poisson, [1, 400], 100, lambda photons: photons**-0.5),
        (Quantisation, [2, 16], 5, lambda levels: 1 / levels),
        (SaltAndPepper, [0.1, 0.9], 0.3, lambda rate: rate),
    ],
)
def test_a_model_of_a_range_is_told_the_level_of_a_degradation_at_one(kind, bounds, level, of_map):
    network = UNet(3, 4, width=4, levels=2, encoder_blocks=1).eval()
    model = LoadedSampler(network, kind(bounds), {"image_channels": 3}, torch.device("cpu"))
    at_one = kind(level)(uniform(2, 3, 16, 16), Rng(0, "levels", [0, 1]))
    told = Measurement(at_one.degraded, torch.full((2, 1, 16, 16), of_map(level)), at_one.params)
    found = model.on(kind(level)).restore(at_one, 2, [0, 1])
    torch.testing.assert_close(found, model.sample(told, 2, seed=[0, 1]))


def test_a_model_of_one_level_goes_without_the_map_of_a_range(tmp_path):
    model = pscgan.load(exported(tmp_path, degradation={"_target_": NOISE, "sigma": 25}))
    y = GaussianNoise([5, 75])(uniform(2, 3, 16, 16), Rng(0, "noise", [0, 1]))
    found = model.on(GaussianNoise([5, 75])).restore(y, 2, [0, 1])
    torch.testing.assert_close(found, model.sample(y.degraded, 2, seed=[0, 1]))


def test_maps_of_another_kind_are_refused_however_many(tmp_path):
    model = pscgan.load(exported(tmp_path, degradation={"_target_": NOISE, "sigma": [5, 75]}, maps=1))
    with pytest.raises(ValueError, match=r"maps beside y, as GaussianNoise.*Poisson, gives 1"):
        model.on(Poisson([1, 400]))


def test_without_maps_a_model_restores_what_another_kind_measured(tmp_path):
    model = pscgan.load(exported(tmp_path, degradation={"_target_": NOISE, "sigma": 25}))
    y = Poisson(100)(uniform(1, 3, 16, 16), Rng(0, "noise", [0]))
    torch.testing.assert_close(model.on(Poisson(100)).restore(y, 1, [0]), model.sample(y.degraded, 1))


def test_samples_of_a_file_are_projected_onto_it(tmp_path):
    sampler = pscgan.load(exported(tmp_path, degradation=JPEG, maps=3))
    pixels = np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.jpg", quality=10)
    file = read(tmp_path / "photo.jpg")
    measurement = sampler.degradation.measure(file.coefficients, file.decoded[None])
    bare = drawn(sampler, measurement.condition, 1)
    expected = Jpeg(quality=10).project(bare, measurement)
    assert torch.equal(sampler.sample(measurement, 1)[0], expected)
    assert not torch.allclose(expected, bare)
    with pytest.raises(ValueError, match=r"degradation\.measure\(file\.coefficients"):
        sampler.sample(Image.open(tmp_path / "photo.jpg"), 1)


def test_an_edit_of_samples_is_projected_as_they_are(tmp_path):
    sampler = pscgan.load(exported(tmp_path, degradation=JPEG, maps=3))
    measurement = sampler.degradation(uniform(1, 3, 16, 24), Rng(0, "jpeg", [0]))
    grey = torch.full((1, 3, 16, 24), 0.5)
    found = sampler.project(grey, measurement)
    assert torch.equal(found, Jpeg(quality=10).project(grey, measurement))
    assert not torch.allclose(found, grey, atol=0.1)
    assert torch.equal(sampler.project(grey, Measurement(grey)), grey)
    with pytest.raises(ValueError, match=r"restored .* \(1, 3, 16, 24\), got \(1, 3, 8, 8\)"):
        sampler.project(grey[..., :8, :8], measurement)
    with pytest.raises(ValueError, match=r"measurement .* Measurement, got a Tensor"):
        sampler.project(grey, grey)


class EverySecondRow:
    """Shown as it is, the others are noise; what is measured follows from the image alone."""

    num_maps = 0

    def __call__(self, clean, rng):
        degraded = clean.clone()
        degraded[..., 1::2, :] = rng.rand(*degraded[0, :, 1::2].shape)
        return Measurement(degraded)

    def project(self, restored, measurement):
        projected = restored.clone()
        projected[..., ::2, :] = measurement.degraded[..., ::2, :]
        return projected


def test_measurements_without_params_are_projected_where_the_degradation_needs_none(tmp_path):
    made = pscgan.load(exported(tmp_path))
    sampler = LoadedSampler(made.generator, EverySecondRow(), made.metadata, made.device)
    y = uniform(2, 3, 20, 24)
    samples = sampler.sample(y, 2, seed=3)
    assert torch.equal(samples[..., ::2, :], y[..., ::2, :].expand(2, -1, -1, -1, -1))
    assert torch.equal(samples, GeneratorSampler(made.generator, EverySecondRow()).restore(Measurement(y), 2, [3, 3]))
    assert torch.equal(sampler.mean(y, 2, seed=3)[..., ::2, :], y[..., ::2, :])


def test_a_deterministic_sampler_has_one_sample(tmp_path):
    sampler = pscgan.load(exported(tmp_path, latent_channels=0))
    assert not sampler.stochastic
    assert sampler.sample(uniform(3, 8, 8), 1).shape == (1, 1, 3, 8, 8)
    with pytest.raises(ValueError, match=r"k must be 1 .* got 2"):
        sampler.sample(uniform(3, 8, 8), 2)


def test_the_file_says_where_it_is_from_and_repeats(folder, file, sampler, tmp_path):
    start = json.loads((folder / "run.json").read_text())[-1]
    about = {
        key: sampler.metadata[key] for key in ("name", "images_seen", "seed", "commit", "pscgan", "image_channels")
    }
    expected = {"name": "tiny", "images_seen": 16, "seed": 0, "commit": start["commit"], "image_channels": 3}
    assert about == {**expected, "pscgan": pscgan.__version__}
    assert sampler.metadata["degradation"] == {"_target_": NOISE, "sigma": 50}
    assert sampler.metadata["generator"]["_target_"] == GENERATOR
    again, _ = export(folder, tmp_path / "again.safetensors")
    assert again.read_bytes() == file.read_bytes()


def test_one_altered_byte_is_enough_to_be_refused(file, tmp_path):
    content, chance = file.read_bytes(), random.Random(0)
    header = int.from_bytes(content[:8], "little") + 8
    for number in range(100):
        altered = bytearray(content)
        place = chance.randrange(header if number % 2 else len(content))
        altered[place] ^= 1 << chance.randrange(8)
        refused(tmp_path, bytes(altered), "damaged|no export of pscgan")


def test_what_is_cut_or_foreign_is_refused(file, tmp_path):
    content = file.read_bytes()
    for length in (0, 7, 8, 100, len(content) // 2, len(content) - 1):
        refused(tmp_path, content[:length], "damaged or cut short" if length > 8 else "is empty|no export of pscgan")
    refused(tmp_path, content + b"more", "damaged")
    save_file({"weight": torch.zeros(2)}, tmp_path / "foreign.safetensors")
    refused(tmp_path, (tmp_path / "foreign.safetensors").read_bytes(), "no export of pscgan")
    for said in ("[" * 100_000, "[]", '{"format": "1"}', '{"a": ' * 950 + "1" + "}" * 950):
        save_file({"weight": torch.zeros(2)}, tmp_path / "foreign.safetensors", {"pscgan": said})
        refused(tmp_path, (tmp_path / "foreign.safetensors").read_bytes(), "no export of pscgan, or damaged")
    with pytest.raises(ValueError, match=r"nowhere\.safetensors is no file"):
        pscgan.load(tmp_path / "nowhere.safetensors")


@pytest.mark.parametrize("device", ["nonsense", "cuda:99"])
def test_a_device_that_is_not_there_is_refused(file, device):
    with pytest.raises(ValueError, match=f"device must be a device of torch that is there, got {device}"):
        pscgan.load(file, device)


class Payload:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_a_pickle_is_not_executed(tmp_path):
    trace = tmp_path / "trace"
    refused(tmp_path, pickle.dumps(Payload(trace)), "is a pickle")
    torch.save(Payload(trace), tmp_path / "saved")
    refused(tmp_path, (tmp_path / "saved").read_bytes(), "more than tensors")
    assert not trace.exists()


def refused(folder, content, words):
    path = folder / "altered.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=words) as error:
        pscgan.load(path)
    assert str(error.value).startswith(f"{path}")


FOREIGN = [
    "os.system",
    "pscgan.train.gan_step.GANStep",
    "pscgan.models",
    "pscgan.models.unet.math",
    "pscgan.models.unet.NamedTuple",
    "pscgan.models.unet.nn.Conv2d",
    "pscgan.models.unet.pairwise",
    "pscgan.models.unet.blocks",
    "pscgan.models.unet.Stage.forward",
    "pscgan.models.absent.Generator",
    "pscgan.models..stochastic_unet.StochasticUNet",
    "pscgan.modelsmine.Generator",
    NOISE,
    3,
    None,
]


@pytest.mark.parametrize("target", FOREIGN)
def test_other_classes_are_refused_by_name(tmp_path, target):
    nested = {"_target_": GENERATOR, "width": [{"deep": {"_target_": target}}]}
    for generator in ({"_target_": target}, nested):
        with pytest.raises(ValueError, match=r"_target_ must be a class defined in pscgan\.models") as error:
            pscgan.load(exported(tmp_path, generator=generator))
        assert str(target) in str(error.value)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"degradation": {"_target_": GENERATOR}},
            "degradation._target_ must be .* defined in pscgan.data.degradations",
        ),
        ({"generator": "os.system"}, "generator must be a mapping .* got os.system"),
        ({"generator": {"_target_": GENERATOR, "_args_": [1]}}, "generator must have .* got the key '_args_'"),
        ({"generator": {"_target_": GENERATOR, "width": "${oc.env:HOME}"}}, "nothing that has to be resolved"),
        ({"generator": {"_target_": GENERATOR, "depth": 1}}, "generator cannot be built: .*depth"),
        ({"generator": {"_target_": GENERATOR, "width": {"a": None}}}, "generator cannot be built"),
        ({"generator": {"_target_": GENERATOR, "width": -1}}, "generator cannot be built: width must be >= 1, got -1"),
        ({"generator": {"_target_": GENERATOR, "width": 6}}, "another architecture: .* there and .* in this config"),
        ({"degradation": {"_target_": NOISE, "sigma": -1}}, r"degradation cannot be built: sigma must .*got -1"),
        ({"generator": {"_target_": "pscgan.models.patch_critic.PatchCritic"}}, "PatchCritic, which has not encode"),
        ({"about": {"image_channels": 2}}, "image_channels .* 2"),
        ({"about": {"format": 2}}, "has format 2 .* reads format 1"),
    ],
)
def test_a_file_that_asks_for_what_cannot_be_is_refused(tmp_path, changed, words):
    with pytest.raises(ValueError, match=f"made.safetensors.*{words}"):
        pscgan.load(exported(tmp_path, **changed))


def test_tensors_that_share_memory_are_stored_each(tmp_path):
    shared = torch.arange(4.0)
    (tmp_path / "shared.safetensors").write_bytes(export_bytes({}, {"a": shared, "b": shared.view(2, 2).T}))
    _, tensors = read_export(tmp_path / "shared.safetensors")
    assert torch.equal(tensors["a"], shared)
    assert torch.equal(tensors["b"], shared.view(2, 2).T)
