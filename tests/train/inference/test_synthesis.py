"""Images from noise with an exact denoiser: their power, by each rule as it is set; the way; the sheet."""

from math import sqrt

import pytest
import torch
from torch import nn

from pscgan.models.baselines.samplers import ReverseChain
from pscgan.train.inference.denoiser import TrainedDenoiser
from pscgan.train.inference.synthesis import RULES, Synthesis, Way, contact_sheet

from ...models.baselines.denoiser_worlds import GaussianPixels, TwoModes
from ...models.baselines.frequency_laws import synthesis_distance
from ...models.baselines.test_baselines import chain_law, full_noise
from ...models.baselines.test_kadkhodaie_simoncelli import law_of
from ...models.baselines.test_snips import snips_law

HIGHEST = 4.0


def exact(world, low=0.5 / 255, high=HIGHEST):
    def denoise(images, levels):
        return world.denoise(images, float(levels[0]))

    return TrainedDenoiser(denoise, 1, low, high, torch.device("cpu"), nn.Identity())


def draw(world, rule, size=(128, 128), count=1):
    return torch.stack(list(Synthesis(exact(world), rule, size, 0).images(count)))


def variance_of(rule):
    """By the prior's, of one coordinate."""
    sampler, _ = RULES[rule](HIGHEST)
    if not isinstance(sampler, ReverseChain):
        law = {"annealed": snips_law, "simoncelli": law_of}[rule](sampler)
        return lambda c: law(c, torch.zeros_like(c), 0.0)[1]

    def of_one(c):
        slope, own = chain_law(GaussianPixels(std=sqrt(c)), sampler.levels, HIGHEST, full_noise)
        return slope**2 * HIGHEST**2 + own

    return lambda c: torch.tensor([of_one(value) for value in c.flatten().tolist()]).double().view_as(c)


@pytest.mark.parametrize(
    ("rule", "calls", "ratios", "distance"),
    [
        ("chain", 79, (0.998, 0.989, 0.80), 0.02),
        ("annealed", 201, (0.996, 0.960, 0.499), 0.003),
        ("simoncelli", 56, (0.845, 0.792, 0.39), 0.077),
    ],
)
def test_power_of_what_each_rule_draws(rule, calls, ratios, distance):
    """Of coordinates of prior variance 0.04, 0.0025 and 0.0001; W2 over std on a field of 32 x 32."""
    assert RULES[rule](HIGHEST)[0].calls == calls
    c = torch.tensor([0.04, 0.0025, 1e-4]).double()
    expected = variance_of(rule)(c)
    assert (expected / c).tolist() == pytest.approx(ratios, abs=0.005)
    drawn = [draw(GaussianPixels(std=sqrt(value)), rule).var().item() for value in c.tolist()]
    assert drawn == pytest.approx(expected.tolist(), rel=4 * sqrt(2 / 128**2))
    law = variance_of(rule)
    assert synthesis_distance(lambda c, S, sigma: (None, law(c))) == pytest.approx(distance, abs=0.001)


def test_the_chain_finds_both_modes():
    world, drawn = TwoModes(), draw(TwoModes(), "chain").flatten()
    assert (drawn > 0.5).double().mean().item() == pytest.approx(0.5, abs=4 * sqrt(0.25 / len(drawn)))

    def distance(other):
        return (other.sort().values - world.clean(0, len(drawn)).sort().values).abs().mean().item()

    assert distance(drawn) < max(distance(world.clean(seed, len(drawn))) for seed in (20, 30, 40, 50)) + 0.003


@pytest.mark.parametrize("rule", RULES)
def test_an_image_depends_on_seed_and_number_alone(rule):
    """Two of 64 x 64 are computed together: the third is alone, and with a fourth."""
    three, four = (draw(GaussianPixels(), rule, (64, 64), count) for count in (3, 4))
    assert torch.equal(three, four[:3])
    assert not torch.equal(four[0], four[2])


def test_the_way_is_kept_each_time_the_level_has_halved():
    way = Way(lambda x, s: x + s)
    levels = [4.0, 3.0, 2.0, 1.5, 0.875, 0.5, 4.0, 0.75]
    for number, s in enumerate(levels):
        way(torch.full((2, 1, 4, 4), float(number)), s)
    assert [state.mean().item() for state in way.states] == [0, 2, 4]
    assert [state.mean().item() for state in way.denoised] == [4.0, 4.0, 4.875]  # the number and its level
    assert way.states[0].shape == (1, 4, 4)


def test_a_sheet_shows_every_image_enlarged_on_white():
    images = [torch.full((3, 24, 32), number).byte() for number in (10, 20, 30)]
    sheet = contact_sheet(images, columns=2)
    assert sheet.shape == (3, 2 * (72 + 2), 2 * (96 + 2))
    assert [sheet[0, 0, 0].item(), sheet[0, 71, 193].item(), sheet[0, 74, 0].item()] == [10, 20, 30]
    assert (sheet[:, 72:74] == 255).all()
    assert (sheet[:, 74:, 98:] == 255).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rule": "chian"}, "there is no rule chian, did you mean chain?"),
        ({"size": (32, 15)}, "width must be >= 16, got 15"),
        ({"high": 75 / 255}, r"denoiser must be trained on sigma 1.275 to 255 or more, .*, got \[0.5, 75\]"),
        ({"low": 25 / 255}, r"denoiser must be trained on sigma 1.275 to 255 or more, .*, got \[25, 1020\]"),
    ],
)
def test_bad_input_is_refused_by_name(arguments, message):
    given = {"low": 0.5 / 255, "high": HIGHEST, "rule": "chain", "size": (32, 32)} | arguments
    with pytest.raises(ValueError, match=message):
        Synthesis(exact(GaussianPixels(), given["low"], given["high"]), given["rule"], given["size"], 0)
