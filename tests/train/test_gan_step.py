"""The algorithm, step by step."""

import copy

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from pscgan.data.degradation import measure
from pscgan.data.degradations.gaussian_noise import GaussianNoise
from pscgan.data.degradations.jpeg import Jpeg
from pscgan.losses.adversarial import Logistic
from pscgan.losses.crps import FairCRPS
from pscgan.losses.gradient_penalty import R1R2Penalty
from pscgan.losses.penalty import Penalty, Term
from pscgan.models.patch_critic import PatchCritic
from pscgan.models.unet import UNet
from pscgan.rng import Rng
from pscgan.train.batch import Batch, CriticBatch, StepRandomness
from pscgan.train.ema import Ema
from pscgan.train.gan_step import GANStep
from pscgan.train.network_optimizer import NotFinite
from pscgan.train.schedule import Schedule

BATCH = 4


def sgd(parameters):
    return torch.optim.SGD(parameters, lr=0.1)


def make_gan_step(**arguments):
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
    return make_gan_step(critic=None, adversarial=None, critic_optimizer=None, **arguments)


def clean_images(seen=0):
    rng = torch.Generator().manual_seed(seen)
    return torch.rand(BATCH, 3, 16, 16, generator=rng), range(seen, seen + BATCH)


def train(gan_step, batches):
    for _ in range(batches):
        gan_step.train_batch(*clean_images(gan_step.progress.images_seen))
    return gan_step


def weights(network):
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


def test_clocks():
    times = train(make_gan_step(), 3).progress
    assert (times.images_seen, times.generator_steps, times.critic_steps) == (3 * BATCH, 3, 3)


def test_every_batch_trains_both_networks_and_moves_the_average():
    gan_step = make_gan_step()
    networks = (gan_step.generator, gan_step.critic, gan_step.ema.average)
    before = [weights(network).clone() for network in networks]
    train(gan_step, 1)
    assert all(not torch.equal(old, weights(network)) for old, network in zip(before, networks, strict=True))


def test_alternating_batches_train_one_network_and_the_critic_begins():
    gan_step, moves = make_gan_step(alternate=True), []
    for _ in range(4):
        generator, critic = weights(gan_step.generator).clone(), weights(gan_step.critic).clone()
        train(gan_step, 1)
        moved = [
            not torch.equal(generator, weights(gan_step.generator)),
            not torch.equal(critic, weights(gan_step.critic)),
        ]
        moves.append(moved)
    assert moves == [[False, True], [True, False]] * 2
    assert (gan_step.progress.generator_steps, gan_step.progress.images_seen) == (2, 4 * BATCH)


@pytest.mark.parametrize("images", [None, 3])
def test_micro_batches_add_up_to_the_batch(images):
    """Lazy R1, three samples an image, a penalty on part of the batch: the same weights to rounding."""

    def double():
        penalties = {"crps": Penalty(FairCRPS(), samples_per_image=3, images=images)}
        return {"penalties": penalties}

    whole, parts = (make_gan_step(micro_batch=size, **double()).double() for size in (None, 1))
    for gan_step in (whole, parts):
        for _ in range(3):
            clean, numbers = clean_images(gan_step.progress.images_seen)
            gan_step.train_batch(clean.double(), numbers)
    for network in ("generator", "critic"):
        assert torch.allclose(weights(getattr(whole, network)), weights(getattr(parts, network)), atol=1e-10)
    assert not torch.allclose(weights(whole.generator), weights(make_gan_step().double().generator), atol=1e-4)


def test_the_result_is_a_function_of_seed_and_images_alone():
    first, second, other = train(make_gan_step(), 2), make_gan_step(), train(make_gan_step(seed=1), 2)
    torch.rand(17)  # the global generator is nobody's business
    train(second, 2)
    assert torch.equal(weights(first.generator), weights(second.generator))
    assert not torch.equal(weights(first.generator), weights(other.generator))


