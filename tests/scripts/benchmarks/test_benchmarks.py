"""The benchmarks measure what they say; how fast a machine is, is no test."""

import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

import pscgan.conf
from pscgan.losses.moments import FirstMoment
from pscgan.models.published.pscgan import PscganCritic, PscganGenerator
from pscgan.scripts.benchmarks import against_pscgan, gpu, inference, jpeg, losses, startup, throughput
from pscgan.scripts.benchmarks.timing import Times, alternate
from pscgan.train.inference.load import load

from ...train.export.exporting import exported

NAMES = (
    *("throughput", "losses", "jpeg", "inference", "gallery", "posterior.run"),
    *("against_pscgan", "scaling", "startup", "gpu"),
)
CONF = Path(pscgan.conf.__file__).parent
TINY = ["generator.width=4", "critic.width=4", "dataset.batch_size=2"]
QUICK = ["--rounds", "1", "--device", "cpu"]
BACKBONES = (
    ("resnet10t", ("layer1",), "random"),
    ("tf_efficientnet_lite0", ("blocks.0",), "package"),
)


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")


@pytest.mark.integration
@pytest.mark.parametrize("name", NAMES)
def test_help_imports_no_torch(name):
    code = f"import sys; from pscgan.scripts.benchmarks.{name} import main; sys.argv = ['', '--help']\ntry: main()\n"
    code += "except SystemExit as ended: sys.exit(ended.code or 'torch' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    assert f"python -m pscgan.scripts.benchmarks.{name}" in answer.stdout


@pytest.mark.parametrize(
    ("name", "arguments", "named"),
    [
        ("throughput", ["--samples", "0"], "--samples"),
        ("throughput", ["generator=nonsense"], "nonsense"),
        ("throughput", ["generator.width=0", *QUICK], "width"),
        ("losses", ["--rounds", "0"], "--rounds"),
        ("losses", ["--size", "x"], "--size"),
        ("losses", ["generator=nonsense", *QUICK], "nonsense"),
        ("jpeg", ["--threads", "0"], "--threads"),
        ("jpeg", ["--crops", "0"], "--crops"),
        ("inference", ["nowhere.safetensors", *QUICK], "nowhere"),
        ("gallery", ["nowhere"], "nowhere"),
        ("against_pscgan", ["--batch", "6"], "--batch"),
        ("startup", ["--rounds", "0"], "--rounds"),
        ("scaling", ["--batch", "3", "--processes", "2"], "--batch"),
        ("scaling", ["generator=nonsense", "--device", "cpu"], "nonsense"),
        ("gpu", ["--out", "x", "--minutes", "0"], "--minutes"),
    ],
)
def test_bad_arguments_end_with_code_2_and_are_named(name, arguments, named, capsys):
    with pytest.raises(SystemExit) as ended:
        import_module(f"pscgan.scripts.benchmarks.{name}").main(arguments)
    assert ended.value.code == 2
    assert named in capsys.readouterr().err


def test_works_take_turns_and_the_first_round_is_left_out():
    calls = []
    times = alternate({name: lambda name=name: calls.append(name) for name in "ab"}, torch.device("cpu"), 3)
    assert "".join(calls) == "ab" * 4
    assert [len(taken) for taken in times.values()] == [3, 3]
    times = Times({"a": [1.0, 2.0, 6.0], "b": [1.0, 4.0, 2.0]})
    assert times.median_ms("a") == 2000
    assert times.median_ratio("a", "b") == 1


def test_throughput_of_two_configs_and_their_ratio(capsys):
    throughput.main(
        [*TINY, *QUICK, "--samples", "2", "--against", "experiment=demo", "baseline=mmse", "generator.width=4"]
    )
    printed = capsys.readouterr().out
    assert all(len(re.findall(rf"{re.escape(name)}.*?│(.*)", printed)) == 1 for name in throughput.FIGURES)
    assert "ratio" in printed


def test_memory_of_a_batch_is_that_of_the_process():
    workload = throughput.Workload(TINY, torch.device("cpu"))
    (figures,) = throughput.measure_figures([workload], size=32, samples=2, rounds=1)
    assert workload.images(32).shape == (2, 3, 32, 32)
    assert figures.keys() == throughput.FIGURES.keys()
    assert figures["train memory MB"] > 100
    assert figures["sample images/s"] > figures["train images/s"]


@pytest.mark.integration
def test_losses_are_a_share_of_the_step(monkeypatch, capsys):
    monkeypatch.setattr(losses, "BACKBONES", BACKBONES)
    losses.main([*TINY, *QUICK, "--size", "32"])
    printed = capsys.readouterr().out
    assert all(network in printed for network, _, _ in BACKBONES)
    shares = [float(re.search(rf"{name} .* ([0-9.]+) %", printed)[1]) for name in losses.PENALTIES]
    assert all(0 < share < 100 for share in shares)


