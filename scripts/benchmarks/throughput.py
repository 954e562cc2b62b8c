"""What a composed config costs: images a second and peak memory of training and of sampling.

Takes any override of ``pscgan train``. Two configs, separated by ``--against``, are measured in turn, and the ratios
of their figures are printed::

    python -m pscgan.scripts.benchmarks.throughput experiment=demo --against experiment=demo baseline=mmse
"""

from __future__ import annotations

import resource
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

from ...train.runs.cli_errors import report_user_errors
from .timing import Works, alternate, choose_device, count, describe, make_parser, print_table

if TYPE_CHECKING:
    import torch

    from ...models.generator import Generator

PROGRAM = "python -m pscgan.scripts.benchmarks.throughput"
FIGURES = {
    "train images/s": "clean images a training step takes in a second",
    "sample images/s": "samples drawn a second, K of each measurement, encoded once",
    "encode once / K passes": "time of K samples encoded once, over that of K separate passes",
    "train memory MB": "peak of training steps: of the device, or of the process, which two configs share",
}


class Workload:
    """A composed config, built on a device; no run folder is made.

    Args:
        overrides: of ``pscgan train``.
        device: that computes.
    """

    def __init__(self, overrides: Sequence[str], device: torch.device) -> None:
        from hydra import compose, initialize_config_module

        from ...train.build import build_training, lightning_precision
        from ...train.runs.config_check import check_config

        with initialize_config_module("pscgan.conf", version_base="1.3"):
            config = compose("train", [*overrides, "init_from=null", "hydra.run.dir=.", "folder=.", "name=."])
        check_config(config, "train")
        module = build_training(config)
        self.gan_step, self.data, self.device = module.gan_step.to(device), module.data, device
        self.bf16 = lightning_precision(config.precision, device.type == "cuda") == "bf16-mixed"
        self.label = f"{' '.join(overrides) or 'experiment=demo'} ({'bf16' if self.bf16 else 'fp32'})"

    def autocast(self) -> torch.autocast:
        """The arithmetic of the config."""
        import torch

        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bf16)

    def images(self, size: int, seed: int = 0) -> torch.Tensor:
        """A batch of uniform noise as the data module would give it, (batch_size, channels, size, size)."""
        from ...data.degradation import channels_read
        from ...rng import Rng

        channels = channels_read(self.data.source.channels, self.gan_step.degradation)
        return Rng(seed, "benchmark", range(self.data.batch_size), self.device).rand(channels, size, size)

    def train_batches(self, batches: int = 1, size: int | None = None) -> None:
        """Training steps on batches of images of ``size``, by default the crop of the config."""
        images = self.images(size or self.data.training.crop)
        for _ in range(batches):
            seen = self.gan_step.progress.images_seen
            with self.autocast():
                self.gan_step.train_batch(images, range(seen, seen + len(images)))

    def works(self, size: int, samples: int) -> tuple[Works, int]:
        """A training step, K samples encoded once and in K passes; and K, which is 1 for a deterministic generator."""
        import torch

        from ...data.degradation import measure
        from ...rng import Rng
        from ...train.data_step import encode_arguments

        images, rng = self.images(size), Rng(0, "benchmark", [0], self.device)
        generator = cast("Generator", self.gan_step.ema.average)
        degradation = self.gan_step.degradation
        seen = encode_arguments(generator, degradation, measure(degradation, images[:1], rng)[1])
        latent = generator.draw_latent(samples, size, size, rng)
        drawn = len(latent[0]) if latent else 1

        def encode_once() -> None:
            with torch.no_grad(), self.autocast():
                generator.decode(generator.encode(*seen), latent)

        def passes() -> None:
            with torch.no_grad(), self.autocast():
                for k in range(drawn):
                    generator.decode(generator.encode(*seen), [z[k : k + 1] for z in latent])

        return {"step": partial(self.train_batches, 1, size), "once": encode_once, "passes": passes}, drawn


def measure_figures(workloads: Sequence[Workload], size: int, samples: int, rounds: int) -> list[dict[str, float]]:
    """``FIGURES`` of each workload, medians over rounds in which the works of all workloads take turns."""
    built = [workload.works(size, samples) for workload in workloads]
    works = {f"{name} {i}": work for i, (works, _) in enumerate(built) for name, work in works.items()}
    times = alternate(works, workloads[0].device, rounds)
    return [
        {
            "train images/s": 1000 * workload.data.batch_size / times.median_ms(f"step {i}"),
            "sample images/s": 1000 * drawn / times.median_ms(f"once {i}"),
            "encode once / K passes": times.median_ratio(f"once {i}", f"passes {i}"),
            "train memory MB": _memory_of(works[f"step {i}"], workload.device),
        }
        for i, (workload, (_, drawn)) in enumerate(zip(workloads, built, strict=True))
    ]


def _memory_of(step: Callable[[], object], device: torch.device) -> float:
    import torch

    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        step()
    return peak_memory(device)


def peak_memory(device: torch.device) -> float:
    """MB since the start of the process: of the device, or of the process itself."""
    import torch

    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure one config or two, and print a table."""
    figures_text = "".join(f"\n  {name:24s}{meaning}" for name, meaning in FIGURES.items())
    parser = make_parser(PROGRAM, f"{__doc__}\nFigures, each the median over rounds:{figures_text}", rounds=10)
    parser.add_argument("overrides", nargs="*", help="of pscgan train, for instance experiment=demo")
    parser.add_argument("--against", nargs="*", help="overrides of a second config, measured in turn with the first")
    parser.add_argument("--size", type=count, help="side of the images in pixels (default: crop of the first config)")
    parser.add_argument("--samples", type=count, default=16, help="K for sampling (default 16)")
    options = parser.parse_args(arguments)
    configs = [options.overrides] if options.against is None else [options.overrides, options.against]
    with report_user_errors(PROGRAM):
        device = choose_device(options.device)
        workloads = [Workload(overrides, device) for overrides in configs]
        size = options.size or workloads[0].data.training.crop
        figures = measure_figures(workloads, size, options.samples, options.rounds)
    headings = ["", *(workload.label for workload in workloads)]
    rows = [[name, *(f"{values[name]:.4g}" for values in figures)] for name in FIGURES]
    if len(figures) == 2:
        headings.append("ratio")
        rows = [[*row, f"{figures[0][row[0]] / figures[1][row[0]]:.2f}"] for row in rows]
    print_table(f"{size} px, K = {options.samples}, {describe(device)}", headings, rows)


if __name__ == "__main__":
    main()
