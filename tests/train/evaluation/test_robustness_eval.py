"""Attacks on restorers whose answer to any perturbation is known."""

import math

import pytest
import torch

from pscgan.data.degradations.gaussian_noise import GaussianNoise
from pscgan.models.unet import UNet
from pscgan.rng import Rng
from pscgan.train.evaluation.attacks import AdamAttack, Ifgsm, Pgd, euclidean_budget
from pscgan.train.evaluation.methods import Degraded, Deterministic
from pscgan.train.evaluation.robustness_eval import RobustnessEval, robustness_curves
from pscgan.train.sampling import GeneratorSampler

from .wiener import Wiener, field

ATTACKS = {"ifgsm": Ifgsm(samples=2), "pgd": Pgd(samples=2), "adam5": AdamAttack(samples=2)}


def evaluate(restorer, clean, measurement, numbers, attacks, ai_psnrs, samples=8):
    of = RobustnessEval(attacks, ai_psnrs, None, crop=8, images=len(numbers), samples=samples, seed=0)
    return of.metrics(restorer, clean, measurement, numbers)


def test_an_exact_sampler_is_moved_by_its_filter_alone():
    """Of every value the mean moves by W d, the spread stays: their W2 is |W d|, that of one z likewise."""
    world, clean, measurement = field(6)
    scored = evaluate(Wiener(world), clean, measurement, range(6), {"pgd": Pgd(samples=2)}, [20.0], samples=64)
    score = scored["pgd"][20.0].compute()
    worst = float(euclidean_budget(64, 20.0) * torch.linalg.matrix_norm(world.gain, 2)) / 8
    assert score["ai_psnr"] == pytest.approx(20, abs=1e-6)
    assert score["robustness_db"] == pytest.approx(-20 * math.log10(worst), abs=0.1)
    assert score["distribution_distance"] == pytest.approx(worst, rel=0.06)
    std = float(world.posterior_covariance.trace() / 64) ** 0.5
    assert (score["std"], score["std_attacked"]) == pytest.approx((std, std), rel=0.03)
    assert score["psnr_attacked"] < score["psnr"] - 1


def test_no_attack_at_all_moves_nothing_and_the_distributions_agree():
    world, clean, measurement = field(20)
    scored = evaluate(Wiener(world), clean, measurement, range(20), {"pgd": Pgd(1, 0.0, 1)}, [160.0], samples=64)
    score = scored["pgd"][160.0].compute()
    assert score["robustness_db"] > 150
    assert score["distribution_distance"] < 0.1 * score["std"]


def test_the_image_itself_answers_with_what_was_added():
    _, clean, measurement = field(2)
    scored = evaluate(Degraded(), clean, measurement, range(2), ATTACKS, [30.0, 40.0])
    for by_budget in scored.values():
        for metric in by_budget.values():
            score = metric.compute()
            assert score["robustness_db"] == pytest.approx(score["ai_psnr"], abs=1e-3)
            assert score["distribution_distance"] == pytest.approx(10 ** (-score["ai_psnr"] / 20), rel=1e-4)
            assert score["std"] == score["std_attacked"] == 0


def test_z_of_the_evaluation_is_not_that_of_the_attack():
    world, clean, measurement = field(1)
    given = []

    class Spy(Wiener):
        def restore(self, measurement, num_samples, seeds, sigma_z=1.0):
            given.append(seeds[0])
            return super().restore(measurement, num_samples, seeds, sigma_z)

    evaluate(Spy(world), clean, measurement, [0], {"pgd": Pgd(1, samples=2)}, [30.0], samples=2)
    before, *of_the_attack, same, other = given
    assert len(set(of_the_attack)) == 1
    assert before == same == 0  # the seed of the evaluation, and image 0
    assert len({before, other, of_the_attack[0]}) == 3


def test_batches_add_up_and_seeds_repeat():
    world, clean, measurement = field(3)
    whole = evaluate(Wiener(world), clean, measurement, range(3), ATTACKS, [30.0], samples=2)
    again = evaluate(Wiener(world), clean, measurement, range(3), ATTACKS, [30.0], samples=2)
    parts = [
        evaluate(Wiener(world), clean[b : b + 1], measurement[b : b + 1], [b], ATTACKS, [30.0], samples=2)
        for b in range(3)
    ]
    for name in ATTACKS:
        change = float(whole[name][30.0].change)
        assert change == float(again[name][30.0].change)
        assert sum(float(part[name][30.0].change) for part in parts) == pytest.approx(change, rel=1e-6)


def test_curves_have_a_point_a_budget():
    _, clean, measurement = field(2)
    scored = evaluate(Degraded(), clean, measurement, range(2), ATTACKS, [40.0, 20.0, 30.0])
    scores = {name: {at: metric.compute() for at, metric in by.items()} for name, by in scored.items()}
    curves = robustness_curves(scores)
    assert set(curves) == set(ATTACKS)
    for points in curves.values():
        reached = [point["ai_psnr"] for point in points]
        assert reached == sorted(reached)
        assert all(set(point) == {"ai_psnr", "psnr", "distance", "std"} for point in points)
    assert [point["ai_psnr"] for point in curves["pgd"]] == pytest.approx([20, 30, 40], abs=1e-5)


def test_networks_are_scored_and_left_without_gradients():
    network = UNet(3, 3, width=8, levels=2, encoder_blocks=1, decoder_blocks=1, latent_channels=1).eval()
    degradation, clean = GaussianNoise(50), torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    measurement = degradation(clean, Rng(0, "degradation", range(2)))
    scored = evaluate(GeneratorSampler(network, degradation), clean, measurement, range(2), ATTACKS, [30.0], samples=2)
    for name in ATTACKS:
        score = scored[name][30.0].compute()
        assert 30 - 1e-4 <= score["ai_psnr"] < 31
        assert score["robustness_db"] < 60
    assert all(parameter.grad is None for parameter in network.parameters())


def test_what_it_cannot_judge_is_refused_by_name():
    world, clean, measurement = field(1)
    with pytest.raises(ValueError, match=r"robustness\.samples"):
        evaluate(Wiener(world), clean, measurement, [0], ATTACKS, [30.0], samples=1)
    rounded = Deterministic(lambda seen: (255 * seen.degraded).round() / 255)
    with pytest.raises(ValueError, match="not differentiable"):
        evaluate(rounded, clean, measurement, [0], ATTACKS, [30.0])
