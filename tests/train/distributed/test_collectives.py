"""The GAN step on several ranks: the same weights and average as on one, other images and latents on each."""

import numpy as np
import pytest
import torch
import torch.distributed as dist
from torch import nn

from pscgan.losses.adversarial import Logistic
from pscgan.losses.crps import FairCRPS
from pscgan.losses.gradient_penalty import R1R2Penalty
from pscgan.losses.penalty import Penalty
from pscgan.train.distributed import collectives
from pscgan.train.distributed.collectives import (
    BUCKET_BYTES,
    ReplicasDiverged,
    require_same_on_all_ranks,
    sum_over_ranks,
)
from pscgan.train.runs.cli_errors import RankError

from ..test_gan_step import make_gan_step, train, weights
from .on_ranks import Group, on_ranks

pytestmark = pytest.mark.integration
pytestmark = pytest.mark.integration
BATCH, STEPS = 8, 20


def adam(parameters):
    return torch.optim.Adam(parameters, lr=1e-3, betas=(0.5, 0.9))


def play_share(dtype, steps=STEPS):
    """This rank's share of every batch: lazy R1, micro-batches of 1, K = 4 on the first 5 images of each batch."""
    torch.set_default_dtype(dtype)
    gan_step = make_gan_step(
        penalties={"crps": Penalty(FairCRPS(), samples_per_image=4, images=5)},
        adversarial=Logistic(gradient_penalty=R1R2Penalty(every_critic_steps=4)),
        generator_optimizer=adam,
        critic_optimizer=adam,
        generator_clip_norm=1.0,
        micro_batch=1,
    )
    share = BATCH // collectives.world_size()
    sent, all_reduce = [], dist.all_reduce

    def counted(tensor, *arguments, **options):
        sent.append(tensor.nbytes)
        return all_reduce(tensor, *arguments, **options)

    dist.all_reduce = counted
    try:
        for step in range(steps):
            images = torch.rand(BATCH, 3, 16, 16, generator=torch.Generator().manual_seed(step))
            mine = slice(collectives.rank() * share, (collectives.rank() + 1) * share)
            gan_step.train_batch(images[mine], range(step * BATCH, (step + 1) * BATCH)[mine])
    finally:
        dist.all_reduce = all_reduce
    gan_step.gather()
    learned = {name: weights(network) for name, network in _networks(gan_step).items()}
    return {
        "weights": {name: values.numpy() for name, values in learned.items()},
        "logged": gan_step.means.pop(),
        "times": (gan_step.progress.images_seen, gan_step.progress.generator_steps),
        "sent": sent,
        "tensors": {name: len(list(network.parameters())) for name, network in _networks(gan_step).items()},
    }


def _networks(gan_step):
    return {"generator": gan_step.generator, "critic": gan_step.critic, "average": gan_step.ema.average}


@pytest.fixture(scope="module")
def alone():
    (result,) = on_ranks(1, play_share, torch.float64)
    return result


@pytest.mark.parametrize("size", [2, 4])
def test_ranks_learn_what_one_process_learns(size, alone):
    together = on_ranks(size, play_share, torch.float64)
    for rank in together:
        assert rank["times"] == alone["times"]
        for name, expected in alone["weights"].items():
            np.testing.assert_allclose(rank["weights"][name], expected, rtol=1e-6, atol=1e-10)
            np.testing.assert_array_equal(rank["weights"][name], together[0]["weights"][name])
        assert rank["logged"] == pytest.approx(alone["logged"], rel=1e-6)


def test_in_single_precision_they_differ_by_rounding():
    (alone,), together = on_ranks(1, play_share, torch.float32), on_ranks(2, play_share, torch.float32)
    for name, expected in alone["weights"].items():
        np.testing.assert_allclose(together[0]["weights"][name], expected, atol=1e-6)


def test_a_step_sends_the_gradients_of_its_network_and_a_byte_a_tensor():
    """Four generator moves, four moves of the critic and its lazy price once: nothing else is reduced."""
    rank = on_ranks(2, play_share, torch.float64, 4)[0]
    bytes_of = {name: 8 * len(values) for name, values in rank["weights"].items()}
    steps = ["generator", "critic", "critic", *["generator", "critic"] * 3]
    assert rank["sent"] == [sent for name in steps for sent in (rank["tensors"][name], bytes_of[name])]


class OneSided(nn.Module):
    def __init__(self):
        super().__init__()
        self.both, self.one, self.none = (nn.Parameter(torch.ones(3)) for _ in range(3))
        self.brief = nn.Parameter(torch.ones(2, dtype=torch.bfloat16))