@pytest.mark.parametrize("path", sorted((CONF / "features").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_features_that_can_be_chosen_are_measured(path):
    config = OmegaConf.load(path)
    assert (config.network, tuple(config.layers)) in [backbone[:2] for backbone in losses.BACKBONES]


@pytest.mark.integration
def test_jpeg_projects_every_block_exactly(capsys):
    jpeg.main([*QUICK, "--crops", "2", "--size", "72", "--threads", str(torch.get_num_threads())])
    printed = capsys.readouterr().out
    assert "0.01 megapixels" in printed
    assert printed.count("100 %") == 4 * len(jpeg.PROJECTED_QUALITIES)  # kinds of chroma and starts


def test_jpeg_images_have_the_size_asked_for():
    assert jpeg.crops(32, 128).shape == (32, 3, 128, 128)


def test_every_way_of_inference_draws_the_same_samples(tmp_path):
    sampler = load(exported(tmp_path))
    chosen = inference.ways(samples=6, compiled=False)
    assert [way.samples_per_pass for way in chosen.values()] == [1, 4, 6, 1, 6]
    figures = inference.measure_ways(sampler, chosen, size=20, samples=6, rounds=2)
    assert figures.keys() == chosen.keys()
    _, plain = next(iter(figures.values()))
    drawn = sampler.sample(torch.rand(1, 3, 20, 20, generator=torch.Generator().manual_seed(0)), 6)
    torch.testing.assert_close(plain, drawn)
    for name, (milliseconds, samples) in figures.items():
        assert milliseconds > 0
        assert (samples - plain).abs().max() < (0.02 if "bf16" in name else 1e-5)


def test_the_table_of_inference_is_relative_to_its_first_row(tmp_path, capsys):
    inference.main([str(exported(tmp_path)), "--size", "16", "--samples", "2", *QUICK])
    table = capsys.readouterr().out
    assert "16 px, K = 2, cpu" in table
    assert re.search(r"one at a time, fp32 │ +[\d.]+ │ +1.00 │ +0 │ +0 │", table)


def test_a_deterministic_model_is_refused_in_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        inference.main([str(exported(tmp_path, latent_channels=0)), "--device", "cpu"])
    assert ended.value.code == 2
    assert "stochastic" in capsys.readouterr().err


def test_the_published_arrangement_is_our_objective_on_plain_layers(monkeypatch):
    """Batches of 4, an image with 8 samples: the first-moment penalty of both is that of the same samples."""
    monkeypatch.setattr(against_pscgan, "SIZE", 64)
    generator, critic = PscganGenerator(), PscganCritic(image_size=64)
    clean = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    arrangement = against_pscgan.PublishedArrangement(generator, critic, clean)
    shown = []
    monkeypatch.setattr(arrangement, "_sample", lambda degraded: shown.append(degraded) or degraded + 0.1)
    degraded = clean + 0.2
    loss = arrangement._generator_loss(degraded)
    samples = degraded[:1].expand(8, 1, 3, 64, 64) + 0.1
    expected = FirstMoment(biased=True)(samples, clean[:1], None) - 1e-3 * critic(degraded + 0.1, degraded).mean()
    torch.testing.assert_close(loss, expected)
    assert [len(inputs) for inputs in shown] == [4 + 8]


def test_seconds_to_the_first_line_and_to_the_end():
    code = "import time; print(1, flush=True); time.sleep(0.3)"
    first, end = startup.seconds_of([sys.executable, "-c", code])
    assert 0 < first < end - 0.25
    with pytest.raises(ValueError, match="ended with 3"):
        startup.seconds_of([sys.executable, "-c", "raise SystemExit(3)"])


@pytest.mark.integration
def test_what_fails_is_said_and_the_rest_goes_on(tmp_path, monkeypatch):
    asked = [["inference", "nowhere.safetensors"], ["inference", "--help"]]
    monkeypatch.setattr(gpu, "programs", lambda device, batch: asked)
    with pytest.raises(SystemExit) as ended:
        gpu.main(["--out", str(tmp_path / "out"), "--device", "cpu"])
    assert ended.value.code == 1
    results = json.loads((tmp_path / "out" / "benchmarks.json").read_text())["results"]
    assert [result["code"] for result in results] == [2, 0]
    assert "nowhere" in results[0]["printed"]
    assert results[1]["printed"].strip() in (tmp_path / "out" / "benchmarks.md").read_text()
    assert gpu.run(["inference", "--help"], "cpu", 0.01)["code"] is None
