"""Lightning's data parallelism for two players."""

from __future__ import annotations

from pytorch_lightning.strategies import DDPStrategy


class ManualReduceDDP(DDPStrategy):
    """Processes, devices and barriers as ``DDPStrategy`` has them, but the networks are not wrapped.

    Its wrapper watches one backward pass over all parameters. A game has one for each player, and more with lazy prices
    and micro-batches, so each player adds up its own gradients over the ranks when it moves (``gradients``).
    """

    def configure_ddp(self) -> None:
        """Nothing to wrap: weights are the same on all ranks from the start, and moved by the same gradients."""
