"""Lightning's data parallelism for two networks that take turns."""

from __future__ import annotations

from pytorch_lightning.strategies import DDPStrategy


class ManualReduceDDP(DDPStrategy):
    """Processes, devices and barriers as ``DDPStrategy`` has them, but the networks are not wrapped.

    The wrapper of ``DDPStrategy`` reduces gradients during one backward pass over all parameters. A GAN step has a
    backward pass for each network, and more with micro-batches and a lazy gradient penalty, so each optimiser step
    sums its own gradients over the ranks (``collectives.sum_over_ranks``).
    """

    def configure_ddp(self) -> None:
        """Nothing to wrap: all ranks start with the same weights and step along the same gradients."""
