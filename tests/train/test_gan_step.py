"""The algorithm, move by move."""

import copy

import pytest
import torch
from torch import nn

from pscgan.data.degradations.gaussian_noise import GaussianNoise
from pscgan.data.degradations.jpeg import Jpeg
from pscgan.losses.adversarial import Logistic
from pscgan.losses.crps import FairCRPS
from pscgan.losses.gradient_penalty import R1R2Penalty
from pscgan.losses.penalty import Penalty, Term
from pscgan.models.patch_critic import PatchCritic
from pscgan.models.unet import UNet
from pscgan.train.ema import Ema
from pscgan.train.gan_step import GANStep, NonfiniteGradients
from pscgan.train.schedule import Schedule

BATCH = 4


def sgd(parameters):
    return torch.optim.SGD(parameters, lr=0.1)


def make_game(**arguments):
    torch.manual_seed(0)
    parts = {
        "generator": UNet(3, 3, width=4, levels=2, encoder_blocks=1),
        "critic": PatchCritic(3, 3, width=4, levels=2),
        "adversarial": Logistic(gradient_penalty=R1R2Penalty(every_critic_steps=2)),
        "degradation": GaussianNoise(50),
        "penalties": {"crps": Penalty(FairCRPS(), samples_per_image=3)},
        "generator_optimizer": sgd,
        "critic_optimizer": sgd,
        "ema": Ema(100),
        "schedule": Schedule(images=1000),
        "seed": 0,
    }
    return GANStep(**(parts | arguments))


def regression(**arguments):
    return make_game(critic=None, adversarial=None, critic_optimizer=None, **arguments)


def clean_images(seen=0):
    rng = torch.Generator().manual_seed(seen)
    return torch.rand(BATCH, 3, 16, 16, generator=rng), torch.arange(seen, seen + BATCH)


def play(game, batches):
    for _ in range(batches):
        game.play(*clean_images(game.clock.times.images_seen))
    return game


def weights(network):
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


def test_clocks():
    times = play(make_game(), 3).clock.times
    assert (times.images_seen, times.generator_steps, times.critic_steps) == (3 * BATCH, 3, 3)


def test_both_players_and_the_average_move_with_every_batch():
    game = make_game()
    networks = (game.generator, game.critic, game.ema.average)
    before = [weights(network).clone() for network in networks]
    play(game, 1)
    assert all(not torch.equal(old, weights(network)) for old, network in zip(before, networks, strict=True))


def test_alternating_players_take_turns_and_the_critic_begins():
    game, moves = make_game(alternate=True), []
    for _ in range(4):
        generator, critic = weights(game.generator).clone(), weights(game.critic).clone()
        play(game, 1)
        moved = [not torch.equal(generator, weights(game.generator)), not torch.equal(critic, weights(game.critic))]
        moves.append(moved)
    assert moves == [[False, True], [True, False]] * 2
    assert (game.clock.times.generator_steps, game.clock.times.images_seen) == (2, 4 * BATCH)


@pytest.mark.parametrize("images", [None, 3])
def test_micro_batches_add_up_to_the_batch(images):
    """Lazy R1, three samples an image, a penalty on part of the batch: the same weights to rounding."""

    def double():
        penalties = {"crps": Penalty(FairCRPS(), samples_per_image=3, images=images)}
        return {"penalties": penalties}

    whole, parts = (make_game(micro_batch=size, **double()).double() for size in (None, 1))
    for game in (whole, parts):
        for _ in range(3):
            clean, numbers = clean_images(game.clock.times.images_seen)
            game.play(clean.double(), numbers)
    for network in ("generator", "critic"):
        assert torch.allclose(weights(getattr(whole, network)), weights(getattr(parts, network)), atol=1e-10)
    assert not torch.allclose(weights(whole.generator), weights(make_game().double().generator), atol=1e-4)


def test_the_result_is_a_function_of_seed_and_images_alone():
    first, second, other = play(make_game(), 2), make_game(), play(make_game(seed=1), 2)
    torch.rand(17)  # the global generator is nobody's business
    play(second, 2)
    assert torch.equal(weights(first.generator), weights(second.generator))
    assert not torch.equal(weights(first.generator), weights(other.generator))


def test_a_state_restored_goes_on_bit_for_bit():
    adam = {"generator_optimizer": torch.optim.Adam, "critic_optimizer": torch.optim.Adam}
    unbroken, first, second = play(make_game(**adam), 5), play(make_game(**adam), 2), make_game(**adam)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for name, player in second.players.items():
        player.optimizer.load_state_dict(copy.deepcopy(first.players[name].optimizer.state_dict()))
    play(second, 3)
    for part in ("generator", "critic", "ema"):
        assert torch.equal(weights(getattr(unbroken, part)), weights(getattr(second, part)))
    assert unbroken.clock.times == second.clock.times
    assert unbroken.averages.pop() == second.averages.pop()