def gradients_of_one_sided():
    module = OneSided()
    (module.both * (1 + collectives.rank())).sum().backward()
    if collectives.rank() == 1:
        (7 * module.one).sum().backward()
        module.brief.sum().backward()
    sum_over_ranks(module.parameters())
    return [None if p.grad is None else p.grad.float().tolist() for p in module.parameters()]


def test_gradients_add_up_and_nobody_gets_one_that_no_rank_has():
    assert on_ranks(2, gradients_of_one_sided) == [[[3.0] * 3, [7.0] * 3, None, [1.0] * 2]] * 2


def gradients_of_large():
    numel = BUCKET_BYTES // 4
    parameters = [nn.Parameter(torch.zeros(n)) for n in (3, numel - 3, 1, numel + 5, 2)]
    for number, parameter in enumerate(parameters):
        parameter.grad = torch.full_like(parameter, 1.0 + number + collectives.rank())
    sum_over_ranks(parameters)
    return [set(parameter.grad.unique().tolist()) for parameter in parameters]


def test_buckets_cover_every_gradient():
    assert on_ranks(2, gradients_of_large)[1] == [{3.0 + 2 * number} for number in range(5)]


def latents():
    gan_step, drawn = make_gan_step(), []
    draw = gan_step.generator.draw_latent

    def noted(*arguments):
        drawn.append(draw(*arguments))
        return drawn[-1]

    gan_step.generator.draw_latent = noted
    share = BATCH // collectives.world_size()
    gan_step.train_batch(
        torch.rand(share, 3, 16, 16), range(collectives.rank() * share, (collectives.rank() + 1) * share)
    )
    return [z.numpy() for z in drawn[0]]


def test_ranks_draw_the_latents_of_their_own_images():
    """As one process draws them for the whole batch; no two images share one."""
    (alone,), together = on_ranks(1, latents), on_ranks(2, latents)
    for level, z in enumerate(alone):
        np.testing.assert_array_equal(np.concatenate([rank[level] for rank in together], axis=1), z)
        flat = z.swapaxes(0, 1).reshape(BATCH, -1)
        assert len(np.unique(flat, axis=0)) == BATCH


def averaged():
    gan_step, expected = make_gan_step(), None
    expected = weights(gan_step.generator).clone()
    for step in range(6):
        share = BATCH // collectives.world_size()
        images = torch.rand(BATCH, 3, 16, 16, generator=torch.Generator().manual_seed(step))
        mine = slice(collectives.rank() * share, (collectives.rank() + 1) * share)
        gan_step.train_batch(images[mine], range(step * BATCH, (step + 1) * BATCH)[mine])
        kept = 0.5 ** (BATCH / min(100, 0.05 * (step + 1) * BATCH))
        expected = kept * expected + (1 - kept) * weights(gan_step.generator)
    return (weights(gan_step.ema.average) - expected).abs().max().item()


def test_the_average_follows_its_closed_form_in_images_of_all_ranks():
    assert max(on_ranks(2, averaged)) < 1e-6


def diverge(part):
    gan_step = train(make_gan_step(generator_optimizer=adam), 1)
    state = {"weights": gan_step.state_dict(), "optimizer": gan_step.networks["generator"].state_dict()}
    require_same_on_all_ranks(state, "before")
    if collectives.rank() == 1:
        changed = next(gan_step.critic.parameters()).data if part == "weights" else state["optimizer"][0]["exp_avg"]
        changed[0, 0, 0, 0] += 1e-7
    require_same_on_all_ranks(state, "after 4 images")


@pytest.mark.parametrize("part", ["weights", "optimizer"])
def test_ranks_whose_state_differs_are_named(part):
    with pytest.raises(ReplicasDiverged, match=r"after 4 images .* rank 1 differ"):
        on_ranks(2, diverge, part)


def fail_on_one(error):
    def make():
        if collectives.rank() == 1:
            raise error
        return collectives.rank()

    assert collectives.all_gather(collectives.rank()) == [0, 1]
    assert collectives.from_rank_zero(lambda: {"rank": collectives.rank()}) == {"rank": 0}
    assert collectives.all_max(collectives.rank()) == 1
    collectives.run_on_all_ranks(make)


def test_an_error_of_one_rank_ends_all_and_the_first_says_it():
    _, outcomes = Group(2, fail_on_one, ValueError("crop is 0")).wait()
    assert [(type(error), str(error), error.is_reporter) for _, error in sorted(outcomes.items())] == [
        (RankError, "rank 1: crop is 0", True),
        (RankError, "rank 1: crop is 0", False),
    ]
