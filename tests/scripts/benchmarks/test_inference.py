"""The benchmark measures what it says, and says what it may not."""

import re

import pytest
import torch

from pscgan.scripts.benchmarks.inference import main, measured, ways
from pscgan.train.inference.load import load

from ...train.export.exporting import exported


def test_every_way_is_measured_and_draws_the_same_samples(tmp_path):
    sampler = load(exported(tmp_path))
    served = ways(samples=6, compiled=False)
    assert [way.samples_per_pass for way in served.values()] == [1, 4, 6, 1, 6]
    figures = measured(sampler, served, size=20, samples=6, rounds=2)
    assert figures.keys() == served.keys()
    _, plain = next(iter(figures.values()))
    fields = sampler.sample(torch.rand(1, 3, 20, 20, generator=torch.Generator().manual_seed(0)), 6)
    torch.testing.assert_close(plain, fields)
    for name, (milliseconds, drawn) in figures.items():
        assert milliseconds > 0
        assert (drawn - plain).abs().max() < (0.02 if "bf16" in name else 1e-5)


def test_the_table_says_how_many_times_as_fast(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "140")
    main([str(exported(tmp_path)), "--size", "16", "--samples", "2", "--rounds", "1", "--device", "cpu"])
    table = capsys.readouterr().out
    assert "16 px, K = 2, cpu" in table
    assert re.search(r"one at a time, fp32 │ +[\d.]+ │ +1.00 │ +0 │ +0 │", table)


def test_a_deterministic_model_is_refused_in_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main([str(exported(tmp_path, latent_channels=0)), "--device", "cpu"])
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith("is deterministic; there is one sample\n")
