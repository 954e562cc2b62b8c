"""The critic we ship."""

import pytest
import torch

from pscgan.models.patch_critic import PatchCritic


def critic(**arguments):
    torch.manual_seed(0)
    return PatchCritic(3, 4, width=8, levels=3, **arguments)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (37, 51), (8, 8)])
def test_any_size_gives_a_score_an_image(height, width):
    assert critic()(torch.rand(2, 3, height, width), torch.rand(2, 4, height, width)).shape == (2,)


def test_the_score_of_an_image_does_not_depend_on_the_batch():
    image, condition = torch.rand(4, 3, 32, 32), torch.rand(4, 4, 32, 32)
    together = critic()(image, condition)
    apart = torch.cat([critic()(image[b : b + 1], condition[b : b + 1]) for b in range(4)])
    assert torch.allclose(together, apart, atol=1e-5)


def test_the_condition_matters():
    image = torch.rand(1, 3, 32, 32)
    first, second = (critic()(image, torch.full((1, 4, 32, 32), value)) for value in (0.0, 1.0))
    assert not torch.allclose(first, second)


def test_an_unconditional_score_depends_on_the_image_alone():
    network, images = critic(conditional=False), torch.rand(2, 3, 32, 32)
    first, second = (network(images, torch.full((2, 4, 32, 32), value)) for value in (0.0, 1.0))
    assert torch.equal(first, second)
    assert not torch.allclose(first[0], first[1])


def test_without_the_condition_only_the_stem_is_narrower():
    conditional, unconditional = (
        {name: parameter.numel() for name, parameter in critic(conditional=choice).named_parameters()}
        for choice in (True, False)
    )
    less = {name: conditional[name] - count for name, count in unconditional.items()}
    assert {name: count for name, count in less.items() if count} == {"stem.weight": 8 * 9 * 4 * 2**2}


def test_a_gradient_penalty_reaches_the_parameters():
    network, image = critic(), torch.rand(2, 3, 16, 16, requires_grad=True)
    (gradient,) = torch.autograd.grad(network(image, torch.rand(2, 4, 16, 16)).sum(), image, create_graph=True)
    gradient.square().sum().backward()
    assert network.stem.weight.grad.abs().sum() > 0


def test_an_image_smaller_than_a_patch_is_refused():
    with pytest.raises(ValueError, match=r"image.* 8.*4 x 32"):
        critic()(torch.rand(1, 3, 4, 32), torch.rand(1, 4, 4, 32))
