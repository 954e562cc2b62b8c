"""What losses cost, as ratios of works that are timed in turn.

Feature losses: the projected distribution loss against the mean absolute difference of the same frozen features, both
forward and backward on a batch of images. Weights are random where they would have to be downloaded.

Penalties: forward and backward of a penalty on K samples, as a share of the whole generator step it is part of: draw K
samples, adversarial term, penalty, backward, optimiser. Takes any override of ``pscgan train`` for that step.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ...train.runs.cli_errors import report_user_errors
from .timing import Works, alternate, choose_device, count, describe, make_parser, print_table

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

PROGRAM = "python -m pscgan.scripts.benchmarks.losses"
BACKBONES = (  # network, layers, weights
    ("vgg19", ("relu3_4", "relu4_4", "relu5_4"), "random"),
    ("vgg19", ("relu1_2", "relu2_2", "relu3_4", "relu4_4", "relu5_4"), "random"),
    ("tf_efficientnet_lite0", ("blocks.0", "blocks.1", "blocks.2", "blocks.4"), "package"),
)
BATCH, SAMPLES = 8, 8
PENALTIES = ("dct_crps", "fair_crps", "patch_energy")


def feature_losses(network: str, layers: Sequence[str], weights: str, size: int, device: torch.device) -> Works:
    """The projected distribution loss and ``FeatureL1``, forward and backward."""
    from ...losses.perceptual import FeatureL1, ProjectedDistributionLoss
    from ...models.features.frozen import FrozenFeatures
    from ...rng import Rng

    features = FrozenFeatures(network, layers, weights).to(device)
    restored, clean = Rng(0, "benchmark", range(2 * BATCH), device).rand(3, size, size).chunk(2)
    losses = {"pdl": ProjectedDistributionLoss(features), "l1": FeatureL1(features)}
    return {name: partial(_forward_backward, loss, restored, clean) for name, loss in losses.items()}


def penalty_and_step(name: str, overrides: Sequence[str], device: torch.device) -> Works:
    """A penalty on K samples, forward and backward, and the generator step that holds it."""
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

    penalty = partial(_forward_backward, gan_step.penalties[name], samples_KBCHW, clean, measurement)
    return {"critic": train_batch, "step": train_batch, "penalty": penalty}  # with alternate, the critic comes first


def _forward_backward(loss: nn.Module, images: Tensor, *others: Any) -> None:
    loss(images.detach().requires_grad_(), *others).backward()


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table of penalties and one of feature losses."""
    parser = make_parser(PROGRAM, __doc__, rounds=5)
    parser.add_argument("overrides", nargs="*", help="of pscgan train, for the generator step (default: the demo)")
    parser.add_argument("--size", type=count, default=128, help="side of the images of feature losses (default 128)")
    options = parser.parse_args(arguments)
    with report_user_errors(PROGRAM):
        device, penalties, features = choose_device(options.device), [], []
        for name in PENALTIES:
            times = alternate(penalty_and_step(name, options.overrides, device), device, options.rounds)
            share = f"{100 * times.median_ratio('penalty', 'step'):.2f} %"
            penalties.append((name, f"{times.median_ms('penalty'):.3g}", f"{times.median_ms('step'):.4g}", share))
        for network, layers, weights in BACKBONES:
            times = alternate(feature_losses(network, layers, weights, options.size, device), device, options.rounds)
            numbers = times.median_ms("pdl"), times.median_ms("l1"), times.median_ratio("pdl", "l1")
            features.append((f"{network}: {', '.join(layers)}", *(f"{number:.4g}" for number in numbers)))
    title = f"{' '.join(options.overrides) or 'experiment=demo'}, K = {SAMPLES}, {describe(device)}"
    print_table(title, ["penalty", "penalty, ms", "generator step, ms", "share"], penalties)
    title = f"forward and backward, {BATCH} images of {options.size} px, {describe(device)}"
    print_table(title, ["features", "projected distribution, ms", "feature L1, ms", "ratio"], features)


if __name__ == "__main__":
    main()
