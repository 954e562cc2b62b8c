"""What Lightning and torch say of devices a run does not use, of clocks that are ours, and of themselves."""

from __future__ import annotations

import logging
import warnings

LEFT_OUT = ("does not have many workers", "smaller than the logging interval", "in eval mode", "LeafSpec")


def filter_warnings() -> None:
    """Leave it out, in this process."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    for message in LEFT_OUT:
        warnings.filterwarnings("ignore", message=f".*{message}")
