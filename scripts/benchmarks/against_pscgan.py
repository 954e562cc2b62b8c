"""Training beside the published arrangement of PSCGAN (arXiv 2103.04192): images a second and memory, in one run.

The published arrangement is rebuilt from its description, on the same networks: fp32; the whole generator, its encoder
too, runs for each of B + nM inputs (a sample of each of B images, M = 8 more of the first n = B/4); the critic scores
clean images and samples one after the other, and pays its gradient penalty at every step. A batch serves one network,
so a pair of moves takes 2B images, as it does in ``pscgan_ffhq128``, our preset of the same networks and objective.
``denoise128`` is our own recipe, in which a batch serves both. Each has a process of its own, and they take turns::

    OMP_NUM_THREADS=1 python -m pscgan.scripts.benchmarks.against_pscgan
"""

from __future__ import annotations

import copy
import multiprocessing
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

from ...memory import keep_freed_memory
from ...train.runs.cli_errors import report_user_errors
from .throughput import Workload, peak_memory
from .timing import alternate, choose_device, count, describe, make_parser, print_table

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from torch import Tensor, nn

PROGRAM = "python -m pscgan.scripts.benchmarks.against_pscgan"
SIZE, SAMPLES, SIGMA = 128, 8, 25 / 255
PUBLISHED = "published arrangement, fp32"
FAITHFUL = ["experiment=pscgan_ffhq128", "precision=fp32"]
WAYS = {  # overrides, and batches of a pair of moves
    PUBLISHED: (FAITHFUL, 2),
    "pscgan_ffhq128, fp32": (FAITHFUL, 2),
    "pscgan_ffhq128, bf16": (["experiment=pscgan_ffhq128", "precision=bf16"], 2),
    "denoise128, bf16": (["experiment=denoise128", "precision=bf16"], 1),
}


class PublishedArrangement:
    """The published training step.

    Args:
        generator: whose encoder is run again for each sample.
        critic: of its images.
        clean: B images, (B, C, H, W).
    """

    def __init__(self, generator: nn.Module, critic: nn.Module, clean: Tensor) -> None:
        import torch

        self.generator, self.critic, self.clean, self.penalized = generator, critic, clean, len(clean) // 4
        self.optimizers = [
            torch.optim.Adam(network.parameters(), lr=1e-3, betas=(0.0, 0.99)) for network in (generator, critic)
        ]
        self.random = torch.Generator(clean.device).manual_seed(0)

    def pair(self) -> None:
        """A move of the generator and one of the critic, each on a batch of its own."""
        import torch

        for loss_of, optimizer in zip((self._generator_loss, self._critic_loss), self.optimizers, strict=True):
            noise = torch.randn(self.clean.shape, generator=self.random, device=self.clean.device)
            loss = loss_of(self.clean + SIGMA * noise)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    def _sample(self, degraded: Tensor) -> Tensor:
        """x̂ of each input, though some are the same."""
        from ...rng import Rng

        rng = Rng(0, "benchmark", range(len(degraded)), degraded.device)
        z = self.generator.draw_latent(1, SIZE, SIZE, rng)  # type: ignore[operator]
        samples: Tensor = self.generator.decode(self.generator.encode(degraded), z)[0]  # type: ignore[operator]
        return samples

    def _generator_loss(self, degraded: Tensor) -> Tensor:
        import torch

        B, n = len(degraded), self.penalized
        self.critic.requires_grad_(False)
        fake = self._sample(torch.cat([degraded, degraded[:n].repeat_interleave(SAMPLES, 0)]))
        mean = fake[B:].view(n, SAMPLES, *fake.shape[1:]).mean(1)
        first_moment = (mean - self.clean[:n]).square().mean()
        return first_moment - 1e-3 * cast("Tensor", self.critic(fake[:B], degraded)).mean()

    def _critic_loss(self, degraded: Tensor) -> Tensor:
        import torch

        from ...losses.gradient_penalty import WassersteinGradientPenalty
        from ...rng import Rng

        with torch.no_grad():
            fake = self._sample(degraded)
        self.critic.requires_grad_(True)
        difference = cast("Tensor", self.critic(fake, degraded).mean() - self.critic(self.clean, degraded).mean())
        rng = Rng(1, "benchmark", range(len(fake)), fake.device)
        (term,) = WassersteinGradientPenalty()(self.critic, self.clean, fake, degraded, rng, 0).values()
        return difference + term.weight * term.value


