"""Milliseconds a sample in each way a sampler can compute, and what the way changes.

The ways are timed in turn. All are compared with the first, which is plain: their speed, and the largest and the root
mean square difference of their samples, in grey levels (0..255)::

    python -m pscgan.scripts.benchmarks.inference bundled:demo --size 256 --samples 16
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from ...train.runs.cli_errors import report_user_errors
from .timing import Works, alternate, choose_device, count, describe, make_parser, print_table

if TYPE_CHECKING:
    from torch import Tensor

    from ...train.inference.sampler import LoadedSampler
    from ...train.sampling import InferenceConfig

PROGRAM = "python -m pscgan.scripts.benchmarks.inference"


def ways(samples: int, compiled: bool) -> dict[str, InferenceConfig]:
    """Configs by name; the first is the one the others are compared with."""
    from ...train.sampling import InferenceConfig

    found = {"one at a time, fp32": InferenceConfig()}
    found |= {f"{size} a pass, fp32": InferenceConfig(size) for size in (4, samples) if 1 < size <= samples}
    found["one at a time, bf16"] = InferenceConfig(precision="bf16")
    found[f"{samples} a pass, bf16"] = InferenceConfig(samples, "bf16")
    if compiled:
        found["one at a time, fp32, compiled"] = InferenceConfig(compile=True)
        found[f"{samples} a pass, bf16, compiled"] = InferenceConfig(samples, "bf16", True)
    return found


def measure_ways(
    sampler: LoadedSampler, chosen: dict[str, InferenceConfig], size: int, samples: int, rounds: int
) -> dict[str, tuple[float, Tensor]]:
    """By way: milliseconds a sample (median over rounds, y encoded once for all samples) and the samples."""
    import torch

    from ...data.measurement import Measurement
    from ...models.spatial_latent import SpatialLatent
    from ...train.sampling import GeneratorSampler

    channels = sampler.image_channels + sampler.degradation.num_maps
    shown = torch.rand(1, channels, size, size, generator=torch.Generator().manual_seed(0))
    fields = [SpatialLatent(sampler.generator, [0], number) for number in range(1, samples + 1)]
    latents = [[z.to(sampler.device) for z in field.window(0, 0, size, size)] for field in fields]

    def draw(decoder: GeneratorSampler) -> Tensor:
        return torch.stack([sample.cpu() for sample in decoder.decode(decoder.encode(Measurement(shown)), latents)])

    decoders = {name: GeneratorSampler(sampler.generator, sampler.degradation, way) for name, way in chosen.items()}
    works: Works = {name: partial(draw, decoder) for name, decoder in decoders.items()}
    drawn = {name: work() for name, work in works.items()}
    times = alternate(works, sampler.device, rounds)
    return {name: (times.median_ms(name) / samples, drawn[name]) for name in works}


def rows(figures: dict[str, tuple[float, Tensor]]) -> Iterator[tuple[str, ...]]:
    """Name, milliseconds, speed against the first, differences from it."""
    plain, samples = next(iter(figures.values()))
    for name, (milliseconds, drawn) in figures.items():
        difference = 255 * (drawn - samples)
        largest, rms = float(difference.abs().max()), float(difference.square().mean().sqrt())
        yield name, f"{milliseconds:.3g}", f"{plain / milliseconds:.2f}", f"{largest:.2g}", f"{rms:.2g}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table of one model."""
    parser = make_parser(PROGRAM, __doc__, rounds=5)
    parser.add_argument("model", help="what pscgan restore takes as --model")
    parser.add_argument("--size", type=count, default=256, help="side of the image in pixels (default 256)")
    parser.add_argument("--samples", type=count, default=16, help="K (default 16)")
    parser.add_argument("--compile", action="store_true", help="compiled ways too; that takes a minute or more")
    options = parser.parse_args(arguments)
    with report_user_errors(PROGRAM):
        from ...train.inference.load import load

        sampler = load(options.model, choose_device(options.device))
        if not sampler.stochastic:
            raise ValueError(f"model must be stochastic, got {options.model}")
        chosen = ways(options.samples, options.compile)
        figures = measure_ways(sampler, chosen, options.size, options.samples, options.rounds)
    title = f"{options.size} px, K = {options.samples}, {describe(sampler.device)}"
    print_table(title, ["", "ms a sample", "times as fast", "largest difference", "RMS difference"], rows(figures))


if __name__ == "__main__":
    main()