def test_a_state_restored_goes_on_bit_for_bit():
    adam = {"generator_optimizer": torch.optim.Adam, "critic_optimizer": torch.optim.Adam}
    unbroken, first, second = train(make_gan_step(**adam), 5), train(make_gan_step(**adam), 2), make_gan_step(**adam)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for name, network in second.networks.items():
        network.load_state_dict(copy.deepcopy(first.networks[name].state_dict()))
    train(second, 3)
    for part in ("generator", "critic", "ema"):
        assert torch.equal(weights(getattr(unbroken, part)), weights(getattr(second, part)))
    assert unbroken.progress.get_extra_state() == second.progress.get_extra_state()
    assert unbroken.means.pop() == second.means.pop()


def test_the_generator_gets_no_gradient_from_the_critics_move_nor_the_critic_from_the_generators():
    gan_step = make_gan_step(adversarial=Logistic(generator_weight=0.0))
    still = make_gan_step(critic_optimizer=lambda parameters: torch.optim.SGD(parameters, lr=0.0))
    before = weights(still.critic).clone()
    train(still, 2)
    assert torch.equal(before, weights(still.critic))
    alone = regression()
    assert torch.allclose(weights(train(gan_step, 2).generator), weights(train(alone, 2).generator), atol=1e-7)


def test_a_penalty_is_applied_at_its_interval():
    calls = []

    def spy(samples_KBCHW, clean, measurement):
        calls.append(tuple(samples_KBCHW.shape[:2]))
        return samples_KBCHW.mean()

    gan_step = make_gan_step(penalties={"spy": Penalty(spy, samples_per_image=5, images=3, every_generator_steps=2)})
    train(gan_step, 4)
    assert calls == [(5, 3), (5, 3)]


@pytest.mark.parametrize("arguments", [{"every_generator_steps": 2}, {"images": 1}])
def test_without_a_critic_nothing_may_be_due(arguments):
    """At every other step, or for the images of the second half of a batch."""
    gan_step = train(regression(penalties={"crps": Penalty(FairCRPS(), **arguments)}, micro_batch=2), 2)
    assert (gan_step.progress.generator_steps, gan_step.progress.nonfinite_steps) == (2, 0)


def test_terms_are_logged_unweighted():
    def logged(weight):
        gan_step = regression(penalties={"crps": Penalty(FairCRPS(), weight=weight)})
        return train(gan_step, 1).means.pop()["generator/crps"]

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
    gan_step = regression(penalties={"poison": Penalty(Poison(2, 3))})
    train(gan_step, 1)
    before = weights(gan_step.generator).clone(), weights(gan_step.ema).clone()
    train(gan_step, 2)
    assert torch.equal(before[0], weights(gan_step.generator))
    assert torch.equal(before[1], weights(gan_step.ema))
    assert (gan_step.progress.nonfinite_steps, gan_step.progress.consecutive_nonfinite) == (2, {"generator": 2})
    train(gan_step, 1)
    assert not torch.equal(before[0], weights(gan_step.generator))
    assert (gan_step.progress.nonfinite_steps, gan_step.progress.consecutive_nonfinite) == (2, {"generator": 0})


@pytest.mark.parametrize("make", [regression, make_gan_step])
def test_too_many_of_them_end_the_run_however_the_other_network_fares(make):
    gan_step = make(penalties={"poison": Penalty(Poison(1, 99))}, nonfinite_limit=3)
    with pytest.raises(NotFinite, match="3 steps of the generator"):
        train(gan_step, 5)


def test_gradients_are_clipped_to_the_norm():
    gan_step = regression(generator_clip_norm=1e-3)
    before = weights(gan_step.generator).clone()
    train(gan_step, 1)
    assert (weights(gan_step.generator) - before).norm() == pytest.approx(0.1 * 1e-3, rel=1e-3)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"adversarial": None}, "critic and adversarial come together"),
        ({"critic": None, "adversarial": None, "penalties": {}}, "there must be a penalty"),
        ({"micro_batch": 0}, "micro_batch must be >= 1, got 0"),
        ({"nonfinite_limit": 0}, "nonfinite_limit must be >= 1, got 0"),
    ],
)
def test_contradictions_are_named(arguments, named):
    with pytest.raises(ValueError, match=named):
        make_gan_step(**arguments)


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

    gan_step = make_gan_step(
        degradation=degradation,
        adversarial=onlooker,
        penalties={"spy": Penalty(spy, samples_per_image=2)},
        project=project,
    )
    train(gan_step, 1)
    samples, measurement = seen
    assert torch.equal(onlooker.fakes[0], samples[0])
    for sample in samples:
        moved = (degradation.project(sample, measurement) - sample).abs().max()
        assert (moved < 1e-5) == project


