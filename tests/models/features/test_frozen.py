"""Frozen features: right weights, nobody's parameters, and refusals by name."""

import copy
from functools import cache

import pytest
import timm
import torch
from safetensors.torch import save_file
from timm.models import VGG, register_model
from torch import nn
from torch.nn import functional as F

from pscgan.data.sources.image_source import BUNDLED, ImageSource
from pscgan.models.features.frozen import FrozenFeatures
from pscgan.models.features.weights import LITE0_FILE, LITE0_PACKAGE, lite0_state

LITE = "tf_efficientnet_lite0"


@register_model
def vgg_narrow(pretrained=False, **_):
    """timm's VGG with few channels, for the names of its layers; vgg11 takes seconds to fill."""
    network = VGG([4, "M", 6, "M", 8, 8, "M"], num_classes=2, mlp_ratio=0.001)
    network.unused = nn.Identity()
    network.pretrained_cfg = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225), "input_size": (3, 32, 32)}
    return network


@pytest.fixture(scope="module")
def lite():
    return FrozenFeatures(LITE, ["blocks.0", "blocks.2"], "package")


@pytest.fixture(scope="module")
def vgg_relu3():
    return FrozenFeatures("vgg_narrow", ["relu3_1"], "random")


@pytest.fixture(scope="module")
def vgg_state():
    torch.manual_seed(0)
    return timm.create_model("vgg_narrow").state_dict()


def test_a_safetensors_file_fills_the_network(tmp_path):
    expected = FrozenFeatures(LITE, ["blocks.0"], "package")
    save_file({name: tensor.contiguous() for name, tensor in lite0_state().items()}, tmp_path / "lite.safetensors")
    found = FrozenFeatures(LITE, ["blocks.0"], str(tmp_path / "lite.safetensors"))
    assert found.identity.split("sha256")[1] == expected.identity.split("sha256")[1]


@cache
def photographs():
    """The shorter side of half of them, 128 px."""
    source, crops = ImageSource(BUNDLED), []
    for name in source.names[::2]:
        pixels = source.read(name)[None].float() / 255
        side = min(pixels.shape[-2:])
        crops.append(F.interpolate(pixels[..., :side, :side], (128, 128), mode="bicubic", antialias=True).clamp(0, 1))
    return torch.cat(crops)


