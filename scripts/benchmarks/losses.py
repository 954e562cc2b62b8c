"""What losses cost, as ratios of works that are timed in turn.

Feature losses: the projected distribution loss against the mean absolute difference of the same frozen features, both
forward and backward on a batch of images. Weights are random where they would have to be downloaded; cost does
not depend on them.

Penalties: forward and backward of a penalty on K samples, as a share of the whole generator step it is part of: draw K
samples, adversarial term, penalty, backward, optimiser. Takes any override of ``pscgan train`` for that step.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from ...train.runs.cli_errors import report_user_errors
from .timing import Works, alternate, choose_device, count, describe, make_parser, median_ms, median_ratio, print_table

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

PROGRAM = "python -m pscgan.scripts.benchmarks.losses"


class Backbone(NamedTuple):
    """Frozen features under test."""

    network: str
    layers: tuple[str, ...]
    weights: str


BACKBONES = (
    Backbone("vgg19", ("relu3_4", "relu4_4", "relu5_4"), "random"),
    Backbone("vgg19", ("relu1_2", "relu2_2", "relu3_4", "relu4_4", "relu5_4"), "random"),
    Backbone("tf_efficientnet_lite0", ("blocks.0", "blocks.1", "blocks.2", "blocks.4"), "package"),
)
BATCH = 8
PENALTIES = ("fair_crps", "patch_energy")
SAMPLES = 8


def feature_losses(backbone: Backbone, size: int, device: torch.device, rounds: int) -> tuple[float, float, float]:
    """Milliseconds of the projected distribution loss and of ``FeatureL1``, and their ratio."""
    from ...losses.perceptual import FeatureL1, ProjectedDistributionLoss
    from ...models.features.frozen import FrozenFeatures
    from ...rng import Rng

    features = FrozenFeatures(backbone.network, backbone.layers, backbone.weights).to(device)
    restored, clean = Rng(0, "benchmark", range(2 * BATCH), device).rand(3, size, size).chunk(2)
    losses = {"pdl": ProjectedDistributionLoss(features), "l1": FeatureL1(features)}
    works: Works = {name: partial(_forward_backward, loss, restored, clean) for name, loss in losses.items()}
    times = alternate(works, device, rounds)
    return median_ms(times, "pdl"), median_ms(times, "l1"), median_ratio(times, "pdl", "l1")


def penalty_share(name: str, overrides: list[str], device: torch.device, rounds: int) -> tuple[float, float, float]:
    """Milliseconds of a penalty on K samples and of the generator step that holds it, and their ratio."""
    from ...data.degradation import measure
    from ...rng import Rng
    from .throughput import Workload

    chosen = [f"penalty=[{name}]", f"penalty.{name}.samples_per_image={SAMPLES}", "gan_step.alternate=true"]
    workload = Workload([*overrides, *chosen], device)
    gan_step, crop, numbers = workload.gan_step, workload.data.training.crop, range(workload.data.batch_size)
    images = workload.images(crop)
    clean, measurement = measure(gan_step.degradation, images, Rng(0, "benchmark", numbers, device))
    rng = Rng(1, "benchmark", numbers, device)
    samples_KBCHW = rng.rand(SAMPLES, clean.shape[1], crop, crop).movedim(1, 0).contiguous()

    def train_batch() -> None:
        with workload.autocast():
            gan_step.train_batch(images, numbers)

    works: Works = {
        "critic": train_batch,  # with alternate, the first of two batches trains the critic
        "step": train_batch,
        "penalty": partial(_forward_backward, gan_step.penalties[name], samples_KBCHW, clean, measurement),
    }
    times = alternate(works, device, rounds)
    return median_ms(times, "penalty"), median_ms(times, "step"), median_ratio(times, "penalty", "step")


def _forward_backward(loss: nn.Module, images: Tensor, *others: Any) -> None:
    """Of a loss, down to the gradient of its first images."""
    loss(images.detach().requires_grad_(), *others).backward()


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table of penalties and one of feature losses."""
    parser = make_parser(PROGRAM, __doc__, rounds=5)
    parser.add_argument("overrides", nargs="*", help="of pscgan train, for the generator step (default: the demo)")
    parser.add_argument("--size", type=count, default=128, help="side of the images of feature losses (default 128)")
    options = parser.parse_args(arguments)
    with report_user_errors(PROGRAM):
        device = choose_device(options.device)
        rows = []
        for name in PENALTIES:
            penalty, step, share = penalty_share(name, options.overrides, device, options.rounds)
            rows.append((name, f"{penalty:.3g}", f"{step:.4g}", f"{100 * share:.2f} %"))
        title = f"{' '.join(options.overrides) or 'experiment=demo'}, K = {SAMPLES}, {describe(device)}"
        print_table(title, ["penalty", "penalty, ms", "generator step, ms", "share"], rows)
        rows = []
        for backbone in BACKBONES:
            pdl, l1, ratio = feature_losses(backbone, options.size, device, options.rounds)
            label = f"{backbone.network}: {', '.join(backbone.layers)}"
            rows.append((label, f"{pdl:.4g}", f"{l1:.4g}", f"{ratio:.2f}"))
        title = f"forward and backward, {BATCH} images of {options.size} px, {describe(device)}"
        print_table(title, ["features", "projected distribution, ms", "feature L1, ms", "ratio"], rows)


if __name__ == "__main__":
    main()
