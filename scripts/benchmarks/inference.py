"""Milliseconds a sample in each way a sampler can be served, and what it changes.

The ways are measured in turn, so that all see the same machine; the first is plain, and the others are told as ratios
to it, with the largest and the root mean square difference of their samples from its, in grey levels (0..255)::

    python -m pscgan.scripts.benchmarks.inference bundled:demo --size 256 --samples 16
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from ...models.generator import Latent
from ...train.inference.load import open_model
from ...train.inference.sampler import Decoder, InferenceConfig, LoadedSampler
from ...train.inference.spatial_latent import SpatialLatent
from ...train.runs.cli_errors import report_user_errors

PROGRAM = "python -m pscgan.scripts.benchmarks.inference"


def ways(samples: int, compiled: bool) -> dict[str, InferenceConfig]:
    """By name; the first is the one the others are compared with."""
    found: dict[str, InferenceConfig] = {"one at a time, fp32": InferenceConfig()}
    found |= {f"{count} a pass, fp32": InferenceConfig(count) for count in (4, samples) if 1 < count <= samples}
    found |= {
        "one at a time, bf16": InferenceConfig(precision="bf16"),
        f"{samples} a pass, bf16": InferenceConfig(samples, "bf16"),
    }
    if compiled:
        found["one at a time, fp32, compiled"] = InferenceConfig(compile=True)
        found[f"{samples} a pass, bf16, compiled"] = InferenceConfig(samples, "bf16", True)
    return found


def measured(
    sampler: LoadedSampler, served: dict[str, InferenceConfig], size: int, samples: int, rounds: int
) -> dict[str, Any]:
    """By way: milliseconds a sample (median over rounds, y encoded once for all samples) and the samples."""
    channels = int(sampler.about["image_channels"]) + sampler.degradation.num_maps
    condition = torch.rand(1, channels, size, size, generator=torch.Generator().manual_seed(0)).to(sampler.device)
    fields = [SpatialLatent(sampler.generator, 0, number) for number in range(1, samples + 1)]
    latents = [[z.to(sampler.device) for z in field.window(0, 0, size, size)] for field in fields]
    decoders = {name: Decoder(sampler.generator, sampler.device, way) for name, way in served.items()}
    drawn = {name: _drawn(decoder, condition, latents) for name, decoder in decoders.items()}  # warms up
    seconds: dict[str, list[float]] = {name: [] for name in decoders}
    for _ in range(rounds):
        for name, decoder in decoders.items():
            start = time.perf_counter()
            _drawn(decoder, condition, latents)
            seconds[name].append(time.perf_counter() - start)
    return {name: (1000 * statistics.median(seconds[name]) / samples, drawn[name]) for name in decoders}


def _drawn(decoder: Decoder, condition: Tensor, latents: Sequence[Latent]) -> Tensor:
    """On the CPU, so that the device has done its work."""
    return torch.stack([sample.cpu() for sample in decoder.decode(decoder.encode(condition), latents)])


def rows(figures: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """Name, milliseconds, speed against the first, differences from it."""
    plain, samples = next(iter(figures.values()))
    for name, (milliseconds, drawn) in figures.items():
        difference = 255 * (drawn - samples)
        largest, rms = float(difference.abs().max()), float(difference.square().mean().sqrt())
        yield name, f"{milliseconds:.3g}", f"{plain / milliseconds:.2f}", f"{largest:.2g}", f"{rms:.2g}"


def main(arguments: list[str] | None = None) -> None:
    """The command ``python -m pscgan.scripts.benchmarks.inference``."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description=(__doc__ or "").strip(), formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="what pscgan restore takes as --model")
    parser.add_argument("--size", type=int, default=256, help="side of the picture in pixels (default 256)")
    parser.add_argument("--samples", type=int, default=16, help="K (default 16)")
    parser.add_argument("--rounds", type=int, default=5, help="after one that warms up (default 5)")
    parser.add_argument("--compile", action="store_true", help="compiled ways too; that takes a minute or more")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args(arguments)
    for name in ("size", "samples", "rounds"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} is {getattr(options, name)}; allowed is 1 or more")
    with report_user_errors(PROGRAM):
        sampler = open_model(options.model, options.device)
        if not sampler.stochastic:
            raise ValueError(f"{options.model} is deterministic; there is one sample")
        figures = measured(
            sampler, ways(options.samples, options.compile), options.size, options.samples, options.rounds
        )
    device = f"{sampler.device.type}, {torch.get_num_threads()} threads"
    table = Table(title=f"{options.size} px, K = {options.samples}, {device}")
    for column in ("", "ms a sample", "times as fast", "largest difference", "RMS difference"):
        table.add_column(column, justify="right" if column else "left")
    for row in rows(figures):
        table.add_row(*row)
    Console(highlight=False).print(table)


if __name__ == "__main__":
    main()