def test_the_first_blocks_of_the_package_computed_by_hand(lite):
    """From the names of the package, with TensorFlow's padding: one more row and column at the end for stride 2."""
    from importlib.util import find_spec
    from pathlib import Path

    state = torch.load(Path(find_spec(LITE0_PACKAGE).origin).parent / LITE0_FILE, weights_only=True)

    def norm(x, name):
        mean, var, weight, bias = (
            state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return F.batch_norm(x, mean, var, weight, bias, eps=1e-3)

    x = photographs()[:2]
    x = F.conv2d(F.pad(2 * x - 1, (0, 1, 0, 1)), state["_conv_stem.weight"], stride=2)
    x = norm(x, "_bn0").clamp(0, 6)
    x = F.conv2d(x, state["_blocks.0._depthwise_conv.weight"], padding=1, groups=32)
    x = norm(x, "_blocks.0._bn1").clamp(0, 6)
    x = norm(F.conv2d(x, state["_blocks.0._project_conv.weight"]), "_blocks.0._bn2")
    assert torch.allclose(lite(photographs()[:2])[0], x, atol=1e-4)


def misfit(network, mean, std):
    """How far means of activations of photographs are from those the batch norms remember, in deviations."""
    model, apart = timm.create_model(network).eval(), []
    model.load_state_dict(lite0_state())

    def compare(norm, inputs):
        alive = norm.running_var > 1e-3
        difference = inputs[0].mean(dim=(0, 2, 3)) - norm.running_mean
        apart.append((difference / norm.running_var.sqrt())[alive].abs().mean())

    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.register_forward_pre_hook(compare)
    with torch.no_grad():
        model((photographs() - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1))
    return torch.stack(apart).mean()


def test_padding_and_normalisation_are_those_the_package_was_trained_with(lite):
    half, imagenet = ((0.5,) * 3, (0.5,) * 3), ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert (lite.mean == 0.5).all()
    assert (lite.std == 0.5).all()
    ours = misfit(LITE, *half)
    assert ours < 0.9 * misfit("efficientnet_lite0", *half)
    assert ours < 0.7 * misfit(LITE, *imagenet)


def test_taps_of_a_vgg_are_those_of_its_layers_one_by_one(vgg_state):
    layers = ["relu1_1", "relu2_1", "relu3_2", "features.6"]
    features = FrozenFeatures("vgg_narrow", layers, "random", seed=0)
    model = timm.create_model("vgg_narrow").eval()
    model.load_state_dict(vgg_state)
    images = torch.rand(2, 3, 20, 24)
    x, expected = (images - features.mean) / features.std, {}
    for place, module in enumerate(model.features[:10]):
        x = module(x.clone())
        expected[place] = x.clone()
    for tap, place in zip(features(images), (1, 4, 9, 6), strict=True):
        assert torch.equal(tap, expected[place])
    assert features.layers == tuple(layers)


def test_what_is_behind_the_last_tap_is_not_kept():
    features = FrozenFeatures("vgg_narrow", ["relu1_1"], "random")
    assert sum(parameter.numel() for parameter in features._frozen[0].parameters()) == 3 * 4 * 9 + 4


def test_grey_is_three_equal_channels(lite):
    grey = torch.rand(1, 1, 16, 16)
    assert all(torch.equal(a, b) for a, b in zip(lite(grey), lite(grey.repeat(1, 3, 1, 1)), strict=True))


def test_nobody_owns_the_weights_but_they_move_along():
    holder = nn.Sequential(nn.Conv2d(3, 3, 1), FrozenFeatures(LITE, ["blocks.0"], "random"))
    frozen = holder[1]._frozen[0]
    assert list(holder.state_dict()) == ["0.weight", "0.bias"]
    assert len(list(holder.parameters())) == 2
    holder.requires_grad_(True).train().double()
    assert not any(parameter.requires_grad for parameter in frozen.parameters())
    assert not any(module.training for module in frozen.modules())
    assert all(parameter.dtype == torch.float64 for parameter in frozen.parameters())
    assert holder(torch.rand(1, 3, 8, 8).double())[0].dtype == torch.float64
    twin = copy.deepcopy(holder)
    assert twin[1]._frozen[0] is not frozen
    images = torch.rand(1, 3, 8, 8).double()
    assert torch.equal(twin(images)[0], holder(images)[0])


def test_gradients_of_first_and_second_order_reach_the_images():
    features = FrozenFeatures(LITE, ["blocks.0"], "random").double()
    images = torch.rand(1, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: features(x)[0], images)
    (gradient,) = torch.autograd.grad(features(images)[0].square().sum(), images, create_graph=True)
    gradient.square().sum().backward()
    assert images.grad.abs().sum() > 0


def test_fp32_under_autocast(lite):
    images = torch.rand(1, 3, 16, 16).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        taps = lite(images)
    assert all(torch.equal(a, b) for a, b in zip(taps, lite(images.float()), strict=True))
    assert taps[0].dtype == torch.float32


def test_random_weights_are_a_function_of_the_seed_and_leave_the_global_generator():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    one, same, other = (FrozenFeatures("resnet10t", ["layer1"], "random", seed=seed).identity for seed in (0, 0, 1))
    assert torch.rand(1) == expected
    assert one == same != other
    assert one.startswith("resnet10t [layer1], random, seed 0, sha256 ")


@pytest.mark.parametrize(
    ("images", "named"),
    [
        (torch.rand(3, 32, 32), r"\(3, 32, 32\)"),
        (torch.rand(1, 2, 32, 32), r"\(1, 2, 32, 32\)"),
        (torch.zeros(1, 3, 32, 32, dtype=torch.uint8), "torch.uint8"),
        (torch.rand(1, 3, 32, 3), "at least 4, got 32 x 3"),
        (torch.full((1, 3, 32, 32), torch.nan), "activations of layer relu3_1 are not finite"),
    ],
)
def test_images_that_do_not_fit_are_refused(images, named, vgg_relu3):
    with pytest.raises(ValueError, match=named):
        vgg_relu3(images)


def test_a_file_that_does_not_fit_is_refused(vgg_state, tmp_path):
    path = tmp_path / "weights.pth"
    wrong = {name: tensor for name, tensor in vgg_state.items() if name != "features.0.bias"}
    torch.save(wrong | {"more": torch.zeros(1), "features.0.weight": torch.zeros(2)}, path)
    named = r"weights .*weights.pth do not fit VGG; missing: features.0.bias; unexpected: more; misshapen: features.0.w"
    with pytest.raises(ValueError, match=named):
        FrozenFeatures("vgg_narrow", ["relu1_1"], str(path))
    path.write_bytes(b"no weights")
    with pytest.raises(ValueError, match=r"weights.pth cannot be read as a state dict"):
        FrozenFeatures("vgg_narrow", ["relu1_1"], str(path))


def test_names_that_are_not_there_are_refused(monkeypatch):
    with pytest.raises(ValueError, match=r"conv_stem, bn1.*blocks\.9"):
        FrozenFeatures(LITE, ["blocks.9"], "random")
    with pytest.raises(ValueError, match="layers"):
        FrozenFeatures(LITE, [], "random")
    with pytest.raises(ValueError, match="vgg7"):
        FrozenFeatures("vgg7", ["relu1_1"], "random")
    with pytest.raises(ValueError, match=r"nowhere\.pth"):
        FrozenFeatures(LITE, ["blocks.0"], "nowhere.pth")
    with pytest.raises(ValueError, match=f"{LITE}.*resnet10t"):
        FrozenFeatures("resnet10t", ["layer1"], "package")
    monkeypatch.setattr("pscgan.models.features.weights.find_spec", lambda _: None)
    with pytest.raises(ValueError, match=r"pscgan\[features\]"):
        FrozenFeatures(LITE, ["blocks.0"], "package")


def test_layers_that_give_no_map_are_refused():
    with pytest.raises(ValueError, match=r"head.*\(1, 2\)"):
        FrozenFeatures("vgg_narrow", ["relu1_1", "head"], "random")
    with pytest.raises(ValueError, match="unused"):
        FrozenFeatures("vgg_narrow", ["unused"], "random")


def test_a_failure_that_has_nothing_to_do_with_the_size_is_not_taken_for_one(monkeypatch):
    def broken(self, x):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(VGG, "forward", broken)
    with pytest.raises(RuntimeError, match="out of memory"):
        FrozenFeatures("vgg_narrow", ["relu1_1"], "random")


@pytest.mark.parametrize(("layer", "least"), [("relu1_1", 1), ("relu2_1", 2), ("relu3_2", 4)])
def test_the_min_size_leaves_a_pixel_behind_every_pool(layer, least):
    assert FrozenFeatures("vgg_narrow", [layer], "random").min_size == least


def test_a_hub_that_cannot_be_reached_is_one_line(monkeypatch):
    def unreachable(*_, **__):
        raise OSError("no route\nto host")

    monkeypatch.setattr(timm, "create_model", unreachable)
    with pytest.raises(ValueError, match=r"vgg19.*\(no route\)"):
        FrozenFeatures("vgg19", ["relu1_1"], "hub")


def test_an_output_is_not_overwritten_by_what_follows_in_place():
    features = FrozenFeatures("vgg_narrow", ["features.0", "relu1_1"], "random")
    before, after = features(torch.rand(1, 3, 8, 8))
    assert before.min() < 0
    assert torch.equal(before.relu(), after)
