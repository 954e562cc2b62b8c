"""The net of a loss or critic never scores, whatever its layers; an older run's line is understood too."""

import pytest

from pscgan.models.features.extractors import PooledFeatures
from pscgan.models.features.frozen import FrozenFeatures
from pscgan.train.evaluation.methods import training_overlap

NETWORK = "resnet10t"


@pytest.fixture(scope="module")
def extractor():
    return PooledFeatures(NETWORK, "layer4", "random", side=64)


@pytest.fixture(scope="module")
def judge():
    return FrozenFeatures(NETWORK, ["layer1", "layer2"], "random")


def test_the_same_weights_are_found_at_other_layers(extractor, judge):
    assert extractor.weights_hash == judge.weights_hash
    other = FrozenFeatures(NETWORK, ["layer1"], "random", seed=1).identity
    assert training_overlap(extractor.identity, [other, judge.identity]) == [judge.identity]
    assert training_overlap(extractor.identity, [other]) == []
    assert training_overlap(extractor.identity, []) == []


def test_the_same_weights_are_found_in_another_place(extractor, judge):
    moved = judge.identity.replace("random, seed 0", "weights/resnet.pth")
    assert training_overlap(extractor.identity, [moved]) == [moved]


def test_a_hash_of_a_part_is_found_by_network_and_source(extractor, judge):
    older = judge.identity.replace(judge.weights_hash, "0123456789ab")
    assert training_overlap(extractor.identity, [older]) == [older]
    assert training_overlap(extractor.identity, [older.replace(NETWORK, "resnet18")]) == []
    assert training_overlap(extractor.identity, [older.replace("seed 0", "seed 1")]) == []


def test_another_line_is_refused(extractor):
    with pytest.raises(ValueError, match=r'identity is "vgg19"; allowed is "NETWORK \[LAYERS\], SOURCE, sha256 HASH"'):
        training_overlap(extractor.identity, ["vgg19"])
