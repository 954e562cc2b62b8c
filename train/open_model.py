"""Whatever a user may name as a model, as a sampler."""

from __future__ import annotations

from pathlib import Path

import torch

from .exported import load
from .loaded_sampler import LoadedSampler
from .serving import Precision, Serving

CHECKPOINT, CONFIG = ".ckpt", "config.yaml"  # a checkpoint's ending, and what is in every folder of a run


def open_model(name: Path | str, device: torch.device | str = "cpu", precision: Precision = "fp32") -> LoadedSampler:
    """The sampler of an export or of a run; whichever it is, only classes of this package are built.

    Args:
        name: what ``pscgan.load`` takes; or the folder of a run, of which ``best.ckpt`` is taken, or else
            ``last.ckpt``; or a checkpoint.
        device: where the sampler will work.
        precision: see ``Serving``.

    Raises:
        ValueError: naming what there is not, is damaged, or names a class from elsewhere.
        OSError: if it cannot be opened.
    """
    path = Path(name).expanduser()
    if path.suffix != CHECKPOINT and not (path / CONFIG).exists():
        return load(name, device, precision=precision)
    from .export import about_run  # what stands behind training takes many seconds to import
    from .trained import load_trained

    trained = load_trained(path, device, only_ours=True)
    about = about_run(trained) | {"checkpoint": str(trained.checkpoint)}
    serving = Serving(precision=precision)
    return LoadedSampler(trained.generator, trained.degradation, about, trained.device, serving)