def work_of(name: str, batch: int, device: str | None) -> Callable[[], object]:
    """A pair of moves in one of the ways."""
    import torch

    from ...models.layers import EqualizedConv2dOfDoubled

    overrides, batches = WAYS[name]
    data = ["dataset=photos", f"dataset.crop={SIZE}", f"dataset.batch_size={batch}"]
    if "experiment=pscgan_ffhq128" in overrides:
        data.append(f"penalty.first_moment_biased.images={batch // 4}")
    workload = Workload([*overrides, *data], choose_device(device))
    if name != PUBLISHED:
        return partial(workload.train_batches, batches)
    generator, critic = copy.deepcopy(workload.gan_step.generator), copy.deepcopy(workload.gan_step.critic)
    assert critic is not None
    for network in (generator, critic):
        network.to(memory_format=torch.contiguous_format)
    for layer in generator.modules():
        if isinstance(layer, EqualizedConv2dOfDoubled):
            layer.forward = partial(_of_doubled, layer)  # type: ignore[method-assign]
    return PublishedArrangement(generator, critic, workload.images(SIZE)).pair


def _of_doubled(layer: nn.Conv2d, x: Tensor) -> Tensor:
    """As published: the image is doubled, then convolved."""
    from torch.nn.functional import interpolate

    from ...models.layers import EqualizedConv2d

    return EqualizedConv2d.forward(cast(EqualizedConv2d, layer), interpolate(x, scale_factor=2.0))


def serve(name: str, batch: int, device: str | None, turns: Connection) -> None:
    """In a process of its own: a pair of moves for each message, answered by the memory it takes."""
    if name != PUBLISHED:
        keep_freed_memory()  # as ``pscgan train`` does
    work, used = work_of(name, batch, device), choose_device(device)
    turns.send(0)
    while turns.recv():
        alternate({name: work}, used, 0)  # which waits for the device
        turns.send(peak_memory(used))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table."""
    parser = make_parser(PROGRAM, __doc__, rounds=3)
    parser.add_argument("--batch", type=count, default=4, help="B, a multiple of 4 (default 4; published: 32)")
    options = parser.parse_args(arguments)
    with report_user_errors(PROGRAM):
        if options.batch % 4:
            raise ValueError(f"--batch must be a multiple of 4, got {options.batch}")
        device, context = choose_device(options.device), multiprocessing.get_context("spawn")
        pipes: dict[str, Connection] = {}
        memory: dict[str, float] = {}

        def turn(name: str) -> None:
            pipes[name].send(True)
            memory[name] = pipes[name].recv()

        for name in WAYS:
            pipes[name], there = context.Pipe()
            context.Process(target=serve, args=(name, options.batch, options.device, there), daemon=True).start()
            pipes[name].recv()
        times = alternate({name: partial(turn, name) for name in WAYS}, device, options.rounds)
        for pipe in pipes.values():
            pipe.send(False)
    rows = [
        (
            name,
            f"{times.median_ms(name) / 1000:.3g}",
            f"{1000 * batches * options.batch / times.median_ms(name):.3g}",
            f"{times.median_ratio(PUBLISHED, name) * batches / 2:.2f}",
            f"{memory[name]:.0f}",
        )
        for name, (_, batches) in WAYS.items()
    ]
    title = f"{SIZE} px, batches of {options.batch}, {describe(device)}"
    print_table(title, ["", "s, a pair of moves", "images/s", "times as fast", "memory, MB"], rows)


if __name__ == "__main__":
    main()
