"""Inversion by a trained GAN: of every kind of measurement, what it explains, and what it cannot take."""

import colorsys

import pytest
import torch
from hydra import compose, initialize_config_module

from pscgan.models.baselines.gan_inversion import GanInversion
from pscgan.rng import Rng
from pscgan.train.evaluation.methods import Methods
from pscgan.train.evaluation.setup import evaluate
from pscgan.train.export.export import export
from pscgan.train.inference.by_gan import ByGan, fidelity
from pscgan.train.inference.load import load

from ...scripts.evaluating import FEW, read
from ..tiny import LIGHTNING_SAYS, run
from .test_by_denoiser import measured

pytestmark = LIGHTNING_SAYS

GAN = ("experiment=textures_gan", "penalty=[]", "images=16", "dataset.crop=16", "dataset.evaluation_crop=16")
RULE, SIZE = GanInversion(restarts=2, steps=20), (3, 16, 16)
NO_NOISE = ["inpaint_box", "inpaint_strokes", "colourise", "sr4", "quantise", "jpeg", "salt_and_pepper"]
OTHERS = ["gaussian_noise", "blur_uniform", "poisson"]


@pytest.fixture(scope="module")
def gan(tmp_path_factory):
    return str(run(tmp_path_factory.mktemp("runs") / "gan", *GAN))


@pytest.mark.parametrize("option", [*NO_NOISE, *OTHERS])
def test_the_search_explains_any_measurement_better_than_where_it_began(option, gan):
    degradation, _, measurement = measured(option, size=SIZE)
    method = ByGan(RULE, gan, degradation)
    generator, F = method.sampler.generator, fidelity(degradation, measurement)
    starts = generator.draw_latent(2, 16, 16, Rng.of_images([3, 4], "inversion"))
    began = torch.stack([F(images) for images in generator.decode(generator.encode(measurement.degraded), starts)])
    assert (F(method._inverted(measurement, [3, 4], lambda images: None)) < began.amin(dim=0)).all()
    found = method.restore(measurement, 1, [3, 4])
    assert found.shape == (1, 2, *SIZE)
    if option in NO_NOISE and option != "jpeg":  # whose residual is that of 8 bits
        assert degradation.residual(found[0], measurement).max() < 2e-3  # grey levels or cells: rounding of fp32


def test_an_image_is_found_whatever_batch_it_is_in(gan):
    degradation, _, measurement = measured("sr4", size=SIZE)
    method = ByGan(RULE, gan, degradation)
    both, second = method.restore(measurement, 1, [3, 4]), method.restore(measurement[1:], 1, [4])
    torch.testing.assert_close(both[:, 1:], second, rtol=0, atol=1e-3)  # rounding, over 20 steps


def test_colour_keeps_hue_and_saturation_and_takes_the_luma_of_y(gan):
    degradation, _, measurement = measured("colourise", size=SIZE)
    method = ByGan(RULE, gan, degradation)
    image = method._inverted(measurement, [3, 4], lambda images: None).clamp(0.01, 1)
    found = method._blended(image, measurement)
    assert degradation.residual(found, measurement).max() < 1e-3
    assert found.max() <= 1 + 1e-6
    scaled = image * measurement.params["measured"] / degradation.operator.forward(image, {})
    for pixels in zip(image.movedim(1, -1).reshape(-1, 3), found.movedim(1, -1).reshape(-1, 3), strict=True):
        (hue, saturation, _), (hue_found, found_saturation, _) = (colorsys.rgb_to_hsv(*p.double()) for p in pixels)
        if min(saturation, found_saturation) > 0.01:
            assert abs((hue - hue_found + 0.5) % 1 - 0.5) < 1e-3
        assert found_saturation <= saturation + 1e-4
    fits = (scaled.amax(dim=1, keepdim=True) <= 1).expand_as(found)
    torch.testing.assert_close(found[fits], scaled[fits])  # a multiple: the very saturation


def test_near_the_hole_counts_more(gan):
    degradation, clean, measurement = measured("inpaint_box", size=(3, 64, 64))
    near, far = clean.clone(), clean.clone()
    near[..., 15, 32] += 0.1
    far[..., 2, 32] += 0.1
    F = fidelity(degradation, measurement)
    # of 15 x 15 pixels around row 15, 7 rows are missing; around row 2 none
    assert F(near).tolist() == pytest.approx([3 * 0.1 * 7 / 15] * 2, rel=1e-4)
    assert F(far).tolist() == [0, 0]


def test_an_evaluation_takes_it_by_name(gan, tmp_path):
    named = ("+method@methods.inversion=inversion", f"methods.inversion.gan={gan}", "methods.inversion.rule.steps=3")
    images = ("degradation=sr4", "images.root=bundled:photos", "images.limit=1", f"folder={tmp_path / 'out'}")
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        evaluate(compose("evaluate", [*FEW, *named, *images, "images.crop=16"]))
    found = read(tmp_path / "out")
    assert found["methods"]["inversion"]["values"]["residual/sample"]["value"] < 1e-3
    assert not found["methods"]["inversion"]["stochastic"]


def test_what_cannot_be_inverted_is_refused_by_name(gan, tmp_path):
    degradation, _, measurement = measured("sr4", size=(3, 32, 16))
    with pytest.raises(ValueError, match="images must have the size of the GAN, 16 x 16, got 32 x 16"):
        ByGan(RULE, gan, degradation).restore(measurement, 1, [0, 0])
    with pytest.raises(ValueError, match=r"sigma_z must be 1 for GanInversion, which searches z, got 0\.5"):
        ByGan(RULE, gan, degradation).restore(measurement, 1, [0, 0], 0.5)
    with pytest.raises(ValueError, match=r"gan must be trained with degradation=nothing, got bundled:demo, .*Gaussian"):
        ByGan(RULE, "bundled:demo", degradation)
    with pytest.raises(ValueError, match=r"methods\.inversion\.gan must be given"):
        Methods(["inversion"], torch.device("cpu")).build(degradation)


def test_the_prior_needs_a_logistic_critic(gan, tmp_path):
    degradation, _, _ = measured("sr4", size=SIZE)
    (file, _) = export(load(gan).run.checkpoint.parent, tmp_path / "gan.safetensors")
    with pytest.raises(ValueError, match=r"gan must be a run or a checkpoint, as an export has no critic, got .*gan"):
        ByGan(RULE, str(file), degradation)
    assert ByGan(GanInversion(critic_weight=0), str(file), degradation).critic is None
    hinge = run(tmp_path / "hinge", *GAN, "adversarial=hinge", "images=4", "evaluation.every_images=4")
    with pytest.raises(ValueError, match=r"gan must have a logistic critic .* of Hinge"):
        ByGan(RULE, str(hinge), degradation)
