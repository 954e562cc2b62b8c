"""The benchmark measures what it says; how fast a machine is, is no test."""

import re
from pathlib import Path

import pytest
from omegaconf import OmegaConf

import pscgan.conf
from pscgan.scripts.benchmarks import losses
from pscgan.scripts.benchmarks.losses import Backbone, main

CONF = Path(pscgan.conf.__file__).parent
SMALL = (Backbone("resnet10t", ("layer1",), "random"), Backbone("tf_efficientnet_lite0", ("blocks.0",), "wheel"))
TINY = ["generator.width=4", "critic.width=4", "dataset.batch_size=2"]
QUICK = ["--rounds", "1", "--size", "32", "--device", "cpu"]


def test_both_tables(monkeypatch, capsys):
    monkeypatch.setattr(losses, "BACKBONES", SMALL)
    main([*TINY, *QUICK])
    printed = capsys.readouterr().out
    assert all(backbone.network in printed for backbone in SMALL)
    shares = [float(re.search(rf"{name} .* ([0-9.]+) %", printed)[1]) for name in losses.PENALTIES]
    assert all(0 < share < 100 for share in shares)  # a part of the step


@pytest.mark.parametrize("path", sorted((CONF / "features").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_features_that_can_be_chosen_are_measured(path):
    config = OmegaConf.load(path)
    assert (config.network, tuple(config.layers)) in [backbone[:2] for backbone in losses.BACKBONES]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--rounds", "0"], "--rounds is 0"),
        (["--size", "0"], "--size is 0"),
        (["generator=nonsense", *QUICK], "nonsense"),
        (["generator.width=0", *QUICK], "width is 0"),
    ],
)
def test_bad_arguments_end_with_code_2_and_are_named(arguments, named, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert named in capsys.readouterr().err
