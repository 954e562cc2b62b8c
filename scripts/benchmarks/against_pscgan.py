"""Images a second of training beside the published arrangement of PSCGAN (arXiv 2103.04192), in one run.

The published arrangement is rebuilt from its description, on the same networks: fp32; the whole generator, its encoder
too, runs for each of B + nM inputs (a sample of each of B images, M = 8 more of the first n); the critic scores clean
images and samples one after the other, and pays its gradient penalty at every step. A batch serves one network, so a
pair of moves takes 2B images, as it does in our preset of the same networks and objective, ``pscgan_ffhq128``.
``denoise128`` is our own recipe, in which a batch serves both networks::

    OMP_NUM_THREADS=1 python -m pscgan.scripts.benchmarks.against_pscgan --batch 4 --rounds 1
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from ...train.runs.cli_errors import report_user_errors
from .throughput import Workload
from .timing import Works, alternate, choose_device, count, describe, make_parser, print_table

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

PROGRAM = "python -m pscgan.scripts.benchmarks.against_pscgan"
SIZE, SAMPLES, SIGMA = 128, 8, 25 / 255
OURS = {
    "pscgan_ffhq128, fp32": ["experiment=pscgan_ffhq128", "precision=fp32"],
    "pscgan_ffhq128, bf16": ["experiment=pscgan_ffhq128", "precision=bf16"],
    "denoise128, bf16": ["experiment=denoise128", "precision=bf16"],
}
PUBLISHED = "published arrangement, fp32"


class PublishedArrangement:
    """The published training step.

    Args:
        generator: with an encoder that is run again for each sample.
        critic: of its images.
        images: B, (B, C, H, W).
        penalized: n, images of the first-moment penalty.
    """

    def __init__(self, generator: nn.Module, critic: nn.Module, images: Tensor, penalized: int) -> None:
        import torch

        self.generator, self.critic, self.clean, self.penalized = generator, critic, images, penalized
        self.optimizers = [
            torch.optim.Adam(network.parameters(), lr=1e-3, betas=(0.0, 0.99)) for network in (generator, critic)
        ]
        self.random = torch.Generator(images.device).manual_seed(0)

    def pair(self) -> None:
        """A move of the generator and one of the critic, each on a batch of its own."""
        for move, optimizer in zip((self._generator_loss, self._critic_loss), self.optimizers, strict=True):
            degraded = self.clean + SIGMA * self._normal(self.clean)
            loss = move(degraded)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    def _normal(self, like: Tensor) -> Tensor:
        import torch

        return torch.randn(like.shape, generator=self.random, device=like.device)

    def _sample(self, degraded: Tensor) -> Tensor:
        """x̂ of each input, whatever inputs are alike."""
        from ...rng import Rng

        numbers = range(len(degraded))
        z = self.generator.draw_latent(1, SIZE, SIZE, Rng(0, "benchmark", numbers, degraded.device))  # type: ignore[operator]
        images: Tensor = self.generator.decode(self.generator.encode(degraded), z)[0]  # type: ignore[operator]
        return images

    def _generator_loss(self, degraded: Tensor) -> Tensor:
        import torch

        n = self.penalized
        self.critic.requires_grad_(False)
        fake = self._sample(torch.cat([degraded, degraded[:n].repeat_interleave(SAMPLES, 0)]))
        mean = fake[len(degraded) :].unflatten(0, (n, SAMPLES)).mean(1)
        adversarial = -self.critic(fake[: len(degraded)], degraded).mean()
        return (mean - self.clean[:n]).square().mean() + 1e-3 * adversarial

    def _critic_loss(self, degraded: Tensor) -> Tensor:
        import torch

        from ...losses.gradient_penalty import WassersteinGradientPenalty
        from ...rng import Rng

        with torch.no_grad():
            fake = self._sample(degraded)
        self.critic.requires_grad_(True)
        difference = self.critic(fake, degraded).mean() - self.critic(self.clean, degraded).mean()
        rng = Rng(1, "benchmark", range(len(fake)), fake.device)
        terms = WassersteinGradientPenalty()(self.critic, self.clean, fake, degraded, rng, 0)
        return difference + sum(term.weight * term.value for term in terms.values())


def works_of(batch: int, device: torch.device) -> tuple[Works, dict[str, int]]:
    """What is timed, by name, and how many images it takes; n is a quarter of the batch, as in the published one."""
    import torch

    works: Works = {}
    images: dict[str, int] = {}
    for name, overrides in OURS.items():
        chosen = [*overrides, "dataset=photos", f"dataset.crop={SIZE}", f"dataset.batch_size={batch}", "trainer=cpu"]
        published = "experiment=pscgan_ffhq128" in overrides
        workload = Workload([*chosen, *([f"penalty.first_moment_biased.images={batch // 4}"] if published else [])], device)
        if PUBLISHED not in works:
            networks = [copy.deepcopy(network) for network in (workload.gan_step.generator, workload.gan_step.critic)]
            for network in networks:
                network.to(memory_format=torch.contiguous_format)
            works[PUBLISHED] = PublishedArrangement(*networks, workload.images(SIZE), batch // 4).pair
            images[PUBLISHED] = 2 * batch
        batches = 2 if workload.gan_step.alternate else 1
        works[name], images[name] = partial(workload.train_batches, batches), batches * batch
    return works, images


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table."""
    parser = make_parser(PROGRAM, __doc__, rounds=3)
    parser.add_argument("--batch", type=count, default=4, help="B, a multiple of 4 (default 4; published: 32)")
    options = parser.parse_args(arguments)
    with report_user_errors(PROGRAM):
        if options.batch % 4:
            raise ValueError(f"--batch must be a multiple of 4, got {options.batch}")
        device = choose_device(options.device)
        works, images = works_of(options.batch, device)
        times = alternate(works, device, options.rounds)
    rows = []
    for name in works:
        speed = times.median_ratio(PUBLISHED, name) * images[name] / images[PUBLISHED]
        per_second = 1000 * images[name] / times.median_ms(name)
        rows.append((name, f"{times.median_ms(name) / 1000:.3g}", f"{per_second:.3g}", f"{speed:.2f}"))
    title = f"{SIZE} px, batches of {options.batch}, {describe(device)}"
    print_table(title, ["", "s, a pair of moves", "images/s", "times as fast"], rows)


if __name__ == "__main__":
    main()