def test_the_generator_gets_no_gradient_from_the_critics_move_nor_the_critic_from_the_generators():
    game = make_game(adversarial=Logistic(generator_weight=0.0))
    still = make_game(critic_optimizer=lambda parameters: torch.optim.SGD(parameters, lr=0.0))
    before = weights(still.critic).clone()
    play(still, 2)
    assert torch.equal(before, weights(still.critic))
    alone = regression()
    assert torch.allclose(weights(play(game, 2).generator), weights(play(alone, 2).generator), atol=1e-7)


def test_a_penalty_is_applied_at_its_interval():
    calls = []

    def spy(samples_KBCHW, clean, measurement):
        calls.append(tuple(samples_KBCHW.shape[:2]))
        return samples_KBCHW.mean()

    game = make_game(penalties={"spy": Penalty(spy, samples_per_image=5, images=3, every_generator_steps=2)})
    play(game, 4)
    assert calls == [(5, 3), (5, 3)]


@pytest.mark.parametrize("arguments", [{"every_generator_steps": 2}, {"images": 1}])
def test_without_a_critic_nothing_may_be_due(arguments):
    """At every other step, or for the images of the second half of a batch."""
    game = play(regression(penalties={"crps": Penalty(FairCRPS(), **arguments)}, micro_batch=2), 2)
    assert (game.clock.times.generator_steps, game.clock.times.nonfinite_steps) == (2, 0)


def test_terms_are_logged_unweighted():
    def logged(weight):
        game = regression(penalties={"crps": Penalty(FairCRPS(), weight=weight)})
        return play(game, 1).averages.pop()["generator/crps"]

    assert logged(1.0) == logged(1000.0)


class Poison(nn.Module):
    """A penalty that is not a number from a given call on."""

    min_samples = 1

    def __init__(self, first, last):
        super().__init__()
        self.first, self.last, self.calls = first, last, 0

    def forward(self, samples_KBCHW, clean, measurement):
        self.calls += 1
        poisoned = self.first <= self.calls <= self.last
        return samples_KBCHW.mean() * (float("nan") if poisoned else 1.0)


def test_a_step_that_is_not_finite_is_skipped_and_counted():
    game = regression(penalties={"poison": Penalty(Poison(2, 3))})
    play(game, 1)
    before = weights(game.generator).clone(), weights(game.ema).clone()
    play(game, 2)
    assert torch.equal(before[0], weights(game.generator))
    assert torch.equal(before[1], weights(game.ema))
    assert (game.clock.times.nonfinite_steps, game.clock.times.nonfinite_in_a_row) == (2, {"generator": 2})
    play(game, 1)
    assert not torch.equal(before[0], weights(game.generator))
    assert (game.clock.times.nonfinite_steps, game.clock.times.nonfinite_in_a_row) == (2, {"generator": 0})


@pytest.mark.parametrize("make", [regression, make_game])
def test_too_many_of_them_end_the_run_however_the_other_player_fares(make):
    game = make(penalties={"poison": Penalty(Poison(1, 99))}, nonfinite_limit=3)
    with pytest.raises(NonfiniteGradients, match="3 moves of the generator in a row"):
        play(game, 5)


def test_gradients_are_clipped_to_the_norm():
    game = regression(generator_clip_norm=1e-3)
    before = weights(game.generator).clone()
    play(game, 1)
    assert (weights(game.generator) - before).norm() == pytest.approx(0.1 * 1e-3, rel=1e-3)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"adversarial": None}, "critic and adversarial come together"),
        ({"critic": None, "adversarial": None, "penalties": {}}, "there must be a penalty"),
        ({"micro_batch": 0}, "micro_batch is 0"),
        ({"nonfinite_limit": 0}, "nonfinite_limit is 0"),
    ],
)
def test_contradictions_are_named(arguments, named):
    with pytest.raises(ValueError, match=named):
        make_game(**arguments)


class Onlooker:
    """An adversarial objective that keeps what it is shown."""

    gradient_penalty = None

    def __init__(self):
        self.fakes = []

    def critic_terms(self, critic, clean, fake, condition):
        return {"adversarial": Term(critic(fake, condition).mean())}

    def generator_terms(self, critic, clean, fake, condition):
        self.fakes.append(fake.detach())
        return {"adversarial": Term(critic(fake, condition).mean())}


@pytest.mark.parametrize("project", [True, False])
def test_samples_are_judged_as_they_are_used(project):
    """Critic and penalties see restorations that explain the measurement, unless told otherwise."""
    degradation, onlooker, seen = Jpeg(10, maps=()), Onlooker(), []

    def spy(samples_KBCHW, clean, measurement):
        seen.extend([samples_KBCHW.detach(), measurement])
        return samples_KBCHW.mean()

    game = make_game(
        degradation=degradation,
        adversarial=onlooker,
        penalties={"spy": Penalty(spy, samples_per_image=2)},
        project=project,
    )
    play(game, 1)
    samples, measurement = seen
    assert torch.equal(onlooker.fakes[0], samples[0])
    for sample in samples:
        moved = (degradation.project(sample, measurement) - sample).abs().max()
        assert (moved < 1e-5) == project
