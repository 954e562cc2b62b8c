"""What a composed config costs: images a second and peak memory of training and of sampling.

Any override of ``pscgan train`` is taken. Two configs in one run, parted by ``--against``, are measured alternately, so
that both see the same machine, and their ratios are printed::

    python -m pscgan.scripts.benchmarks.throughput experiment=demo --against experiment=demo_mmse
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import torch
from hydra import compose, initialize_config_module
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table
from torch import Tensor

from ...data.degradation import channels_read, measure
from ...models.generator import Generator
from ...rng import Rng
from ...train.build import build_training, lightning_precision
from ...train.lightning_module import SamplerModule
from ...train.runs.cli_errors import report_user_errors

FIGURES = {
    "train images/s": "clean images a training step takes in a second",
    "sample images/s": "samples drawn a second, K of each measurement, encoded once",
    "encode once / K passes": "time of K samples encoded once, over that of K separate passes",
    "train memory MB": "peak during training steps: of the device, or of the process, which two configs share",
}


@dataclass
class Subject:
    """A config under test."""

    label: str
    training: SamplerModule
    device: torch.device
    dtype: torch.dtype

    def autocast(self) -> torch.autocast:
        """The arithmetic of the config."""
        enabled = self.dtype == torch.bfloat16
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=enabled)


def subject(overrides: list[str], device: torch.device) -> Subject:
    """Compose and build; the run folder is not touched."""
    config: DictConfig = compose("train", [*overrides, "hydra.run.dir=.", "folder=."])
    training = build_training(config)
    training.game.to(device)
    precision = lightning_precision(config.precision, device.type == "cuda")
    dtype = torch.bfloat16 if precision == "bf16-mixed" else torch.float32
    return Subject(" ".join(overrides) or "experiment=demo", training, device, dtype)


def seconds(work: Callable[[], Any], device: torch.device) -> float:
    """Of one call, the device's queue drained before and after."""
    wait: Callable[[], Any] = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    wait()
    start = time.perf_counter()
    work()
    wait()
    return time.perf_counter() - start


def measurements(s: Subject, size: int, samples: int) -> Iterator[dict[str, float]]:
    """One round of all figures after another; the first round warms up."""
    game, data = s.training.game, s.training.data
    pretended = torch.Generator().manual_seed(0)
    images = torch.rand(data.batch_size, *_image_shape(s, size), generator=pretended).to(s.device)
    generator = cast(Generator, game.ema.average)
    condition = measure(game.degradation, images[:1], Rng(0, "benchmark", [0], s.device))[1].condition
    latent = generator.draw_latent(samples, size, size, Rng(0, "benchmark", [0], s.device))

    def step() -> None:
        seen = game.clock.times.images_seen
        with s.autocast():
            game.play(images, torch.arange(seen, seen + len(images)))

    def once() -> Tensor:
        with torch.no_grad(), s.autocast():
            return generator.decode(generator.encode(condition), latent)

    drawn = len(latent[0]) if latent else 1  # a deterministic restorer has one sample

    def apart() -> None:
        with torch.no_grad(), s.autocast():
            for k in range(drawn):
                generator.decode(generator.encode(condition), [z[k : k + 1] for z in latent])

    while True:
        if s.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        train = seconds(step, s.device)
        memory = _peak_memory_mb(s.device)
        encoded_once, passes = seconds(once, s.device), seconds(apart, s.device)
        yield {
            "train images/s": len(images) / train,
            "sample images/s": drawn / encoded_once,
            "encode once / K passes": encoded_once / passes,
            "train memory MB": memory,
        }


def compare(subjects: list[Subject], size: int, samples: int, rounds: int) -> list[dict[str, float]]:
    """The median of each figure; rounds of all subjects alternate, and the first is thrown away."""
    running = [measurements(s, size, samples) for s in subjects]
    taken = [[next(figures) for figures in running] for _ in range(rounds + 1)][1:]
    return [
        {name: statistics.median(figures[i][name] for figures in taken) for name in FIGURES}
        for i in range(len(subjects))
    ]


def print_table(subjects: list[Subject], figures: list[dict[str, float]], size: int, samples: int) -> None:
    """Figures, and for two subjects the ratio of the first to the second."""
    device = subjects[0].device
    table = Table(title=f"{size} px, K = {samples}, {device.type}, {torch.get_num_threads()} threads")
    table.add_column("")
    for s in subjects:
        table.add_column(f"{s.label} ({str(s.dtype).removeprefix('torch.')})", justify="right")
    if len(subjects) == 2:
        table.add_column("ratio", justify="right")
    for name in FIGURES:
        values = [figure[name] for figure in figures]
        ratio = [f"{values[0] / values[1]:.2f}"] if len(values) == 2 else []
        table.add_row(name, *(f"{value:.4g}" for value in values), *ratio)
    Console(highlight=False).print(table)


def _image_shape(s: Subject, size: int) -> tuple[int, int, int]:
    return channels_read(s.training.data.source.channels, s.training.game.degradation), size, size


def _peak_memory_mb(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10  # of the process since its start


def _parse(arguments: list[str] | None) -> tuple[argparse.Namespace, list[list[str]]]:
    figures = "".join(f"\n  {name:24s}{meaning}" for name, meaning in FIGURES.items())
    parser = argparse.ArgumentParser(
        prog="python -m pscgan.scripts.benchmarks.throughput",
        description=f"{(__doc__ or '').strip()}\n\nFigures, each the median over rounds:{figures}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("overrides", nargs="*", help="of pscgan train, for instance experiment=demo")
    parser.add_argument("--against", nargs="*", help="overrides of a second config, measured in turn with the first")
    parser.add_argument("--size", type=int, help="side of the images in pixels; default: the crop of the first config")
    parser.add_argument("--samples", type=int, default=16, help="K for sampling (default 16)")
    parser.add_argument("--rounds", type=int, default=10, help="rounds after the one that warms up (default 10)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args(arguments)
    for name in ("samples", "rounds"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} is {getattr(options, name)}; allowed is 1 or more")
    return options, [options.overrides, *([options.against] if options.against is not None else [])]


def main(arguments: list[str] | None = None) -> None:
    """The command ``python -m pscgan.scripts.benchmarks.throughput``."""
    options, configs = _parse(arguments)

    with (
        report_user_errors("python -m pscgan.scripts.benchmarks.throughput"),
        initialize_config_module("pscgan.conf", version_base="1.3"),
    ):
        subjects = [subject(overrides, torch.device(options.device)) for overrides in configs]
        size = options.size or subjects[0].training.data.training.crop
        figures = compare(subjects, size, options.samples, options.rounds)
        print_table(subjects, figures, size, options.samples)


if __name__ == "__main__":
    main()