class OnlyAPenalty:
    """An adversarial objective whose terms weigh nothing, so that the gradient penalty alone trains the critic."""

    def __init__(self, gradient_penalty):
        self.gradient_penalty = gradient_penalty

    def critic_terms(self, critic, clean, fake, condition):
        return {"adversarial": Term(0 * next(critic.parameters()).sum())}

    generator_terms = critic_terms


class Dtypes(TorchDispatchMode):
    """The types of all floating point results of operations."""

    def __init__(self):
        super().__init__()
        self.found = set()

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        result = function(*arguments, **(options or {}))
        self.found |= {leaf.dtype for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)}
        return result


class Perceptron(nn.Module):
    """A critic of matrix products, which autocast computes in bf16 also where a gradient is differentiated."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 8), nn.Softplus(), nn.Linear(8, 1))

    def forward(self, image, condition):
        return self.layers(image)[:, 0]


@pytest.mark.parametrize("critic", [Perceptron, lambda: PatchCritic(3, 3, width=4, levels=2)], ids=["linear", "conv"])
def test_a_gradient_penalty_trains_the_critic_in_fp32_under_bf16_autocast(critic, monkeypatch):
    """To the bits of the gradient without autocast; no operation of the double backward gives bf16."""
    gradients, dtypes, backward = [], Dtypes(), torch.Tensor.backward
    numbers = range(BATCH)

    def watched(self):
        with dtypes:
            backward(self)

    monkeypatch.setattr(torch.Tensor, "backward", watched)
    for autocast in (False, True):
        torch.manual_seed(1)
        gan_step = make_gan_step(critic=critic(), adversarial=OnlyAPenalty(R1R2Penalty()))
        clean, measurement = measure(gan_step.degradation, clean_images()[0], Rng(0, "y", numbers))
        batch = Batch(clean, measurement, StepRandomness(0, numbers, clean.device), 0, BATCH)
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            assert gan_step.critic(clean, clean).dtype == (torch.bfloat16 if autocast else torch.float32)
            gan_step._critic_step(gan_step.critic, [CriticBatch(batch, clean.flip(0), measurement.condition)])
        gradients.append(weights(gan_step.critic))
    assert torch.equal(*gradients)
    assert torch.float32 in dtypes.found
    assert torch.bfloat16 not in dtypes.found


def test_numbers_of_images_are_plain_integers_all_the_way_to_the_generators(monkeypatch):
    """Reading a number from a tensor on a GPU would make the host wait: with these nothing has to be read."""
    kinds, original = set(), Rng.__init__

    def noted(self, seed, stream, numbers, device="cpu"):
        kinds.update(type(number) for number in numbers)
        original(self, seed, stream, numbers, device)

    monkeypatch.setattr(Rng, "__init__", noted)
    train(make_gan_step(), 2)
    assert kinds == {int}


READS = ("item", "tolist", "__bool__", "__int__", "__float__", "__index__", "cpu", "numpy")


def test_a_step_reads_one_number_of_each_gradient_from_the_device_and_nothing_else(monkeypatch):
    """Generator, critic, and the lazy gradient penalty: whether three norms are finite."""
    gan_step, reads = make_gan_step(), []
    for name in READS:
        original = getattr(torch.Tensor, name)

        def counted(self, *arguments, name=name, original=original, **options):
            reads.append(name)
            return original(self, *arguments, **options)

        monkeypatch.setattr(torch.Tensor, name, counted)
    train(gan_step, 1)
    assert reads == ["__bool__"] * 3
