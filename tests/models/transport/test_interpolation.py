"""The way from clean to restored, in every space; what is drawn belongs to its place."""

import pytest
import torch

from pscgan.models.transport.gaussian_map import Gaussian
from pscgan.models.transport.interpolation import Transport
from pscgan.models.transport.patches import PatchMoments, PatchTransport
from pscgan.models.transport.spaces import Pixels, Unshuffled

SPACES = [Pixels(), Unshuffled(2)]
P = 3


def picture(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def transport(space, singular=False):
    laws = []
    for seed in (1, 2):
        images = picture(2, 1, 48, 48, seed=seed).cumsum(-1) / 24
        if singular and seed == 1:
            images = images[..., :1, :].expand(2, 1, 48, 48)  # its rows are equal
        moments = PatchMoments(P)
        moments.add(space.encode(images))
        laws.append(moments.gaussian())
    return Transport(space, PatchTransport(*laws, P))


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
@pytest.mark.parametrize("size", [(8, 12), (9, 11), (1, 1)])
def test_a_space_returns_the_image(space, size):
    image = picture(2, 3, *size)
    codes = space.encode(image)
    assert codes.shape[-2:] == tuple(-(-side // space.factor) for side in size)
    assert torch.equal(space.decode(codes)[..., : size[0], : size[1]], image)


def test_what_is_missing_to_a_block_is_repeated():
    found = Unshuffled(2).decode(Unshuffled(2).encode(torch.tensor([[[[1.0, 2.0, 3.0]]]])))
    assert torch.equal(found, torch.tensor([[[[1.0, 2.0, 3.0, 3.0], [1.0, 2.0, 3.0, 3.0]]]]))


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
def test_alpha(space):
    moving, restored = transport(space), picture(2, 1, 21, 30)
    assert moving(restored, 1.0, [0, 0]) is restored
    full = moving(restored, 0.0, [0, 0])
    assert (full - restored).abs().max() > 0.01
    for alpha in (-0.3, 0.4):
        expected = (1 - alpha) * full + alpha * restored
        assert torch.allclose(moving(restored, alpha, [0, 0]), expected, atol=1e-6)
    with pytest.raises(ValueError, match=r"alpha must be a number in \[-1, 2\], got 3"):
        moving(restored, 3, [0, 0])


@pytest.mark.parametrize("singular", [False, True])
@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
def test_a_window_is_what_the_whole_gives(space, singular):
    moving, restored = transport(space, singular), picture(2, 1, 150, 141)
    assert moving.stochastic is singular
    whole = moving(restored, 0.0, [3, 4], number=2)
    top, left, bottom, right, see = 60, 70, 100, 141, moving.radius
    start = [(side - see) // space.factor * space.factor for side in (top, left)]
    window = restored[..., start[0] : bottom + see, start[1] : right]
    found = moving(window, 0.0, [3, 4], 2, *start)[..., top - start[0] :, left - start[1] :][..., : bottom - top, :]
    assert torch.allclose(found, whole[..., top:bottom, left:right], atol=1e-4)


def test_what_is_drawn_is_a_function_of_seed_number_and_place():
    moving, restored = transport(Pixels(), singular=True), picture(1, 1, 20, 20)
    first = moving(restored, 0.0, [5])
    assert torch.allclose(first, moving(restored.expand(2, -1, -1, -1), 0.0, [6, 5])[1:], atol=1e-5)
    assert not torch.equal(first, moving(restored, 0.0, [6]))
    assert not torch.equal(first, moving(restored, 0.0, [5], number=2))


def test_the_drawn_part_has_the_variance_that_was_missing():
    """One value a patch, and a source that never varies: all of the target's variance is drawn."""
    still, target = (
        Gaussian(torch.full((1,), 0.5, dtype=torch.float64), torch.full((1, 1), v, dtype=torch.float64))
        for v in (0.0, 0.04)
    )
    flat = torch.full((1, 1, 128, 128), 0.5)
    drawn = Transport(Pixels(), PatchTransport(still, target, 1))(flat, 0.0, [0])
    assert float(drawn.var()) == pytest.approx(0.04, rel=4 * (2 / 128**2) ** 0.5)  # four standard errors
    assert float(drawn.mean()) == pytest.approx(0.5, abs=4 * 0.2 / 128)


def test_other_channels_are_refused():
    with pytest.raises(ValueError, match="codes of pixels must have 1 channels as in the transport's fit, got 3"):
        transport(Pixels())(picture(1, 3, 8, 8), 0.0, [0])
