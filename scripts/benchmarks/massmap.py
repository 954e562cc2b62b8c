"""How well a mass-mapping sampler knows κ and its own error, beside Kaiser and Squires and the Wiener filter.

On new lognormal fields that no training has seen, measured as the model was trained. A peak is the highest pixel of a
map; S/N is the mean of κ that a map has at its peaks, over the RMSE there. The truth there stands beside it::

    python -m pscgan.scripts.benchmarks.massmap runs/massmap_demo --fields 128 --samples 64
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ...train.runs.cli_errors import report_user_errors
from ..command_line import Parser
from .timing import choose_device, count, print_table

if TYPE_CHECKING:
    from torch import Tensor

    from ...data.measurement import Measurement
    from ...train.inference.sampler import LoadedSampler

PROGRAM = "python -m pscgan.scripts.benchmarks.massmap"
OF_MAP = ("", "RMSE", "correlation", "peaks", "truth", "S/N")
SHOWN = ("spread_skill/1", "spread_skill/8", "coverage/1", "coverage/8")


def restore(
    sampler: LoadedSampler, size: int, fields: int, samples: int, seed: int
) -> tuple[Tensor, Measurement, Tensor, dict[str, Tensor]]:
    """The truth (N, 1, H, W) and its measurement, samples (K, N, 1, H, W), and maps like the truth by name: images.

    Raises:
        ValueError: if the model draws no samples of grey images measured by a linear operator.
    """
    from ...data.convergence_fields import LognormalFields
    from ...data.degradation import linear_problem
    from ...models.baselines.wiener import wiener
    from ...rng import Rng

    if sampler.image_channels != 1 or not sampler.stochastic:
        raise ValueError(f"model must be a sampler of grey images, got {sampler.metadata['name']}")
    law, rng = LognormalFields(size), Rng(seed, "mass map", range(fields))
    clean = law.draw(rng)
    measurement = sampler.degradation(clean, rng)
    problem = linear_problem(sampler.degradation, measurement, PROGRAM)
    maps = {"Kaiser-Squires": measurement.degraded, "Wiener": wiener(problem, law.power)}
    drawn = sampler.restorer.restore(measurement, samples, range(seed, seed + fields)).cpu()
    return clean, measurement, drawn, maps | {"one sample": drawn[0], f"mean of {samples}": drawn.mean(dim=0)}


def scores(image: Tensor, clean: Tensor) -> Iterator[str]:
    """Of a map in κ: RMSE, correlation with the truth; at its peaks its mean, that of the truth, signal to noise."""
    from ...data.convergence_fields import KAPPA_A_UNIT, MEAN

    estimate, truth = ((field - MEAN).flatten(1) * KAPPA_A_UNIT for field in (image, clean))
    claimed, true = (field.gather(1, estimate.argmax(dim=1, keepdim=True)) for field in (estimate, truth))
    noise = (claimed - true).square().mean().sqrt()
    for value in ((estimate - truth).square().mean().sqrt(), correlation(estimate, truth), claimed.mean(), true.mean()):
        yield f"{float(value):.5f}"
    yield f"{float(claimed.mean() / noise):.2f}"


def correlation(one: Tensor, other: Tensor) -> float:
    """Pearson's, of all values."""
    import torch

    return float(torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1])


def uncertainty(samples_KBCHW: Tensor, truth: Tensor, measurement: Measurement) -> dict[str, float]:
    """What samples say of the error of their mean: how large it is at pixels and over blocks of 8, and where."""
    from ...train.metrics.calibration import Calibration
    from ...train.metrics.distortion import mean_and_variance

    calibration = Calibration(len(samples_KBCHW))
    calibration.update(samples_KBCHW, truth, measurement)
    figures: dict[str, Any] = calibration.compute()
    mean, variance = mean_and_variance(samples_KBCHW)
    found = {name: float(figures[name] or 0) for name in SHOWN}
    return found | {"spread and |error|": correlation(variance.sqrt(), (mean - truth).abs())}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print two tables of one model: the maps, and the uncertainty beside that of a truth drawn as the samples are."""
    parser = Parser(PROGRAM, __doc__)
    parser.add_argument("model", help="what pscgan restore takes as --model")
    parser.add_argument("--size", type=count, default=31, help="side of a field in pixels (default 31)")
    parser.add_argument("--fields", type=count, default=128, help="how many (default 128)")
    parser.add_argument("--samples", type=count, default=64, help="K (default 64)")
    parser.add_argument("--seed", type=int, default=0, help="of fields, measurements and samples (default 0)")
    parser.add_argument("--device", help="default: cuda where there is one, else cpu")
    options = parser.parse_args(arguments)
    with report_user_errors(PROGRAM):
        from ...train.inference.load import load

        sampler = load(options.model, choose_device(options.device))
        clean, measurement, drawn, maps = restore(sampler, options.size, options.fields, options.samples, options.seed)
    title = f"κ of {options.fields} fields of {options.size} x {options.size} pixels"
    print_table(title, OF_MAP, [(name, *scores(image, clean)) for name, image in maps.items()])
    found, exact = (uncertainty(drawn[:-1], truth, measurement) for truth in (clean, drawn[-1]))
    rows = [(name, f"{found[name]:.2f}", f"{exact[name]:.2f}") for name in found]
    print_table("uncertainty at pixels and over blocks of 8", ("", "found", "of a calibrated sampler"), rows)


if __name__ == "__main__":
    main()
